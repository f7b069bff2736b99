"""Whether an InfluxDB 2 is as the settings want it, as far as the given tokens can see."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import SecretStr

from exporter.settings.serving import Influx
from exporter.stores.influx_access import (
    Standing,
    may_read,
    retention_of,
    sees_tokens,
    standing,
    trouble,
)
from exporter.stores.influx_admin import Admin, AdminError, ServerTask
from exporter.stores.influx_errors import clean
from exporter.stores.influx_server import Answer
from exporter.stores.influx_setup import kept, kinds, refused, wanted_buckets
from exporter.stores.influx_tasks import TaskText, tasks

CLOCK_TOLERANCE: Final = 5.0
_UNSEEN_WITHOUT_OPERATOR = "with --token-file or --username an operator can see"
_MISSED_RUNS = 3
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNLIMITED_QUEUES = 1024


class Level(StrEnum):
    """How much a finding matters."""

    FINE = "ok"
    WRONG = "WRONG"
    HINT = "hint"
    UNSEEN = "not seen"


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: Level
    text: str


async def with_the_settings(influx: Influx, answer: Answer) -> AsyncIterator[Finding]:
    """Look at what the tokens of the settings can see. Never raises."""
    yield Finding(Level.FINE, answer.said)
    yield _clock(answer)
    if (against := refused(influx)) is not None:
        yield Finding(Level.WRONG, against)
    found = await trouble(influx)
    for text in found:
        yield Finding(Level.WRONG, text)
    if not found:
        yield Finding(Level.FINE, "the tokens of the settings may do all that they are needed for")
    for text in await _too_much(influx):
        yield Finding(Level.WRONG, text)


def _clock(answer: Answer) -> Finding:
    offset = answer.clock_offset
    if offset is None:
        return Finding(Level.UNSEEN, "the server does not tell its time")
    if abs(offset) <= CLOCK_TOLERANCE:
        return Finding(Level.FINE, "its clock agrees with this machine's")
    side = "ahead of" if offset > 0 else "behind"
    return Finding(
        Level.WRONG,
        f"its clock is {abs(offset):.0f} s {side} this machine's: windows and roll-ups would be "
        "off by as much; let both keep time (NTP)",
    )


async def _too_much(influx: Influx) -> list[str]:
    """What the tokens of the settings may do beyond what they are for."""
    found = []
    token, read_token = influx.token, influx.read_token
    if token and read_token and await may_read(influx, token, influx.bucket):
        found.append("store.influxdb.token: it may read the bucket, though there is a read_token")
    for bucket, _ in wanted_buckets(influx):
        if read_token and (await standing(influx, read_token, bucket)).standing is (
            Standing.MAY_WRITE
        ):
            found.append(f"store.influxdb.read_token: it may write the bucket {bucket!r}")
    for key, each in (
        ("token", token),
        ("read_token", read_token),
        ("rollup_token", influx.rollup_token),
    ):
        if each and await sees_tokens(influx, each):
            found.append(
                f"store.influxdb.{key}: it may list tokens, as an operator's or all-access token: "
                "give the service one of those that `influx setup` makes"
            )
    return found


async def retentions(influx: Influx) -> AsyncIterator[Finding]:
    """Compare how long the buckets keep what they get, with the settings' own tokens."""
    token: SecretStr | None = influx.read_token or influx.token
    for name, wanted in wanted_buckets(influx):
        found = None if token is None else await retention_of(influx, token, name)
        if found is None:
            text = f"bucket {name}: for how long it keeps; {_UNSEEN_WITHOUT_OPERATOR}"
            yield Finding(Level.UNSEEN, text)
        else:
            yield _retention(name, wanted, found)
    unseen = "the tasks, what else tokens may do, and the limits on queries"
    yield Finding(Level.UNSEEN, f"{unseen}; {_UNSEEN_WITHOUT_OPERATOR}")


