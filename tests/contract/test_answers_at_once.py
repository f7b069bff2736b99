"""How answers are prepared, kept and bounded: nobody waits for a store that is slow or away."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientResponse

from exporter.stores import Store, StoreError
from exporter.stores.embedded import EmbeddedStore
from exporter.web import computed, go_json
from tests.contract.conftest import A, B, Leaderboard, leaderboard
from tests.waiting import until

READ = ("aggregated_stats", f"raw_stats?orchestrator={A}", "top_ai_score", "pipelines", "regions")
COMPUTED = (
    "aggregated_stats?since=0",
    "aggregated_stats?region=FRA",
    "aggregated_stats?job_type=ai",
    f"raw_stats?orchestrator={A}",
    "pipelines?since=0",
)
QUESTIONS = (
    *("spelled_groups", "median", "medians", "transcoding_groups", "served", "regions", "newest"),
)


class Watched:
    """A real store whose questions are counted, and that can be slow to answer, or away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: Counter[str] = Counter()
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._watch(name, found) if name in QUESTIONS else found

    def _watch(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*about: Any, **more: Any) -> Any:
            self.asked[name] += 1
            await self.open.wait()
            if self.away:
                raise StoreError("it has gone")
            return await ask(*about, **more)

        return asked


@asynccontextmanager
async def watched(folder: Path, **more: Any) -> AsyncIterator[tuple[Leaderboard, Watched]]:
    store = Watched(EmbeddedStore.open(folder / "store.duckdb"))
    async with leaderboard(folder, cast("Store", store), **more) as board:
        yield board, store


async def get(board: Leaderboard, target: str) -> ClientResponse:
    response = await board.station.client.get(f"/api/{target}")
    await response.read()
    return response


