"""The pool in which answers are proven, apart from the loop that measures.

Decoding a stranger's file can take for ever, eat all memory or crash: it happens in a worker
process with bounds on both, and the worker is replaced when it breaks one.
"""

import asyncio
import logging
import multiprocessing
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from pebble import ProcessExpired, ProcessPool

from exporter.model import Outcome
from exporter.pipelines import proving
from exporter.pipelines.job import Answer, Expectation, Verdict

log = logging.getLogger(__name__)

MEMORY_LIMIT: Final = 1 << 30
PROOFS_PER_WORKER: Final = 1000
"""Proofs after which a worker is replaced, so that nothing piles up in it."""

_ATTEMPTS = 2
_GRACE = 30.0


class ProofPool:
    """Runs proofs in `workers` processes, each at most `timeout_seconds` long."""

    def __init__(
        self,
        workers: int = 1,
        *,
        timeout_seconds: float = 20.0,
        memory_limit_bytes: int = MEMORY_LIMIT,
    ) -> None:
        self._workers = workers
        self._timeout = timeout_seconds
        self._memory_limit = memory_limit_bytes
        self._free = asyncio.Semaphore(workers)
        self._renewal = asyncio.Lock()
        self._pool: ProcessPool | None = None
        self._running: set[Future[Verdict]] = set()
        self._closed = False

    async def start(self) -> None:
        """Start the workers, so that the first proof does not wait for them.

        Raises `RuntimeError` or `OSError` when none can be started.
        """
        pool = await self._current()
        future: Future[bool] = pool.schedule(proving.ready, timeout=self._timeout)
        async with asyncio.timeout(self._timeout + _GRACE):
            await asyncio.wrap_future(future)

    async def prove(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        """Judge an answer. Never raises for what it holds, nor for a worker that breaks.

        A file that breaks the bounds or crashes two workers is an `invalid_artefact`; what
        cannot be judged for our own reasons is a `tester_error`.
        """
        if pipeline not in proving.PROOFS:
            return _tester_error(f"there is no proof for the pipeline {pipeline}")
        async with self._free:
            return await self._prove(pipeline, expectation, answer)

    async def close(self) -> None:
        """Stop the workers; proofs that still run are given up."""
        self._closed = True
        async with self._renewal:
            pool, self._pool = self._pool, None
        for future in tuple(self._running):
            future.cancel()
        if pool is not None:
            await asyncio.to_thread(_stop, pool)

    async def _prove(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        reason = ""
        crashed = False
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt(pipeline, expectation, answer)
            except TimeoutError as error:
                if not error.args:  # pebble's own names the task; ours means that it lost it
                    await self._renew(always=True)
                    return _tester_error("the worker pool gave no answer")
                return self._too_long(answer)
            except ProcessExpired as error:
                crashed = True
                reason = f"the worker process ended with code {error.exitcode}"
            except (BrokenProcessPool, RuntimeError, OSError) as error:
                crashed = False
                reason = f"the worker pool failed: {error}"
                if self._closed:
                    break
                await self._renew()
            except Exception as error:
                log.exception("a proof failed", extra={"pipeline": pipeline})
                return _tester_error(f"the proof failed: {type(error).__name__}: {error}")
            log.warning(
                "the worker of a proof failed", extra={"pipeline": pipeline, "error": reason}
            )
        if crashed and answer.media:
            return Verdict(
                outcome=Outcome.INVALID_ARTEFACT,
                message=f"decoding the media broke two workers: {reason}",
            )
        return _tester_error(reason)

    async def _attempt(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        pool = await self._current()
        future: Future[Verdict] = pool.schedule(
            proving.prove, args=(pipeline, expectation, answer), timeout=self._timeout
        )
        self._running.add(future)
        try:
            async with asyncio.timeout(self._timeout + _GRACE):
                return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise RuntimeError("the pool is closed") from None
            raise
        finally:
            self._running.discard(future)
            future.cancel()

    async def _current(self) -> ProcessPool:
        async with self._renewal:
            if self._closed:
                raise RuntimeError("the pool is closed")
            if self._pool is None:
                self._pool = await asyncio.to_thread(self._started)
            return self._pool

    def _started(self) -> ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["exporter.pipelines.proving"])
        pool = ProcessPool(
            max_workers=self._workers,
            max_tasks=PROOFS_PER_WORKER,
            initializer=proving.prepare_worker,
            initargs=(self._memory_limit,),
            context=context,
        )
        _ = pool.active  # starts the processes here, in a thread, and not in the event loop
        return pool

    async def _renew(self, *, always: bool = False) -> None:
        async with self._renewal:
            if self._pool is None or (self._pool.active and not always):
                return
            broken, self._pool = self._pool, None
        await asyncio.to_thread(_stop, broken)

    def _too_long(self, answer: Answer) -> Verdict:
        if not answer.media:
            return _tester_error(f"the proof took longer than {self._timeout:g} s")
        return Verdict(
            outcome=Outcome.INVALID_ARTEFACT,
            message=f"decoding the media took longer than {self._timeout:g} s",
        )


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it untyped
    pool.join()


def _tester_error(message: str) -> Verdict:
    return Verdict(outcome=Outcome.TESTER_ERROR, message=message)
