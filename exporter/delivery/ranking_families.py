"""The families about the ranking that the leaderboard shows."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, gauge
from exporter.leaderboard.ranking import Ranked

MAX_RANKED: Final = 1000


def ranking_families(ranking: Sequence[Ranked], display: Callable[[str], str]) -> Iterator[Family]:
    """Score and rank of the best; who has no data has neither."""
    score = gauge("livepeer_ai_orchestrator_score")
    place = gauge("livepeer_ai_orchestrator_rank")
    for one in ranking[:MAX_RANKED]:
        if one.rank is not None and one.score is not None:
            labels = (clean(display(one.orchestrator)),)
            score.add_metric(labels, one.score)
            place.add_metric(labels, one.rank)
    yield from (score, place)
