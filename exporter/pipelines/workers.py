"""Processes that work apart from the loop that measures, each killed when it breaks its bounds."""

import asyncio
import logging
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessPool

from exporter.pipelines import worker

log = logging.getLogger(__name__)

T = TypeVar("T")

TASKS_PER_WORKER: Final = 1000
"""Tasks after which a worker is replaced, so that nothing piles up in it."""

_ATTEMPTS = 2
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_WAITING = 6
"""How many times its processor time a task may last: the machine has other things to do."""
_LEAST_WAITING = 60.0
_GRACE = 30.0


class WorkerError(Exception):
    """A task came to nothing for our own reasons; the message says why."""


class TookTooLongError(Exception):
    """A task used up its processor time, and was ended."""


class BrokeWorkersError(Exception):
    """A task ended two worker processes; the message says how."""


class Workers:
    """Runs functions in `count` processes, each with at most so much of the processor's time.

    Time on the clock is bounded, too, but far wider: what is over that is not the task's fault.
    """

    def __init__(self, count: int, *, processor_seconds: float, memory_limit_bytes: int) -> None:
        self._count = count
        self._seconds = processor_seconds
        self._timeout = max(_LEAST_WAITING, _WAITING * processor_seconds)
        self._memory_limit = memory_limit_bytes
        self._free = asyncio.Semaphore(count)
        self._renewal = asyncio.Lock()
        self._pool: ProcessPool | None = None
        self._running: set[Future[Any]] = set()
        self._closed = False

    async def start(self) -> None:
        """Start the processes, so that the first task does not wait for them.

        Raises `RuntimeError` or `OSError` when none can be started.
        """
        pool = await self._current()
        future: Future[bool] = pool.schedule(worker.ready, timeout=self._timeout)
        async with asyncio.timeout(self._timeout + _GRACE):
            await asyncio.wrap_future(future)

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """Run a function of a module in a worker, with arguments that can be pickled.

        A worker that breaks is replaced, and the task is tried once more. Raises `WorkerError`,
        `TookTooLongError`, `BrokeWorkersError`, and whatever the function raises.
        """
        async with self._free:
            return await self._run(function, args)

    async def close(self) -> None:
        """Stop the processes; tasks that still run are given up."""
        self._closed = True
        async with self._renewal:
            pool, self._pool = self._pool, None
        for future in tuple(self._running):
            future.cancel()
        if pool is not None:
            await asyncio.to_thread(_stop, pool)

    async def _run(self, function: Callable[..., T], args: tuple[object, ...]) -> T:
        failure: Exception = WorkerError("the worker pool is closed")
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt(function, args)
            except TimeoutError as error:
                if not error.args:  # pebble's own names the task; ours means that it lost it
                    await self._renew(always=True)
                    raise WorkerError("the worker pool gave no answer") from error
                raise WorkerError(
                    f"the machine was too busy: not done within {self._timeout:g} s"
                ) from error
            except ProcessExpired as error:
                if error.exitcode == worker.SPENT:
                    raise TookTooLongError from error
                failure = _expired(error.exitcode)
            except (BrokenProcessPool, OSError, _PoolFailure) as error:
                failure = WorkerError(f"the worker pool failed: {error}")
                if self._closed:
                    break
                await self._renew()
            log.warning("a worker failed", extra={"error": str(failure)})
        raise failure

    async def _attempt(self, function: Callable[..., T], args: tuple[object, ...]) -> T:
        pool = await self._current()
        try:
            bounded = (self._seconds, function, args)
            future: Future[T] = pool.schedule(worker.within, args=bounded, timeout=self._timeout)
        except RuntimeError as error:
            raise _PoolFailure(str(error)) from error
        self._running.add(future)
        try:
            async with asyncio.timeout(self._timeout + _GRACE):
                return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise _PoolFailure("the pool is closed") from None
            raise
        finally:
            self._running.discard(future)
            future.cancel()

    async def _current(self) -> ProcessPool:
        async with self._renewal:
            if self._closed:
                raise _PoolFailure("the pool is closed")
            if self._pool is None:
                self._pool = await asyncio.to_thread(self._started)
            return self._pool

    def _started(self) -> ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["exporter.proof_worker_preload"])
        pool = ProcessPool(
            max_workers=self._count,
            max_tasks=TASKS_PER_WORKER,
            initializer=worker.prepare_worker,
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


def _expired(code: int) -> Exception:
    """Who ended a worker: its task, or somebody on this machine that wanted its memory."""
    said = f"the worker process ended with code {code}"
    return WorkerError(said) if -code in _FROM_OUTSIDE else BrokeWorkersError(said)


class _PoolFailure(RuntimeError):
    """The pool itself takes no task."""


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it untyped
    pool.join()
