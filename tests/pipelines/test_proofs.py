import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import pytest

from exporter.model import Outcome
from exporter.pipelines import Answer, Expectation, Order, Verdict, kinds
from exporter.pipelines.job import CannotMakeError
from exporter.pipelines.kinds import make
from exporter.pipelines.llm import TextExpectation
from exporter.pipelines.proofs import ProofPool
from exporter.pipelines.text_to_image import PictureExpectation
from exporter.settings import Llm, TextToImage
from tests.pipelines.pictures import answer, encoded, picture

ROOT = Path(__file__).parents[2]


def expected(side: int) -> PictureExpectation:
    return PictureExpectation(
        width=side, height=side, seed=7, min_entropy=0.1, min_structure=0.12, min_edges=0.05
    )


PICTURE = expected(64)
TEXT = TextExpectation(
    nonce="K7Q2-M9XD", addends=(12, 34), question="?", stream=False, max_tokens=64
)
GOOD = answer(encoded(picture()))
ORDER = Order(pipeline="llm", model="maker/model", parameters=Llm(), seed=7)
MAKERS = 1
"""The pool's processes that make payloads."""


@contextlib.asynccontextmanager
async def running(**options: int) -> AsyncIterator[ProofPool]:
    pool = ProofPool(processor_seconds=10, **options)
    try:
        yield pool
    finally:
        await pool.close()


def workers() -> list[psutil.Process]:
    """The pool's processes: children of the fork server, which is a child of this process."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end while it is looked at
            if process.ppid() != os.getpid():
                found.append(process)
    return found


async def wait_for_workers(number: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = workers()
        if len(found) == number:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{number} workers were expected, there are {workers()}")


async def busy_worker(other_than: psutil.Process | None = None) -> psutil.Process:
    """A worker that is decoding a large picture, which its memory tells."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for worker in workers():
            with contextlib.suppress(psutil.NoSuchProcess):
                if worker != other_than and worker.memory_info().rss > 90 << 20:
                    return worker
        await asyncio.sleep(0.005)
    raise AssertionError("no worker is busy")


async def test_answers_are_judged_in_a_worker() -> None:
    async with running() as pool:
        await pool.start()
        good = await pool.prove("text-to-image", PICTURE, GOOD)
        text = await pool.prove("llm", TEXT, Answer(body=b"null"))
    assert good.outcome is Outcome.OK
    assert good.artefacts[0].width == 64
    assert text.outcome is Outcome.INVALID_RESPONSE


async def test_many_answers_are_judged_by_two_workers() -> None:
    async with running(workers=2) as pool:
        verdicts = await asyncio.gather(
            *(pool.prove("text-to-image", PICTURE, GOOD) for _ in range(20))
        )
    assert {verdict.outcome for verdict in verdicts} == {Outcome.OK}


async def test_a_pipeline_without_a_proof_is_the_testers_error() -> None:
    async with running() as pool:
        verdict = await pool.prove("dream", PICTURE, GOOD)
    assert (verdict.outcome, "dream" in verdict.message) == (Outcome.TESTER_ERROR, True)


async def test_an_expectation_of_another_pipeline_is_the_testers_error() -> None:
    async with running() as pool:
        verdict = await pool.prove("llm", PICTURE, GOOD)
    assert verdict.outcome is Outcome.TESTER_ERROR
    assert "expects a text" in verdict.message


async def test_a_decode_that_takes_too_much_memory_is_the_artefacts_fault() -> None:
    side = 4000  # 48 MB, while what proves a small picture has room
    expectation = expected(side)
    big = answer(encoded(picture(size=(side, side)), "JPEG"))
    async with running(memory_limit_bytes=40 << 20) as pool:
        verdict = await pool.prove("text-to-image", expectation, big)
        after = await pool.prove("text-to-image", PICTURE, GOOD)
    assert verdict.outcome is Outcome.INVALID_ARTEFACT
    assert "memory" in verdict.message
    assert after.outcome is Outcome.OK


