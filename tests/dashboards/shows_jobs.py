"""What the panels about orchestrators and models show, by board, panel and query."""

from dataclasses import replace
from statistics import fmean, median
from typing import Final

from dashboards.edition import Edition
from tests.dashboards.computing import (
    MODEL,
    TARGET,
    Shows,
    Truth,
    against_network,
    busy,
    exact,
    failures,
    for_a_unit,
    has_price,
    in_a_row,
    inference,
    jobs_that_count,
    last_of,
    mean,
    offered,
    per,
    place,
    prices,
    quantile,
    ratios,
    said,
    says,
    spells,
    streaks,
    success,
    tested,
    warm,
)
from tests.dashboards.seen import FIRST_STATION, Seen, grouped, is_bad, is_good, of_job, of_offer
from tests.dashboards.truth import EXPIRY, RESTART, STAKES, START, STOP
from tests.measurements import SECOND

WHO: Final = "orchestrator_address"
OFFER: Final = (WHO, *MODEL)
SPELL: Final = 3


def _last_test(seen: Seen, _: Edition) -> Truth:
    return exact({(): seen.stop - max(job.started_at for job in seen.until_now) / SECOND})


def _last_failures(seen: Seen, edition: Edition) -> Truth:
    """Of the time; from Prometheus the last one of each target that its station saw."""
    failed = [job for job in seen.jobs if not is_good(job)]
    if edition is Edition.PROMETHEUS:
        failed = [job for job in seen.until_now if not is_good(job)]
        failed = [
            jobs[-1]
            for _, jobs in grouped(failed, of_job(*TARGET, "tester"))
            if jobs[-1].tester != FIRST_STATION or jobs[-1].started_at > RESTART * SECOND
        ]
    key = of_job("pipeline", "model_name", "region", "outcome", "blame")
    return last_of({labels: jobs[-1].started_at / SECOND for labels, jobs in grouped(failed, key)})


def _failing(seen: Seen) -> set[tuple[str, ...]]:
    return {key[:-1] for key, count in streaks(seen).items() if count > 0}


def _last_good(seen: Seen, _: Edition) -> Truth:
    good = [job for job in seen.until_now if is_good(job)]
    moments = {key: jobs[-1].started_at / SECOND for key, jobs in grouped(good, of_job(*TARGET))}
    return last_of({key: value for key, value in moments.items() if key in _failing(seen)})


def _last_failed(seen: Seen, _: Edition) -> Truth:
    failed = [job for job in seen.until_now if not is_good(job)]
    found = {}
    for key, jobs in grouped(failed, of_job(*TARGET)):
        if key in _failing(seen):
            last = of_job("outcome", "blame")(jobs[-1])
            found[(*key, *last)] = jobs[-1].started_at / SECOND
    return last_of(found)


def _recovered(seen: Seen) -> dict[tuple[str, ...], int]:
    failing = _failing(seen)
    return {key: most for key, most in spells(seen).items() if most >= SPELL and key not in failing}


def _who_failed(seen: Seen, _: Edition) -> Truth:
    whole = replace(seen, start=START, stop=STOP)
    reached = {key[0] for key, most in spells(whole).items() if most >= SPELL}
    most = in_a_row(max, WHO).computed(seen, Edition.PROMETHEUS)
    return {key: value for key, value in most.items() if key[0] in reached}


def _change(seen: Seen, *labels: str) -> Truth:
    now = {of_offer(*labels)(offer) for offer in seen.offers}
    before = {of_offer(*labels)(offer) for offer in seen.offers_at(seen.start)}
    return exact(dict.fromkeys(now - before, 1.0) | dict.fromkeys(before - now, -1.0))


def _warmed(seen: Seen) -> dict[tuple[str, ...], float]:
    before = {of_offer(*OFFER)(one): one.warm for one in seen.offers_at(seen.start)}
    now = {of_offer(*OFFER)(one): one.warm for one in seen.offers}
    return {
        key: float(is_warm)
        for key, is_warm in now.items()
        if is_warm is not None and before.get(key) not in (None, is_warm)
    }


