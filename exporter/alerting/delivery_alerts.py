"""Alerts for the tester's operator: whether what was measured arrives."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.promql import INSTALLATION, duration, held
from exporter.alerting.rule import Alert, Group, Severity
from exporter.alerting.tester_alerts import operator_alert
from exporter.alerting.thresholds import Thresholds

_HERE: Final = "{{ $labels.instance }}"
_CONSUMER: Final = "{{ $labels.consumer }}"
CANNOT: Final = ("measurements cannot be stored", "measurement was not stored")
"""Why a job is left out when the outbox takes nothing, as `jobs_skipped_total` says it."""


def delivery_alerts(at: Thresholds) -> Iterator[Alert]:
    """Outbox, consumers, the leaderboard's answers, leaderboards that are followed."""
    yield _not_storing(at)
    yield from _outbox(at)
    yield from _consumers(at)
    yield _leaderboard(at)
    yield _followed(at)


def _not_storing(at: Thresholds) -> Alert:
    skipped = f'livepeer_ai_tester_jobs_skipped_total{{reason=~"{"|".join(CANNOT)}"}}'
    return operator_alert(
        "LivepeerAiCannotStore",
        Severity.CRITICAL,
        f"sum by ({INSTALLATION}) (increase({skipped}[{duration(at.gap)}])) > 0",
        at,
        group=Group.DELIVERY,
        summary=f"{_HERE} cannot store measurements, and tests nobody therefore",
        description=(
            "The outbox takes nothing: mostly its disk is full or read-only. Jobs are left out "
            "until it does."
        ),
    )


def _outbox(at: Thresholds) -> Iterator[Alert]:
    waiting = "livepeer_ai_tester_outbox_pending"
    yield operator_alert(
        "LivepeerAiOutboxGrowing",
        Severity.WARNING,
        f"""\
min_over_time({waiting}[{duration(at.gap)}]) > {at.pending}
unless
  (deriv({waiting}[{duration(at.gap)}]) < 0)""",
        at,
        group=Group.DELIVERY,
        pending=at.gap,
        summary=f"{{{{ $value }}}} measurements at {_HERE} wait for the store",
        description=(
            "They become no fewer. Nothing is lost until the outbox has reached "
            "`outbox.max_bytes`; then its oldest go."
        ),
    )
    yield operator_alert(
        "LivepeerAiMeasurementsLost",
        Severity.CRITICAL,
        """\
(
  increase(livepeer_ai_tester_outbox_dropped_total[1h]) > 0
  or
  increase(livepeer_ai_tester_dead_letters_dropped_total[1h]) > 0
)""",
        at,
        group=Group.DELIVERY,
        summary=f"{_HERE} loses measurements",
        description=(
            "Measurements were deleted before they were delivered, since the outbox, or its room "
            "for dead letters, is full."
        ),
    )
    yield operator_alert(
        "LivepeerAiDeadLetters",
        Severity.WARNING,
        f"{held('livepeer_ai_tester_dead_letters', at.gap)} > 0",
        at,
        group=Group.DELIVERY,
        pending=at.down_for,
        summary=f"{_CONSUMER} refuses measurements from {_HERE}: {{{{ $value }}}}",
        description=(
            "They are set aside with the reason, which `livepeer-exporter outbox inspect --dead` "
            "shows; they are offered again (retry) or deleted (drop) when you say so."
        ),
    )


def _consumers(at: Thresholds) -> Iterator[Alert]:
    for severity, which in ((Severity.CRITICAL, '="store"'), (Severity.WARNING, '!="store"')):
        failing = f"livepeer_ai_tester_consumer_up{{consumer{which}}}"
        yield operator_alert(
            "LivepeerAiConsumerFailing",
            severity,
            f"{held(failing, at.gap)} == 0",
            at,
            group=Group.DELIVERY,
            pending=at.consumer_for,
            summary=f"{_CONSUMER} takes no measurements from {_HERE}",
            description=(
                "Every attempt to deliver to it fails. They wait in the outbox and other "
                "consumers are not affected. /readyz of the station says what is wrong."
            ),
        )


def _leaderboard(at: Thresholds) -> Alert:
    return operator_alert(
        "LivepeerAiLeaderboardOld",
        Severity.WARNING,
        f"{held('livepeer_ai_tester_leaderboard_age_seconds', at.gap)} > {at.leaderboard_age}",
        at,
        group=Group.DELIVERY,
        pending=at.down_for,
        summary=(
            f"The leaderboard's answers at {_HERE} are {{{{ $value | humanizeDuration }}}} old"
        ),
        description=(
            "They could not be prepared anew: mostly the store does not answer. What the "
            "leaderboard API says is as old as that."
        ),
    )


def _followed(at: Thresholds) -> Alert:
    read = "livepeer_ai_tester_followed_last_success_timestamp_seconds"
    errors = "livepeer_ai_tester_followed_errors_total"
    return operator_alert(
        "LivepeerAiFollowedSilent",
        Severity.WARNING,
        f"""\
(
  (time() - {held(read, at.gap)} > {at.followed_silent})
  or
  (
    (increase({errors}[{duration(at.followed_silent)}]) > 0)
    unless
    {held(read, at.followed_silent)}
  )
)""",
        at,
        group=Group.DELIVERY,
        pending=at.gap,
        summary=f"Nothing can be read from {{{{ $labels.source }}}} at {_HERE}",
        description=(
            "The leaderboard that is followed does not answer, or not in whole: what is shown of "
            "its results is old. /api/v1/status of the station says why."
        ),
    )
