"""The probe's side: answers are written by a thread of their own, and nobody waits for it."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from exporter.kept_answers.choosing import MOST_FILES, Piece, pieces
from exporter.kept_answers.disk import Disk
from exporter.kept_answers.record import INDEX_LIMIT, is_job_id
from exporter.kept_answers.writing import write
from exporter.model import Measurement
from exporter.pipelines.job import Answer, Request
from exporter.probing.secrecy import Secrecy
from exporter.settings import Answers

log = logging.getLogger(__name__)

WAITING_BYTES: Final = 64 * 2**20
"""Memory that answers take at most while they wait to be written."""
SWEEP: Final = 600.0
"""Seconds between two looks for answers that have become too old."""
ENDING: Final = 5.0
"""Seconds that a stop waits for what is still to be written."""
_OF_A_JOB: Final = 16 * 1024
"""What a job takes in memory beside its files."""


class Keeper:
    """Keeps answers by the settings. Whatever goes wrong, no measurement notices.

    What the disk refuses, or what comes faster than it is written, is not kept and is counted.
    """

    def __init__(
        self, folder: Path, settings: Answers, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._disk = Disk(
            folder, max_bytes=settings.max_bytes, max_age=settings.max_age, clock=clock
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._waiting = 0
        self._writing: set[asyncio.Task[None]] = set()
        self._works = True
        self._not_kept: Counter[str] = Counter()

    @property
    def jobs(self) -> int:
        """Jobs whose answers are kept now."""
        return len(self._disk)

    @property
    def bytes(self) -> int:
        """What they take on disk."""
        return self._disk.bytes

    @property
    def not_kept(self) -> Mapping[str, int]:
        """How many answers or files were to be kept and are not, by reason."""
        return {reason: self._not_kept[reason] for reason in ("behind", "disk", "too_large")}

    async def start(self) -> None:
        """See what is kept from before; never raises for the state of the disk."""
        await self._in_thread(self._disk.look)

    async def sweep_for_ever(self) -> None:
        """Remove what has become too old, now and then."""
        while True:
            await asyncio.sleep(SWEEP)
            await self._in_thread(self._disk.clear)

    def keep(
        self, measurement: Measurement, answer: Answer, secrecy: Secrecy, request: Request
    ) -> None:
        """Have the answer of a job that is judged written, if the settings want that.

        With the file that was sent with the request. Returns at once; `secrecy` takes out what the
        lane sent in confidence.
        """
        if not self._wanted(measurement):
            return
        room = WAITING_BYTES - self._waiting - _OF_A_JOB
        if room < 0:
            self._not_kept["behind"] += 1
            return
        files = pieces(
            answer,
            request,
            file_bytes=self._settings.file_bytes,
            on_disk=self._disk.largest(MOST_FILES, INDEX_LIMIT),
            in_memory=room,
        )
        self._not_kept.update(piece.refused for piece in files if piece.refused is not None)
        taken = _OF_A_JOB + sum(len(piece.data) for piece in files if piece.data is not None)
        self._waiting += taken
        task = asyncio.create_task(
            self._keep(lambda: self._write(measurement, files, secrecy)), name="keep an answer"
        )
        self._writing.add(task)

        def done(_: object) -> None:
            self._waiting -= taken
            self._writing.discard(task)

        task.add_done_callback(done)

    async def written(self) -> None:
        """Wait until everything that was given is written or given up."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def close(self) -> None:
        """Let what is being written end, within a bound of seconds."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=ENDING)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _wanted(self, measurement: Measurement) -> bool:
        wanted = self._settings.keep_artefacts
        if wanted == "none" or (wanted == "failures" and measurement.ok):
            return False
        return is_job_id(measurement.id)

    async def _in_thread(self, work: Callable[[], None]) -> bool:
        """Do it; gives whether it could be done, and never raises."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception as error:  # noqa: BLE001 - nothing here may end a job or the probe
            self._not_kept["disk"] += 1
            if self._works:
                log.warning(
                    "answers cannot be kept; tests go on without",
                    extra={"why": f"{type(error).__name__}: {error}"},
                )
            self._works = False
            return False
        return True

    async def _keep(self, work: Callable[[], None]) -> None:
        if await self._in_thread(work) and not self._works:
            log.info("answers are kept again")
            self._works = True

    def _write(self, measurement: Measurement, files: Sequence[Piece], secrecy: Secrecy) -> None:
        sizes = [INDEX_LIMIT, *(len(one.data) for one in files if one.data is not None)]
        with self._disk.adding(measurement.id, measurement.orchestrator, sizes) as folder:
            write(folder, measurement, files, secrecy)
