"""Whose numbers the rules look at: which scrape jobs, which orchestrators, whose results."""

import re
from typing import Final, Literal

import msgspec

from exporter.alerting.rule import Audience

Origin = Literal["own", "followed", "posted"]

ORIGINS: Final[tuple[Origin, ...]] = ("own", "followed")
"""Own results, and those of leaderboards that the settings follow for the sake of alerts. What
others post wakes nobody: it is their word alone, and they can be many."""

_JOB: Final = "livepeer-exporter.*"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules are about."""

    job: str = _JOB
    """Regular expression for the names of the scrape jobs."""
    origins: tuple[Origin, ...] = ORIGINS
    """Whose results may alert an orchestrator, by the `origin` of `livepeer_ai_job_info`."""
    orchestrators: tuple[str, ...] = ()
    """Only these, as their label shows them (EIP-55); empty: all."""
    audiences: tuple[Audience, ...] = tuple(Audience)
    """Only alerts for these."""
    runbooks: str = ""
    """What `docs/runbooks/NAME.md` is put behind to be a URL, such as
    `https://example.org/livepeer-exporter/`; empty: the bare path in the repository."""

    def of(self, *matchers: str) -> str:
        """Label matchers of a metric with `orchestrator_address`, in braces if there are any."""
        chosen = "|".join(map(re.escape, self.orchestrators)).replace("\\", r"\\")
        mine = (f'orchestrator_address=~"{chosen}"',) if chosen else ()
        together = ", ".join((*mine, *matchers))
        return f"{{{together}}}" if together else ""
