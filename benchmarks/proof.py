"""What a proof costs, whom it wrongs and whom it catches, and whether it disturbs measuring.

Run with `python -m benchmarks.proof`; takes most of an hour. `python -m benchmarks.proof upscale`
does one pipeline, `--lag` only the last part. For each pipeline the simulation answers a thousand
jobs honestly, in all of its ways by turns, and tells every lie that it knows; each answer is proven
in the same way as in the service, without a network between. Then eight proofs run at a time while
an event loop like that of the probe watches how late it is.
"""

import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from benchmarks._table import print_table
from exporter.model import Outcome
from exporter.pipelines import Answer, Prepared, Verdict, registry
from exporter.pipelines.kinds import KINDS, make, prove
from exporter.pipelines.proofs import ProofPool
from exporter.pipelines.seen import Seen
from exporter.probe import PROOF_WORKERS
from exporter.probing.lag import LoopLag
from exporter.settings import Pipelines
from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import REPLAYED
from tests.pipelines.crafted import answered

HONEST = 1000
LIES_EACH = 40
T = TypeVar("T")
AT_ONCE = 8
LAG_SECONDS = 20.0
MODEL = "maker/model"
PIPELINES = registry(Pipelines())


def main(names: list[str]) -> None:
    """Measure each pipeline in a process of its own, two at a time; then the event loop."""
    with ThreadPoolExecutor(2) as threads:
        found = dict(zip(names, threads.map(in_a_process, names), strict=True))
    rows: list[list[str | int | float]] = [
        [
            name,
            one["make_ms"],
            one["prove_ms"],
            one["prove_worst_ms"],
            one["prove_mb"],
            f"{one['false_alarms']} of {one['honest']}",
            f"{one['caught']} of {one['lies']}",
        ]
        for name, one in found.items()
    ]
    print_table(
        "Proofs, by CPU time; memory is what the process grew by",
        ["pipeline", "make ms", "proof ms", "worst ms", "MB", "false alarms", "lies caught"],
        rows,
    )
    for name, one in found.items():
        for line in one["wrong"]:
            print(f"{name}: {line}")
    rows = [[name, len(CRAFTS[name].honest), ", ".join(lies_of(name))] for name in names]
    print_table("Honest ways and lies", ["pipeline", "ways", "lies"], rows)
    print_lag(names)


def print_lag(names: list[str]) -> None:
    """How late an event loop is beside proofs, and beside nothing."""
    rows: list[list[str | int | float]] = [
        [f"{AT_ONCE} proofs at a time", *asyncio.run(lag_beside(names, AT_ONCE))],
        [f"{PROOF_WORKERS}, as the probe has it", *asyncio.run(lag_beside(names, PROOF_WORKERS))],
        ["nothing", *asyncio.run(lag_beside([], 1))],
    ]
    print_table(
        "Event loop beside the proofs, ms", ["beside it", "proofs", "lag p99", "worst"], rows
    )


