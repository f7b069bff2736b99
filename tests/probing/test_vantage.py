"""How far away an address is."""

import pytest

from exporter.probing.vantage import Vantage, vantage


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("127.0.0.1", Vantage.MACHINE),
        ("127.9.9.9", Vantage.MACHINE),
        ("::1", Vantage.MACHINE),
        ("::ffff:127.0.0.1", Vantage.MACHINE),
        ("10.0.0.1", Vantage.NEIGHBOURHOOD),
        ("192.168.1.1", Vantage.NEIGHBOURHOOD),
        ("100.64.0.1", Vantage.NEIGHBOURHOOD),
        ("169.254.1.1", Vantage.NEIGHBOURHOOD),
        ("fe80::1%eth0", Vantage.NEIGHBOURHOOD),
        ("fe80::1%\ud800", Vantage.NEIGHBOURHOOD),
        ("fd00::1", Vantage.NEIGHBOURHOOD),
        ("9.9.9.9", Vantage.INTERNET),
        ("2620:fe::fe", Vantage.INTERNET),
    ],
)
def test_an_address_is_our_machines_near_us_or_anywhere(address: str, where: Vantage) -> None:
    assert vantage(address) is where


def test_what_is_nearer_is_less() -> None:
    assert Vantage.MACHINE < Vantage.NEIGHBOURHOOD < Vantage.INTERNET
