"""Questions about what orchestrators, lists and the chain say, as `offer_alerts` has them."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.flux import GAP, NOW, TARGET, URI, Question, Source, grouped, joined, listed
from exporter.alerting.offer_alerts import LOOK
from exporter.alerting.rule import Severity
from exporter.alerting.thresholds import DAY, Thresholds

_WHO: Final = ("orchestrator", "region", "tester")
_SEEING: Final = (
    "\n    |> filter(fn: (r) => contains(value: r.tester, set: seeing))"
    "\n    |> filter(fn: (r) => not contains(value: r.tester, set: blind))"
)
"""Of the testers whose discovery works, all of it, as `_supply` found."""


def offer_questions(at: Thresholds, source: Source) -> Iterator[Question]:
    """Cold, vanished, out of reach, certificate."""
    yield _cold(at, source)
    yield _vanished(at, source)
    yield _unreachable(source)
    yield _certificate(at, source)


def _supply(at: Thresholds, source: Source) -> str:
    fresh = f"{NOW} - r._value <= {at.supply_stale}.0"
    return (
        f"seeing = {source.testers('tester_supply_timestamp_seconds', fresh)}"
        f"blind = {source.testers('tester_source_up', 'r._value == 0.0')}"
    )


def _cold(at: Thresholds, source: Source) -> Question:
    before = (
        f"{source.metric('tester_offer_warm', DAY + at.cold_for, at.cold_for)}\n"
        f"    |> {grouped(TARGET)}\n    |> mean()"
    )
    cold = f"{source.now('tester_offer_warm', TARGET)} |> filter(fn: (r) => r._value == 0.0)"
    flux = f"""\
{_supply(at, source)}
{joined(TARGET, "r._value_before", cold=cold, before=before)}{_SEEING}"""
    return Question(
        name="LivepeerAiModelCold",
        severity=Severity.WARNING,
        tags=TARGET,
        flux=flux,
        above=at.cold_share - 1e-9,
    )


def _vanished(at: Thresholds, source: Source) -> Question:
    flux = f"""\
{_supply(at, source)}
changed = {source.metric("tester_settings_digest", at.vanished_memory)}
    |> group(columns: ["tester"])
    |> unique()
    |> count()
    |> filter(fn: (r) => r._value > 1)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
here = {source.metric("tester_offer_tested", GAP)}
    |> {grouped(_WHO)}
    |> last()
    |> set(key: "is", value: "here")
before = {source.metric("tester_offer_tested", at.vanished_memory, GAP)}
    |> filter(fn: (r) => r._value == 1.0)
    |> {grouped(_WHO)}
    |> last()
    |> set(key: "is", value: "before")

gone = union(tables: [here |> group(), before |> group()])
    |> pivot(rowKey: [{listed(_WHO)}], columnKey: ["is"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.before and not exists r.here)
    |> keep(columns: [{listed(_WHO)}])
unlisted = {source.now("orchestrator_state", _WHO)}
    |> filter(fn: (r) => r._value == "no_longer_listed")
    |> keep(columns: [{listed(_WHO)}])
    |> group()

union(tables: [gone, unlisted])
    |> unique(column: "orchestrator")
    |> filter(fn: (r) => not contains(value: r.tester, set: changed))
    |> map(fn: (r) => ({{r with _value: 1.0}})){_SEEING}"""
    return Question(
        name="LivepeerAiOrchestratorVanished",
        severity=Severity.CRITICAL,
        tags=_WHO,
        flux=flux,
        above=0.5,
    )


def _looked_at(source: Source, field: str) -> str:
    """The last value of what a look at a service URI showed, where one looked lately."""
    looked = source.now("orchestrator_reach_timestamp_seconds", URI)
    looked += f" |> filter(fn: (r) => {NOW} - r._value < {LOOK}.0)"
    return joined(URI, "r._value_shown", shown=source.now(field, URI), looked=looked)


def _unreachable(source: Source) -> Question:
    return Question(
        name="LivepeerAiOrchestratorUnreachable",
        severity=Severity.INFO,
        tags=URI,
        flux=_looked_at(source, "orchestrator_reachable"),
        below=0.5,
    )


def _certificate(at: Thresholds, source: Source) -> Question:
    ends = _looked_at(source, "orchestrator_certificate_expiry_timestamp_seconds")
    return Question(
        name="LivepeerAiCertificateExpiring",
        severity=Severity.INFO,
        tags=URI,
        flux=f"{ends}\n    |> map(fn: (r) => ({{r with _value: r._value - {NOW}}}))",
        below=float(at.certificate_left),
    )