def _total(truth: Truth, value: float) -> Truth:
    return exact({(): float(sum(one.low == value for one in truth.values()))})


def _moved(seen: Seen) -> dict[tuple[str, ...], tuple[int, int]]:
    before, now = seen.ranked(seen.start), seen.ranked(seen.moment)
    return {
        (who,): (was, rank)
        for who, one in now.items()
        if (rank := one.rank) is not None and (was := before[who].rank) is not None and was != rank
    }


def _many(seen: Seen, truth: Truth, least: int) -> Truth:
    """Of those with so many jobs that count."""
    counting = [job for job in seen.jobs if is_good(job) or is_bad(job)]
    enough = {key for key, jobs in grouped(counting, of_job(WHO)) if len(jobs) >= least}
    return {key: value for key, value in truth.items() if key in enough}


def _of_many(shows: Shows) -> Shows:
    return Shows(lambda seen, edition: _many(seen, shows.computed(seen, edition), 10))


def _part_failing(*labels: str) -> Shows:
    """Part of those with the labels that have a spell now."""

    def computed(seen: Seen, edition: Edition) -> Truth:
        most = in_a_row(max, *labels).computed(seen, edition)
        return exact({(): per([float(one.low >= SPELL) for one in most.values()])} if most else {})

    return Shows(computed, now=True)


def _how_many_fail(least: int) -> Shows:
    def computed(seen: Seen, edition: Edition) -> Truth:
        most = in_a_row(max, WHO).computed(seen, edition)
        return exact({(): float(sum(one.low >= least for one in most.values()))} if most else {})

    return Shows(computed, now=True)


def _of_chosen(values: dict[str, float], *labels: str) -> Shows:
    """What the chain, or a look, says of the one that is chosen."""

    def computed(seen: Seen, _: Edition) -> Truth:
        chosen = seen.picked.orchestrator or tuple(values)
        return exact({labels: values[who] for who in chosen if who in values})

    return Shows(computed, now=True)


def _of_each(values: dict[str, float]) -> Shows:
    return Shows(lambda *_: exact({(who,): value for who, value in values.items()}), now=True)


def _certificate(seen: Seen, _: Edition) -> Truth:
    flaky = next(iter(STAKES))
    chosen = seen.picked.orchestrator is None or flaky in seen.picked.orchestrator
    return exact({("ai",): float(EXPIRY - seen.stop)}) if chosen else {}


ACTIVE: Final = {who: float(place == 0) for place, who in enumerate(STAKES)}
"""Of those that the chain knows the first is active, and was reached."""
STATE: Final = in_a_row(
    lambda counts: 2.0 if all(counts) else float(any(counts)),
)
RATIO: Final = against_network(ratios)
OFFERING: Final = offered(lambda offers: float(len(offers)), *MODEL)

