"""A managed lane as its holder sees it, for the length of one lease."""

from collections.abc import Callable

from exporter.probing.managed.output import Line
from exporter.probing.managed.process import GatewayProcess


class ManagedLane:
    """A gateway that is pinned to one orchestrator, held by one caller."""

    def __init__(
        self,
        name: str,
        orchestrator: str,
        process: GatewayProcess,
        waiting: Callable[[], tuple[float, ...]],
        *,
        on_chain: bool,
    ) -> None:
        self.name = name
        self.orchestrator = orchestrator
        self.on_chain = on_chain
        """Whether its jobs are paid for."""
        self._process = process
        self._waiting = waiting

    def __repr__(self) -> str:
        return f"ManagedLane({self.name})"

    @property
    def url(self) -> str:
        """Base URL that jobs are sent to."""
        return self._process.url

    @property
    def cli_url(self) -> str:
        """Base URL of its CLI port."""
        return self._process.cli_url

    @property
    def uri(self) -> str:
        """The service URI that it is pinned to."""
        return self._process.uri or ""

    @property
    def version(self) -> str:
        """Version of go-livepeer, as the program says."""
        return self._process.binary.version

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def wanted(self) -> tuple[float, ...]:
        """The weights of those who wait for a lane, the highest first; empty if nobody does."""
        return self._waiting()

    def mark(self) -> int:
        """The place in its log behind the last line so far."""
        return self._process.output.mark()

    def since(self, mark: int) -> list[Line]:
        """Its log from a mark on: stamped with our clock, without secrets.

        A line that it writes takes a moment to get here: some ms, longer on a busy machine.
        """
        return self._process.output.since(mark)

    def dropped(self, mark: int) -> bool:
        """Whether some of its log from a mark on is lost: it wrote more than is kept."""
        return self._process.output.dropped_since(mark)

    async def alive(self) -> bool:
        """Whether it runs and answers; takes up to twice the answer timeout if it does not."""
        return await self._process.alive()

    async def broken(self) -> None:
        """Return when it has ended or hung."""
        await self._process.broken.wait()

    def failure(self) -> str | None:
        """What became of it since the lease began; `None` if it runs, as far as is known."""
        return self._process.why_broken()
