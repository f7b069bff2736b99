"""How far the phases that the whole program measured are from what the simulated network did."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from exporter.model import Measurement, Outcome, Target
from exporter.outbox import Outbox
from exporter.simulation.journal import JobRecord
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import LLM, Profile, populate
from tests.system.service import jobs_done, running, until, write_config

PHASES = ("upload", "inference", "download")
MILLISECONDS = 1e6
SCHEDULE = {"interval": 1.0, "cold_interval": 1.0, "drain": 5.0, "max_parallel": 1}
SECONDS = (0.05, 0.15)
"""Shortest and longest job."""


def brisk_network() -> SimulatedNetwork:
    """Eight fast orchestrators whose jobs are short and whose answers are quickly made."""
    members = [
        msgspec.structs.replace(
            member,
            models=tuple(
                msgspec.structs.replace(model, warm=True, seconds=SECONDS)
                for model in member.models
                if model.pipeline == LLM
            ),
            offered=(),
        )
        for member in populate(8, 5, [Profile.FAST])
    ]
    return SimulatedNetwork(seed=5, members=members)


async def phase_errors(
    network: SimulatedNetwork, folder: Path, store: Mapping[str, Any], jobs: int
) -> dict[str, list[float]]:
    """Run probe and station until so many jobs are done; errors by phase, in milliseconds.

    How long an orchestrator worked is what its journal says. It is on this machine, so that the
    rest of a job takes no time but for the tester's and the kernel's own: all of upload and
    download counts as an error.
    """
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    config, plain = write_config(
        network,
        folder,
        schedule=SCHEDULE,
        store=dict(store),
        outbox={"keep_delivered": 100_000},
    )
    log = folder / "log"
    since = time.monotonic_ns()
    async with running("run", "--together", "--config", str(config), log=log) as program:
        await until(lambda: len(jobs_done(log)) >= jobs, f"{jobs} jobs are done", patience=600)
        await program.stop()
    outbox = Outbox.open(
        Path(plain["data"]) / "outbox.sqlite", max_bytes=2**30, keep_delivered=100_000
    )
    done = [one for _, one in await outbox.tail(100_000)]
    await outbox.close()
    return errors(done, [one for one in network.record if one.received_at >= since])


def errors(done: Sequence[Measurement], records: Sequence[JobRecord]) -> dict[str, list[float]]:
    """By phase, milliseconds, for each good job and its record."""
    clock = time.time_ns() - time.monotonic_ns()
    by_target: dict[Target, list[JobRecord]] = {}
    for record in records:
        by_target.setdefault(record.target, []).append(record)
    found: dict[str, list[float]] = {phase: [] for phase in PHASES}
    for one in done:
        if one.outcome is not Outcome.OK:
            continue
        phases = one.phases
        assert phases.upload is not None
        assert phases.inference is not None
        assert phases.round_trip is not None
        began = one.started_at - clock
        (record,) = [
            each
            for each in by_target[one.target]
            if began <= each.received_at <= began + phases.round_trip
        ]
        served = record.finished_at - record.received_at
        found["upload"].append(phases.upload / MILLISECONDS)
        found["inference"].append(abs(phases.inference - served) / MILLISECONDS)
        found["download"].append((phases.download or 0) / MILLISECONDS)
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values is below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