def in_a_process(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.proof", name, "--json"],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # as a proof worker has it
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(name: str) -> dict[str, Any]:
    """All honest answers and all lies of one pipeline."""
    before = peak()
    making: list[float] = []
    proving: list[float] = []
    wrong: list[str] = []
    alarms = 0
    seen = Seen()
    for number, (way, prepared, answer) in enumerate(honest(name, making)):
        verdict = timed(proving, prove, name, prepared.expectation, answer)
        outcome, message = judged(verdict, seen, number)
        if outcome is not Outcome.OK:
            alarms += 1
            wrong.append(f"honest `{way}` found {outcome}: {message}")
    grown = peak() - before
    caught = Counter[str]()
    told = Counter[str]()
    for number, (lie, prepared, answer, expected) in enumerate(lies(name)):
        told[lie] += 1
        verdict = prove(name, prepared.expectation, answer)
        outcome, message = judged(verdict, seen, HONEST + number)
        if outcome is expected:
            caught[lie] += 1
        else:
            wrong.append(f"lie `{lie}` found {outcome}, not {expected}: {message}")
    return {
        "make_ms": statistics.mean(making) * 1000,
        "prove_ms": statistics.mean(proving) * 1000,
        "prove_worst_ms": max(proving) * 1000,
        "prove_mb": grown,
        "honest": len(proving),
        "false_alarms": alarms,
        "lies": told.total(),
        "caught": caught.total(),
        "wrong": wrong[:20],
    }


def honest(name: str, making: list[float]) -> Iterator[tuple[str, Prepared, Answer]]:
    ways = list(CRAFTS[name].honest.items())
    for number in range(HONEST):
        way, maker = ways[number % len(ways)]
        prepared = timed(making, payload, name, number)
        yield way, prepared, answered(prepared.request, maker, chance(number))


def lies(name: str) -> Iterator[tuple[str, Prepared, Answer, Outcome]]:
    craft = CRAFTS[name]
    for place, (lie, how) in enumerate(craft.lies.items()):
        for number in range(LIES_EACH):
            seed = 100_000 * (place + 1) + number
            prepared = payload(name, seed)
            yield lie, prepared, answered(prepared.request, how.make, chance(seed)), how.outcome
    if craft.replayed is None:
        return
    truth = next(iter(craft.honest.values()))
    earlier = payload(name, 0)
    answer = answered(earlier.request, truth, chance(0))  # as the first honest job was answered
    for number in range(LIES_EACH):
        yield REPLAYED, payload(name, 90_000_000 + number), answer, craft.replayed


def lies_of(name: str) -> list[str]:
    return [*CRAFTS[name].all_lies]


def judged(verdict: Verdict, seen: Seen, number: int) -> tuple[Outcome, str]:
    """The outcome, with what was seen before as the prober has it."""
    if verdict.outcome is Outcome.OK and verdict.unique:
        for artefact in verdict.artefacts:
            earlier = seen.replay_of(artefact, str(number))
            seen.add(artefact, str(number))
            if earlier is not None:
                return Outcome.WRONG_ANSWER, f"seen before, in job {earlier}"
    return verdict.outcome, verdict.message


def payload(name: str, seed: int) -> Prepared:
    return make(PIPELINES[name].order(MODEL, chance(seed)))


def chance(seed: int) -> random.Random:
    return random.Random(f"benchmark/{seed}")


def timed(into: list[float], work: Callable[..., T], *args: object) -> T:
    started = time.process_time()
    try:
        return work(*args)
    finally:
        into.append(time.process_time() - started)


def peak() -> float:
    """The most memory that this process ever had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def lag_beside(names: list[str], at_once: int) -> list[int | float]:
    """Proofs done, and the loop's lag, p99 and worst, while proofs of all pipelines run."""
    work = []
    for name in names:
        truth = next(iter(CRAFTS[name].honest.values()))
        prepared = payload(name, 1)
        work.append((name, prepared, answered(prepared.request, truth, chance(1))))
    pool = ProofPool(at_once)
    await pool.start()
    lag = LoopLag()
    done = 0

    async def keep_busy(turn: int) -> None:
        nonlocal done
        while True:
            name, prepared, answer = work[turn % len(work)]
            await pool.prove(name, prepared.expectation, answer)
            done += 1
            turn += 1

    busy = [asyncio.create_task(keep_busy(turn)) for turn in range(at_once if work else 0)]
    await asyncio.sleep(2)
    watching = asyncio.create_task(lag.watch())
    await asyncio.sleep(LAG_SECONDS)
    for task in (watching, *busy):
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    await pool.close()
    lags = sorted(lag.recent())
    return [done, lags[int(len(lags) * 0.99)] / 1e6, lag.worst / 1e6]


if __name__ == "__main__":
    if "--lag" in sys.argv:
        print_lag(list(KINDS))
        sys.exit()
    chosen = [name for name in sys.argv[1:] if name in KINDS] or list(KINDS)
    if "--json" in sys.argv:
        print(json.dumps(measured(chosen[0])))
    else:
        main(chosen)
