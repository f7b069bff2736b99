"""What is to be done in a Grafana."""

from dataclasses import dataclass

from exporter.grafana.boards import Edition
from exporter.grafana.sources import Source
from exporter.steps import Done


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is asked for."""

    folder: str
    editions: tuple[Edition, ...]
    sources: tuple[Source, ...] = ()
    bucket: str | None = None
    """The bucket that the dashboards ask at first; `None`: as they come."""
    dry_run: bool = False

    @property
    def made(self) -> Done:
        """What it is called when something is made."""
        return Done.WOULD_MAKE if self.dry_run else Done.MADE

    @property
    def changed(self) -> Done:
        """What it is called when something is changed."""
        return Done.WOULD_CHANGE if self.dry_run else Done.CHANGED
