"""What a question to InfluxDB is, and the pieces of Flux that the questions are made of.

Each question gives one value for each thing that may be wrong, with its tags, at the present time;
whatever is muted, stale or too little to tell is left out of the answer.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from exporter.alerting.rule import Severity
from exporter.alerting.scope import ORIGINS, Origin
from exporter.alerting.thresholds import MINUTE

TARGET: Final = ("orchestrator", "pipeline", "model", "region", "tester")
URI: Final = ("orchestrator", "registry", "region", "tester")
TESTER: Final = ("tester", "region")

GAP: Final = 15 * MINUTE
"""Seconds for which a value stands: what is about an orchestrator is written every 5 minutes."""
NOW: Final = "float(v: int(v: now())) / 1000000000.0"
"""This moment, Unix seconds."""
LAST: Final = 'sort(columns: ["_time"]) |> last()'
AGE: Final = f"\n    |> map(fn: (r) => ({{r with _value: {NOW} - r._value}}))"
"""Turns moments into seconds that have passed since."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: the Flux, its tags, and from which value on it fires."""

    name: str
    severity: Severity
    tags: tuple[str, ...]
    flux: str
    """Gives the columns of `tags` and `_value`."""
    above: float | None = None
    """It fires for values above; or else for those `below`."""
    below: float | None = None
    muted: bool = True
    """Whether maintenance silences it."""
    local: bool = False
    """Whether it is told even while the tester's own network is down."""
    window: int = 0
    """Seconds over which it looks back: a maintenance in them silences it, too."""
    no_data: str = "OK"
    """What no answer at all means: that all is well (`OK`), or that nothing is (`Alerting`)."""
    pending: int | None = None
    """Seconds for which it must hold; `None`: those of Prometheus' rule."""
    summary: str | None = None
    description: str | None = None
    """Texts, where those of Prometheus' rule do not fit."""


def listed(names: tuple[str, ...]) -> str:
    """Names as the elements of a Flux array."""
    return ", ".join(f'"{name}"' for name in names)


def grouped(tags: tuple[str, ...]) -> str:
    """A group for each combination of tags."""
    return f"group(columns: [{listed(tags)}])"


def quoted(text: str) -> str:
    """A text as Flux writes it, and as Grafana leaves it alone.

    Grafana puts words in the place of `$__interval` and of `.bucket` behind any word, even within
    texts, so that dots and dollars are written by their numbers.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    hidden = re.sub(r"[$.]", lambda found: f"\\x{ord(found.group()):02x}", escaped)
    return f'"{hidden}"'


def any_of(tag: str, texts: tuple[str, ...]) -> str:
    """The condition that a tag is one of these."""
    return " or ".join(f"r.{tag} == {quoted(text)}" for text in texts)


def joined(tags: tuple[str, ...], value: str, **tables: str) -> str:
    """Rows that two tables have in common, with a value of both, `_value_NAME` each."""
    inner = ",\n".join(f"        {name}: {flux} |> group()" for name, flux in tables.items())
    return f"""\
join(
    tables: {{
{inner},
    }},
    on: [{listed(tags)}],
)
    |> map(fn: (r) => ({{r with _value: {value}}}))"""


class Source:
    """Pieces of questions to one bucket."""

    def __init__(self, bucket: str, origins: tuple[Origin, ...] = ORIGINS) -> None:
        self._bucket = quoted(bucket)
        self._origins = " or ".join(f'r.origin == "{origin}"' for origin in origins)

    def metric(self, field: str, seconds: int, until: int = 0) -> str:
        """Rows of a metric of the last `seconds`, up to `until` seconds ago."""
        return (
            f"from(bucket: {self._bucket}) |> {_since(seconds, until)}\n"
            f'    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{field}")'
        )

    def now(self, field: str, tags: tuple[str, ...], seconds: int = GAP) -> str:
        """The last value of the last `seconds` for each combination of tags."""
        return f"{self.metric(field, seconds)}\n    |> {grouped(tags)}\n    |> {LAST}"

    def grown(
        self, field: str, tags: tuple[str, ...], seconds: int, condition: str | None = None
    ) -> str:
        """By how much counters grew in the last `seconds`, over their restarts."""
        chosen = f"\n    |> filter(fn: (r) => {condition})" if condition else ""
        return (
            f"{self.metric(field, seconds)}{chosen}\n    |> increase()\n    |> last()\n"
            f"    |> {grouped(tags)}\n    |> sum()"
        )

    def grown_together(self, fields: Iterable[str], tags: tuple[str, ...], seconds: int) -> str:
        """By how much several counters grew, added up."""
        parts = "".join(f"{self.grown(field, tags, seconds)} |> group(),\n" for field in fields)
        return f"union(tables: [\n{parts}])\n    |> {grouped(tags)}\n    |> sum()"

    def jobs(self, field: str, seconds: int, until: int = 0) -> str:
        """Rows of a field of the jobs whose origin may alert."""
        return self._jobs(field, seconds, until, self._origins)

    def own_jobs(self, field: str, seconds: int) -> str:
        """Rows of a field of the testers' own jobs."""
        return self._jobs(field, seconds, 0, 'r.origin == "own"')

    def _jobs(self, field: str, seconds: int, until: int, origins: str) -> str:
        return (
            f"from(bucket: {self._bucket}) |> {_since(seconds, until)}\n"
            f'    |> filter(fn: (r) => r._measurement == "ai_job" and r._field == "{field}")\n'
            f"    |> filter(fn: (r) => {origins})"
        )

    def testers(
        self, field: str, condition: str = "true", seconds: int = GAP, until: int = 0
    ) -> str:
        """Names of the testers that wrote the metric with a value of this condition."""
        return f"""\
{self.metric(field, seconds, until)}
    |> filter(fn: (r) => {condition})
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
"""

    def resting(self, window: int = 0) -> str:
        """The testers that are in maintenance, or were in the window: `resting`."""
        seconds = max(GAP, window)
        return f"resting = {self.testers('tester_maintenance', 'r._value == 1.0', seconds)}"

    def cut_off(self) -> str:
        """The testers without a network: `cutOff`."""
        return f"cutOff = {self.testers('tester_network_up', 'r._value == 0.0')}"

    def follows(self) -> str:
        """Which tester (`tester`) follows which leaderboard (`source`, its host) now."""
        return (
            f"{self.metric('tester_followed_errors_total', GAP)}\n"
            '    |> group(columns: ["tester", "source"])\n'
            "    |> last()\n"
            "    |> group()"
        )

    def followed(self, by: str, name: str) -> str:
        """The leaderboards that none but the testers `by` follow, as `name`.

        Their hosts are the testers of what they tell, which has no tag of who follows them.
        """
        return f"""\
{name}Too = {self.follows()}
    |> filter(fn: (r) => not contains(value: r.tester, set: {by}))
    |> findColumn(fn: (key) => true, column: "source")
{name} = {self.follows()}
    |> filter(fn: (r) => contains(value: r.tester, set: {by}))
    |> filter(fn: (r) => not contains(value: r.source, set: {name}Too))
    |> findColumn(fn: (key) => true, column: "source")
"""

    def serviced(self, window: int) -> str:
        """The orchestrators in maintenance, now or in the window: `serviced`."""
        return f"""\
serviced = {self.metric("orchestrator_maintenance", max(GAP, window))}
    |> group()
    |> findColumn(fn: (key) => true, column: "orchestrator")
"""


def _since(seconds: int, until: int) -> str:
    stop = f", stop: -{until}s" if until else ""
    return f"range(start: -{seconds}s{stop})"
