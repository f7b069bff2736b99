"""`outbox`: what is in the queue between the processes, and what to do with dead letters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    import sqlite3

    from exporter.outbox import DeadLetter, Losses
    from exporter.outbox.inspection import Kept, Overview

Command = TypeVar("Command", bound=Callable[..., None])

_CODES = """Exit codes: 0 done, 1 what was asked for is not there, 2 wrong usage or settings,
3 there is no outbox, or it cannot be used."""


def _of_an_outbox(command: Command) -> Command:
    for option in (
        click.option(
            "--data", type=click.Path(path_type=Path), help="Data folder that the outbox is in."
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Settings file (YAML) that names the data folder.",
        ),
    ):
        command = option(command)
    return command


_IDS = click.argument("ids", nargs=-1, metavar="[ID...]")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(
    epilog=f"""
\b
Examples:
  livepeer-exporter outbox status --config config.yaml
  livepeer-exporter outbox inspect --dead --data data
  livepeer-exporter outbox retry --all --data data

{_CODES}
"""
)
def outbox() -> None:
    """Look at the outbox, the queue between the process that tests and the station.

    Works while the service runs and while it does not. A *dead letter* is a measurement that a
    consumer, such as the store, does not take: it is set aside with the reason, until it is offered
    again (retry) or deleted (drop). An ID is the measurement's.
    """


@outbox.command(epilog=_CODES)
@_of_an_outbox
@_JSON
def status(config: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Show how full it is, how far each consumer came, what was refused and what was lost."""
    import time

    from exporter.outbox.inspection import overview, undelivered

    path = _path(config, data)
    with _opened(path) as connection:
        found = overview(connection, path)
        oldest = undelivered(connection, 1)
    age = _age(oldest[0].payload, time.time_ns()) if oldest else None
    if as_json:
        _print_document({"outbox": str(path), **_facts(found), "oldest_undelivered_age": age})
    else:
        _print_status(path, found, age)


