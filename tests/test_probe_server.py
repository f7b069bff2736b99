"""The probe's own server: what it says of the schedule's counts."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from exporter.funds.account import Account
from exporter.funds.concerns import Concern, Found
from exporter.funds.metrics import METRICS as FUNDS_METRICS
from exporter.funds.pace import Basis, Pace
from exporter.funds.report import Costs, Report, report
from exporter.kept_answers.keeper import Keeper
from exporter.kept_answers.metrics import METRICS as ANSWER_METRICS
from exporter.model import NANOSECONDS, Blame, LaneKind, Measurement, Outcome, Supply
from exporter.outbox import Outbox
from exporter.pipelines import registry
from exporter.probe_lanes import Gateways
from exporter.probe_metrics import METRICS
from exporter.probe_server import probe_app
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lanes
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.skips import NO_LANE
from exporter.probing.webhook import WebhookDesk
from exporter.settings import Answers, Pipelines, Schedule, Spending
from tests.probing.shared_lanes import measured, offer

ALICE = "0x" + "a1" * 20
SHOWN = "0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1"

EXPECTED = f"""\
livepeer_ai_tester_jobs_running 1.0
livepeer_ai_tester_jobs_total{{outcome="ok"}} 1.0
livepeer_ai_tester_jobs_total{{outcome="tls_failed"}} 1.0
livepeer_ai_tester_jobs_skipped_total{{reason="no lane reaches it"}} 1.0
livepeer_ai_tester_jobs_repeated_total 1.0
livepeer_ai_tester_cycle_lateness_seconds{{orchestrator_address="{SHOWN}"}} 1.5
livepeer_ai_tester_cycles_missed_total{{orchestrator_address="{SHOWN}"}} 1.0
livepeer_ai_tester_round_jobs{{state="expected"}} 3.0
livepeer_ai_tester_round_jobs{{state="done"}} 2.0
livepeer_ai_tester_round_jobs{{state="left"}} 0.0
livepeer_ai_tester_last_round_jobs{{state="expected"}} 3.0
livepeer_ai_tester_last_round_jobs{{state="done"}} 2.0
livepeer_ai_tester_last_round_jobs{{state="passed"}} 1.0
livepeer_ai_tester_last_round_jobs{{state="failed"}} 1.0
livepeer_ai_tester_last_round_jobs{{state="tester_errors"}} 0.0
livepeer_ai_tester_last_round_jobs{{state="elsewhere"}} 0.0
livepeer_ai_tester_last_round_jobs{{state="unknown"}} 0.0
livepeer_ai_tester_last_round_jobs{{state="unblamed"}} 0.0
livepeer_ai_tester_last_round_skipped{{reason="no lane reaches it"}} 1.0
livepeer_ai_tester_last_round_repeated 1.0
livepeer_ai_tester_last_round_seconds 2.0
livepeer_ai_tester_last_round_end_timestamp_seconds 1000.0
livepeer_ai_tester_targets_held_back{{reason="not tested at our price: above spending.max_fee"}} 1.0
livepeer_ai_tester_spent_today_wei 128.0
livepeer_ai_tester_spent_wei_total 128.0
livepeer_ai_tester_spending_limit_wei 1e+06
livepeer_ai_tester_jobs_price_unknown_total 1.0
livepeer_ai_tester_network_up 1.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="0.1"}} 1.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="0.5"}} 1.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="1.0"}} 1.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="2.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="5.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="10.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="30.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="60.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="120.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="300.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="600.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="1800.0"}} 2.0
livepeer_ai_tester_job_queue_seconds_bucket{{le="+Inf"}} 2.0
livepeer_ai_tester_job_queue_seconds_count 2.0
livepeer_ai_tester_job_queue_seconds_sum 1.5
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.002"}} 0.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.005"}} 0.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.01"}} 0.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.02"}} 0.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.05"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.1"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.2"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="0.5"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="1.0"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="2.0"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="5.0"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_bucket{{le="+Inf"}} 1.0
livepeer_ai_tester_job_loop_lag_seconds_count 1.0
livepeer_ai_tester_job_loop_lag_seconds_sum 0.05
livepeer_ai_tester_cost_today_wei 120.0
livepeer_ai_tester_ticket_value_sent_wei_total 100.0
livepeer_ai_tester_jobs_ticket_value_unknown_total 2.0
livepeer_ai_tester_cost_per_day_wei{{basis="spent"}} 500.0
livepeer_ai_tester_cost_per_day_unpriced{{basis="spent"}} 0.0
livepeer_ai_tester_account_deposit_wei 1000.0
livepeer_ai_tester_account_reserve_wei 3.0
livepeer_ai_tester_account_reserve_claimed_wei 1.0
livepeer_ai_tester_account_safe_reserve_wei 7.0
livepeer_ai_tester_account_balance_wei 5.0
livepeer_ai_tester_account_withdraw_round 99.0
livepeer_ai_tester_account_current_round 90.0
livepeer_ai_tester_account_days_left 2.0
livepeer_ai_tester_account_age_seconds 3.0
livepeer_ai_tester_account_concern{{reason="no_deposit"}} 0.0
livepeer_ai_tester_account_concern{{reason="no_reserve"}} 0.0
livepeer_ai_tester_account_concern{{reason="unlocking_soon"}} 0.0
livepeer_ai_tester_account_concern{{reason="withdrawable"}} 0.0
livepeer_ai_tester_account_concern{{reason="orchestrator"}} 0.0
livepeer_ai_tester_account_concern{{reason="low_reserve"}} 1.0
livepeer_ai_tester_account_concern{{reason="few_days"}} 0.0
livepeer_ai_tester_account_concern{{reason="unlocking"}} 0.0
livepeer_ai_tester_account_concern{{reason="unread"}} 0.0
livepeer_ai_tester_answers_kept 0.0
livepeer_ai_tester_answers_kept_bytes 0.0
livepeer_ai_tester_answers_not_kept_total{{reason="behind"}} 0.0
livepeer_ai_tester_answers_not_kept_total{{reason="disk"}} 0.0
livepeer_ai_tester_answers_not_kept_total{{reason="too_large"}} 0.0
"""


def busy_progress() -> Progress:
    """One of everything that is counted."""
    stamps = iter(range(0, 100 * 10**9, 2 * 10**9))
    clock = Clock(wall=lambda: 1000.0, stamp=lambda: next(stamps))
    progress = Progress(clock)
    progress.bounds = _bounds(clock).report
    good, bad, unreached = (offer(ALICE, model) for model in "abc")
    progress.began(ALICE, 1.5)
    progress.miss(ALICE)
    with progress.rounds.cycle(7, [of.target for of in (good, bad, unreached)]) as count:
        for of, found in [
            (good, waited(measured(good, "1"), queue_time=0, loop_lag=NANOSECONDS // 20)),
            (
                bad,
                waited(
                    measured(bad, "2", Outcome.TLS_FAILED, Blame.ORCHESTRATOR, "0"),
                    queue_time=NANOSECONDS * 3 // 2,
                    loop_lag=None,
                ),
            ),
        ]:
            progress.end_job(progress.begin_job(of.target, "lane"), found)
            count.measured(of.target, found, repeat=found.repeats is not None)
            count.done(of.target)
        count.skip(unreached.target, NO_LANE)
    progress.begin_job(good.target, "lane")
    return progress


def waited(job: Measurement, *, queue_time: int, loop_lag: int | None) -> Measurement:
    return msgspec.structs.replace(job, queue_time=queue_time, loop_lag=loop_lag)


def _bounds(clock: Clock) -> Bounds:
    spending = Spending(max_fee=100, max_per_day=1_000_000)
    pipelines = registry(Pipelines())
    made = Bounds(Schedule(), spending, pipelines=pipelines, clock=clock)
    made.start(offer(ALICE, price=1.0), LaneKind.PINNED)
    made.start(offer(ALICE), LaneKind.PINNED)
    assert made.reason_to_skip(offer(ALICE, price=1e6), LaneKind.PINNED) is not None
    return made


COSTS = Costs(
    spent_today=120,
    sent_today=100,
    expected_total=130,
    sent_total=100,
    sent_unknown=2,
    price_unknown=0,
    max_per_day=None,
    max_per_job=None,
)
ACCOUNT = Account(
    address=ALICE,
    chain_id=42161,
    block=8,
    read_at=0,
    deposit=1000,
    reserve=3,
    claimed=1,
    withdraw_round=99,
    round=90,
    initialized_round=90,
    balance=5,
    orchestrator=False,
)
LOW = Found(Concern.LOW_RESERVE, "it is low")
NO_DEPOSIT = Found(Concern.NO_DEPOSIT, "there is none")


def money(*found: Found, account: Account | None = ACCOUNT, error: str | None = None) -> Report:
    """The money as it may be."""
    pace = Pace(500.0, Basis.SPENT, 0, 2.0)
    return report(
        COSTS,
        pace,
        pace,
        address=ALICE,
        account=account,
        error=error,
        safe_reserve=7,
        found=list(found),
        now=3 * NANOSECONDS,
    )


@asynccontextmanager
async def serving(
    progress: Progress,
    folder: Path,
    told: Report | None = None,
    gateways: Gateways | None = None,
    *,
    network_up: bool | None = True,
) -> AsyncIterator[TestClient[Any, Any]]:
    outbox = Outbox.open(folder / "outbox.sqlite", max_bytes=2**26, keep_delivered=0)
    gateways = gateways or Gateways(Lanes([]), WebhookDesk(["follower"]))
    answers = Keeper(folder / "answers", Answers())
    supply = Supply(offers=(), sources=(), taken_at=0)
    app = probe_app(
        progress,
        outbox,
        LoopLag(),
        lambda: supply,
        gateways,
        money=lambda: told or money(LOW),
        answers=answers,
        network_up=lambda: network_up,
    )
    async with TestClient(TestServer(app)) as client:
        yield client
    await answers.close()
    await outbox.close()


async def samples(client: TestClient[Any, Any]) -> list[str]:
    text = await (await client.get("/metrics")).text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def named(line: str) -> str:
    """The name of a sample's metric."""
    name = line.partition("{")[0].partition(" ")[0]
    return re.sub("_(bucket|count|sum)$", "", name)


