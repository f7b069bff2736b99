"""What the panels about the tester itself must show.

Most of them show gauges as they are and counters by how much they rose: the truth is what was
exposed, put together as the panel's title and description say.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from exporter.model import Measurement
from exporter.probing.scheduling.progress import LAG_BOUNDS, QUEUE_BOUNDS
from tests.dashboards.told import numbers
from tests.dashboards.truth import TESTERS
from tests.dashboards.truths.question import Question, Values, median
from tests.dashboards.truths.truth import Truth, ago, grown, metric, now, share_of
from tests.measurements import SECOND

ETHER: Final = 1e18
_INSTALLATION: Final = ("instance",)


def _last(values: list[float]) -> float:
    return values[-1]


def _gauge(name: str, fold: Callable[[list[float]], float], *by: str, per: float = 1.0) -> Truth:
    over = min if fold is min else _last if fold is sum else max
    return metric(f"tester_{name}", fold, by, over, per)


def _grown(name: str, *by: str) -> Truth:
    return grown(f"tester_{name}", by)


def _ago(name: str, *by: str) -> Truth:
    return ago(f"tester_{name}", by)


def _heard(question: Question) -> Values:
    """The scrapes of all are of the same moments."""
    return {(): float(question.last - max(question.moments))}


def _lateness(question: Question) -> Values:
    """Half of all cycles: over time, of all that were told in the step."""
    values = [
        one.value
        for moment in question.moments
        for one in question.during(moment, moment + 1).exposed("tester_cycle_lateness_seconds")
    ]
    return {(): median(values)} if values else {}


def _of_limit(question: Question) -> Values:
    """The greatest part of its own limit that an installation has spent."""
    cost = metric("tester_cost_today_wei", sum, _INSTALLATION).of(question)
    limit = metric("tester_spending_limit_wei", sum, _INSTALLATION).of(question)
    return {(): max(cost[who] / limit[who] for who in cost)} if cost else {}


def _installations(name: str, label: str) -> Truth:
    """A gauge of each, with the version or the digest of its station."""

    def of(question: Question) -> Values:
        told = {
            tester.name: numbers(tester.name, moment)
            for moment in question.moments
            for tester in TESTERS
        }
        words = {
            who: one.version if label == "version" else one.settings_digest
            for who, one in told.items()
        }
        gauge = metric(f"tester_{name}", sum, _INSTALLATION).of(question)
        return {(who, words[who]): value for (who,), value in gauge.items()}

    return now(of)


def _share(
    share: float, of_job: Callable[[Measurement], int | None], buckets: tuple[float, ...]
) -> Truth:
    """A quantile over the jobs that installations made, good or not."""

    return share_of(
        share,
        lambda question: [((), (of_job(job) or 0) / SECOND) for job in question.made()],
        buckets,
    )


def _posts() -> Truth:
    """In InfluxDB those of all installations: the tag `tester` is who posted."""
    narrowed = _grown("leaderboard_posts_total", "result")

    def of(question: Question) -> Values:
        everybody = msgspec.structs.replace(question.picked, installation=None)
        return narrowed.of(replace(question, picked=everybody))

    return replace(narrowed, of=of)


def _lag(job: Measurement) -> int | None:
    return job.loop_lag


def _queue(job: Measurement) -> int | None:
    return job.queue_time


_SOURCE: Final = "source"
_LATE: Final = "Cycles late by"
_ENDED: Final = "Crashes and restarts"
_UNDER_WAY: Final[dict[tuple[str, str], Truth]] = {
    ("Last heard of", "ago"): now(_heard),
    ("Own network", "network"): _gauge("network_up", min),
    ("Maintenance", "maintenance"): _gauge("maintenance", max),
    ("Targets", "tested"): _gauge("targets", sum),
    ("Targets", "held back"): _gauge("targets_held_back", sum),
    ("Jobs", "done"): _grown("jobs_total"),
    ("Jobs", "left out"): _grown("jobs_skipped_total"),
    (_LATE, "half"): now(_lateness),
    (_LATE, "latest"): _gauge("cycle_lateness_seconds", max),
    ("Cycles late by, over time", "half"): now(_lateness),
    ("Cycles late by, over time", "latest"): _gauge("cycle_lateness_seconds", max),
    ("Own network, over time", "network"): _gauge("network_up", min),
    ("Waiting for the store", "waiting"): _gauge("outbox_pending", sum),
    ("Lost", "deleted"): _grown("outbox_dropped_total"),
    ("Lost", "dead letters"): _gauge("dead_letters", sum),
    ("Installations", "Targets"): _installations("targets", "version"),
    ("Installations", "Maintenance"): _installations("maintenance", "digest"),
    ("Installations", "Network"): _gauge("network_up", min, "instance"),
    ("Cycles missed", "missed"): _grown("cycles_missed_total"),
    ("Jobs done, by outcome", ""): _grown("jobs_total", "outcome"),
    ("Jobs left out, by reason", ""): _grown("jobs_skipped_total", "reason"),
    ("Targets, and those held back", "tested"): _gauge("targets", sum),
    ("Targets, and those held back", ""): _gauge("targets_held_back", sum, "reason"),
    ("Last round", ""): _gauge("last_round_jobs", sum, "state"),
    ("Timing quality", "half"): _share(0.5, _lag, LAG_BOUNDS),
    ("Timing quality", "95 %"): _share(0.95, _lag, LAG_BOUNDS),
    ("Wait from due to started", "half"): _share(0.5, _queue, QUEUE_BOUNDS),
    ("Wait from due to started", "95 %"): _share(0.95, _queue, QUEUE_BOUNDS),
    ("Loop lag of the processes", ""): _gauge("probe_loop_lag_seconds", max, "statistic"),
    ("Loop lag of the processes", "station"): _gauge("station_loop_lag_seconds", max),
    ("Jobs under way", "jobs"): _gauge("jobs_running", sum),
}
_TOLD: Final[dict[tuple[str, str], Truth]] = {
    ("Consumers", "Up"): _gauge("consumer_up", min, "consumer"),
    ("Consumers", "Lag"): _gauge("consumer_lag", sum, "consumer"),
    ("Consumers", "Delivered"): _grown("consumer_delivered_total", "consumer"),
    ("Consumers", "Errors"): _grown("consumer_errors_total", "consumer"),
    ("Consumers", "Dead letters"): _gauge("dead_letters", sum, "consumer"),
    ("Outbox on disk", "outbox"): _gauge("outbox_bytes", max),
    ("Measurements that wait", ""): _gauge("consumer_lag", sum, "consumer"),
    ("Failed attempts to deliver", ""): _grown("consumer_errors_total", "consumer"),
    ("Supply put together", "ago"): _ago("supply_timestamp_seconds"),
    ("Sources", "Up"): _gauge("source_up", min, _SOURCE),
    ("Sources", "Refreshed ago"): _ago("source_last_refresh_timestamp_seconds", _SOURCE),
    ("Sources", "Offers"): _gauge("source_offers", sum, _SOURCE),
    ("Offers by source", ""): _gauge("source_offers", max, _SOURCE),
    ("Answers prepared", "ago"): _gauge("leaderboard_age_seconds", max),
    ("Followed leaderboards", "Read ago"): _ago("followed_last_success_timestamp_seconds", _SOURCE),
    ("Followed leaderboards", "Errors"): _grown("followed_errors_total", _SOURCE),
    ("Results of followed leaderboards", ""): _grown("followed_results_total", "result"),
    ("Posts that came in", ""): _posts(),
    ("Results that were posted elsewhere", ""): _grown(
        "posted_results_total", "consumer", "result"
    ),
    ("Questions that were refused", ""): _grown("leaderboard_refused_total", "reason"),
}
_PAID: Final[dict[tuple[str, str], Truth]] = {
    ("Gateways that run", ""): _gauge("lanes", sum, "state"),
    ("Memory of each gateway", ""): _gauge("lane_resident_bytes", max, "lane"),
    ("Scout", "scout"): _gauge("scout_up", min),
    ("Starts and switches", "starts"): _grown("lane_starts_total"),
    ("Starts and switches", "switches"): _grown("lane_switches_total"),
    ("Starts that failed, by reason", ""): _grown("lane_start_failures_total", "reason"),
    (_ENDED, "crashes"): _grown("lane_crashes_total"),
    (_ENDED, "hangs"): _grown("lane_hangs_total"),
    (_ENDED, "memory"): _grown("lane_memory_restarts_total"),
    (_ENDED, "floods"): _grown("lane_floods_total"),
    ("Age of the block", "ago"): _ago("chain_block_timestamp_seconds"),
    ("Relay and its nodes", "Up"): _gauge("relay_node_up", min, "node"),
    ("Relay and its nodes", "Requests"): _grown("relay_node_requests_total", "node"),
    ("Relay", "relay"): _gauge("relay_up", min),
    ("Calls of gateways", ""): _grown("relay_calls_total", "result"),
    ("Requests to nodes", ""): _grown("relay_node_requests_total", "result"),
    ("Calls that wait", "waiting"): _gauge("relay_calls_waiting", sum),
    ("Deposit and reserve", "deposit"): _gauge("account_deposit_wei", min, per=ETHER),
    ("Deposit and reserve", "reserve"): _gauge("account_reserve_wei", min, per=ETHER),
    ("Balance of the account", "balance"): _gauge("account_balance_wei", min, per=ETHER),
    ("Days left", "days"): _gauge("account_days_left", min),
    ("Cost today", "today"): _gauge("cost_today_wei", sum, per=ETHER),
    ("Of the limit of a day", "of the limit"): now(_of_limit),
    ("Price not known", "jobs"): _grown("jobs_price_unknown_total"),
    ("Cost of a day", ""): _gauge("cost_per_day_wei", max, "basis", per=ETHER),
    ("Account read ago", "ago"): _gauge("account_age_seconds", max),
    ("What is wrong with the account", "Is it so"): _gauge("account_concern", max, "reason"),
}
TRUTHS: Final = _UNDER_WAY | _TOLD | _PAID
