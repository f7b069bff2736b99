"""What is in an outbox, for a person in a terminal and as JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec import to_builtins

from exporter.cli.tables import print_table
from exporter.leaderboard.display import shown
from exporter.model import seconds
from exporter.outbox import DeadLetter, Losses, decoded
from exporter.outbox.inspection import Kept, Overview
from exporter.shown import as_text, pretty, printable


def print_document(document: dict[str, Any]) -> None:
    """Print one JSON document."""
    click.echo(pretty(document))


def facts(found: Overview) -> dict[str, Any]:
    """An overview as JSON."""
    return {
        "id": found.id,
        "bytes": found.bytes,
        "measurements": found.numbers.above(0),
        "first": found.numbers.first,
        "last": found.numbers.last,
        "undelivered": found.undelivered,
        "consumers": to_builtins(found.places),
        "dead_letters": to_builtins(found.reasons),
        "lost": _lost(found.losses),
    }


def _lost(losses: Losses) -> dict[str, Any]:
    return {
        "measurements": losses.measurements,
        "last": seconds(losses.last),
        "since": seconds(losses.since),
        "lately": losses.lately,
        "dead_letters": losses.dead_letters,
    }


def print_status(path: Path, found: Overview, age: float | None) -> None:
    """Print an overview; `age` is that of the oldest undelivered, seconds."""
    there = found.numbers
    pairs = [
        ("size", f"{found.bytes} bytes"),
        ("measurements", f"{there.above(0)}, numbers {there.first} to {there.last}"),
        ("not delivered", _undelivered(found.undelivered, age)),
        ("lost", _lost_in_words(found.losses)),
    ]
    click.echo(str(path))
    for name, text in pairs:
        click.echo(f"  {name:<14} {text}")
    click.echo()
    places = [(one.consumer, str(one.position), str(one.lag)) for one in found.places]
    title = "Consumers" if places else "Consumers: none has taken anything yet"
    print_table(title, ("consumer", "position", "not delivered"), places)
    if found.reasons:
        rows = [
            (one.consumer, str(one.dead_letters), str(one.to_retry), one.reason)
            for one in found.reasons
        ]
        total = sum(one.dead_letters for one in found.reasons)
        print_table(
            f"Dead letters: {total}", ("consumer", "number", "to be offered again", "reason"), rows
        )


def _undelivered(count: int, age: float | None) -> str:
    oldest = f", the oldest from a job {_ago(age)}" if count and age is not None else ""
    return f"{count}{oldest}"


def _lost_in_words(losses: Losses) -> str:
    if losses.last is None or losses.since is None:
        return "none"
    return (
        f"{losses.measurements} for want of room (`outbox.max_bytes`); {losses.lately} of them "
        f"from {_moment(losses.since)} to {_moment(losses.last)}"
    )


def kept_document(kept: Kept) -> dict[str, Any]:
    """A measurement that is kept, as JSON."""
    state = "delivered" if kept.delivered else "waiting"
    return {"state": state, "seq": kept.seq, "id": kept.id, **_content(kept.payload)}


def letter_document(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as JSON."""
    return {
        "state": "dead letter",
        "seq": letter.seq,
        "id": letter.id,
        "consumer": letter.consumer,
        "reason": letter.reason,
        "set_aside_at": seconds(letter.at),
        "to_be_offered_again": letter.retry is not None,
        **_content(letter.payload),
    }


def _content(payload: bytes) -> dict[str, Any]:
    """The measurement, or the raw payload of what is none that this version knows."""
    if isinstance(decoded(payload), str):
        return {"measurement": None, "payload": payload.decode(errors="replace")}
    return {"measurement": json.loads(payload)}


def print_kept(kept: list[Kept]) -> None:
    """Print measurements, one a line."""
    rows = [(str(one.seq), one.id, *_summary(one.payload)) for one in kept]
    if not rows:
        click.echo("nothing waits: all is delivered")
        return
    print_table(f"Not delivered: the oldest {len(rows)}", ("number", "id", *_SUMMARY), rows)


def print_letters(letters: list[DeadLetter]) -> None:
    """Print dead letters, one a line."""
    rows = [
        (
            one.consumer,
            one.id,
            _moment(one.at),
            "yes" if one.retry is not None else "no",
            *_summary(one.payload),
            one.reason,
        )
        for one in letters
    ]
    if not rows:
        click.echo("no dead letters")
        return
    head = ("consumer", "id", "set aside", "again", *_SUMMARY, "reason")
    print_table(f"Dead letters: the newest {len(rows)}", head, rows)


def print_one(kept: list[Kept], letters: list[DeadLetter]) -> None:
    """Print everything about one measurement and its dead letters."""
    for one in kept:
        state = "delivered, and still kept" if one.delivered else "not delivered yet"
        click.echo(f"{printable(one.id)}  number {one.seq}, {state}")
        _print_content(one.payload)
    for letter in letters:
        again = ", to be offered again" if letter.retry is not None else ""
        click.echo(
            f"{printable(letter.id)}  number {letter.seq}, dead letter of "
            f"{printable(letter.consumer)} since {_moment(letter.at)}{again}"
        )
        click.echo(f"reason: {printable(letter.reason)}")
        _print_content(letter.payload)


def _print_content(payload: bytes) -> None:
    found = decoded(payload)
    if isinstance(found, str):
        click.echo(f"cannot be decoded: {printable(found)}")
        click.echo(printable(payload.decode(errors="replace")))
    else:
        click.echo(as_text(found, bar=40, steps=False))
    click.echo()


_SUMMARY = ("started", "orchestrator", "pipeline", "model", "outcome")


def _summary(payload: bytes) -> tuple[str, ...]:
    found = decoded(payload)
    if isinstance(found, str):
        return ("cannot be decoded", "-", "-", "-", "-")
    return (
        _moment(found.started_at),
        shown(found.orchestrator),
        found.pipeline,
        found.model,
        found.outcome.value,
    )


def age(payload: bytes, now: int) -> float | None:
    """Seconds since the job of a measurement started; `None` if that cannot be known."""
    found = decoded(payload)
    return None if isinstance(found, str) else seconds(max(0, now - found.started_at))


def _ago(age: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if age >= 2 * size:
            return f"{age / size:.0f} {unit} ago"
    return f"{age:.0f} s ago"


def _moment(at: int) -> str:
    try:
        return datetime.fromtimestamp(at // 1_000_000_000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{at} ns after 1970"
