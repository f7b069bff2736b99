"""Maintenance windows: times in which tests go on and alerts do not."""

from datetime import UTC, datetime
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.model import NANOSECONDS
from exporter.moments import iso_moment
from exporter.settings.jobs import Cron
from exporter.settings.types import Identity, Noun, Section, mistake_at

MOST_WINDOWS: Final = 100
_FIRST: Final = 946_684_800
"""The year 2000, Unix seconds: what lies before it, or after the last, was meant otherwise."""
_LAST: Final = 4_102_444_800
"""The year 2100."""


def _moment(text: str) -> str:
    """The moment in its one spelling: UTC, to the second."""
    found = iso_moment(text.strip())
    if found is None or not _FIRST <= found // NANOSECONDS <= _LAST:
        raise ValueError(
            "expected a moment of ISO 8601 from 2000 to 2100, such as 2030-05-01T22:00Z or "
            "2030-05-02T00:00+02:00"
        )
    return datetime.fromtimestamp(found // NANOSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[str, Noun("moment"), Field(max_length=40), AfterValidator(_moment)]


class MaintenanceWindow(Section):
    """A time in which alerts are silent: once (`from`, `until`), or again and again (`cron`).

    Tests go on, and their results count as ever.
    """

    orchestrators: list[Identity] = Field(
        default=[],
        max_length=1000,
        description="Whose maintenance it is. Empty: the tester itself, so that no alert of it is "
        "raised, about whomever.",
    )
    since: Moment | None = Field(
        default=None,
        alias="from",
        description="When it begins, such as `2030-05-01T22:00Z`; UTC where no zone is named.",
    )
    until: Moment | None = Field(default=None, description="When it ends.")
    cron: Cron | None = Field(
        default=None,
        description="Instead of `from` and `until`: the moments (UTC) at which it begins, a cron "
        "expression of 5 fields, in quotes, such as `'0 3 * * 0'`.",
    )
    minutes: int | None = Field(
        default=None,
        ge=1,
        le=10_080,
        description="How long it is open after each moment of `cron`.",
    )
    reason: str = Field(default="", max_length=200, description="Shown beside it.")

    @model_validator(mode="after")
    def _once_or_again(self) -> Self:
        once, again = (
            (("from", self.since), ("until", self.until)),
            (
                ("cron", self.cron),
                ("minutes", self.minutes),
            ),
        )
        chosen, other = (again, once) if self.cron or self.minutes else (once, again)
        for key, value in other:
            if value is not None:
                raise mistake_at("expected `from` and `until`, or `cron` and `minutes`", key)
        for key, value in chosen:
            if value is None:
                beside = next(name for name, _ in chosen if name != key)
                raise mistake_at(f"required, with `{beside}`: when the window is open", key)
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise mistake_at(f"expected a moment after `from`, which is {self.since}", "until")
        return self
