"""The demo: the simulation, the service as its own processes, and somebody who watches."""

import asyncio
import contextlib
import json
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec
import yaml

from exporter.cli.verdict_table import Compared, print_verdicts, verdict
from exporter.exit_code import ENVIRONMENT, FAILED, INTERRUPTED, OK
from exporter.model import NANOSECONDS, LaneKind, Target
from exporter.process import run_until_stopped
from exporter.run import Supervisor
from exporter.settings import Settings
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import DEFAULT_MIX, MANAGED_MIX
from exporter.simulation.profiles import Act
from exporter.simulation.repertoire import behaviour, repertoire

POSTING = {"name": "guest", "secret": "demo"}
"""Who may post results to the demo, which listens on loopback alone; `docs/api.md` shows it."""
GLANCE = 0.2
"""Seconds between two looks at what the probe does."""
PATIENT = {"inference": 300.0, "download": 60.0}
"""Limits where nobody hangs, and all the real work is done on this one machine."""
LOG_TAIL = 5
_MOST_JOBS = 1000
_PRIVATE = 0o600
_ENOUGH = 4
"""Orchestrators from which on one of them is not registered."""


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo was asked to do."""

    once: bool
    orchestrators: int | None
    """`None`: one of each of the profiles that suit the lanes."""
    seed: int
    data: Path | None
    port: int
    lanes: Literal["mixed", "managed"] = "mixed"
    on_chain: bool = False
    compare: bool = False
    all_pipelines: bool = False
    as_json: bool = False


def run_demo(demo: Demo) -> int:
    """Run the demo until its round is done or it is interrupted; gives the exit code."""
    result = _Result()
    with _data_folder(demo.data) as data:

        async def serve(stop: asyncio.Event) -> None:
            await _serve(demo, data, stop, result)

        code = run_until_stopped(serve)
        if code == OK and result.code not in (OK, INTERRUPTED) and result.leaderboard is None:
            _tell_why(data / "demo.log")
        return code or result.code


class _Result:
    code = OK
    round: dict[str, Any] | None = None
    leaderboard: dict[str, Any] | None = None
    compared: list[Compared] | None = None


async def _serve(demo: Demo, data: Path, stop: asyncio.Event, result: _Result) -> None:
    async with _network(demo) as network:
        limits = PATIENT if demo.all_pipelines else {}
        plain = network.settings(
            data,
            demo.port,
            log={"format": "json"},
            limits=limits,
            leaderboard={"secrets": [POSTING]},
        )
        settings = Settings.model_validate(plain)
        config = data / "demo.yaml"
        config.touch(_PRIVATE)
        config.write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
        station = f"http://{settings.station.listen}"
        probe = f"http://{settings.probe.listen}"
        with (data / "demo.log").open("ab") as log:
            supervisor = Supervisor(config, settings, once=demo.once, together=True, log_to=log)
            service = asyncio.create_task(
                supervisor.serve(stop, on_stored=lambda: _collect(demo, network, station, result))
            )
            async with _watching(demo, probe, station):
                await service
        result.code = supervisor.code
        if demo.once and result.leaderboard is not None:
            _print_result(demo, result)
            if result.code == OK and not all(row.right for row in result.compared or ()):
                result.code = FAILED
        elif demo.once and result.code == OK:
            result.code = INTERRUPTED


def _network(demo: Demo) -> SimulatedNetwork:
    mix = MANAGED_MIX if demo.lanes == "managed" else DEFAULT_MIX
    count = demo.orchestrators or len(mix)
    return SimulatedNetwork(
        count,
        demo.seed,
        profiles=mix,
        lanes=demo.lanes,
        on_chain=demo.on_chain,
        registry=not demo.all_pipelines,
        unregistered=1 if count >= _ENOUGH else 0,
        members=repertoire(demo.seed) if demo.all_pipelines else None,
    )


async def _collect(demo: Demo, network: SimulatedNetwork, station: str, result: _Result) -> None:
    """The round is stored: ask the station for what it came to, while it is there."""
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        answer = await client.get(f"{station}/api/v1/leaderboard")
        answer.raise_for_status()
        result.leaderboard = answer.json()
        status = await client.get(f"{station}/api/v1/status")
        status.raise_for_status()
        result.round = (status.json().get("progress") or {}).get("round")
        if demo.compare:
            jobs = await client.get(f"{station}/jobs", params={"limit": _MOST_JOBS})
            jobs.raise_for_status()
            result.compared = _compared(network, demo, jobs.json()["jobs"])


def _compared(network: SimulatedNetwork, demo: Demo, jobs: list[dict[str, Any]]) -> list[Compared]:
    """Each job beside what it deserves for what the orchestrator did when it was run."""
    members = {member.address: member for member in network.members}
    models = {
        target: model
        for member in network.members
        for target, model in zip(member.targets, member.models, strict=True)
    }
    rows, until = [], dict.fromkeys(network.targets, math.inf)
    for job in sorted(jobs, key=lambda job: -float(job["started_at"])):
        target = Target(job["orchestrator"], job["pipeline"], job["model"])
        acts = _acts(network, target, float(job["started_at"]), until[target])
        until[target] = float(job["started_at"])
        kind = LaneKind.MANAGED if demo.lanes == "managed" else _kind(network, target)
        deserved = network.expected(target, acts=acts, lane=kind)
        profile = members[target.orchestrator].profile.value
        rows.append(
            Compared(
                orchestrator=members[target.orchestrator].name,
                profile=behaviour(models[target]) if demo.all_pipelines else profile,
                pipeline=target.pipeline,
                model=target.model,
                found=verdict(job["outcome"], job["blame"]),
                deserved=tuple(sorted(verdict(outcome, blame) for outcome, blame in deserved)),
            )
        )
    return rows


def _acts(network: SimulatedNetwork, target: Target, since: float, until: float) -> set[Act]:
    """What the orchestrator did with the jobs that reached it for the target in that time."""
    clock = time.time_ns() - time.monotonic_ns()
    return {
        record.act
        for record in network.record
        if record.target == target and since <= (record.received_at + clock) / NANOSECONDS < until
    }


def _kind(network: SimulatedNetwork, target: Target) -> LaneKind:
    pinned = network.gateway(target.orchestrator) is not None
    return LaneKind.PINNED if pinned else LaneKind.DIRECT


def _print_result(demo: Demo, result: _Result) -> None:
    from exporter.cli.ranking_table import print_ranking

    done = result.round or {}
    ranking = result.leaderboard or {"entries": []}
    if demo.as_json:
        document = {
            "round": {key: value for key, value in done.items() if key != "outcomes"},
            "outcomes": done.get("outcomes", {}),
            "leaderboard": ranking["entries"],
        }
        if result.compared is not None:
            document["compared"] = [
                msgspec.structs.asdict(row) | {"right": row.right} for row in result.compared
            ]
        print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 - the result
        return
    counts = ", ".join(f"{count} {code}" for code, count in sorted(done["outcomes"].items()))
    print(f"{done['done']} of {done['expected']} jobs done: {counts}")  # noqa: T201 - the result
    for reason, count in sorted(done["skipped"].items()):
        print(f"{count} skipped: {reason}")  # noqa: T201 - the result
    if not demo.all_pipelines:
        print()  # noqa: T201 - the result
        print_ranking(ranking)
    if result.compared is not None:
        print()  # noqa: T201 - the result
        print_verdicts(result.compared, by_pipeline=demo.all_pipelines)


@contextmanager
def _data_folder(asked: Path | None) -> Iterator[Path]:
    if asked is not None:
        try:
            asked.mkdir(parents=True, exist_ok=True)
            (asked / "demo.log").touch()
        except OSError as error:
            print(f"--data {asked}: cannot be used: {error.strerror}", file=sys.stderr)  # noqa: T201 - for the person
            raise SystemExit(ENVIRONMENT) from error
        yield asked.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="livepeer-demo-") as folder:
        yield Path(folder)


def _tell_why(log: Path) -> None:
    """The last errors of the service's log, for the person who sees it stop."""
    print("the service stopped:", file=sys.stderr)  # noqa: T201 - for the person
    events = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("level") == "error":
                events.append(f"  {event['event']}")
                if ".listen`" in event["event"]:
                    events.append("  (for the demo: give another --port)")
    for text in events[-LOG_TAIL:] or ["  no reason was logged"]:
        print(text, file=sys.stderr)  # noqa: T201 - for the person


@asynccontextmanager
async def _watching(demo: Demo, probe: str, station: str) -> AsyncIterator[None]:
    """Show what goes on, on a terminal; elsewhere say only where to look."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not demo.as_json and not demo.once:
        console.print(f"station {station}   probe {probe}   Ctrl-C ends it")
    if not console.is_terminal:
        yield
        return
    watcher = asyncio.create_task(_watch(console, demo, probe, station))
    try:
        yield
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


async def _watch(console: Any, demo: Demo, probe: str, station: str) -> None:  # noqa: ANN401 - rich is imported lazily
    from rich.live import Live

    from exporter.cli.progress_view import progress_view

    async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
        with Live(console=console, refresh_per_second=8, transient=demo.once) as live:
            report = ranking = None
            while True:
                report = await _ask(client, f"{probe}/status") or report
                if not demo.once:
                    ranking = await _ask(client, f"{station}/api/v1/leaderboard") or ranking
                live.update(progress_view(report, ranking, console.width))
                await asyncio.sleep(GLANCE)


async def _ask(client: httpx.AsyncClient, url: str) -> dict[str, Any] | None:
    try:
        answer = await client.get(url)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return document
