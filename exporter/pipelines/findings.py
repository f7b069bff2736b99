"""What a proof finds, check by check, and the verdict that follows from it."""

import math
from collections.abc import Collection

from exporter.model import Artefact, Check, Outcome, Tokens
from exporter.pipelines.job import Verdict

_DIGITS = 4


class Findings:
    """Gathers checks. The first one that fails and decides, decides."""

    def __init__(self, exempt: Collection[str] = ()) -> None:
        self._exempt = frozenset(exempt)
        self._checks: list[Check] = []
        self._failed: list[tuple[Outcome, str]] = []
        self._evidence: list[str] = []
        self._spared = False

    @property
    def failed(self) -> bool:
        """Whether a check that decides has failed."""
        return bool(self._failed)

    def check(
        self,
        name: str,
        score: float | None,
        complaint: str,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        outcome: Outcome = Outcome.WRONG_ANSWER,
    ) -> bool:
        """Hold a score against its bounds; gives whether all may go on as if it had passed.

        `complaint` says to a person what is wrong, with the score and the bound in it, and
        `outcome` what the job ends as, if the check fails and decides. A score that cannot be
        computed is `None` and fails.
        """
        known = score if score is not None and math.isfinite(score) else None
        check = Check(
            name=name,
            # The bound is held against what is stored, so that nobody reads 0.8 and "below 0.8".
            score=None if known is None else round(known, _DIGITS),
            at_least=at_least,
            at_most=at_most,
            exempt=name in self._exempt,
        )
        self._checks.append(check)
        if check.passed:
            return True
        if check.exempt:
            self._spared = True
            self._evidence.append(f"exempt from {name} by the settings: {complaint}")
            return True
        self._failed.append((outcome, complaint))
        return False

    def report(self, name: str, score: float | None) -> None:
        """Store a score that decides nothing."""
        known = score if score is not None and math.isfinite(score) else None
        rounded = None if known is None else round(known, _DIGITS)
        self._checks.append(Check(name=name, score=rounded))

    def note(self, *evidence: str) -> None:
        """Add evidence in words."""
        self._evidence += evidence

    def verdict(
        self,
        *,
        artefacts: tuple[Artefact, ...] = (),
        units: float | None = None,
        tokens: Tokens | None = None,
        response: str = "",
        unique: bool = True,
    ) -> Verdict:
        """What follows: the first failure is the outcome, the others are evidence.

        An answer that failed only a check that decides nothing may be like any other such.
        """
        outcome, message = self._failed[0] if self._failed else (Outcome.OK, "")
        return Verdict(
            outcome=outcome,
            message=message,
            evidence=(*(complaint for _, complaint in self._failed[1:]), *self._evidence),
            artefacts=artefacts,
            proof=tuple(self._checks),
            units=units,
            tokens=tokens,
            response=response,
            unique=unique and not self._spared,
        )


def number(score: float | None) -> str:
    """A score in a complaint; `None` is one that cannot be computed."""
    return "no number at all" if score is None else f"{score:.3f}"
