import msgspec
import pytest

from exporter.model import Blame, LaneKind, Outcome
from tests.measurements import failed, good
from tests.stations import ALICE, BOB, Station, offer


def report(number: int) -> dict[str, object]:
    return {"number": number, "expected": 3, "done": 2, "skipped": {"stopped": 1}, "left": 0}


async def test_the_latest_round_comes_first_as_the_probe_told_it(station: Station) -> None:
    assert await station.json("/api/v1/rounds") == {"rounds": []}
    await station.outbox.publish("rounds", msgspec.json.encode([report(1), report(2)]))
    assert await station.json("/api/v1/rounds") == {"rounds": [report(2), report(1)]}


@pytest.mark.parametrize("payload", [b"", b"{", b"7", b'[{"number":', b"[1]", b"[" * 100_000])
async def test_rounds_that_make_no_sense_are_none(station: Station, payload: bytes) -> None:
    await station.outbox.publish("rounds", payload)
    assert await station.json("/api/v1/rounds") == {"rounds": []}


async def test_rounds_take_no_parameters(station: Station) -> None:
    assert "limit" in (await station.json("/api/v1/rounds?limit=3", status=400))["error"]


async def test_a_target_says_which_bound_holds_it_back(station: Station) -> None:
    await station.supplied(
        offer(ALICE), offer(BOB), offer(BOB, model="m/two", not_tested="not among those")
    )
    held = [
        ({"orchestrator": who, "pipeline": "text-to-image", "model": model}, "not at our price")
        for who, model in [(BOB, "stabilityai/sd-turbo"), (BOB, "m/two")]
    ]
    await station.outbox.publish("held_back", msgspec.json.encode(held))
    targets = (await station.json("/api/v1/targets"))["targets"]
    assert {(t["orchestrator"], t["model"]): t["held_back"] for t in targets} == {
        (ALICE, "stabilityai/sd-turbo"): None,
        (BOB, "stabilityai/sd-turbo"): "not at our price",
        (BOB, "m/two"): None,
    }


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b'[["a","b"]]', b"\xff"])
async def test_bounds_that_make_no_sense_hold_nothing_back(
    station: Station, payload: bytes
) -> None:
    await station.supplied(offer(ALICE))
    await station.outbox.publish("held_back", payload)
    [target] = (await station.json("/api/v1/targets"))["targets"]
    assert target["held_back"] is None


async def test_a_target_that_the_gateway_refuses_to_pay_for_is_held_back(station: Station) -> None:
    await station.supplied(offer(ALICE))
    dear = failed("a", Outcome.PRICE_ABOVE_LIMIT, None, lane=LaneKind.MANAGED)
    await station.give(dear)
    [target] = (await station.json("/api/v1/targets"))["targets"]
    assert target["held_back"] == "not tested at our price: above a limit of the gateway"
    await station.outbox.publish("held_back", msgspec.json.encode([(dear.target, "too much")]))
    [target] = (await station.json("/api/v1/targets"))["targets"]
    assert target["held_back"] == "too much", "a bound of ours says more"
    await station.outbox.publish("held_back", b"[]")
    await station.give(failed("b", Outcome.UNAVAILABLE, Blame.UNKNOWN), good("c"))
    [target] = (await station.json("/api/v1/targets"))["targets"]
    assert target["held_back"] is None


async def test_the_home_page_shows_the_latest_rounds(station: Station) -> None:
    assert "Rounds" not in await station.page("/")
    reports = [
        report(number) | {"started_at": 1_790_000_000.0 + 60 * number, "seconds": 2.5, "passed": 2}
        for number in range(9)
    ]
    await station.outbox.publish("rounds", msgspec.json.encode(reports))
    page = await station.page("/")
    assert page.count("1 x stopped") == 5
    assert page.index("14:21:20") < page.index("14:20:20"), "the one that ended last comes first"
    assert "14:13:20" not in page
    assert 'href="/api/v1/rounds"' in page


@pytest.mark.parametrize("payload", [b"{", b"7", b"[1]", b'[{"skipped": 1}]', b'[{"done": "x"}]'])
async def test_rounds_that_make_no_sense_are_not_on_the_page(
    station: Station, payload: bytes
) -> None:
    await station.outbox.publish("rounds", payload)
    assert "Rounds" not in await station.page("/")


async def test_a_round_with_a_moment_beyond_all_calendars_is_shown_all_the_same(
    station: Station,
) -> None:
    await station.outbox.publish("rounds", msgspec.json.encode([{"started_at": 1e300}]))
    assert "Rounds" in await station.page("/")
