"""Where the tester may connect on somebody else's word."""

import pytest

from exporter.probing.addresses import is_our_own
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
    "3fff::1",
    "5f00::1",
    "::7f00:1",
    "::808:808",
    "::ffff:0:7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "2001:0:808:808::8f7f:fffe",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "2606:4700::1111%eth0",
    "localhost",
    "127.1",
    "0177.0.0.1",
    "",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="refused"):
        Guard().check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.216.34",
        "2606:4700::1111",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_a_public_address_is_let_through(address: str) -> None:
    Guard().check_address(address)


def test_only_what_the_settings_name_is_exempt() -> None:
    guard = Guard(["127.0.0.1/32", "10.0.0.0/8"])
    guard.check_address("127.0.0.1")
    guard.check_address("::ffff:10.9.9.9")
    with pytest.raises(ForbiddenAddressError):
        guard.check_address("127.0.0.2")


def test_an_address_inside_another_is_exempt_only_if_both_are_fit() -> None:
    guard = Guard(["127.0.0.0/8"])
    guard.check_address("2002:7f00:1::")
    with pytest.raises(ForbiddenAddressError, match="it is a reserved address"):
        guard.check_address("::7f00:1")


def test_a_public_address_of_this_machine_is_refused_unless_it_is_exempt() -> None:
    def own(address: str) -> bool:
        return address == "8.8.8.8"

    for spelling in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        with pytest.raises(ForbiddenAddressError, match="an address of this machine"):
            Guard(own=own).check_address(spelling)
        Guard(["8.8.8.8"], own=own).check_address(spelling)
    Guard(own=own).check_address("8.8.4.4")


@pytest.mark.parametrize(("address", "ours"), [("127.0.0.1", True), ("::1", True)])
def test_the_kernel_tells_which_addresses_are_ours(address: str, ours: bool) -> None:
    assert is_our_own(address) is ours


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "no address"])
def test_what_is_not_ours_is_not_said_to_be(address: str) -> None:
    assert not is_our_own(address)


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
        ("http://example.com:0/", "port is 0"),
        ("http://example.com:-1/", "refused"),
        ("http://@127.0.0.1/", "user name"),
        ("http://good.example\\@127.0.0.1/", "user name"),
        ("http://good.example\\.127.0.0.1/", "neither a name"),
        ("http://exa\r\nmple.com/", "control"),
        ("http://exam\tple.com/", "control"),
        ("http://exam\0ple.com/", "control"),
        ("http://127。0。0。1/", "neither a name"),
        ("http://\uff11\uff12\uff17.0.0.1/", "neither a name"),
        ("http://münchen.example/", "neither a name"),
        ("http://%31%32%37.0.0.1/", "neither a name"),
        ("http://[fe80::1%25lo]/", "scope id"),
        ("http://2130706433/", "a number"),
        ("http://127.1/", "a number"),
        ("http://0x7f000001/", "a number"),
        ("http://0177.0.0.1/", "a number"),
        ("http://127.0.0.1./", "a number"),
    ],
)
def test_a_url_of_a_stranger_is_refused_by_its_form(url: str, reason: str) -> None:
    with pytest.raises(ForbiddenAddressError, match=reason):
        Guard().check_url(url)


def test_the_refusal_does_not_repeat_a_secret() -> None:
    with pytest.raises(ForbiddenAddressError) as caught:
        Guard().check_url("http://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value)