ORCHESTRATOR: Final[dict[tuple[str, str], Shows]] = {
    ("Is it up now?", "State"): STATE,
    ("Failures in a row", "Failures in a row"): in_a_row(max),
    ("Success", "Success"): success(),
    ("Time, network = 1", "Time against the network"): against_network(
        lambda found: {(): fmean(ratios(found).values())} if ratios(found) else {}
    ),
    ("Score", "Score"): place(lambda one: one.score),
    ("Rank", "Rank"): place(lambda one: one.rank),
    ("Last test ago", "Last test"): Shows(_last_test, now=True),
    ("Warm of offered", "warm"): offered(lambda some: sum(warm(some)), only=says),
    ("Warm of offered", "offered"): offered(len),
    ("Success over time", "Success"): success("region"),
    ("Success by model", "Success"): success(*MODEL),
    ("Success by model", "Jobs"): jobs_that_count(*MODEL),
    ("Success by model", "In a row"): in_a_row(max, *MODEL),
    ("Success by model", "Inference"): mean("inference", *MODEL),
    ("Success by model", "Warm"): offered(lambda some: max(warm(some)), *MODEL, only=says),
    ("Success by model", "Price"): offered(lambda some: max(prices(some)), *MODEL, only=has_price),
    ("How fast against the network", "Here"): mean("round_trip", *MODEL, "region"),
    ("How fast against the network", "Network's median"): against_network(
        lambda found: {key: median(values) for key, values in found[1].items()}
    ),
    ("How fast against the network", "Ratio"): RATIO,
    ("How fast against the network", "Orchestrators"): against_network(
        lambda found: {key: len(values) for key, values in found[1].items()}
    ),
    **{
        ("Where the time goes", phase): mean(phase) for phase in ("upload", "inference", "download")
    },
    ("Time against the network's median", "Ratio"): against_network(
        ratios, "model_name", "region", "pipeline"
    ),
    ("Inference by model", "Inference"): mean("inference", "model_name", "pipeline"),
    ("Why did jobs not succeed?", ""): failures("outcome", "blame"),
    ("Failures over time, by blame", ""): failures("blame"),
    ("How often is it busy?", ""): busy("model_name", "pipeline"),
    ("Last failures", "When"): Shows(_last_failures),
    ("Failures in a row, over time", ""): in_a_row(max, "model_name", "region", "pipeline"),
    ("Warm or cold", ""): offered(
        lambda some: max(warm(some)), "model_name", "pipeline", only=says
    ),
    ("Price", ""): offered(
        lambda some: max(prices(some)), "model_name", "pipeline", only=has_price
    ),
    ("Can it be reached?", ""): _of_chosen(ACTIVE, "ai"),
    ("Certificate ends in", ""): Shows(_certificate, now=True),
    ("Handshake", ""): _of_chosen({next(iter(STAKES)): 0.02}, "ai"),
    ("Active?", "active"): _of_chosen(ACTIVE),
    ("Stake", "stake"): _of_chosen(STAKES),
    ("Maintenance", "maintenance"): said("tester_maintenance", max),
    ("Reached over time", ""): _of_chosen(ACTIVE, "ai"),
}

GATEWAY_OPERATOR: Final[dict[tuple[str, str], Shows]] = {
    ("Orchestrators that fail in a row", "failing"): _how_many_fail(SPELL),
    ("Orchestrators that fail in a row", "tested"): _how_many_fail(0),
    ("Success of all", "Success"): success(),
    ("Busy", "Busy"): busy(),
    ("Recovered", "recovered"): Shows(
        lambda seen, _: exact({(): float(len(_recovered(seen)))}), now=True
    ),
    ("Who fails in a row now?", "In a row"): in_a_row(max, *TARGET, least=1),
    ("Who fails in a row now?", "Last good job"): Shows(_last_good, now=True),
    ("Who fails in a row now?", "Last failure"): Shows(_last_failed, now=True),
    ("How many fail in a row, over time", "3 or more"): _how_many_fail(SPELL),
    ("How many fail in a row, over time", "6 or more"): _how_many_fail(6),
    ("Who failed in a row, and when", ""): Shows(_who_failed, now=True),
    ("Why?", ""): failures("outcome", only=is_bad),
    ("Whose failures?", "Failures"): failures(WHO, "outcome", only=is_bad),
    ("Who recovered?", "Longest spell"): Shows(
        lambda seen, _: exact({key: float(most) for key, most in _recovered(seen).items()}),
        now=True,
    ),
    ("Who serves it well?", "Success"): success(*OFFER),
    ("Who serves it well?", "Jobs"): jobs_that_count(*OFFER),
    ("Who serves it well?", "Round trip"): mean("round_trip", *OFFER),
    ("Who serves it well?", "Busy"): busy(*OFFER),
    ("Who serves it well?", "In a row"): in_a_row(max, *OFFER),
    ("Who serves it well?", "Price"): offered(
        lambda some: max(prices(some)), *OFFER, only=has_price
    ),
    ("Who serves it well?", "Warm"): offered(lambda some: max(warm(some)), *OFFER, only=says),
    ("From where?", "Success"): success("region", "pipeline"),
    ("From where?", "Jobs"): jobs_that_count("region", "pipeline"),
    ("From where?", "Round trip"): mean("round_trip", "region", "pipeline"),
    ("From where?", "Busy"): busy("region", "pipeline"),
}

