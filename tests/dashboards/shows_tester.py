"""What the panels about the tester show, by panel and query."""

from collections.abc import Callable
from statistics import median
from typing import Final

from dashboards.edition import Edition
from exporter.probing.scheduling.progress import LAG_BOUNDS, QUEUE_BOUNDS
from tests.dashboards.computing import Shows, Truth, ago, exact, grown, near, of_all_jobs, said
from tests.dashboards.seen import Seen
from tests.dashboards.truth import TESTERS

ETHER: Final = 1e18
_VERSION: Final = "1.2.3"
_DIGEST: Final = "0123456789ab"


def _told(name: str, port: int, *labels: str) -> Shows:
    """A gauge of each installation.

    It is known by `instance` in Prometheus, by the tester in InfluxDB.
    """

    def computed(seen: Seen, edition: Edition) -> Truth:
        found = said(f"tester_{name}", max).computed(seen, edition)[()]
        names = [
            f"{one.instance}:{port}" if edition is Edition.PROMETHEUS else one.name
            for one in TESTERS
        ]
        return {(name, *labels): found for name in names}

    return Shows(computed, now=True)


def _network(seen: Seen, edition: Edition) -> Truth:
    """Each probe has its own."""
    values = {
        one.instance: value
        for one in TESTERS
        for value in [
            values[-1][1]
            for (_, _, instance, _), values in seen.shown.series[
                "livepeer_ai_tester_network_up"
            ].items()
            if instance == f"{one.instance}:9878"
        ]
    }
    names = {
        one.instance: f"{one.instance}:9878" if edition is Edition.PROMETHEUS else one.name
        for one in TESTERS
    }
    return exact({(names[instance],): value for instance, value in values.items()})


def _of_limit(seen: Seen, _: Edition) -> Truth:
    cost = [value for _, value in seen.samples("livepeer_ai_tester_cost_today_wei")]
    limit = [value for _, value in seen.samples("livepeer_ai_tester_spending_limit_wei")]
    parts = [one / of for one, of in zip(cost, limit, strict=True) if of > 0]
    return near({(): max(parts)}, 1e-9)


def _now(how: Callable[[list[float]], float], name: str, *labels: str, unit: float = 1) -> Shows:
    return said(f"tester_{name}", how, *labels, unit=unit)


def _grown(name: str, *labels: str) -> Shows:
    return grown(f"tester_{name}_total", *labels)


