import pytest

from exporter.leaderboard.display import shown


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_addresses_are_shown_as_eip_55_says(address: str) -> None:
    assert shown(address.lower()) == address


@pytest.mark.parametrize("identity", ["own-runner", "0x12", "", "日本"])
def test_an_id_is_shown_as_it_is(identity: str) -> None:
    assert shown(identity) == identity
