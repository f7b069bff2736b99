"""What the panels about the whole network must show."""

from typing import Final

from exporter.leaderboard.ranking import Ranked
from exporter.model import Registration
from tests.dashboards.asking import Labels
from tests.dashboards.told import NAMES, ranking, supply
from tests.dashboards.truth import BUCKETS
from tests.dashboards.truths.question import (
    Question,
    Values,
    blamed,
    folded,
    good,
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
    Of,
    Truth,
    counted,
    counting,
    failed,
    metric,
    now,
    of_jobs,
    offered,
    own_quantile,
    success,
    took,
)

SPELL: Final = 3
ENOUGH: Final = 10
_WHO: Final = ("orchestrator_address",)
_REGION: Final = ("region",)


def _failing(*places: int) -> Truth:
    """The part of them that fail."""

    def of(question: Question) -> Values:
        each = folded(only(question.streaks(network=True), *places), max)
        return folded([((), float(value >= SPELL)) for value in each.values()], mean)

    return now(of)


def _distinct(*places: int) -> Truth:
    def of(question: Question) -> Values:
        found = {key for key, _ in only(question.offers(tested), *places)}
        return {(): float(len(found))} if found else {}

    return now(of)


def _with_results(question: Question) -> Values:
    found = {key[0] for key in question.streaks(network=True)}
    return {(): float(len(found))} if found else {}


def _cold(question: Question) -> Values:
    return folded([(key[1:], 1 - value) for key, value in question.offers(warm).items()], sum)


def _untested(question: Question) -> Values:
    return folded([(key[1:], 1 - value) for key, value in question.offers(tested).items()], sum)


def _then(question: Question) -> Question | None:
    """As the range began."""
    return question.at(question.first)


def _changed(places: tuple[int, ...]) -> Truth:
    """1 for what came, -1 for what went, where both moments are known."""

    def of(question: Question) -> Values:
        before, after = _two(question, places)
        if not before or not after:
            return {}
        return dict.fromkeys(after - before, 1.0) | dict.fromkeys(before - after, -1.0)

    return now(of)


def _two(question: Question, places: tuple[int, ...]) -> tuple[set[Labels], set[Labels]]:
    then = _then(question)
    before = set() if then is None else {key for key, _ in only(then.offers(tested), *places)}
    return before, {key for key, _ in only(question.offers(tested), *places)}


def _how_many(sign: float) -> Truth:
    def of(question: Question) -> Values:
        before, after = _two(question, (0, 1, 2))
        if not before or not after:
            return {}
        return {(): float(len(after - before if sign > 0 else before - after))}

    return now(of)


def _turned(question: Question) -> Values:
    """How it is now, of offers of which it was said at both moments."""
    then = _then(question)
    before = {} if then is None else then.offers(warm)
    after = question.offers(warm)
    return {key: after[key] - before[key] for key in after if key in before}


def _became(sign: float) -> Truth:
    def of(question: Question) -> Values:
        turned = _turned(question)
        return {(): float(sum(value == sign for value in turned.values()))} if turned else {}

    return now(of)


def _warmth(question: Question) -> Values:
    return {key: max(value, 0.0) for key, value in _turned(question).items() if value}


def _ranked(question: Question | None) -> dict[str, Ranked]:
    if question is None:
        return {}
    return {one.orchestrator: one for moment in question.moments for one in ranking(moment)}


def _places(question: Question) -> Values:
    before, after = _ranked(_then(question)), _ranked(question)
    moved = {
        (who,): float((before[who].rank or 0) - (after[who].rank or 0))
        for who in after
        if who in before
    }
    return {who: value for who, value in moved.items() if value}


def _new_ranks(question: Question) -> Values:
    return {(who,): float(_ranked(question)[who].rank or 0) for (who,) in _places(question)}


def _scores(question: Question) -> Values:
    return {(who,): one.score or 0.0 for who, one in _ranked(question).items()}


def _ranks(question: Question) -> Values:
    return {(who,): float(one.rank or 0) for who, one in _ranked(question).items()}


def _enough(of: Of) -> Of:
    """Of those with enough jobs that count."""

    def narrowed(question: Question) -> Values:
        jobs = [job for job in question.jobs(network=True) if good(job) or blamed(job)]
        known = {who for who, some in split(jobs, _WHO).items() if len(some) >= ENOUGH}
        return {who: value for who, value in of(question).items() if who in known}

    return narrowed


def _registered(question: Question) -> list[Registration]:
    return [one for moment in question.moments for one in supply(moment).registered]


