"""What the panels about models must show."""

from dataclasses import replace
from typing import Final

from exporter.delivery.model_histograms import UNIT_BOUNDS
from tests.dashboards.asking import Labels
from tests.dashboards.truth import BUCKETS
from tests.dashboards.truths.question import (
    OFFER,
    Question,
    Values,
    mean,
    median,
    number,
    tested,
    warm,
    wei,
)
from tests.dashboards.truths.truth import (
    MODEL,
    WHERE,
    Truth,
    counted,
    offered,
    own_quantile,
    success,
    took,
)

NAMED: Final = ("model_name", "pipeline")


def _inference(share: float, by: Labels) -> Truth:
    return own_quantile(share, by, BUCKETS)


def _a_unit(share: float, by: Labels) -> Truth:
    return own_quantile(share, (*by, "unit"), UNIT_BOUNDS, per_unit=True)


def _columns(title: str, by: Labels) -> dict[tuple[str, str], Truth]:
    return {
        (title, "Success"): success(by, network=True),
        (title, "Jobs"): counted(by, network=True),
        (title, "p50"): _inference(0.5, by),
        (title, "p95"): _inference(0.95, by),
        (title, "p50 a unit"): _a_unit(0.5, by),
    }


def _with_jobs(truth: Truth) -> Truth:
    """Only models of which jobs of the range count: what has most of them; here all that have."""

    def of(question: Question) -> Values:
        jobs = counted(NAMED, network=True).of(question.during(question.first, question.last))
        return {labels: value for labels, value in truth.of(question).items() if labels[:2] in jobs}

    return replace(truth, of=of)


TRUTHS: Final[dict[tuple[str, str], Truth]] = {
    ("Which models can I use?", "Orchestrators"): offered(tested, number, MODEL),
    ("Which models can I use?", "Warm"): offered(warm, mean, MODEL),
    **_columns("Which models can I use?", MODEL),
    ("Which models can I use?", "p95 a unit"): _a_unit(0.95, MODEL),
    ("Which models can I use?", "Least price"): offered(wei, min, MODEL),
    ("Which models can I use?", "Price"): offered(wei, median, MODEL),
    ("Who serves what?", "Tested"): offered(tested, max, OFFER),
    ("Who serves what?", "Warm"): offered(warm, max, OFFER),
    ("Who serves what?", "Price"): offered(wei, max, OFFER),
    ("Who serves what?", "Success"): success(OFFER, network=True),
    ("Who serves what?", "Jobs"): counted(OFFER, network=True),
    ("Who serves what?", "Inference"): took("inference", OFFER, network=True),
    ("Success by model", ""): success(NAMED, network=True),
    ("Warm share by model", ""): offered(warm, mean, NAMED),
    ("Median inference by model", ""): _with_jobs(_inference(0.5, NAMED)),
    ("95th percentile of inference by model", ""): _with_jobs(_inference(0.95, NAMED)),
    ("Median for a unit of work", ""): _with_jobs(_a_unit(0.5, NAMED)),
    ("95th percentile for a unit of work", ""): _with_jobs(_a_unit(0.95, NAMED)),
    ("Median price by model", ""): offered(wei, median, NAMED),
    ("Orchestrators by model", ""): offered(tested, number, NAMED),
    **{
        key: truth
        for key, truth in _columns("From where?", WHERE).items()
        if key[1] != "p95 a unit"
    },
}