async def is_plain_503(response: ClientResponse) -> None:
    said = await response.text()
    assert (response.status, said[:4]) == (503, "503 "), said
    assert said.endswith("try again later\n")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_after_a_restart_there_is_an_answer_at_once_though_the_store_is_slow(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as (board, _):
        await board.post_ai(("FRA", A, 1, 2), ("LAX", B, 1, 4))
        await board.post(region="SIN", orchestrator=A)
        targets = [*(f"top_ai_score?orchestrator={name}" for name in (A, B))]
        targets += ["aggregated_stats", "pipelines", "pipelines?region=lax", "regions"]
        targets += ["aggregated_stats?pipeline=Text+to+image&model=m/one"]
        before = [await board.read(target) for target in targets]
    assert (tmp_path / "leaderboard.msgpack").is_file()
    store = Watched(EmbeddedStore.open(tmp_path / "store.duckdb"))
    store.open.clear()
    async with leaderboard(tmp_path, cast("Store", store)) as board:
        async with asyncio.timeout(5):
            assert [await board.read(target) for target in targets] == before
        store.away = True
        store.open.set()
        assert [await board.read(target) for target in targets] == before
        board.clock.move(3601)
        for target in targets:
            await is_plain_503(await get(board, target + "&x" if "?" in target else target + "?x"))


async def test_answers_for_another_window_are_not_served_after_a_restart(tmp_path: Path) -> None:
    async with leaderboard(tmp_path) as board:
        board.clock.move(-7200)
        await board.post_ai(("FRA", A, 1, 2))
        board.clock.move(7200)
        await board.station.delivered()
        assert (await board.ask("pipelines"))["pipelines"]
    async with leaderboard(tmp_path, window=3600) as board:
        assert await board.ask("pipelines") == {"pipelines": []}


async def test_a_question_that_takes_too_long_is_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(tmp_path) as (board, store):
        await board.post_ai(("FRA", A, 1, 2))
        monkeypatch.setattr(computed, "PATIENCE", 0.05)
        store.open.clear()
        for target in COMPUTED:
            await is_plain_503(await get(board, target))
        monkeypatch.undo()
        store.open.set()
        for target in COMPUTED:
            assert (await get(board, target)).status == 200, target


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x80", b"\x84\xa8taken_at\xc0"])
async def test_a_file_of_answers_that_is_broken_is_left_aside(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "leaderboard.msgpack").write_bytes(content)
    async with leaderboard(tmp_path) as board:
        assert await board.read("aggregated_stats") == b"{}"


async def test_a_store_that_is_away_is_503_at_once_in_plain_text(tmp_path: Path) -> None:
    inner = EmbeddedStore.open(tmp_path / "store.duckdb")
    store = Watched(inner)
    store.away = True
    async with leaderboard(tmp_path, cast("Store", store)) as board:
        async with asyncio.timeout(5):
            for target in (*READ, *COMPUTED):
                await is_plain_503(await get(board, target))
        assert (await get(board, "aggregated_stats?since=x")).status == 400
        # Posts are taken all the same, and are there when the store is back.
        body = b'{"region":"FRA","orchestrator":"%s"}' % A.encode()
        assert (await board.send(body)).status == 200
        store.away = False
        await board.station.delivered()
        for target in (*READ, *COMPUTED):
            assert (await get(board, target)).status == 200, target
        assert list(await board.ask("aggregated_stats")) == [A]


async def test_a_store_that_goes_away_later_is_503_only_for_what_it_is_asked(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as (board, store):
        await board.post_ai(("FRA", A, 1, 2))
        store.away = True
        for target in COMPUTED:
            await is_plain_503(await get(board, target))
        for target in ("aggregated_stats", f"top_ai_score?orchestrator={A}", "pipelines"):
            assert (await get(board, target)).status == 200
        store.away = False
        assert (await get(board, COMPUTED[0])).status == 200, "a failure is not kept"


async def test_who_asks_the_same_at_once_is_answered_by_one_computation(tmp_path: Path) -> None:
    async with watched(tmp_path) as (board, store):
        await board.post_ai(("FRA", A, 1, 2))
        store.asked.clear()
        store.open.clear()
        same = ("region=FRA", "region=fra", "region=fra&x=y", "Region=x&region=Fra")
        asking = [
            asyncio.create_task(get(board, f"aggregated_stats?job_type=ai&{query}"))
            for query in same * 10
        ]
        await until(lambda: bool(store.asked))
        store.open.set()
        answers = await asyncio.gather(*asking)
        assert {answer.status for answer in answers} == {200}
        assert len({await answer.read() for answer in answers}) == 1
        assert store.asked == {"spelled_groups": 1, "median": 1}
        await get(board, "aggregated_stats?job_type=ai&region=FRA")
        assert store.asked == {"spelled_groups": 1, "median": 1}, "it is kept for a while"


async def test_what_is_prepared_asks_the_store_nothing(tmp_path: Path) -> None:
    async with watched(tmp_path) as (board, store):
        await board.post_ai(("FRA", A, 1, 2))
        store.asked.clear()
        for query in ("", "?pipeline=Text+to+image&model=m/one", f"?orchestrator={A}"):
            await board.ask(f"aggregated_stats{query}")
        for target in ("pipelines", "pipelines?region=FRA", f"top_ai_score?orchestrator={A}"):
            await board.ask(target)
        await board.ask("regions")
        assert not store.asked


async def test_too_many_different_questions_at_once_are_503(tmp_path: Path) -> None:
    async with watched(tmp_path) as (board, store):
        await board.station.delivered()
        store.asked.clear()
        store.open.clear()
        asking = [
            asyncio.create_task(get(board, f"aggregated_stats?since={number}"))
            for number in range(computed.WAITING + 6)
        ]
        for done in itertools.islice(asyncio.as_completed(asking), 6):
            await is_plain_503(await done)
        assert (await get(board, "aggregated_stats")).status == 200, "what is prepared is not"
        assert store.asked["transcoding_groups"] <= computed.AT_ONCE
        store.open.set()
        statuses = Counter([(await task).status for task in asking])
        assert statuses == {200: computed.WAITING, 503: 6}
        metrics = await (await board.station.client.get("/metrics")).text()
        assert 'reason="busy"} 6' in metrics


async def test_the_age_header_grows_until_the_answer_is_made_anew(tmp_path: Path) -> None:
    async with leaderboard(tmp_path) as board:
        await board.post_ai(("FRA", A, 1, 2))
        for moved, age in ((0, "0"), (2.5, "2"), (40, "42")):
            board.clock.move(moved)
            for target in ("aggregated_stats", "pipelines", "regions", "top_ai_score"):
                assert (await get(board, target)).headers["Age"] == age, target
        await board.station.delivered()
        for target in ("aggregated_stats", "pipelines", "regions", "top_ai_score"):
            assert (await get(board, target)).headers["Age"] == "0", target
        assert (await get(board, "aggregated_stats?since=0")).headers["Age"] == "0"
        assert "Age" not in (await get(board, "aggregated_stats?since=x")).headers


async def test_an_answer_is_made_once_however_the_question_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0
    dumps = go_json.dumps

    def counted(value: object) -> bytes:
        nonlocal made
        made += 1
        return dumps(value)

    async with leaderboard(tmp_path) as board:
        await board.post_ai(("FRA", A, 1, 2), ("LAX", B, 1, 4))
        monkeypatch.setattr(go_json, "dumps", counted)
        asked = {
            "aggregated_stats?pipeline=Text+to+image&model=m/one": 1,
            "aggregated_stats?model=m%2Fone&pipeline=Text%20to%20image&x=1": 1,
            f"aggregated_stats?model=m/one&pipeline=Text+to+image&orchestrator={A}": 2,
            "pipelines": 3,
            "pipelines?region=FRA": 4,
            "pipelines?region=fra&x=2": 4,
            f"top_ai_score?orchestrator={A}": 5,
            f"top_ai_score?x=3&orchestrator={A}": 5,
            f"top_ai_score?orchestrator={B}": 6,
            "regions": 7,
            "regions?x=4": 7,
            "aggregated_stats": 8,
            "aggregated_stats?x=5": 8,
        }
        answers: dict[int, bytes] = {}
        for target, times in asked.items():
            response = await get(board, target)
            assert (response.status, made) == (200, times), target
            assert answers.setdefault(times, await response.read()) == await response.read()
        assert len(set(answers.values())) == len(asked) - 5
        await board.station.here.prepared.refresh()
        await get(board, "pipelines")
        assert made == 9, "nothing is kept of another snapshot"