NETWORK: Final[dict[tuple[str, str], Shows]] = {
    ("Failing now", "orchestrators"): _part_failing(WHO),
    ("Failing now", "their models"): _part_failing(*OFFER),
    ("Success", "Success"): success(),
    ("Orchestrators", "offering"): offered(
        lambda some: len({offer.target.orchestrator for offer in some})
    ),
    ("Orchestrators", "with results"): _how_many_fail(0),
    ("Models", "models"): offered(
        lambda some: len({(offer.target.pipeline, offer.target.model) for offer in some})
    ),
    ("Models", "offers"): offered(len),
    ("Warm and tested", "warm"): offered(lambda some: per(warm(some)), only=says),
    ("Warm and tested", "tested"): offered(lambda some: per(tested(some))),
    ("How much fails, over time", "orchestrators"): _part_failing(WHO),
    ("How much fails, over time", "their models"): _part_failing(*OFFER),
    ("Success over time", ""): success("pipeline"),
    ("Who offers which model", "Orchestrators"): OFFERING,
    ("Who offers which model", "Tested"): offered(lambda some: sum(tested(some)), *MODEL),
    ("Who offers which model", "Not tested"): offered(
        lambda some: len(some) - sum(tested(some)), *MODEL
    ),
    ("Who offers which model", "Warm"): offered(lambda some: sum(warm(some)), *MODEL, only=says),
    ("Who offers which model", "Cold"): offered(
        lambda some: len(some) - sum(warm(some)), *MODEL, only=says
    ),
    ("Who offers which model", "Least price"): offered(
        lambda some: min(prices(some)), *MODEL, only=has_price
    ),
    ("Who offers which model", "Median price"): offered(
        lambda some: median(prices(some)), *MODEL, only=has_price
    ),
    ("Offers over time", ""): offered(len, "pipeline"),
    ("Warm offers over time", ""): offered(lambda some: sum(warm(some)), "pipeline", only=says),
    ("Why did jobs not succeed?", ""): failures("outcome", "blame"),
    ("By whose doing, over time", ""): failures("blame"),
    ("By what happened, over time", ""): failures("outcome"),
    ("Offers: new, gone, warm, cold", "new"): Shows(
        lambda seen, _: _total(_change(seen, *OFFER), 1), now=True
    ),
    ("Offers: new, gone, warm, cold", "gone"): Shows(
        lambda seen, _: _total(_change(seen, *OFFER), -1), now=True
    ),
    ("Offers: new, gone, warm, cold", "became warm"): Shows(
        lambda seen, _: exact({(): float(list(_warmed(seen).values()).count(1))}), now=True
    ),
    ("Offers: new, gone, warm, cold", "became cold"): Shows(
        lambda seen, _: exact({(): float(list(_warmed(seen).values()).count(0))}), now=True
    ),
    ("Offers that came or went", "Change"): Shows(lambda seen, _: _change(seen, *OFFER), now=True),
    ("Who came, who vanished", "Change"): Shows(lambda seen, _: _change(seen, WHO), now=True),
    ("Models that became warm or cold", "Now"): Shows(
        lambda seen, _: exact(_warmed(seen)), now=True
    ),
    ("Ranks that changed", "Places"): Shows(
        lambda seen, _: exact({who: was - now for who, (was, now) in _moved(seen).items()}),
        now=True,
    ),
    ("Ranks that changed", "Rank"): Shows(
        lambda seen, _: exact({who: now for who, (_, now) in _moved(seen).items()}), now=True
    ),
    **{
        (f"{which} by score", "Score"): place(lambda one: one.score, WHO)
        for which in ("Best", "Worst")
    },
    **{
        (f"{which} by score", "Rank"): place(lambda one: one.rank, WHO)
        for which in ("Best", "Worst")
    },
    **{(f"{which} by success", "Success"): _of_many(success(WHO)) for which in ("Best", "Worst")},
    **{
        (f"{which} by success", "Jobs"): _of_many(jobs_that_count(WHO))
        for which in ("Best", "Worst")
    },
    ("By region of the tester", "Success"): success("region"),
    ("By region of the tester", "Jobs"): jobs_that_count("region"),
    ("By region of the tester", "Round trip"): mean("round_trip", "region"),
    ("By region of the tester", "Median inference"): quantile(0.5, inference, "region"),
    ("Success by region", ""): success("region"),
    ("Round trip by region", ""): mean("round_trip", "region"),
    ("Orchestrators by state", ""): said("tester_orchestrators", max, "state"),
    ("Orchestrators by state, over time", ""): said("tester_orchestrators", max, "state"),
    ("Who is registered", "Stake"): Shows(
        lambda *_: exact({(who, "", "offered"): stake for who, stake in STAKES.items()}),
        now=True,
    ),
    ("Who is registered", "Active"): _of_each(ACTIVE),
    ("Who is registered", "Reached"): _of_each(ACTIVE),
}

