"""What doing a job means in the simulation: honestly, in several ways, or falsely, in many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from exporter.model import Outcome
from exporter.simulation.workload import Job, Media

REPLAYED: Final = "replayed"
"""The lie to answer with what was made, honestly, for an earlier job."""


class BadInput(Exception):
    """The job's input is not what the pipeline takes; the text is the runner's message."""


@dataclass(frozen=True)
class Product:
    """What a job made: the runner's answer, with an empty `url` for each media file, and these.

    Where tokens were asked for one by one, the events of the stream instead.
    """

    document: dict[str, Any] = field(default_factory=dict)
    media: tuple[Media, ...] = ()
    events: tuple[bytes, ...] = ()


Maker = Callable[[Job, Random], Product]
"""Does a job; raises `BadInput`. May be slow: runs in a thread. Draws only from `Random`."""


@dataclass(frozen=True)
class Lie:
    """A way of not doing the job."""

    make: Maker
    outcome: Outcome
    """What a tester must find."""


@dataclass(frozen=True, kw_only=True)
class Craft:
    """All the ways in which the simulation answers jobs of one pipeline."""

    pipeline: str
    """URI form."""
    honest: Mapping[str, Maker]
    """Ways that differ as real models do; a tester must find all of them good. The first is the
    one that is used where nothing is said."""
    lies: Mapping[str, Lie]
    """By name. There is one more, `REPLAYED`, which needs a memory; see `workshop`."""
    replayed: Outcome | None = Outcome.WRONG_ANSWER
    """What an honest answer to an earlier job deserves; `None` where it may be right by chance."""

    def outcome(self, lie: str) -> Outcome:
        """What a tester must find. Raises `KeyError` for a lie that there is not."""
        if lie == REPLAYED and self.replayed is not None:
            return self.replayed
        return self.lies[lie].outcome

    @property
    def all_lies(self) -> tuple[str, ...]:
        """The names of all lies that can be told apart from the truth with certainty."""
        return (*self.lies, *([] if self.replayed is None else [REPLAYED]))
