"""Alerts for orchestrators by what they, the lists and the chain say of them."""

from collections.abc import Iterator

from exporter.alerting.promql import INSTALLATION, duration, held, out_of_maintenance
from exporter.alerting.rule import Alert, Audience, Group, Severity
from exporter.alerting.scope import Scope
from exporter.alerting.thresholds import DAY, HOUR, Thresholds

_WHOSE = f"{INSTALLATION}, orchestrator_address"
LOOK = 6 * HOUR
"""Seconds for which a look at a service URI says something of now."""


def offer_alerts(at: Thresholds, scope: Scope) -> Iterator[Alert]:
    """Cold, vanished, out of reach, certificate."""
    yield _cold(at, scope)
    yield _vanished(at, scope)
    yield _unreachable(at, scope)
    yield _certificate(at, scope)


def _supply_is_fresh(at: Thresholds) -> str:
    """That discovery works, all of it: who is in nobody's list is not there for want of a list."""
    return f"""\
and on ({INSTALLATION})
  (time() - {held("livepeer_ai_tester_supply_timestamp_seconds", at.gap)} < {at.supply_stale})
unless on ({INSTALLATION})
  ({held("livepeer_ai_tester_source_up", at.gap)} == 0)"""


def _cold(at: Thresholds, scope: Scope) -> Alert:
    warm = f"livepeer_ai_tester_offer_warm{scope.of()}"
    return Alert(
        name="LivepeerAiModelCold",
        group=Group.OFFERS,
        severity=Severity.WARNING,
        audience=Audience.ORCHESTRATOR,
        expr=f"""\
{held(warm, at.gap)} == 0
and
  (avg_over_time({warm}[{duration(DAY)}] offset {duration(at.cold_for)}) >= {at.cold_share:g})
{_supply_is_fresh(at)}
{out_of_maintenance(at)}""",
        pending=at.cold_for,
        summary=(
            "{{ $labels.model_name }} ({{ $labels.pipeline }}) of "
            "{{ $labels.orchestrator_address }} went cold"
        ),
        description=(
            "The orchestrator says that the model is not loaded; it was for at least "
            f"{at.cold_share:.0%} of the day before. Gateways prefer warm models, and the first "
            "job must wait until it is loaded. It ends by itself when this has become usual."
        ),
    )


def _vanished(at: Thresholds, scope: Scope) -> Alert:
    tested = f"livepeer_ai_tester_offer_tested{scope.of()}"
    gone, there = scope.of('state="no_longer_listed"'), scope.of('state=~"offered|offers_unknown"')
    unlisted = held(f"livepeer_ai_orchestrator_info{gone}", at.gap)
    digest = held("livepeer_ai_tester_settings_info", at.vanished_memory)
    return Alert(
        name="LivepeerAiOrchestratorVanished",
        group=Group.OFFERS,
        severity=Severity.CRITICAL,
        audience=Audience.ORCHESTRATOR,
        expr=f"""\
(
  (
    count by ({_WHOSE}) (max_over_time({tested}[{duration(at.vanished_memory)}]) == 1)
    unless on ({_WHOSE})
    {held(tested, at.gap)}
  )
  or
  (
    count by ({_WHOSE}) ({unlisted})
    unless on ({_WHOSE})
    livepeer_ai_orchestrator_info{there}
  )
)
{_supply_is_fresh(at)}
unless on ({INSTALLATION})
  (count by ({INSTALLATION}) (count by ({INSTALLATION}, digest) ({digest})) > 1)
{out_of_maintenance(at)}""",
        pending=at.vanished_for,
        summary="{{ $labels.orchestrator_address }} is in nobody's list any more",
        description=(
            "It was offered and tested within the last "
            f"{duration(at.vanished_memory)}, and no source lists it now, while all sources "
            "answer. Gateways list whom they reach: mostly the node is down, or its service URI is "
            "wrong. It gets no jobs."
        ),
    )


def _look_is_fresh(at: Thresholds, scope: Scope) -> str:
    looked = held(f"livepeer_ai_orchestrator_reach_timestamp_seconds{scope.of()}", at.gap)
    return f"and\n  (time() - {looked} < {LOOK})"


def _unreachable(at: Thresholds, scope: Scope) -> Alert:
    reachable = held(f"livepeer_ai_orchestrator_reachable{scope.of()}", at.gap)
    return Alert(
        name="LivepeerAiOrchestratorUnreachable",
        group=Group.REACH,
        severity=Severity.INFO,
        audience=Audience.ORCHESTRATOR,
        expr=f"""\
{reachable} == 0
{_look_is_fresh(at, scope)}
{out_of_maintenance(at)}""",
        pending=at.unreachable_for,
        summary=(
            "The {{ $labels.registry }} service URI of {{ $labels.orchestrator_address }} cannot "
            "be reached"
        ),
        description=(
            "The service URI that is registered on the chain did not answer (name, TCP, TLS) for "
            f"{duration(at.unreachable_for)}, while others did. Nobody is blamed for that: no job "
            "was run. /orchestrators on the tester's station says at which step it failed."
        ),
    )


def _certificate(at: Thresholds, scope: Scope) -> Alert:
    expiry = f"livepeer_ai_orchestrator_certificate_expiry_timestamp_seconds{scope.of()}"
    return Alert(
        name="LivepeerAiCertificateExpiring",
        group=Group.REACH,
        severity=Severity.INFO,
        audience=Audience.ORCHESTRATOR,
        expr=f"""\
{held(expiry, at.gap)} - time() < {at.certificate_left}
{_look_is_fresh(at, scope)}
{out_of_maintenance(at)}""",
        pending=at.vanished_for,
        summary=(
            "The certificate of {{ $labels.orchestrator_address }} "
            "({{ $labels.registry }}) ends in {{ $value | humanizeDuration }}"
        ),
        description=(
            "The certificate that its service URI shows ends in {{ $value | humanizeDuration }} "
            "(with a minus: it has ended). Gateways take expired certificates, browsers and other "
            "clients do not."
        ),
    )
