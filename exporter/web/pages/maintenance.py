"""Maintenance windows that are open, on the pages."""

from typing import Final

from exporter.maintenance import Maintenance, Open
from exporter.web.job_document import iso_time
from exporter.web.pages.layout import orchestrator_name
from exporter.web.pages.markup import Markup, join

MOST_NAMES: Final = 10


def maintenance_facts(found: Maintenance) -> list[tuple[str, str | None]]:
    """One fact a window: whose it is, tested or not, until when and why."""
    return [
        ("Maintenance", join((_whose(window), f" {in_words(window)}"))) for window in found.windows
    ]


def in_words(window: Open) -> str:
    """Until when it is open, and why."""
    reason = f", {window.reason}" if window.reason else ""
    return f"until {iso_time(window.until)[:16].replace('T', ' ')} UTC{reason}"


def _whose(window: Open) -> Markup:
    if not window.orchestrators:
        return join(("of this tester",))
    named = sorted(window.orchestrators)
    names = [orchestrator_name(one) for one in named[:MOST_NAMES]]
    parts: list[str] = [part for name in names for part in (", ", name)][1:]
    if len(named) > MOST_NAMES:
        parts.append(f" and {len(named) - MOST_NAMES} more")
    return join(parts)