MODELS: Final[dict[tuple[str, str], Shows]] = {
    ("Which models can I use?", "Orchestrators"): OFFERING,
    ("Which models can I use?", "Warm"): offered(lambda some: per(warm(some)), *MODEL, only=says),
    ("Which models can I use?", "Success"): success(*MODEL),
    ("Which models can I use?", "Jobs"): jobs_that_count(*MODEL),
    ("Which models can I use?", "p50"): quantile(0.5, inference, *MODEL),
    ("Which models can I use?", "p95"): quantile(0.95, inference, *MODEL),
    ("Which models can I use?", "p50 a unit"): quantile(0.5, for_a_unit, *MODEL, "unit"),
    ("Which models can I use?", "p95 a unit"): quantile(0.95, for_a_unit, *MODEL, "unit"),
    ("Which models can I use?", "Least price"): offered(
        lambda some: min(prices(some)), *MODEL, only=has_price
    ),
    ("Which models can I use?", "Price"): offered(
        lambda some: median(prices(some)), *MODEL, only=has_price
    ),
    ("Who serves what?", "Tested"): offered(lambda some: max(tested(some)), *OFFER),
    ("Who serves what?", "Warm"): offered(lambda some: max(warm(some)), *OFFER, only=says),
    ("Who serves what?", "Price"): offered(lambda some: max(prices(some)), *OFFER, only=has_price),
    ("Who serves what?", "Success"): success(*OFFER),
    ("Who serves what?", "Jobs"): jobs_that_count(*OFFER),
    ("Who serves what?", "Inference"): mean("inference", *OFFER),
    ("Success by model", ""): success("model_name", "pipeline"),
    ("Warm share by model", ""): offered(
        lambda some: per(warm(some)), "model_name", "pipeline", only=says
    ),
    ("Median inference by model", ""): quantile(0.5, inference, "model_name", "pipeline"),
    ("95th percentile of inference by model", ""): quantile(
        0.95, inference, "model_name", "pipeline"
    ),
    ("Median for a unit of work", ""): quantile(0.5, for_a_unit, "model_name", "pipeline", "unit"),
    ("95th percentile for a unit of work", ""): quantile(
        0.95, for_a_unit, "model_name", "pipeline", "unit"
    ),
    ("Median price by model", ""): offered(
        lambda some: median(prices(some)), "model_name", "pipeline", only=has_price
    ),
    ("Orchestrators by model", ""): offered(len, "model_name", "pipeline"),
    ("From where?", "Success"): success(*MODEL, "region"),
    ("From where?", "Jobs"): jobs_that_count(*MODEL, "region"),
    ("From where?", "p50"): quantile(0.5, inference, *MODEL, "region"),
    ("From where?", "p95"): quantile(0.95, inference, *MODEL, "region"),
    ("From where?", "p50 a unit"): quantile(0.5, for_a_unit, *MODEL, "region", "unit"),
}