TESTER: Final[dict[tuple[str, str], Shows]] = {
    ("Last heard of", "ago"): Shows(
        lambda seen, _: exact({(): float(seen.stop - seen.moment)}), now=True
    ),
    ("Own network", "network"): _now(min, "network_up"),
    ("Maintenance", "maintenance"): _now(max, "maintenance"),
    ("Targets", "tested"): _now(sum, "targets"),
    ("Targets", "held back"): _now(sum, "targets_held_back"),
    ("Jobs", "done"): _grown("jobs"),
    ("Jobs", "left out"): _grown("jobs_skipped"),
    ("Cycles late by", "half"): _now(median, "cycle_lateness_seconds"),
    ("Cycles late by", "latest"): _now(max, "cycle_lateness_seconds"),
    ("Waiting for the store", "waiting"): _now(sum, "outbox_pending"),
    ("Lost", "deleted"): _grown("outbox_dropped"),
    ("Lost", "dead letters"): _now(sum, "dead_letters"),
    ("Installations", "Targets"): _told("targets", 9877, _VERSION),
    ("Installations", "Maintenance"): _told("maintenance", 9877, _DIGEST),
    ("Installations", "Network"): Shows(_network, now=True),
    ("Cycles late by, over time", "half"): _now(median, "cycle_lateness_seconds"),
    ("Cycles late by, over time", "latest"): _now(max, "cycle_lateness_seconds"),
    ("Cycles missed", "missed"): _grown("cycles_missed"),
    ("Jobs done, by outcome", ""): _grown("jobs", "outcome"),
    ("Jobs left out, by reason", ""): _grown("jobs_skipped", "reason"),
    ("Targets, and those held back", "tested"): _now(sum, "targets"),
    ("Targets, and those held back", ""): _now(sum, "targets_held_back", "reason"),
    ("Last round", ""): _now(sum, "last_round_jobs", "state"),
    ("Timing quality", "half"): of_all_jobs(0.5, "loop_lag", LAG_BOUNDS),
    ("Timing quality", "95 %"): of_all_jobs(0.95, "loop_lag", LAG_BOUNDS),
    ("Wait from due to started", "half"): of_all_jobs(0.5, "queue_time", QUEUE_BOUNDS),
    ("Wait from due to started", "95 %"): of_all_jobs(0.95, "queue_time", QUEUE_BOUNDS),
    ("Loop lag of the processes", ""): _now(max, "probe_loop_lag_seconds", "statistic"),
    ("Loop lag of the processes", "station"): _now(max, "station_loop_lag_seconds"),
    ("Jobs under way", "jobs"): _now(sum, "jobs_running"),
    ("Own network, over time", "network"): _now(min, "network_up"),
    ("Consumers", "Up"): _now(min, "consumer_up", "consumer"),
    ("Consumers", "Lag"): _now(sum, "consumer_lag", "consumer"),
    ("Consumers", "Delivered"): _grown("consumer_delivered", "consumer"),
    ("Consumers", "Errors"): _grown("consumer_errors", "consumer"),
    ("Consumers", "Dead letters"): _now(sum, "dead_letters", "consumer"),
    ("Outbox on disk", "outbox"): _now(max, "outbox_bytes"),
    ("Measurements that wait", ""): _now(sum, "consumer_lag", "consumer"),
    ("Failed attempts to deliver", ""): _grown("consumer_errors", "consumer"),
    ("Supply put together", "ago"): ago("tester_supply_timestamp_seconds"),
    ("Sources", "Up"): _now(min, "source_up", "source"),
    ("Sources", "Refreshed ago"): ago("tester_source_last_refresh_timestamp_seconds", "source"),
    ("Sources", "Offers"): _now(sum, "source_offers", "source"),
    ("Offers by source", ""): _now(max, "source_offers", "source"),
    ("Answers prepared", "ago"): _now(max, "leaderboard_age_seconds"),
    ("Followed leaderboards", "Read ago"): ago(
        "tester_followed_last_success_timestamp_seconds", "source"
    ),
    ("Followed leaderboards", "Errors"): _grown("followed_errors", "source"),
    ("Results of followed leaderboards", ""): _grown("followed_results", "result"),
    ("Posts that came in", ""): _grown("leaderboard_posts", "result"),
    ("Results that were posted elsewhere", ""): _grown("posted_results", "consumer", "result"),
    ("Questions that were refused", ""): _grown("leaderboard_refused", "reason"),
    ("Gateways that run", ""): _now(sum, "lanes", "state"),
    ("Memory of each gateway", ""): _now(max, "lane_resident_bytes", "lane"),
    ("Scout", "scout"): _now(min, "scout_up"),
    ("Starts and switches", "starts"): _grown("lane_starts"),
    ("Starts and switches", "switches"): _grown("lane_switches"),
    ("Starts that failed, by reason", ""): _grown("lane_start_failures", "reason"),
    ("Crashes and restarts", "crashes"): _grown("lane_crashes"),
    ("Crashes and restarts", "hangs"): _grown("lane_hangs"),
    ("Crashes and restarts", "memory"): _grown("lane_memory_restarts"),
    ("Crashes and restarts", "floods"): _grown("lane_floods"),
    ("Age of the block", "ago"): ago("tester_chain_block_timestamp_seconds"),
    ("Relay and its nodes", "Up"): _now(min, "relay_node_up", "node"),
    ("Relay and its nodes", "Requests"): _grown("relay_node_requests", "node"),
    ("Relay", "relay"): _now(min, "relay_up"),
    ("Calls of gateways", ""): _grown("relay_calls", "result"),
    ("Requests to nodes", ""): _grown("relay_node_requests", "result"),
    ("Calls that wait", "waiting"): _now(sum, "relay_calls_waiting"),
    ("Deposit and reserve", "deposit"): _now(min, "account_deposit_wei", unit=ETHER),
    ("Deposit and reserve", "reserve"): _now(min, "account_reserve_wei", unit=ETHER),
    ("Balance of the account", "balance"): _now(min, "account_balance_wei", unit=ETHER),
    ("Days left", "days"): _now(min, "account_days_left"),
    ("Cost today", "today"): _now(sum, "cost_today_wei", unit=ETHER),
    ("Of the limit of a day", "of the limit"): Shows(_of_limit, now=True),
    ("Price not known", "jobs"): _grown("jobs_price_unknown"),
    ("Cost of a day", ""): _now(max, "cost_per_day_wei", "basis", unit=ETHER),
    ("Account read ago", "ago"): _now(max, "account_age_seconds"),
    ("What is wrong with the account", "Is it so"): _now(max, "account_concern", "reason"),
}