async def test_every_count_of_the_schedule_is_a_metric(tmp_path: Path) -> None:
    async with serving(busy_progress(), tmp_path) as client:
        lines = await samples(client)
    ours = [line for line in lines if "probe_loop_lag" not in line and "outbox_bytes" not in line]
    assert "\n".join(ours) + "\n" == EXPECTED


async def test_every_metric_of_the_list_is_there_and_no_other(tmp_path: Path) -> None:
    async with serving(busy_progress(), tmp_path) as client:
        names = {named(line) for line in await samples(client)}
    assert names == {name for name, *_ in (*METRICS, *FUNDS_METRICS, *ANSWER_METRICS)}


@pytest.mark.parametrize(("known", "shown"), [(True, ["1.0"]), (False, ["0.0"]), (None, [])])
async def test_the_testers_own_network_is_up_or_down_or_absent(
    tmp_path: Path, known: bool | None, shown: list[str]
) -> None:
    async with serving(Progress(), tmp_path, network_up=known) as client:
        lines = await samples(client)
    assert [line.split()[1] for line in lines if "network_up" in line] == shown


async def test_what_is_not_known_yet_has_no_sample(tmp_path: Path) -> None:
    async with serving(Progress(), tmp_path) as client:
        text = "\n".join(await samples(client))
        assert (await (await client.get("/rounds")).json()) == {"rounds": []}
    assert "last_round" not in text
    assert "cycle_lateness" not in text
    assert 'round_jobs{state="expected"} 0.0' in text