async def test_a_decode_that_takes_too_long_is_the_artefacts_fault() -> None:
    side = 4096
    expectation = expected(side)
    slow = answer(encoded(picture(size=(side, side)), "WEBP", quality=30, method=0))
    pool = ProofPool(processor_seconds=0.01)
    try:
        await pool.start()
        verdict = await pool.prove("text-to-image", expectation, slow)
        assert (verdict.outcome, verdict.message) == (
            Outcome.INVALID_ARTEFACT,
            "decoding the media took more than 0.01 s of the processor's time",
        )
    finally:
        await pool.close()


async def test_a_machine_that_is_too_busy_is_not_the_artefacts_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporter.pipelines.workers._LEAST_WAITING", 1.0)
    monkeypatch.setattr("exporter.pipelines.workers._WAITING", 0.1)
    side = 4096
    slow = answer(encoded(picture(size=(side, side)), "WEBP", quality=30, method=0))
    async with running() as pool:
        await pool.start()
        proof = asyncio.create_task(pool.prove("text-to-image", expected(side), slow))
        (await busy_worker()).suspend()
        verdict = await proof
    assert (verdict.outcome, verdict.message) == (
        Outcome.TESTER_ERROR,
        "the machine was too busy: not done within 1 s",
    )


async def test_a_file_that_breaks_two_workers_is_the_artefacts_fault() -> None:
    side = 4096
    expectation = expected(side)
    slow = answer(encoded(picture(size=(side, side)), "WEBP", quality=30, method=0))
    async with running() as pool:
        await pool.start()
        proof = asyncio.create_task(pool.prove("text-to-image", expectation, slow))
        first = await busy_worker()
        first.send_signal(signal.SIGSEGV)
        second = await busy_worker(first)
        second.send_signal(signal.SIGSEGV)
        verdict = await proof
        after = await pool.prove("text-to-image", PICTURE, GOOD)
    assert verdict.outcome is Outcome.INVALID_ARTEFACT
    assert "broke two workers" in verdict.message
    assert after.outcome is Outcome.OK


async def test_workers_that_are_killed_from_outside_are_not_the_artefacts_fault() -> None:
    side = 4096
    slow = answer(encoded(picture(size=(side, side)), "WEBP", quality=30, method=0))
    async with running() as pool:
        await pool.start()
        proof = asyncio.create_task(pool.prove("text-to-image", expected(side), slow))
        first = await busy_worker()
        first.kill()
        (await busy_worker(first)).kill()
        verdict = await proof
    assert (verdict.outcome, verdict.message) == (
        Outcome.TESTER_ERROR,
        "the worker process ended with code -9",
    )


async def test_a_worker_that_was_killed_in_its_sleep_is_replaced() -> None:
    async with running() as pool:
        await pool.start()
        for worker in await wait_for_workers(1 + MAKERS):
            worker.kill()
            worker.wait(10)
        verdict = await pool.prove("text-to-image", PICTURE, GOOD)
    assert verdict.outcome is Outcome.OK


async def test_an_interrupt_of_the_terminal_leaves_the_workers_alone() -> None:
    async with running() as pool:
        await pool.start()
        before = await wait_for_workers(1 + MAKERS)
        for worker in before:
            worker.send_signal(signal.SIGINT)
        verdict = await pool.prove("text-to-image", PICTURE, GOOD)
        made = await pool.prepare(ORDER)
        assert await wait_for_workers(1 + MAKERS) == before
    assert made == make(ORDER)
    assert verdict.outcome is Outcome.OK


async def test_a_closed_pool_has_no_workers_and_judges_no_more() -> None:
    pool = ProofPool(workers=2, processor_seconds=10)
    await pool.start()
    await wait_for_workers(2 + MAKERS)
    await pool.close()
    await wait_for_workers(0)
    verdict = await pool.prove("text-to-image", PICTURE, GOOD)
    assert (verdict.outcome, "closed" in verdict.message) == (Outcome.TESTER_ERROR, True)
    with pytest.raises(CannotMakeError, match="closed"):
        await pool.prepare(ORDER)


