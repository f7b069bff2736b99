"""How a member conducts itself, at whichever door: its jobs, numbered, scripted, written down."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import msgspec

from exporter.simulation.craft.product import REPLAYED, Product
from exporter.simulation.craft.workshop import Workshop
from exporter.simulation.journal import JobRecord, Journal, Served
from exporter.simulation.population import Member, Profile, ServedModel
from exporter.simulation.profiles import Act, Script, lie_of, script
from exporter.simulation.shelf import Shelf
from exporter.simulation.workload import Job

Key = tuple[str, str]
_UNDONE = frozenset({Act.HANG, Act.NO_CAPACITY, Act.REFUSE_PAYMENT, Act.FAIL, Act.BAD_RUNNER})
_ERRORS = frozenset({Act.FAIL, Act.NO_CAPACITY, Act.BAD_RUNNER, Act.REFUSE_PAYMENT})
_CUT = frozenset({Act.CUT_ANSWER, Act.CUT_MEDIA})


@dataclass(frozen=True)
class World:
    """What the servers of one network share."""

    seed: int
    speed: float
    journal: Journal
    shelf: Shelf
    studio: Executor
    """Threads that do the jobs, so that the event loop's waits stay exact."""


class Begun:
    """A job that was received: which it is of its model, and what it is to do."""

    def __init__(self, key: Key, number: int, plan: Script, via: str) -> None:
        self.key = key
        self.number = number
        self.plan = plan
        self.act = plan.act
        """What is really done, where that is not what was scripted."""
        self.via = via
        self.status: int | None = None
        """HTTP status of the answer, once there is one; a job without one was aborted."""

    @property
    def answers(self) -> bool:
        """Whether the job is done at all, well or badly."""
        return self.plan.act not in _UNDONE


class Conduct:
    """The jobs of one member, over both of its doors."""

    def __init__(self, member: Member, world: World) -> None:
        self.member = member
        self.world = world
        self.models: dict[Key, ServedModel] = {
            (model.pipeline, model.model): model for model in member.models
        }
        self.instead: Act | None = None
        """What every job that begins does, instead of what was scripted."""
        self._jobs: Counter[Key] = Counter()
        self._workshop = Workshop(world.studio)
        self._replays = member.profile is Profile.LYING or any(
            model.lie == REPLAYED for model in member.models
        )

    def begin(self, key: Key, via: str) -> Begun:
        """Number the next job of a model and draw what it does. Raises `KeyError`."""
        model = self.models[key]
        self._jobs[key] += 1
        number = self._jobs[key]
        plan = script(self.world.seed, self.member, model, number)
        if self.instead is not None:
            plan = msgspec.structs.replace(plan, act=self.instead)
        return Begun(key, number, plan, via)

    @contextmanager
    def recorded(self, begun: Begun) -> Iterator[None]:
        """Write a job down however it ends."""
        received_at = time.monotonic_ns()
        try:
            yield
        finally:
            self.world.journal.add(
                JobRecord(
                    orchestrator=self.member.address,
                    pipeline=begun.key[0],
                    model=begun.key[1],
                    job=begun.number,
                    via=begun.via,
                    act=begun.act,
                    received_at=received_at,
                    finished_at=time.monotonic_ns(),
                    scripted_seconds=begun.plan.seconds / self.world.speed,
                    served="aborted" if begun.status is None else _served(begun.act),
                    status=begun.status,
                )
            )

    async def do(self, job: Job, begun: Begun) -> Product:
        """Do a job in the model's way, or lie as its script has it. Raises `BadInput`."""
        model = self.models[begun.key]
        lie = lie_of(model, begun.plan.act)
        if lie == REPLAYED and not self._workshop.can_replay(job.pipeline):
            begun.act, lie = Act.ANSWER, None
        chance = f"{self.world.seed}/{self.member.address}/{'/'.join(begun.key)}/{begun.number}"
        rng = Random(chance)  # noqa: S311 - a simulation wants repeatable draws
        return await self._workshop.do(job, rng, way=model.way, lie=lie, keep=self._replays)


def _served(act: Act) -> Served:
    if act in _ERRORS:
        return "error"
    return "aborted" if act in _CUT else "full"
