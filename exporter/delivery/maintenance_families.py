"""The families about maintenance windows that are open."""

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, gauge
from exporter.maintenance import Maintenance


def maintenance_families(found: Maintenance, display: Callable[[str], str]) -> Iterator[Family]:
    """Who has a window open, whether or not anybody tests it, and whether the tester has."""
    theirs = gauge("livepeer_ai_orchestrator_maintenance")
    for orchestrator in sorted(found.orchestrators):
        theirs.add_metric((clean(display(orchestrator)),), 1)
    ours = gauge("livepeer_ai_tester_maintenance")
    ours.add_metric((), 0 if found.of_tester is None else 1)
    yield from (theirs, ours)
