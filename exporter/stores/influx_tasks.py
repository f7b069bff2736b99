"""The tasks with which an InfluxDB server makes the roll-ups by itself."""

from typing import Final, NamedTuple

from exporter.settings import Influx
from exporter.stores.influx_client import question
from exporter.stores.influx_rollups import TASK_DAYS, TASK_HOURS

HOURLY: Final = "livepeer-exporter rollup_1h"
DAILY: Final = "livepeer-exporter rollup_1d"

_ESCAPED: Final = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "$": "\\x24", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


class TaskText(NamedTuple):
    """A task: its name, and its whole text with the line of options."""

    name: str
    flux: str


def tasks(influx: Influx) -> list[TaskText]:
    """The tasks that compute the last hours and days again, whenever one of them is over.

    A run that fails or never happens is not made up for by the server: the next ones do it. A late
    start does not move the windows, which go by whole hours and days.
    """
    if influx.rollup_bucket is None:
        return []
    hours = _task(influx, HOURLY, every="1h", offset="2m", body="rollup_1h", windows=TASK_HOURS)
    # The last hour of a day is computed for the last time some minutes after 2 o'clock.
    days = _task(influx, DAILY, every="1d", offset="3h10m", body="rollup_1d", windows=TASK_DAYS)
    return [hours, days]


def _task(
    influx: Influx, name: str, *, every: str, offset: str, body: str, windows: int
) -> TaskText:
    text = question(body)
    imports = [line for line in text.split("\n") if line.startswith("import ")]
    rest = "\n".join(line for line in text.split("\n") if line not in imports)
    span = {"1h": 3600, "1d": 86400}[every] * 1_000_000_000
    lines = [
        'import "date"',
        *imports,
        "",
        f"option task = {{name: {flux_string(name)}, every: {every}, offset: {offset}}}",
        "",
        f"bucket = {flux_string(influx.bucket)}",
        f"rollup_bucket = {flux_string(influx.rollup_bucket or '')}",
        f"every = {span}",
        f"last = int(v: date.truncate(t: now(), unit: {every}))",
        f"first = last - {windows} * every",
        rest,
    ]
    return TaskText(name, "\n".join(lines))


def flux_string(text: str) -> str:
    """Write a text as a literal of Flux, in which `${` does not begin an expression."""
    return f'"{text.translate(_ESCAPED)}"'