async def test_a_job_of_an_unknown_pipeline_or_with_wrong_parameters_cannot_be_made() -> None:
    async with running() as pool:
        with pytest.raises(CannotMakeError, match="dream"):
            await pool.prepare(msgspec.structs.replace(ORDER, pipeline="dream"))
        with pytest.raises(CannotMakeError, match="AttributeError"):
            await pool.prepare(msgspec.structs.replace(ORDER, parameters=TextToImage()))
        assert (await pool.prepare(ORDER)).request.path == "/llm"


async def test_payloads_are_made_while_every_proof_worker_is_busy() -> None:
    side = 4096
    expectation = expected(side)
    slow = answer(encoded(picture(size=(side, side)), "WEBP", quality=30, method=0))
    async with running() as pool:
        await pool.start()
        proof = asyncio.create_task(pool.prove("text-to-image", expectation, slow))
        stopped = await busy_worker()
        stopped.suspend()
        made = await pool.prepare(ORDER)
        assert not proof.done()
        stopped.resume()
        assert (await proof).outcome is Outcome.OK
    assert made.request.path == "/llm"


async def test_closing_gives_up_the_proofs_that_still_run() -> None:
    side = 4096
    expectation = expected(side)
    slow = answer(encoded(picture(size=(side, side)), "WEBP", quality=30, method=0))
    pool = ProofPool(processor_seconds=60)
    await pool.start()
    proofs = [
        asyncio.create_task(pool.prove("text-to-image", expectation, slow)) for _ in range(20)
    ]
    await asyncio.sleep(0)
    await pool.close()
    async with asyncio.timeout(20):
        verdicts = await asyncio.gather(*proofs)
    assert verdicts[-1].outcome is Outcome.TESTER_ERROR


async def test_a_cancelled_proof_is_cancelled_and_the_next_one_runs() -> None:
    async with running() as pool:
        await pool.start()
        proof = asyncio.create_task(pool.prove("text-to-image", PICTURE, GOOD))
        await asyncio.sleep(0)
        proof.cancel()
        with pytest.raises(asyncio.CancelledError):
            await proof
        assert (await pool.prove("text-to-image", PICTURE, GOOD)).outcome is Outcome.OK


OWNER = """
import asyncio, sys
from exporter.pipelines.proofs import ProofPool

async def main():
    pool = ProofPool(2)
    await pool.start()
    print("ready", flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_workers_do_not_outlive_a_killed_owner(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        offspring = psutil.Process(owner.pid).children(recursive=True)
        assert len(offspring) >= 3
        owner.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(offspring, timeout=20)
    assert alive == []


ALLOWED = """
import resource, sys
from exporter.pipelines.worker import is_short_of_memory, prepare_worker

resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
prepare_worker(int(sys.argv[1]))
print(is_short_of_memory())
"""


@pytest.mark.parametrize(("meant", "short"), [(1 << 26, False), (1 << 32, True)])
def test_a_worker_knows_whether_it_may_have_the_memory_that_was_meant(
    meant: int, *, short: bool
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", ALLOWED, str(meant)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert found.stdout == f"{short}\n"


@pytest.mark.parametrize("short", [False, True])
def test_memory_that_we_were_not_allowed_is_not_the_artefacts_fault(
    monkeypatch: pytest.MonkeyPatch, *, short: bool
) -> None:
    def starve(expectation: Expectation, answer: Answer) -> Verdict:
        raise MemoryError(f"for {expectation} and {answer.status}")

    starving = replace(kinds.KINDS["text-to-image"], prove=starve)
    monkeypatch.setitem(kinds.KINDS, "text-to-image", starving)
    monkeypatch.setattr("exporter.pipelines.worker.is_short_of_memory", lambda: short)
    if short:
        with pytest.raises(MemoryError):
            kinds.prove("text-to-image", PICTURE, GOOD)
    else:
        assert kinds.prove("text-to-image", PICTURE, GOOD).outcome is Outcome.INVALID_ARTEFACT
