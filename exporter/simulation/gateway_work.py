"""A member's jobs at its gateway door: its runner, as the node in front of it sees it."""

from collections.abc import AsyncIterator, Sequence

from exporter.simulation import scripted
from exporter.simulation.conduct import Begun, Conduct
from exporter.simulation.population import ServedModel
from exporter.simulation.profiles import Act
from exporter.simulation.workload import Job, Reply, Stream


class GatewayWork:
    """The workload behind a member's node, scripted like its open door."""

    def __init__(self, conduct: Conduct) -> None:
        self._conduct = conduct

    @property
    def models(self) -> Sequence[ServedModel]:
        """What the member serves."""
        return self._conduct.member.models

    async def work(self, job: Job) -> Reply | Stream:
        """Run one job as its script has it. Raises `Busy` and `Unpaid`."""
        refused = scripted.refusal(job)
        if refused is not None:
            return refused
        begun = self._conduct.begin((job.pipeline, job.model), job.via)
        if job.streams and begun.answers:
            return Stream(self._streamed(job, begun))
        with self._conduct.recorded(begun):
            return await scripted.perform(self._conduct, job, begun, paid=True)

    def turned_away(self, job: Job) -> None:
        """Write down a job for which the node had no capacity."""
        begun = self._conduct.begin((job.pipeline, job.model), job.via)
        begun.status, begun.act = 503, Act.NO_CAPACITY
        with self._conduct.recorded(begun):
            pass

    async def _streamed(self, job: Job, begun: Begun) -> AsyncIterator[bytes]:
        with self._conduct.recorded(begun):
            made = await scripted.perform(self._conduct, job, begun, paid=True)
            if isinstance(made, Stream):
                async for event in made.events:
                    yield event
