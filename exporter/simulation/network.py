"""The simulated network as a whole: started and stopped as one, asked what it did."""

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Literal, Self

from exporter.model import Blame, LaneKind, Outcome, Target
from exporter.simulation.bystanders import Bystanders
from exporter.simulation.conduct import World
from exporter.simulation.deserved import Verdict, deserved
from exporter.simulation.journal import JobRecord, Journal, summarise
from exporter.simulation.on_chain import OnChain
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.pinned import FASTEST, PinnedGateway
from exporter.simulation.population import Member, Profile, ServedModel, populate
from exporter.simulation.profiles import Act, Script, script
from exporter.simulation.scout import Scout
from exporter.simulation.serving import HOST
from exporter.simulation.shelf import Shelf
from exporter.simulation.tester_settings import merged, tester_settings

_PINNED_EVERY: Final = 3
_STUDIO_THREADS: Final = 2
_NO_VICTIMS: Final = frozenset({Profile.MISREPORTING, Profile.DEAD})
_NOBODY: Final = f"https://{HOST}:9"
_IMPOSTORS: Final[frozenset[Verdict]] = frozenset({(Outcome.WRONG_ORCHESTRATOR, Blame.TESTER)})

LaneMode = Literal["mixed", "managed"]


class SimulatedNetwork:
    """Orchestrators, a scout gateway that lists them, and ways to reach them.

    With `lanes="mixed"` the scout lists their open doors, for direct lanes, and a third of them
    have a pinned gateway. With `"managed"` it lists their gateway doors, and the settings name a
    stand-in for the operator's go-livepeer (see `simulate gateway`) that managed lanes run.
    With a `registry` there is a `chain` on which all of them are registered, but for the last
    `unregistered` ones, and some bystanders, who offer nothing.
    With `on_chain`, which needs managed lanes and has a registry, they pay, a scout of the tester's
    own reads the registry, and whoever is dead has died after the scout saw him. With an `impostor`
    one more is registered there, with the service URI of the first fast member.

    Everything listens on loopback on free ports (where possible an orchestrator has an address of
    its own), and everything that is drawn (who, what, how
    long, what goes wrong) follows from `seed`. `speed` divides all scripted delays. `profiles` is
    repeated as often as needed; without it `population.DEFAULT_MIX` is. `members` says who is in
    the network instead of having `orchestrators` of them drawn; their numbers have to differ.

    Use it as an async context manager, or call `start` and `stop`; a network runs once.
    """

    def __init__(
        self,
        orchestrators: int = 12,
        seed: int = 1,
        *,
        speed: float = 1.0,
        profiles: Sequence[Profile] | None = None,
        lanes: LaneMode = "mixed",
        on_chain: bool = False,
        registry: bool = False,
        unregistered: int = 0,
        impostor: bool = False,
        members: Sequence[Member] | None = None,
    ) -> None:
        if speed <= 0:
            raise ValueError("the speed of a simulated network must be above 0")
        if (on_chain and lanes != "managed") or (impostor and not on_chain):
            raise ValueError("only managed lanes pay, and only a chain can have an impostor")
        if members is None:
            members = populate(orchestrators, seed, profiles)
        self.seed = seed
        self.speed = speed
        self.lanes = lanes
        self.pays = on_chain
        self._journal = Journal()
        self._studio = ThreadPoolExecutor(_STUDIO_THREADS, "simulated-studio")
        world = World(seed, speed, self._journal, Shelf(_rng(seed, "shelf")), self._studio)
        self.orchestrators = tuple(
            SimulatedOrchestrator(
                member, world, lists_gateway_door=lanes == "managed", dies_when_listed=on_chain
            )
            for member in members
        )
        pinned = self.orchestrators[::_PINNED_EVERY] if lanes == "mixed" else ()
        self.gateways = tuple(
            PinnedGateway(
                f"gateway-{one.member.number:02}", one, speed, _rng(seed, one.member.address)
            )
            for one in pinned
        )
        self.scout = Scout(self.orchestrators, _others(seed))
        self.chain: OnChain | None = None
        if on_chain or registry:
            last = self.orchestrators[max(0, len(members) - unregistered) :]
            self.chain = OnChain(
                self.orchestrators,
                Bystanders(_others(seed), _rng(seed, "bystanders")),
                _rng(seed, "chain"),
                victim=self._victim() if impostor else None,
                unregistered={one.member.address for one in last},
                speed=min(speed, FASTEST),
            )
        self._models: dict[Target, tuple[Member, ServedModel]] = {
            target: (orchestrator.member, model)
            for orchestrator in self.orchestrators
            for target, model in zip(
                orchestrator.member.targets, orchestrator.member.models, strict=True
            )
        }
        if self.impostor is not None:
            pairs = zip(self.impostor.targets, self.impostor.models, strict=True)
            self._models |= {target: (self.impostor, model) for target, model in pairs}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open all ports. Raises `OSError` if one cannot be opened; nothing stays open then."""
        try:
            for server in self._servers():
                await server.start()
            self._mislead()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything at once, whatever is running; safe to call twice."""
        await asyncio.gather(*(server.stop() for server in self._servers()))
        self._studio.shutdown(wait=False, cancel_futures=True)

    @property
    def members(self) -> tuple[Member, ...]:
        """Who is in the network."""
        return tuple(orchestrator.member for orchestrator in self.orchestrators)

    @property
    def impostor(self) -> Member | None:
        """Who is registered with another one's service URI, and is not among the members."""
        return None if self.chain is None else self.chain.impostor

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything that can be tested, in order."""
        return tuple(sorted(self._models))

    def orchestrator(self, address: str) -> SimulatedOrchestrator:
        """The orchestrator with that address (lower-case). Raises `KeyError`."""
        for orchestrator in self.orchestrators:
            if orchestrator.member.address == address:
                return orchestrator
        raise KeyError(address)

    def gateway(self, address: str) -> PinnedGateway | None:
        """The gateway that is pinned to that orchestrator, if it has one."""
        for gateway in self.gateways:
            if gateway.orchestrator.member.address == address:
                return gateway
        return None

    def script(self, target: Target, job: int) -> Script:
        """What the `job`-th job (from 1) of a target does, at speed 1. Raises `KeyError`."""
        return script(self.seed, *self._models[target], job)

    def expected(
        self,
        target: Target,
        *,
        job: int | None = None,
        acts: Collection[Act] = (),
        lane: LaneKind = LaneKind.DIRECT,
    ) -> frozenset[Verdict]:
        """Each (outcome, blame) that a tester may find for a target. Raises `KeyError`.

        For any job, for the n-th one that the orchestrator receives for it, or for a job in which
        it was seen to do these `acts` (see `record`), which leaves no choice. Through a `pinned`
        lane a failure stands with blame `unknown` and `orchestrator`: which, depends on evidence.
        A `managed` lane knows more: its session pools and its log tell the cause.
        """
        member, model = self._models[target]
        if member is self.impostor:
            return _IMPOSTORS
        return deserved(lane, member, model, job=job, acts=acts, pays=self.pays)

    @property
    def record(self) -> list[JobRecord]:
        """The jobs that orchestrators have received and ended, in order of their end.

        The latest `journal.RECORD_LIMIT`; a dead orchestrator receives none.
        """
        return self._journal.records()

    def summary(self) -> dict[str, Any]:
        """Counts of `record`: `jobs`, `full`, `error`, `aborted`, and `orchestrators`.

        The last has for each address that received a job the same counts, `most_at_once`, and
        its name and profile.
        """
        summary = summarise(self.record)
        for member in self.members:
            counts = summary["orchestrators"].get(member.address)
            if counts is not None:
                counts |= {"name": member.name, "profile": member.profile.value}
        return summary

    def settings(self, data: Path, port: int, **overrides: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
        """Settings of a tester for this network, as plain data; call after `start`.

        The station listens on `port` and the probe on the next; 0 chooses two free ones. For
        managed lanes the program that they run is written into `data`, a script named `livepeer`,
        and if they pay, a key with its passphrase.
        `overrides` replace sections key by key: `limits={"inference": 3}` keeps other limits.
        """
        return merged(tester_settings(self, data, port), overrides)

    def _mislead(self) -> None:
        """Have each misreporting node name somebody else, who listens and is to be trusted."""
        victim = self._victim()
        uri = _NOBODY if victim is None else victim.gateway_url
        for orchestrator in self.orchestrators:
            if orchestrator.member.profile is Profile.MISREPORTING:
                orchestrator.node.reported_uri = uri

    def _victim(self) -> SimulatedOrchestrator | None:
        """Whose service URI others claim: a fast one's, if there is one."""
        others = [o for o in self.orchestrators if o.member.profile not in _NO_VICTIMS]
        others.sort(key=lambda one: one.member.profile is not Profile.FAST)
        return others[0] if others else None

    def _servers(self) -> tuple[SimulatedOrchestrator | PinnedGateway | Scout | OnChain, ...]:
        """In the order in which they start: the chain knows where the others listen."""
        chain = () if self.chain is None else (self.chain,)
        return (*self.orchestrators, *self.gateways, self.scout, *chain)


def _others(seed: int) -> list[str]:
    """Registered orchestrators that offer no AI: one active, one not."""
    rng = _rng(seed, "others")
    return ["0x" + rng.randbytes(20).hex() for _ in range(2)]


def _rng(seed: int, purpose: str) -> Random:
    return Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation wants repeatable draws
