"""Where the tester may connect on somebody else's word."""

import pytest

from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard

FORBIDDEN = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.88.99.1",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="refused"):
        Guard().check_address(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "172.32.0.1"])
def test_a_public_address_is_let_through(address: str) -> None:
    Guard().check_address(address)


def test_only_what_the_settings_name_is_exempt() -> None:
    guard = Guard(["127.0.0.1/32", "10.0.0.0/8"])
    guard.check_address("127.0.0.1")
    guard.check_address("::ffff:10.9.9.9")
    with pytest.raises(ForbiddenAddressError):
        guard.check_address("127.0.0.2")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme 'file'"),
        ("gopher://example.com/", "scheme 'gopher'"),
        ("//example.com/x", "scheme ''"),
        ("http://user:secret@example.com/", "user name"),
        ("http:///path", "no host"),
        ("http://[::1", "refused"),
        ("http://example.com:99999/", "refused"),
        ("http://example.com/" + "x" * 3000, "characters"),
    ],
)
def test_a_url_of_a_stranger_is_refused_by_its_form(url: str, reason: str) -> None:
    with pytest.raises(ForbiddenAddressError, match=reason):
        Guard().check_url(url)


def test_the_refusal_does_not_repeat_a_secret() -> None:
    with pytest.raises(ForbiddenAddressError) as caught:
        Guard().check_url("http://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value)
