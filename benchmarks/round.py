"""How soon a round over managed lanes ends, against the least time that it can take.

Run with `python -m benchmarks.round`; takes about four minutes. The real probe process tests 100
simulated orchestrators with 10 models each over gateways that it runs itself, for two rounds: in
the first it does not know yet how long jobs take. The network lives in this process; gateways are
processes, as they always are. No round is shorter than the longest chain of one orchestrator with
one pin, or all jobs and one pin for each orchestrator over all lanes; the bound is 1.10 of that.
A pin counts there as what it takes alone; beside it the ratio stands once more with a pin as it was
in that round, since a busy machine (this one runs the network, too) makes pins slow. What the
schedule alone makes of other shapes of jobs follows, in virtual time.
"""

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
import psutil

from benchmarks._processes import answer, cpu, process, until, write_config
from benchmarks._rounds import Moment, Round
from benchmarks._table import print_table
from benchmarks._virtual_rounds import HEADER, virtual_rounds
from exporter.model import Target
from exporter.outbox import Outbox
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.pool import ManagedPool
from exporter.settings.livepeer import Livepeer
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import LLM, Member, Profile, ServedModel, populate

ORCHESTRATORS = 100
MODELS = 10
LANES = 12
SHORTEST, LONGEST = 0.5, 2.0
"""Seconds of a job: each target has a place of its own between them."""
JITTER = 0.05
"""By how much of itself a job is shorter or longer than others of its target."""
ROUNDS = 2
LIMIT = 1.10
PINS = 5
"""Pins that are timed alone, while nothing else runs."""
POLL = 0.1


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        alone, rounds = asyncio.run(measure(Path(folder)))
    print_table(
        f"{ORCHESTRATORS} orchestrators x {MODELS} models on {LANES} managed lanes "
        f"(bound: {LIMIT:.2f} of the least); a pin alone takes {alone:.2f} s",
        [
            "round",
            "jobs",
            "ok",
            "makespan s",
            "least s",
            "ratio",
            "with such pins",
            "pins",
            "handed over",
            "pin s",
            "probe CPU s",
            "machine busy %",
        ],
        [[number, *one.summary()] for number, one in enumerate(rounds, 1)],
    )
    print_table(
        "Where the lanes' time went, % of lanes x makespan, and ms a job",
        ["round", "inference %", "pins %", "gateway ms", "between jobs ms", "idle at the end %"],
        [[number, *one.spent()] for number, one in enumerate(rounds, 1)],
    )
    print_table("The schedule alone, in virtual time, on 16 lanes", HEADER, virtual_rounds())


async def measure(folder: Path) -> "tuple[float, list[Round]]":
    """Seconds of a pin alone, and the rounds."""
    members = [a_member(one) for one in populate(ORCHESTRATORS, 1, [Profile.FAST])]
    async with SimulatedNetwork(members=members, lanes="managed") as network:
        plain = write_config(
            network,
            folder,
            schedule={"interval": 1, "max_parallel": LANES},
            livepeer={"lanes": LANES},
        )
        alone = await pin_alone(plain["livepeer"], network.orchestrators[0].gateway_url, folder)
        moments = await watch(folder, f"http://{plain['probe']['listen']}")
        takes: defaultdict[Target, list[float]] = defaultdict(list)
        for record in network.record:
            if record.served == "full":
                takes[record.target].append(record.scripted_seconds)
        outbox = Outbox.open(
            Path(plain["data"]) / "outbox.sqlite", max_bytes=2**30, keep_delivered=0
        )
        measurements = [one for _, one in await outbox.tail(10 * ORCHESTRATORS * MODELS)]
        await outbox.close()
    measurements.sort(key=lambda one: one.started_at)
    pinned: dict[str, str] = {}
    rounds = []
    for report, (before, after) in zip(
        reports(folder / "log"), itertools.pairwise(moments), strict=False
    ):
        done = [one for one in measurements if one.round == report["round"]]
        used = Moment(*(late - early for early, late in zip(before, after, strict=True)))
        rounds.append(
            Round(report, done, lanes=LANES, takes=takes, pinned=pinned, pin=alone, used=used)
        )
    return alone, rounds


def a_member(member: Member) -> Member:
    """The same orchestrator with ten models of various pace, and nothing else on offer."""
    rng = Random(member.number)
    models = []
    for number in range(MODELS):
        typical = rng.uniform(SHORTEST, LONGEST)
        models.append(
            ServedModel(
                pipeline=LLM,
                model=f"example/model-{number}",
                warm=True,
                capacity=1,
                price=1000,
                seconds=(typical * (1 - JITTER), typical * (1 + JITTER)),
            )
        )
    return msgspec.structs.replace(member, models=tuple(models), offered=())


async def pin_alone(settings: dict[str, Any], uri: str, folder: Path) -> float:
    """Median of what ending one gateway and starting the next takes on an idle machine."""
    home = await LaneHome.open(folder / "alone")
    pool = ManagedPool(Livepeer.model_validate({**settings, "lanes": 1}), home)
    took = []
    try:
        for number in range(PINS + 1):
            began = time.perf_counter()
            async with pool.lease(f"pin-{number}", uri):
                took.append(time.perf_counter() - began)
    finally:
        await pool.close()
    return statistics.median(took[1:])


async def watch(folder: Path, url: str) -> list[Moment]:
    """Run the probe for so many rounds; gives the processor time at their borders."""
    arguments = ("probe-process", "--together", "--config", str(folder / "config.yaml"))
    async with (
        process(*arguments, log=folder / "log") as probe,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        await until(lambda: answer(client, f"{url}/readyz"), "the probe is ready")
        moments = [now(probe)]
        while len(moments) <= ROUNDS:
            await asyncio.sleep(POLL)
            if len(reports(folder / "log")) >= len(moments):
                moments.append(now(probe))
    return moments


def now(probe: psutil.Process) -> Moment:
    machine = psutil.cpu_times()
    return Moment(cpu(probe), machine.user + machine.nice + machine.system)


def reports(log: Path) -> list[dict[str, Any]]:
    """The reports of the rounds that are over."""
    lines = (line for line in log.read_text(encoding="utf-8").splitlines() if "round done" in line)
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
