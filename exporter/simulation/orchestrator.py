"""A simulated orchestrator: one member of the network behind two doors."""

from random import Random

from exporter.simulation.advert import base_price
from exporter.simulation.capacity import LiveCapacity
from exporter.simulation.conduct import Conduct, World
from exporter.simulation.gateway_work import GatewayWork
from exporter.simulation.node import SimulatedNode
from exporter.simulation.open_door import OpenDoor
from exporter.simulation.population import Member, Profile, ServedModel
from exporter.simulation.profiles import Act, listens
from exporter.simulation.serving import ClosedPort, own_host


class SimulatedOrchestrator:
    """One member of the network, with an open door and a gateway door to the same jobs.

    `url` is the open door, `gateway_url` the other; `listed_uri` is the one of them that the lists
    name as its service URI. The ports of a dead member refuse connections; with `dies_when_listed`
    they do so once its node was asked for all that it offers.
    """

    def __init__(
        self,
        member: Member,
        world: World,
        *,
        lists_gateway_door: bool = False,
        dies_when_listed: bool = False,
    ) -> None:
        self.member = member
        self.host = own_host(member.number)
        self._lists_gateway_door = lists_gateway_door
        self._conduct = conduct = Conduct(member, world)
        self._capacity = LiveCapacity(member.models, shown_full=member.profile is Profile.BUSY)
        self._open = OpenDoor(conduct, self._capacity, self.host)
        self.node = SimulatedNode(
            GatewayWork(conduct),
            host=self.host,
            address=member.local_address,
            recipient=member.address,
            version=member.version,
            offered=member.offered,
            capacity=self._capacity,
            priced=True,
            base_price=base_price(member),
            speed=world.speed,
            rng=Random(f"{world.seed}/node/{member.number}"),  # noqa: S311 - repeatable draws
        )
        self._dies_later = dies_when_listed and not listens(member.profile)
        self.node.vanishes = self._dies_later
        self._closed: tuple[ClosedPort, ClosedPort] | None = None

    @property
    def port(self) -> int:
        """The port of its open door. Raises `RuntimeError` before `start`."""
        return self._closed[0].port if self._closed else self._open.port

    @property
    def url(self) -> str:
        """Where jobs are sent directly. Raises `RuntimeError` before `start`."""
        return f"http://{self.host}:{self.port}"

    @property
    def gateway_url(self) -> str:
        """Where gateways go. Raises `RuntimeError` before `start`."""
        return f"https://{self.host}:{self._closed[1].port}" if self._closed else self.node.url

    @property
    def listed_uri(self) -> str:
        """The service URI that stands in the lists. Raises `RuntimeError` before `start`."""
        return self.gateway_url if self._lists_gateway_door else self.url

    async def start(self) -> None:
        """Listen, or, if dead, occupy ports that refuse."""
        if not listens(self.member.profile) and not self._dies_later:
            self._closed = (ClosedPort(self.host), ClosedPort(self.host))
            return
        await self._open.start()
        await self.node.start()

    async def stop(self) -> None:
        """End all jobs and connections at once."""
        for port in self._closed or ():
            port.close()
        await self._open.stop()
        await self.node.stop()

    def act(self, instead: Act | None) -> None:
        """Have all its jobs do this from now on, whatever its profile; `None`: as scripted."""
        self._conduct.instead = instead

    def serves(self, pipeline: str, model: str) -> bool:
        """Whether jobs for this model are taken."""
        return any((pipeline, model) == (one.pipeline, one.model) for one in self.member.models)

    def in_flight(self, model: ServedModel) -> int:
        """How many jobs of a model are running now."""
        return self._capacity.in_use((model.pipeline, model.model))

    def free(self, model: ServedModel) -> int:
        """How many more jobs of a model its advert has room for."""
        return self._capacity.shown(model)