def _stakes(question: Question) -> Values:
    """With the name, and `offered` for who is registered and offers something."""
    offering = {
        offer.target.orchestrator for moment in question.moments for offer in supply(moment).offers
    }
    return {
        (
            one.orchestrator,
            NAMES.get(one.orchestrator, ""),
            "offered" if one.orchestrator in offering else "offers_unknown",
        ): one.stake
        for one in _registered(question)
    }


def _active(question: Question) -> Values:
    return {(one.orchestrator,): float(one.active) for one in _registered(question)}


def _reached(question: Question) -> Values:
    return {
        (one.orchestrator,): float(min(look.reached or False for look in one.reachability))
        for one in _registered(question)
        if one.reachability
    }


def _by(title: str) -> dict[tuple[str, str], Truth]:
    best = {"Score": now(_scores), "Rank": now(_ranks)}
    rate = of_jobs(_enough(success(_WHO, network=True).of))
    jobs = counting(_enough(counted(_WHO, network=True).of))
    return {
        **{(f"{title} by score", name): truth for name, truth in best.items()},
        (f"{title} by success", "Success"): rate,
        (f"{title} by success", "Jobs"): jobs,
    }


_BY_MODEL: Final = "Who offers which model"
_CAME: Final = "Offers: new, gone, warm, cold"
_TABLE: Final = "By region of the tester"

TRUTHS: Final[dict[tuple[str, str], Truth]] = {
    ("Failing now", "orchestrators"): _failing(0),
    ("Failing now", "their models"): _failing(0, 1, 2),
    ("Success", "Success"): success(network=True),
    ("Orchestrators", "offering"): _distinct(0),
    ("Orchestrators", "with results"): now(_with_results),
    ("Models", "models"): _distinct(1, 2),
    ("Models", "offers"): _distinct(0, 1, 2),
    ("Warm and tested", "warm"): offered(warm, mean),
    ("Warm and tested", "tested"): offered(tested, mean),
    ("How much fails, over time", "orchestrators"): _failing(0),
    ("How much fails, over time", "their models"): _failing(0, 1, 2),
    ("Success over time", ""): success(("pipeline",), network=True),
    (_BY_MODEL, "Orchestrators"): offered(tested, number, MODEL),
    (_BY_MODEL, "Tested"): offered(tested, sum, MODEL),
    (_BY_MODEL, "Not tested"): now(_untested),
    (_BY_MODEL, "Warm"): offered(warm, sum, MODEL),
    (_BY_MODEL, "Cold"): now(_cold),
    (_BY_MODEL, "Least price"): offered(wei, min, MODEL),
    (_BY_MODEL, "Median price"): offered(wei, median, MODEL),
    ("Offers over time", ""): offered(tested, number, ("pipeline",)),
    ("Warm offers over time", ""): offered(warm, sum, ("pipeline",)),
    ("Why did jobs not succeed?", ""): failed(("outcome", "blame"), network=True),
    ("By whose doing, over time", ""): failed(("blame",), network=True),
    ("By what happened, over time", ""): failed(("outcome",), network=True),
    (_CAME, "new"): _how_many(1),
    (_CAME, "gone"): _how_many(-1),
    (_CAME, "became warm"): _became(1),
    (_CAME, "became cold"): _became(-1),
    ("Offers that came or went", "Change"): _changed((0, 1, 2)),
    ("Who came, who vanished", "Change"): _changed((0,)),
    ("Models that became warm or cold", "Now"): now(_warmth),
    ("Ranks that changed", "Places"): now(_places),
    ("Ranks that changed", "Rank"): now(_new_ranks),
    **_by("Best"),
    **_by("Worst"),
    (_TABLE, "Success"): success(_REGION, network=True),
    (_TABLE, "Jobs"): counted(_REGION, network=True),
    (_TABLE, "Round trip"): took("round_trip", _REGION, network=True),
    (_TABLE, "Median inference"): own_quantile(0.5, _REGION, BUCKETS),
    ("Success by region", ""): success(_REGION, network=True),
    ("Round trip by region", ""): took("round_trip", _REGION, network=True),
    ("Orchestrators by state", ""): metric("tester_orchestrators", max, ("state",)),
    ("Orchestrators by state, over time", ""): metric("tester_orchestrators", max, ("state",)),
    ("Who is registered", "Stake"): now(_stakes),
    ("Who is registered", "Active"): now(_active),
    ("Who is registered", "Reached"): now(_reached),
}