def with_an_operator(influx: Influx, admin: Admin) -> Iterator[Finding]:
    """Look at buckets, tasks, tokens and limits as an operator; raises `AdminError`."""
    org = admin.org()
    if org is None:
        return  # told already
    there = admin.buckets(org)
    for name, wanted in wanted_buckets(influx):
        if name in there:
            yield _retention(name, wanted, there[name].retention)
    for text in tasks(influx):
        yield _task(influx, text, admin.tasks(org, text.name))
    yield from _tokens(influx, admin, org)
    try:
        yield _limits(admin.query_limits())
    except AdminError as error:
        yield Finding(Level.UNSEEN, f"the limits on queries: {error}")


def _retention(name: str, wanted: int, found: int) -> Finding:
    if wanted == found:
        return Finding(Level.FINE, f"bucket {name} keeps {kept(found)}")
    return Finding(
        Level.WRONG,
        f"bucket {name} keeps {kept(found)}, the settings say {kept(wanted)}: "
        "`livepeer-exporter influx setup` changes it",
    )


def _task(influx: Influx, text: TaskText, found: list[ServerTask]) -> Finding:
    what = f"task {text.name}"
    mends = "`livepeer-exporter influx setup`"
    if not found:
        return Finding(Level.WRONG, f"{what} is missing: {mends} makes it")
    task = found[0]
    if len(found) > 1:
        return Finding(Level.WRONG, f"{what}: there are {len(found)} of it, delete all but one")
    if not task.active:
        return Finding(Level.WRONG, f"{what} is inactive: {mends} activates it")
    if task.flux != text.flux:
        return Finding(Level.WRONG, f"{what} has another text: {mends} brings it up to date")
    return _runs(influx, what, task)


def _runs(influx: Influx, what: str, task: ServerTask) -> Finding:
    patience = timedelta(seconds=_MISSED_RUNS * _seconds(task.every))
    now = datetime.now(UTC)
    if task.last_status == "failed":
        said = clean(task.last_error or "no reason given", influx)
        return Finding(Level.WRONG, f"{what}: its last run failed: {said}")
    if task.last_status is None:
        if task.created_at is not None and now - task.created_at > patience:
            return Finding(Level.WRONG, f"{what} has never run, though it is older than three runs")
        return Finding(Level.FINE, f"{what} is there; it has not run yet")
    if task.completed_at is not None and now - task.completed_at > patience:
        return Finding(Level.WRONG, f"{what} has not run since {task.completed_at:%Y-%m-%d %H:%M}")
    return Finding(Level.FINE, f"{what} runs; last run: {task.last_status}")


def _seconds(every: str | None) -> int:
    """Seconds of a Flux duration such as `1h` or `1h30m`; a day for what is none."""
    parts = re.findall(r"(\d{1,9})([smhdw])", every or "")
    return sum(int(number) * _UNITS[unit] for number, unit in parts) or _UNITS["d"]


def _tokens(influx: Influx, admin: Admin, org: str) -> Iterator[Finding]:
    known = admin.tokens(org)
    for kind in kinds(influx):
        found = [token for token in known if token.description == kind.description]
        what = f"token {kind.description}"
        if not found:
            yield Finding(
                Level.HINT, f"{what}: there is none of this name; `influx setup` makes it"
            )
        elif not any(token.active for token in found):
            yield Finding(Level.WRONG, f"{what} is inactive: `influx setup` activates it")
        elif len(found) > 1:
            yield Finding(Level.HINT, f"{what}: there are {len(found)} of this name")
        else:
            yield Finding(Level.FINE, f"{what} is there")


def _limits(limits: dict[str, int]) -> Finding:
    memory = limits.get("query-memory-bytes", 0)
    concurrent = limits.get("query-concurrency", 0)
    if memory and 0 < concurrent < _UNLIMITED_QUEUES:
        return Finding(Level.FINE, f"at most {concurrent} queries at once, of {memory} bytes each")
    return Finding(
        Level.HINT,
        "the server runs queries with its default limits, which are none to speak of: set "
        "`query-concurrency`, `query-queue-size`, `query-memory-bytes` and "
        "`query-max-memory-bytes` (docs/storage.md)",
    )
