"""The regions of the leaderboard: those of the settings, and those that have results."""

from exporter.leaderboard import legacy
from exporter.web.context import Context


def known_regions(here: Context) -> list[dict[str, str]]:
    """Every region with id, name and type: configured, or with results in the default window."""
    configured = [
        {"id": region.id, "name": region.name, "type": region.type}
        for region in here.settings.leaderboard.regions
    ]
    snapshot = here.prepared.snapshot
    return legacy.regions(configured, snapshot.regions if snapshot is not None else ())
