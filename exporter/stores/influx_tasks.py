"""The tasks that InfluxDB runs to compute the roll-ups, as whole Flux texts."""

from typing import NamedTuple

from exporter.settings.serving import Influx

_ESCAPED = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "$": "\\x24", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


class TaskText(NamedTuple):
    """A task's name and its Flux, `option task` included."""

    name: str
    flux: str


def flux_string(text: str) -> str:
    """Write a text as a literal of Flux, in which `${` does not begin an expression."""
    return f'"{text.translate(_ESCAPED)}"'


def tasks(influx: Influx) -> list[TaskText]:
    """Give the tasks that these settings ask for; none without a bucket for roll-ups."""
    if influx.rollup_bucket is None:
        return []
    return [_task(influx, "rollup_1h", "1h"), _task(influx, "rollup_1d", "1d")]


def _task(influx: Influx, step: str, every: str) -> TaskText:
    name = f"livepeer-exporter {step}"
    bucket, rollup = flux_string(influx.bucket), flux_string(influx.rollup_bucket or "")
    flux = (
        f"option task = {{name: {flux_string(name)}, every: {every}, offset: 5m}}\n\n"
        f"from(bucket: {bucket})\n"
        "    |> range(start: -1h)\n"
        "    |> limit(n: 1)\n"
        f"    |> to(bucket: {rollup})\n"
    )
    return TaskText(name, flux)
