"""What the panels about one orchestrator must show."""

from typing import Final

from tests.dashboards.told import ranking
from tests.dashboards.truths.question import (
    Question,
    Values,
    folded,
    mean,
    median,
    number,
    only,
    split,
    tested,
    warm,
    wei,
)
from tests.dashboards.truths.truth import (
    MODEL,
    WHERE,
    Truth,
    busy,
    counted,
    failed,
    in_a_row,
    last_of,
    means,
    metric,
    now,
    of_jobs,
    offered,
    success,
    took,
)
from tests.dashboards.who import RESTART
from tests.measurements import SECOND

_NAMED: Final = ("model_name", "pipeline")
_REACHED: Final = "orchestrator_reachable"
_ENDS: Final = "orchestrator_certificate_expiry_timestamp_seconds"


def _state(question: Question) -> Values:
    fails = [value > 0 for value in question.streaks().values()]
    if not fails:
        return {}
    return {(): 2.0 if all(fails) else float(any(fails))}


def _against(question: Question) -> dict[str, Values]:
    """Own mean round trip, median of everybody's, and how many these are."""
    own = means(question, "round_trip", WHERE)
    everybody = means(question, "round_trip", ("orchestrator_address", *WHERE), network=True)
    middle = folded(only(everybody, 1, 2, 3), median)
    count = folded(only(everybody, 1, 2, 3), number)
    ratio = {where: own[where] / middle[where] for where in own if count[where] > 1}
    return {
        "own": own,
        "median": {where: middle[where] for where in own},
        "count": {where: count[where] for where in own},
        "ratio": ratio,
    }


def _mean_ratio(question: Question) -> Values:
    ratios = list(_against(question)["ratio"].values())
    return {(): mean(ratios)} if ratios else {}


def _standing(question: Question) -> list[tuple[float, float]]:
    return [
        (one.score or 0.0, float(one.rank or 0))
        for moment in question.moments
        for one in ranking(moment)
        if question.has(one.orchestrator)
    ]


def _score(question: Question) -> Values:
    found = _standing(question)
    return {(): max(score for score, _ in found)} if found else {}


def _rank(question: Question) -> Values:
    found = _standing(question)
    return {(): min(rank for _, rank in found)} if found else {}


def _last_test(question: Question) -> Values:
    starts = [job.started_at for job in last_of(question, lambda _: True).values()]
    return {(): question.last - max(starts) / SECOND} if starts else {}


_FAILURE: Final = (*WHERE, "outcome", "blame")


def _failures(question: Question) -> Values:
    """When the last of each kind was, milliseconds."""

    jobs = [job for job in question.jobs() if not job.ok]
    return {
        labels: max(job.started_at for job in some) / 1e6
        for labels, some in split(jobs, _FAILURE).items()
    }


def _last_failures(question: Question) -> Values:
    """Only the last of each target, and since the station started."""

    moment = question.at(question.stop - 1)
    if moment is None:
        return {}
    found = last_of(moment, lambda job: not job.ok)
    since = [
        job
        for job in found.values()
        if not (job.tester == "tester-1" and job.started_at < RESTART * SECOND)
        or question.stop < RESTART
    ]
    return {
        labels: max(job.started_at for job in some) / 1e6
        for labels, some in split(since, _FAILURE).items()
    }


def _maintenance(question: Question) -> Values:
    """A window of its own is open at the end, that of the second tester always."""
    theirs = metric("orchestrator_maintenance", max).of(question)
    ours = metric("tester_maintenance", max).of(question)
    return theirs or ours


TRUTHS: Final[dict[tuple[str, str], Truth]] = {
    ("Is it up now?", "State"): now(_state),
    ("Failures in a row", "Failures in a row"): in_a_row(),
    ("Success", "Success"): success(),
    ("Time, network = 1", "Time against the network"): of_jobs(_mean_ratio),
    ("Score", "Score"): now(_score),
    ("Rank", "Rank"): now(_rank),
    ("Last test ago", "Last test"): now(_last_test),
    ("Warm of offered", "warm"): now(
        lambda question: folded(
            [
                ((), value)
                for value in folded(only(question.offers(warm, network=False), 1, 2), max).values()
            ],
            sum,
        )
    ),
    ("Warm of offered", "offered"): now(
        lambda question: folded(
            [((), 1.0) for _ in {key[1:] for key in question.offers(tested, network=False)}], sum
        )
    ),
    ("Success over time", "Success"): success(("region",)),
    ("Success by model", "Success"): success(MODEL),
    ("Success by model", "Jobs"): counted(MODEL),
    ("Success by model", "In a row"): in_a_row(1, 2),
    ("Success by model", "Inference"): took("inference", MODEL),
    ("Success by model", "Warm"): offered(warm, max, MODEL, network=False),
    ("Success by model", "Price"): offered(wei, max, MODEL, network=False),
    ("Why did jobs not succeed?", ""): failed(("outcome", "blame")),
    ("Failures over time, by blame", ""): failed(("blame",)),
    ("How often is it busy?", ""): busy(_NAMED),
    ("Last failures", "When"): Truth(of=_failures, prometheus=_last_failures),
    ("Failures in a row, over time", ""): in_a_row(2, 3, 1),
    ("How fast against the network", "Here"): of_jobs(lambda one: _against(one)["own"]),
    ("How fast against the network", "Network's median"): of_jobs(
        lambda one: _against(one)["median"]
    ),
    ("How fast against the network", "Ratio"): of_jobs(lambda one: _against(one)["ratio"]),
    ("How fast against the network", "Orchestrators"): of_jobs(lambda one: _against(one)["count"]),
    ("Time against the network's median", "Ratio"): of_jobs(
        lambda one: {
            (model, region, pipeline): value
            for (pipeline, model, region), value in _against(one)["ratio"].items()
        }
    ),
    ("Where the time goes", "upload"): took("upload"),
    ("Where the time goes", "inference"): took("inference"),
    ("Where the time goes", "download"): took("download"),
    ("Inference by model", "Inference"): took("inference", _NAMED),
    ("Warm or cold", ""): offered(warm, max, _NAMED, network=False),
    ("Price", ""): offered(wei, max, _NAMED, network=False),
    ("Can it be reached?", ""): metric(_REACHED, min, ("registry",), min),
    ("Certificate ends in", ""): now(
        lambda question: folded(
            [(one.by(("registry",)), one.value - question.last) for one in question.exposed(_ENDS)],
            min,
        )
    ),
    ("Handshake", ""): metric("orchestrator_handshake_seconds", min, ("registry",)),
    ("Active?", "active"): metric("orchestrator_active", max),
    ("Stake", "stake"): metric("orchestrator_stake_lpt", max),
    ("Maintenance", "maintenance"): now(_maintenance),
    ("Reached over time", ""): metric(_REACHED, min, ("registry",), min),
}