@outbox.command(epilog=_CODES)
@_of_an_outbox
@click.option("--dead", is_flag=True, help="Dead letters, those set aside last first.")
@click.option("--id", "one", metavar="ID", help="One measurement with everything about it.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most.")
@_JSON
def inspect(
    config: Path | None,
    data: Path | None,
    *,
    dead: bool,
    one: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show measurements: by default those not delivered yet, the oldest first.

    With --id, also one that is delivered and still kept, and its dead letters.
    """
    from exporter.outbox import dead_letters, inspection

    path = _path(config, data)
    kept: list[Kept] = []
    letters: list[DeadLetter] = []
    with _opened(path) as connection:
        if one is not None:
            letters = dead_letters.letters_of(connection, one)
            row = None if dead else inspection.kept(connection, one)
            kept = [] if row is None else [row]
        elif dead:
            letters = dead_letters.newest(connection, limit)
        else:
            kept = inspection.undelivered(connection, limit)
    if as_json:
        documents = [*map(_kept_document, kept), *map(_letter_document, letters)]
        _print_document({"measurements": documents})
    elif one is not None:
        _print_one(kept, letters)
    elif dead:
        _print_letters(letters)
    else:
        _print_kept(kept)
    if one is not None and not kept and not letters:
        what = "dead letter" if dead else "measurement"
        click.echo(f"{path}: there is no {what} with this id", err=True)
        raise SystemExit(FAILED)


@outbox.command(epilog=_CODES)
@_of_an_outbox
@_IDS
@click.option("--all", "every", is_flag=True, help="Every dead letter.")
def retry(config: Path | None, data: Path | None, ids: tuple[str, ...], *, every: bool) -> None:
    """Have dead letters offered to their consumer again: at once, or when the station starts."""
    from exporter.outbox import dead_letters
    from exporter.outbox.file import transaction

    which = _which(ids, every=every)
    path = _path(config, data)
    with _opened(path) as connection, transaction(connection):
        unknown = _unknown(connection, ids)
        count = dead_letters.retry(connection, which)
    click.echo(f"{_letters(count)} will be offered again")
    _refuse_unknown(path, unknown)


@outbox.command(epilog=_CODES)
@_of_an_outbox
@_IDS
@click.option("--all", "every", is_flag=True, help="Every dead letter.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(
    config: Path | None, data: Path | None, ids: tuple[str, ...], *, every: bool, yes: bool
) -> None:
    """Delete dead letters for good."""
    from exporter.outbox import dead_letters
    from exporter.outbox.file import transaction

    which = _which(ids, every=every)
    path = _path(config, data)
    with _opened(path) as connection:
        unknown = _unknown(connection, ids)
        count = dead_letters.count(connection, which)
        if count and not yes and not click.confirm(f"Delete {_letters(count)} for good?"):
            click.echo("nothing was deleted")
            raise SystemExit(FAILED)
        with transaction(connection):
            count = dead_letters.drop(connection, which)
    click.echo(f"{_letters(count)} deleted")
    _refuse_unknown(path, unknown)


def _path(config: Path | None, data: Path | None) -> Path:
    import os

    from exporter.data_folder import OUTBOX
    from exporter.settings_file import SettingsError, load

    if data is not None and config is None:
        return data / OUTBOX
    if config is None or data is not None:
        raise click.UsageError("give either --config FILE or --data FOLDER")
    try:
        return load(config, os.environ).data / OUTBOX
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None


@contextmanager
def _opened(path: Path) -> "Iterator[sqlite3.Connection]":
    from exporter.outbox import OutboxError
    from exporter.outbox.file import existing_file

    try:
        with existing_file(path) as connection:
            yield connection
    except OutboxError as error:
        click.echo(str(error), err=True)
        raise SystemExit(ENVIRONMENT) from None


def _which(ids: tuple[str, ...], *, every: bool) -> tuple[str, ...] | None:
    if every == bool(ids):
        raise click.UsageError("give either IDs or --all")
    return None if every else ids


def _unknown(connection: "sqlite3.Connection", ids: tuple[str, ...]) -> list[str]:
    from exporter.outbox import dead_letters

    return [one for one in ids if not dead_letters.count(connection, (one,))]


def _refuse_unknown(path: Path, unknown: list[str]) -> None:
    from exporter.shown import printable

    for one in unknown:
        click.echo(f"{path}: there is no dead letter with the id {printable(one)}", err=True)
    if unknown:
        raise SystemExit(FAILED)


def _letters(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"


def _print_document(document: dict[str, Any]) -> None:
    from exporter.shown import pretty

    click.echo(pretty(document))


def _facts(found: "Overview") -> dict[str, Any]:
    from msgspec import to_builtins

    facts: dict[str, Any] = {
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
    return facts


def _lost(losses: "Losses") -> dict[str, Any]:
    from exporter.model import seconds

    return {
        "measurements": losses.measurements,
        "last": seconds(losses.last),
        "since": seconds(losses.since),
        "lately": losses.lately,
        "dead_letters": losses.dead_letters,
    }


def _print_status(path: Path, found: "Overview", age: float | None) -> None:
    from exporter.cli.tables import print_table

    facts = _facts(found)
    pairs = [
        ("size", f"{found.bytes} bytes"),
        ("measurements", f"{facts['measurements']}, numbers {facts['first']} to {facts['last']}"),
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


def _lost_in_words(losses: "Losses") -> str:
    if losses.last is None or losses.since is None:
        return "none"
    return (
        f"{losses.measurements} for want of room (`outbox.max_bytes`); {losses.lately} of them "
        f"from {_moment(losses.since)} to {_moment(losses.last)}"
    )


def _kept_document(kept: "Kept") -> dict[str, Any]:
    state = "delivered" if kept.delivered else "waiting"
    return {"state": state, "seq": kept.seq, "id": kept.id, **_content(kept.payload)}


def _letter_document(letter: "DeadLetter") -> dict[str, Any]:
    from exporter.model import seconds

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
    import json

    from exporter.outbox import decoded

    if isinstance(decoded(payload), str):
        return {"measurement": None, "payload": payload.decode(errors="replace")}
    return {"measurement": json.loads(payload)}


def _print_kept(kept: "list[Kept]") -> None:
    from exporter.cli.tables import print_table

    rows = [(str(one.seq), one.id, *_summary(one.payload)) for one in kept]
    print_table(f"Not delivered: the oldest {len(rows)}", ("number", "id", *_SUMMARY), rows)


def _print_letters(letters: "list[DeadLetter]") -> None:
    from exporter.cli.tables import print_table

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
    head = ("consumer", "id", "set aside", "again", *_SUMMARY, "reason")
    print_table(f"Dead letters: the newest {len(rows)}", head, rows)


def _print_one(kept: "list[Kept]", letters: "list[DeadLetter]") -> None:
    from exporter.shown import printable

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
    from exporter.outbox import decoded
    from exporter.shown import as_text, printable

    found = decoded(payload)
    if isinstance(found, str):
        click.echo(f"cannot be decoded: {printable(found)}")
        click.echo(printable(payload.decode(errors="replace")))
    else:
        click.echo(as_text(found, bar=40, steps=False))
    click.echo()


_SUMMARY = ("started", "orchestrator", "pipeline", "model", "outcome")


def _summary(payload: bytes) -> tuple[str, ...]:
    from exporter.leaderboard.display import shown
    from exporter.outbox import decoded

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


def _age(payload: bytes, now: int) -> float | None:
    """Seconds since the job of a measurement started; `None` if that cannot be known."""
    from exporter.model import seconds
    from exporter.outbox import decoded

    found = decoded(payload)
    return None if isinstance(found, str) else seconds(max(0, now - found.started_at))


def _ago(age: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if age >= 2 * size:
            return f"{age / size:.0f} {unit} ago"
    return f"{age:.0f} s ago"


def _moment(at: int) -> str:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(at // 1_000_000_000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{at} ns after 1970"