async def test_rounds_are_told_the_latest_first(tmp_path: Path) -> None:
    progress = busy_progress()
    progress.rounds.pass_over(8, 2, NO_LANE)
    async with serving(progress, tmp_path) as client:
        rounds = (await (await client.get("/rounds")).json())["rounds"]
    assert [report["number"] for report in rounds] == [8, 7]
    assert rounds[1]["skipped"] == {NO_LANE: 1}


async def test_an_account_that_was_never_read_has_no_amounts_and_no_concern_but_that(
    tmp_path: Path,
) -> None:
    unread = money(Found(Concern.UNREAD, "it is off"), account=None, error="it is off")
    async with serving(Progress(), tmp_path, unread) as client:
        lines = [line for line in await samples(client) if "_account_" in line]
    assert lines == [
        "livepeer_ai_tester_account_safe_reserve_wei 7.0",
        'livepeer_ai_tester_account_concern{reason="unread"} 1.0',
    ]


async def test_a_warning_leaves_it_ready_and_what_cannot_be_paid_does_not(tmp_path: Path) -> None:
    async with serving(Progress(), tmp_path) as client:
        warned = await client.get("/readyz")
        assert warned.status == 200
        assert await warned.json() == {
            "ready": True,
            "reasons": [],
            "warnings": ["money: it is low"],
        }
    async with serving(Progress(), tmp_path, money(LOW, NO_DEPOSIT)) as client:
        refused = await client.get("/readyz")
        assert refused.status == 503
        assert await refused.json() == {
            "ready": False,
            "reasons": ["money: there is none"],
            "warnings": ["money: it is low"],
        }


@pytest.mark.parametrize(("known", "told"), [(True, 0), (None, 0), (False, 1)])
async def test_a_network_of_its_own_that_is_down_is_a_warning(
    tmp_path: Path, known: bool | None, told: int
) -> None:
    async with serving(Progress(), tmp_path, network_up=known) as client:
        answer = await client.get("/readyz")
        assert answer.status == 200
        warnings = (await answer.json())["warnings"]
    assert sum("own network is down" in warning for warning in warnings) == told


async def test_the_status_tells_of_the_money(tmp_path: Path) -> None:
    async with serving(Progress(), tmp_path) as client:
        told = (await (await client.get("/status")).json())["money"]
    assert (told["deposit"], told["lock"], told["days_left"], told["age"]) == (
        1000,
        "unlocking",
        2.0,
        3.0,
    )
    assert told["costs"]["sent_total"] == 100
    assert told["pace"] == {"wei_per_day": 500.0, "basis": "spent", "unpriced": 0, "days": 2.0}
