"""How a member conducts itself, at whichever door: its jobs, numbered, scripted, written down."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from exporter.simulation.journal import JobRecord, Journal, Served
from exporter.simulation.picture_job import Desk, Replay
from exporter.simulation.population import Member, Profile, ServedModel
from exporter.simulation.profiles import Act, Script, script
from exporter.simulation.shelf import Shelf

Key = tuple[str, str]
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
    """Threads that make pictures, so that the event loop's waits stay exact."""


class Begun:
    """A job that was received: which it is of its model, and what it is to do."""

    def __init__(self, key: Key, number: int, plan: Script, via: str) -> None:
        self.key = key
        self.number = number
        self.plan = plan
        self.via = via
        self.status: int | None = None
        """HTTP status of the answer, once there is one; a job without one was aborted."""


class Conduct:
    """The jobs of one member, over both of its doors."""

    def __init__(self, member: Member, world: World) -> None:
        self.member = member
        self.world = world
        self.models: dict[Key, ServedModel] = {
            (model.pipeline, model.model): model for model in member.models
        }
        self._jobs: Counter[Key] = Counter()
        self._replays: dict[Key, Replay] = {}

    def begin(self, key: Key, via: str) -> Begun:
        """Number the next job of a model and draw what it does. Raises `KeyError`."""
        model = self.models[key]
        self._jobs[key] += 1
        number = self._jobs[key]
        plan = script(self.world.seed, self.member, model, number)
        return Begun(key, number, plan, via)

    @contextmanager
    def recorded(self, begun: Begun, act: Act | None = None) -> Iterator[None]:
        """Write a job down however it ends, as of `act` if that is not what was scripted."""
        received_at = time.monotonic_ns()
        act = act or begun.plan.act
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
                    act=act,
                    received_at=received_at,
                    finished_at=time.monotonic_ns(),
                    scripted_seconds=begun.plan.seconds / self.world.speed,
                    served="aborted" if begun.status is None else _served(act),
                    status=begun.status,
                )
            )

    def desk(self, key: Key) -> Desk:
        """Where the pictures of a model are made."""
        replay = None
        if self.member.profile is Profile.LYING:
            replay = self._replays.setdefault(key, Replay())
        return Desk(studio=self.world.studio, replay=replay)


def _served(act: Act) -> Served:
    if act in _ERRORS:
        return "error"
    return "aborted" if act in _CUT else "full"
