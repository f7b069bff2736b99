"""When an advert was read."""

import msgspec
import pytest

from exporter.model import Offer, SourceState, Supply
from exporter.probing.scheduling.adverts import Adverts
from tests.probing.shared_lanes import offer

TAKEN_AT = 900


def adverts(**refreshed: int | None) -> Adverts:
    states = (
        SourceState(name=name, offers=1, refreshed_at=moment) for name, moment in refreshed.items()
    )
    return Adverts(Supply(offers=(), sources=tuple(states), taken_at=TAKEN_AT))


def by(*sources: str) -> Offer:
    return msgspec.structs.replace(offer("o"), sources=sources)


@pytest.mark.parametrize(
    ("sources", "read_at"),
    [
        (("fresh",), 800),
        (("stale",), 300),
        (("fresh", "stale"), 300),
        (("never",), None),
        (("fresh", "never"), None),
        (("unheard-of",), TAKEN_AT),
        ((), TAKEN_AT),
    ],
)
def test_an_offer_is_as_old_as_the_oldest_of_its_sources(
    sources: tuple[str, ...], read_at: int | None
) -> None:
    known = adverts(fresh=800, stale=300, never=None)
    assert known.read_at(by(*sources)) == read_at


def test_before_anything_was_read_nothing_is_known() -> None:
    assert Adverts().read_at(by("fresh")) is None
