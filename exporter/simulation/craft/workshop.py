"""Where jobs are done by their crafts: threads, and a memory for those who replay."""

import asyncio
from concurrent.futures import Executor
from random import Random

from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import REPLAYED, Product
from exporter.simulation.workload import Job


class Workshop:
    """Does jobs in one of the ways of their pipeline's craft, or tells one of its lies."""

    def __init__(self, threads: Executor | None = None) -> None:
        self._threads = threads
        self._kept: dict[str, Product] = {}

    def can_replay(self, pipeline: str) -> bool:
        """Whether there is an honest answer of this pipeline to be given once more."""
        return pipeline in self._kept

    async def do(
        self,
        job: Job,
        rng: Random,
        *,
        way: str | None = None,
        lie: str | None = None,
        keep: bool = False,
    ) -> Product:
        """Do a job, in the craft's first way if none is named.

        What is made honestly is kept for later if that is wanted; the lie `REPLAYED` without
        anything kept is an honest job. Raises `KeyError` for a way or a lie that there is not, and
        `BadInput`.
        """
        craft = CRAFTS[job.pipeline]
        if lie == REPLAYED and job.pipeline in self._kept:
            return self._kept[job.pipeline]
        loop = asyncio.get_running_loop()
        if lie is not None and lie != REPLAYED:
            return await loop.run_in_executor(self._threads, craft.lies[lie].make, job, rng)
        maker = craft.honest[way or next(iter(craft.honest))]
        product = await loop.run_in_executor(self._threads, maker, job, rng)
        if keep:
            self._kept[job.pipeline] = product
        return product
