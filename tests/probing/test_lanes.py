import msgspec

from exporter.model import Offer
from exporter.probing.lanes import Lane, Lanes
from exporter.settings import Lane as LaneSettings
from tests.probing.shared_lanes import offer


async def lane_of(lanes: Lanes, of: Offer) -> Lane:
    route = lanes.route(of)
    assert route is not None
    async with lanes.lease(route) as lane:
        return lane


async def test_lanes_named_for_an_orchestrator_come_before_the_one_for_everyone() -> None:
    lanes = Lanes(
        [
            LaneSettings(kind="direct"),
            LaneSettings(kind="pinned", orchestrator="a", url="http://gateway:1/"),
        ]
    )
    pinned, direct = await lane_of(lanes, offer("a")), await lane_of(lanes, offer("b"))
    assert (pinned.url, pinned.kind.value) == ("http://gateway:1", "pinned")
    assert (direct.url, direct.kind.value) == ("http://b:8000", "direct")
    assert pinned.trusted == {("gateway", 1)}
    assert direct.trusted == frozenset()
    assert await lane_of(lanes, offer("a")) is pinned


async def test_a_token_goes_only_to_what_the_settings_name() -> None:
    lane = LaneSettings.model_validate({"kind": "direct", "orchestrator": "a", "token": "s3cret"})
    lanes = Lanes([lane])
    stranger, own = offer("a"), msgspec.structs.replace(offer("a"), named_by_operator=True)
    for_stranger, for_own = await lane_of(lanes, stranger), await lane_of(lanes, own)
    assert for_stranger.token is None
    assert for_own.token is not None
    assert for_own.trusted == {("a", 8000)}
    assert for_stranger.trusted == frozenset()


def test_who_has_no_lane_has_no_route() -> None:
    lanes = Lanes([LaneSettings(kind="pinned", orchestrator="a", url="http://gateway:1")])
    assert lanes.route(offer("b")) is None
