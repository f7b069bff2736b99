"""Questions about discovery, money and gateways, as the alerts of these names have them."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.flux import AGE, TESTER, Question, Source, any_of, grouped, joined, listed
from exporter.alerting.money_alerts import BUDGET, UNUSABLE, WORRYING
from exporter.alerting.rule import Severity
from exporter.alerting.thresholds import HOUR, Thresholds

_REASON: Final = (*TESTER, "reason")
_SOURCE: Final = (*TESTER, "source")
_NODE: Final = (*TESTER, "node")


def surrounding_questions(at: Thresholds, source: Source) -> Iterator[Question]:
    """Sources, the whole supply, the chain; account and budget; gateways, scout, relay."""
    yield Question(
        name="LivepeerAiSourceDown",
        severity=Severity.WARNING,
        tags=_SOURCE,
        flux=source.now("tester_source_up", _SOURCE),
        below=0.5,
    )
    for name, severity, field, age in (
        (
            "LivepeerAiDiscoveryStale",
            Severity.CRITICAL,
            "tester_supply_timestamp_seconds",
            at.supply_stale,
        ),
        (
            "LivepeerAiChainStale",
            Severity.WARNING,
            "tester_chain_block_timestamp_seconds",
            at.chain_stale,
        ),
    ):
        yield Question(
            name=name,
            severity=severity,
            tags=TESTER,
            flux=f"{source.now(field, TESTER)}{AGE}",
            above=float(age),
        )
    yield from _account(source)
    yield Question(
        name="LivepeerAiBudgetReached",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=f"{budget_reached(source)}\nreached",
        above=1 - 1e-9,
    )
    yield _gateways(at, source)
    yield from _processes(at, source)
    yield from _nodes(source)


def _account(source: Source) -> Iterator[Question]:
    concern = source.now("tester_account_concern", _REASON)
    for severity, reasons in ((Severity.CRITICAL, UNUSABLE), (Severity.WARNING, WORRYING)):
        yield Question(
            name="LivepeerAiAccountConcern",
            severity=severity,
            tags=_REASON,
            flux=f"{concern}\n    |> filter(fn: (r) => {any_of('reason', reasons)})",
            above=0.5,
        )


def budget_reached(source: Source) -> str:
    """The share of the day's budget that is used up, as `reached`; 1 where no job fits into it."""
    cost, limit = "tester_cost_today_wei", "tester_spending_limit_wei"
    value = "r._value_cost / r._value_limit"
    share = joined(TESTER, value, cost=source.now(cost, TESTER), limit=source.now(limit, TESTER))
    return f"""\
full = {source.now("tester_targets_held_back", _REASON)}
    |> filter(fn: (r) => {any_of("reason", (BUDGET,))})
    |> filter(fn: (r) => r._value > 0.0)
    |> map(fn: (r) => ({{tester: r.tester, region: r.region, _value: 1.0}}))
    |> group()
share = {share}
    |> keep(columns: [{listed(TESTER)}, "_value"])
    |> group()
reached = union(tables: [full, share])
    |> {grouped(TESTER)}
    |> max()
"""


def _gateways(at: Thresholds, source: Source) -> Question:
    crashes, hangs, starts = (
        f"{source.grown(f'tester_lane_{what}_total', TESTER, HOUR)} |> group()"
        for what in ("crashes", "hangs", "start_failures")
    )
    flux = f"""\
faults = union(tables: [
{crashes},
{hangs},
])
    |> {grouped(TESTER)}
    |> sum()
starts = {starts}

union(tables: [faults |> group(), starts])
    |> {grouped(TESTER)}
    |> max()"""
    return Question(
        name="LivepeerAiGatewaysFailing",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=flux,
        above=at.gateway_faults - 0.5,
    )


def _processes(at: Thresholds, source: Source) -> Iterator[Question]:
    for name, severity, field in (
        ("LivepeerAiScoutDown", Severity.WARNING, "tester_scout_up"),
        ("LivepeerAiRelayDown", Severity.CRITICAL, "tester_relay_up"),
    ):
        yield Question(
            name=name,
            severity=severity,
            tags=TESTER,
            flux=source.now(field, TESTER, at.down_for),
            below=0.5,
        )


def _nodes(source: Source) -> Iterator[Question]:
    up = source.now("tester_relay_node_up", _NODE)
    for severity, tags, best in (
        (Severity.WARNING, _NODE, ""),
        (Severity.CRITICAL, TESTER, f"\n    |> {grouped(TESTER)}\n    |> max()"),
    ):
        yield Question(
            name="LivepeerAiEthereumNodeDown",
            severity=severity,
            tags=tags,
            flux=f"{up}{best}",
            below=0.5,
        )
