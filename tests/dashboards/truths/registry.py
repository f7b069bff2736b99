"""What every query of every board must show, by board, panel and name of the query."""

from typing import Final

from tests.dashboards.truths import of_gateways, of_models, of_network, of_orchestrator, of_tester
from tests.dashboards.truths.truth import Truth

TRUTHS: Final[dict[tuple[str, str, str], Truth]] = {
    (board, *key): truth
    for board, truths in (
        ("orchestrator", of_orchestrator.TRUTHS),
        ("gateway-operator", of_gateways.TRUTHS),
        ("models", of_models.TRUTHS),
        ("network", of_network.TRUTHS),
        ("tester", of_tester.TRUTHS),
    )
    for key, truth in truths.items()
}
