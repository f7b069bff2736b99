"""Questions about whether what was measured arrives, as `delivery_alerts` has them."""

from collections.abc import Iterator
from typing import Final

from exporter.alerting.delivery_alerts import CANNOT
from exporter.alerting.flux import (
    AGE,
    GAP,
    TESTER,
    Question,
    Source,
    any_of,
    grouped,
)
from exporter.alerting.rule import Severity
from exporter.alerting.thresholds import HOUR, Thresholds

_CONSUMER: Final = (*TESTER, "consumer")
_FOLLOWED: Final = (*TESTER, "source")


def delivery_questions(at: Thresholds, source: Source) -> Iterator[Question]:
    """Outbox, consumers, the leaderboard's answers, leaderboards that are followed."""
    yield _not_storing(source)
    yield _growing(at, source)
    yield _lost(source)
    yield Question(
        name="LivepeerAiDeadLetters",
        severity=Severity.WARNING,
        tags=_CONSUMER,
        flux=source.now("tester_dead_letters", _CONSUMER),
        above=0.0,
    )
    yield from _consumers(source)
    yield Question(
        name="LivepeerAiLeaderboardOld",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=source.now("tester_leaderboard_age_seconds", TESTER),
        above=float(at.leaderboard_age),
    )
    yield _followed(at, source)


def _not_storing(source: Source) -> Question:
    cannot = any_of("reason", CANNOT)
    return Question(
        name="LivepeerAiCannotStore",
        severity=Severity.CRITICAL,
        tags=TESTER,
        flux=source.grown("tester_jobs_skipped_total", TESTER, GAP, cannot),
        above=0.0,
        local=True,
    )


def _growing(at: Thresholds, source: Source) -> Question:
    """The least that waited for `GAP`, where no fewer do at its end than at its beginning."""
    flux = f"""\
{source.metric("tester_outbox_pending", GAP)}
    |> {grouped(TESTER)}
    |> sort(columns: ["_time"])
    |> reduce(
        identity: {{n: 0, first: 0.0, last: 0.0, least: 0.0}},
        fn: (r, accumulator) => ({{
            n: accumulator.n + 1,
            first: if accumulator.n == 0 then r._value else accumulator.first,
            last: r._value,
            least: if accumulator.n == 0 or r._value < accumulator.least then r._value
                else accumulator.least,
        }}),
    )
    |> filter(fn: (r) => r.last >= r.first)
    |> map(fn: (r) => ({{r with _value: r.least}}))"""
    return Question(
        name="LivepeerAiOutboxGrowing",
        severity=Severity.WARNING,
        tags=TESTER,
        flux=flux,
        above=float(at.pending),
    )


def _lost(source: Source) -> Question:
    lost = ("tester_outbox_dropped_total", "tester_dead_letters_dropped_total")
    return Question(
        name="LivepeerAiMeasurementsLost",
        severity=Severity.CRITICAL,
        tags=TESTER,
        flux=source.grown_together(lost, TESTER, HOUR),
        above=0.0,
        local=True,
    )


def _consumers(source: Source) -> Iterator[Question]:
    up = source.now("tester_consumer_up", _CONSUMER)
    for severity, which in ((Severity.CRITICAL, "=="), (Severity.WARNING, "!=")):
        yield Question(
            name="LivepeerAiConsumerFailing",
            severity=severity,
            tags=_CONSUMER,
            flux=f'{up}\n    |> filter(fn: (r) => r.consumer {which} "store")',
            below=0.5,
        )


def _followed(at: Thresholds, source: Source) -> Question:
    read = "tester_followed_last_success_timestamp_seconds"
    errors = source.grown("tester_followed_errors_total", _FOLLOWED, at.followed_silent)
    flux = f"""\
read = {source.now(read, _FOLLOWED)}{AGE}
    |> group()
ever = {source.metric(read, at.followed_silent)}
    |> group()
    |> findColumn(fn: (key) => true, column: "source")
never = {errors}
    |> filter(fn: (r) => r._value > 0.0 and not contains(value: r.source, set: ever))
    |> map(fn: (r) => ({{r with _value: {at.followed_silent + 1}.0}}))
    |> group()

union(tables: [read, never])"""
    return Question(
        name="LivepeerAiFollowedSilent",
        severity=Severity.WARNING,
        tags=_FOLLOWED,
        flux=flux,
        above=float(at.followed_silent),
    )
