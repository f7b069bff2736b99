import asyncio
import gc
import re
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.simulation.replay import recordings
from tests.simulation.replay.comparison import clean_pools, differences, log_differences
from tests.simulation.replay.exchange import Seen, send
from tests.simulation.replay.recordings import Lane, Step
from tests.simulation.replay.stage import Stage, staged

pytestmark = pytest.mark.skipif(
    not recordings.available(), reason=f"no recordings of a real gateway in {recordings.FOLDER}"
)


@pytest.fixture(scope="module", autouse=True)
def no_pauses() -> Iterator[None]:
    """Leave out of the garbage collector's rounds what other tests made: they take milliseconds."""
    gc.freeze()
    yield
    gc.unfreeze()


class Deviation(NamedTuple):
    """A difference that is right; both patterns must match, the step's name has its setting."""

    steps: str
    difference: str
    reason: str


DEVIATIONS = (
    Deviation(
        r".*-audio-mp3-1",
        r"log line 4: .*Processed AI request.* for '\[mp3 @",
        "the line comes from the real node's own media library and tells of one file only",
    ),
    Deviation(
        r"retry-1ms-capacity-.*-[23]",
        r"log line \d+: '.*(selecting orch|Processed AI).* for '.*(selecting orch|Processed AI)|"
        r"pool warm: \{'size': 1, 'in_use': 1, 'orchestrators': \[\('A', [1-9], .* for "
        r"\{'size': 1, 'in_use': 1, 'orchestrators': \[\('A', [1-9], ",
        "how many refused tries fit into 1 ms is chance: 1 or 2 in the recordings as well",
    ),
    Deviation(
        r".*-orch-dead-(cached|repeat)-.*",
        r"log line \d+: .*(REFUSED|CUT).* for .*(REFUSED|CUT)",
        "whether a dead peer shows first as a reset or as a refused connection is chance",
    ),
    Deviation(
        r"retry-1ms-orch-dead-(cached|repeat)-.*",
        r"answer: \((503, False|None, True|200, False)\) for .*Service Unavailable|"
        r"answer: \((None, True|200, False)\) for \(503, False\): b'(null.n)?'|"
        r"log line \d+: .*(selecting orch|Processed AI|API code=503).* for|"
        r"\d+ (more|missing) log lines|took|pool suspended: ",
        "whether the first try on a dead session takes under 1 ms decides if there is a second: "
        "503 at once, or null or closed after 3.0 s, and 4 refreshes more on the count",
    ),
    Deviation(
        r"default-pool-of-two-.*-9",
        r"runner calls: \{'A': (9|10|11), 'B': (9|10|11)\} for",
        "which of two equals is tried first after each refresh is decided by microseconds",
    ),
)

_SETTLED_SECONDS = 0.04
_TRIES_WITHIN_1_MS = 3
"""How often a lane is replayed whose gateway begins no further try after 1 ms of real time: where
the machine does something else for that long, the whole lane goes another way than the recorded
one did. A difference that is no chance shows each time."""
_LANES = recordings.lanes()


@pytest.mark.parametrize("lane", _LANES, ids=[lane.name for lane in _LANES])
async def test_a_lane_is_replayed_as_it_was_recorded(lane: Lane) -> None:
    for left in reversed(range(_TRIES_WITHIN_1_MS if lane.name.startswith("retry-1ms") else 1)):
        found = await _differences(lane)
        if not found or not left:
            break
    assert not found, "\n".join(found)


async def _differences(lane: Lane) -> list[str]:
    found: list[str] = []
    media: dict[str, str] = {}
    async with staged(lane) as stage, httpx.AsyncClient(trust_env=False) as client:
        for step in lane.steps:
            name = f"{lane.setting}-{step.name}"
            different = await _replay(stage, step, client, media)
            found += [f"{name}: {line}" for line in different if not _is_right(name, line)]
    return found


def test_every_recorded_step_is_replayed() -> None:
    assert len(_LANES) == 93
    assert sum(len(lane.steps) for lane in _LANES) == 413


def _is_right(step: str, difference: str) -> bool:
    return any(
        re.fullmatch(one.steps, step) and re.match(one.difference, difference) for one in DEVIATIONS
    )


async def _replay(
    stage: Stage, step: Step, client: httpx.AsyncClient, media: dict[str, str]
) -> list[str]:
    await stage.switch(step, client)
    before = {side: side.runner.calls for side in stage.sides.values()}
    at = len(stage.lines)
    port = stage.gateway.cli_url if step.request["port"] == "cli" else stage.gateway.url
    path = media.get(step.request["path"], step.request["path"])
    seen = await send(client, port, step.request, path, stage.lane.speed)
    await asyncio.sleep(_SETTLED_SECONDS)
    lines = stage.lines[at:]
    answer = await client.get(stage.gateway.cli_url + "/getAISessionPoolsInfo")
    _remember(step, seen, media)

    def judge() -> list[str]:
        names = {side.node.url: name for name, side in stage.sides.items()}
        calls = {name: side.runner.calls - before[side] for name, side in stage.sides.items()}
        return differences(step, seen, clean_pools(answer.json(), names), calls)

    found = judge()
    if found and _are_equals(stage, step):
        stage.relabel()
        other = judge()
        if len(other) < len(found):
            found = other
        else:
            stage.relabel()
    return found + log_differences(step, lines)


def _are_equals(stage: Stage, step: Step) -> bool:
    """Whether A and B have just been found anew: then it is chance who is which."""
    fresh = stage.has_two and step.number in (1, 9, 10)
    return fresh or (step.scenario, step.number) == ("webhook-500", 2)


def _remember(step: Step, seen: Seen, media: dict[str, str]) -> None:
    """Which of our media stands for which recorded one."""
    recorded = step.response.get("body")
    if not isinstance(recorded, str) or '"url"' not in recorded or not seen.body:
        return
    theirs = recorded.partition('"url":"')[2].partition('"')[0]
    media[theirs] = seen.body.decode().partition('"url":"')[2].partition('"')[0]
