"""Whatever is posted, and whatever happens meanwhile, arrives, each once."""

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.following.remote import Remote, serving, stat
from tests.following.stations import Home, home
from tests.stations import ALICE, BOB

_POST = st.tuples(
    st.just("post"),
    st.sampled_from([ALICE, BOB]),
    st.sampled_from(["", "a/model"]),
    st.integers(1, 3),
    st.integers(0, 600),
)
_STEPS = st.lists(
    _POST
    | st.tuples(st.sampled_from(["look", "look", "restart", "outage", "end of outage", "killed"]))
    | st.tuples(st.just("wait"), st.sampled_from([1, 30, 300, 1000, 50_000, 100_000])),
    max_size=25,
)


@settings(deadline=None, max_examples=25)
@given(steps=_STEPS, keep_delivered=st.sampled_from([0, 500]))
def test_the_set_of_what_arrives_is_what_was_posted(
    steps: list[tuple[Any, ...]], keep_delivered: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), steps, keep_delivered))


async def _play(folder: Path, steps: list[tuple[Any, ...]], keep_delivered: int) -> None:
    remote, put = Remote(), 0
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(remote))
        here: Home | None = None
        running = await stack.enter_async_context(AsyncExitStack())
        for step in [*steps, ("end of outage",), ("restart",), ("wait", 1), ("look",)]:
            if here is None or step[0] == "restart":
                put += 0 if here is None else await here.put()
                await running.aclose()
                here = await running.enter_async_context(
                    home(folder, remote, url, [ALICE, BOB], keep_delivered=keep_delivered)
                )
                await here.follower.look()
            await _take_step(remote, here, step)
        assert here is not None
        arrived = await here.stored()
        put += await here.put()
    assert Counter((one.orchestrator, one.model, one.success_rate) for one in arrived) == Counter(
        (one["orchestrator"], one["model"], one["success_rate"]) for _, one in remote.stored
    )
    assert put == len(remote.stored) == len({one.id for one in arrived})


async def _take_step(remote: Remote, here: Home, step: tuple[Any, ...]) -> None:
    match step:
        case ("post", orchestrator, model, kind, late):
            # It lies a while back in the leaderboard's time, as what shows up late does. Others
            # that are posted about that day may equal it.
            one = stat(
                orchestrator=orchestrator,
                model=model,
                success_rate=kind / 4,
                timestamp=int(remote.now) // 100_000 * 100_000,
            )
            remote.post(one, at=remote.now - late)
        case ("wait", seconds):
            remote.now += seconds
        case ("look",):
            await here.follower.look()
            await here.station.delivered()
        case ("killed",):
            here.door.dies = True
            await here.follower.look()
            here.door.dies = False
            await here.station.delivered()
            # What it knows is gone with it.
            here.follower._memories.clear()
        case ("outage",):
            remote.answer = web.Response(status=503, body=msgspec.json.encode({}))
        case ("end of outage",):
            remote.answer = None
