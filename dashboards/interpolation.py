"""What Grafana puts in the place of variables and macros before it asks a data source.

Grafana 11's rules, from its documentation ("Variable syntax", "Global variables", "Prometheus
query editor: `$__rate_interval`", "Flux support in Grafana") and the behaviour that its sources
describe (`packages/grafana-data` `rangeutil`, `packages/grafana-prometheus` `escaping`,
`pkg/promlib/models/query`, `pkg/tsdb/influxdb/flux/macros`). They are written down once, here, so
that every query of a dashboard can be put to a real server without Grafana.

Not followed: `[[name]]`, field paths and scopes, which no query of ours uses, and a variable that
does not exist, which Grafana leaves as it stands: here it is an error.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

MAX_POINTS: Final = 1000
"""Points that a curve of a panel as wide as a laptop's screen is asked for."""
_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}", re.ASCII)
_REGEX: Final = re.compile(r"[\\^$*+?.()|\[\]{}/]")
_PROMETHEUS_REGEX: Final = re.compile(r"[$^*{}\[\]+?.()|]")
_ROUND: Final = (
    (12.5, 10),
    (17.5, 15),
    (25, 20),
    (45, 30),
    (90, 60),
    (210, 120),
    (450, 300),
    (750, 600),
    (1050, 900),
    (1500, 1200),
    (2700, 1800),
    (5400, 3600),
    (9000, 7200),
    (16_200, 10_800),
    (32_400, 21_600),
    (86_400, 43_200),
    (604_800, 86_400),
    (1_814_400, 604_800),
    (3_628_800, 2_592_000),
)
"""Below how many seconds an interval is rounded to how many (`roundInterval`)."""
_YEAR: Final = 31_536_000
_UNITS: Final = ((_YEAR, "y"), (86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_LEAST_SCRAPES: Final = 4


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What is chosen in a variable; `options` are what could be."""

    values: tuple[str, ...] = ()
    everything: bool = False
    """Whether "All" is chosen."""
    options: tuple[str, ...] = ()
    all_value: str | None = None
    """What the variable says instead of all its options."""
    multi: bool = False
    """Whether several can be chosen, or all."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The values; where all are chosen, the options."""
        return self.options if self.everything else self.values


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The range of a dashboard in Unix seconds, and how dense its curves are."""

    start: int
    stop: int
    least: int = 15
    """Least interval of the panel (`interval`), seconds."""
    scrape: int = 30
    """Scrape interval that the data source is told, seconds."""
    points: int = MAX_POINTS

    @property
    def interval(self) -> int:
        """`$__interval` in seconds: the range by the points, rounded, but no less than `least`."""
        wanted = (self.stop - self.start) / self.points
        rounded = next((to for limit, to in _ROUND if wanted < limit), _YEAR)
        return max(rounded, self.least)

    @property
    def rate_interval(self) -> int:
        """`$__rate_interval` in seconds: four scrapes at least, else the interval and a scrape."""
        return max(self.interval + self.scrape, _LEAST_SCRAPES * self.scrape)


def promql(text: str, variables: Mapping[str, Chosen], asked: Asked) -> str:
    """The PromQL that is asked. Raises `KeyError` for a variable that does not exist.

    What can have several values is escaped for a regular expression within a string, with its
    backslashes doubled, and put in brackets if it is more than one. Line ends and `"` are not
    escaped: labels have none. (With the toggle `prometheusSpecialCharsInLabelValues`, off in
    Grafana 11, `'` is escaped too, which means the same.)
    """
    span = asked.stop - asked.start
    macros = {
        "__interval": _short(asked.interval),
        "__interval_ms": f"{asked.interval * 1000}",
        "__rate_interval": _whole(asked.rate_interval),
        "__range": f"{span}s",
        "__range_s": f"{span}",
        "__range_ms": f"{span * 1000}",
    }

    def value(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2)
        if name in macros:
            return macros[name]
        return _formatted(variables[name], found.group(3), _for_promql)

    return _VARIABLE.sub(value, text)


def flux(text: str, variables: Mapping[str, Chosen], asked: Asked) -> str:
    """The Flux that is asked. Raises `KeyError` for a variable that does not exist.

    Variables are put in as they are, several of them as `{a,b}`, unless a format is named. The
    range (`v.…`) is put in after them by Grafana's server, which does not look where it stands.
    """
    macros = {"__interval": _short(asked.interval), "__interval_ms": f"{asked.interval * 1000}"}

    def value(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2)
        if name in macros:
            return macros[name]
        return _formatted(variables[name], found.group(3), _glob)

    written = _VARIABLE.sub(value, text)
    for macro, replacement in (
        ("v.timeRangeStart", _moment(asked.start)),
        ("v.timeRangeStop", _moment(asked.stop)),
        ("v.windowPeriod", _whole(asked.interval)),
    ):
        written = written.replace(macro, replacement)
    return written


def _formatted(chosen: Chosen, form: str | None, default: Callable[[Chosen], str]) -> str:
    if chosen.everything and chosen.all_value is not None:
        return chosen.all_value
    if form == "regex":
        return _alternatives([escape_regex(value) for value in chosen.chosen])
    if form == "raw":
        return ",".join(chosen.chosen)
    if form is not None:
        raise ValueError(f"the format {form!r} is not one that queries here use")
    return default(chosen)


def escape_regex(text: str) -> str:
    """As the format `regex` escapes: what means something in a regular expression, and `/`."""
    return _REGEX.sub(lambda found: f"\\{found.group()}", text)


def _for_promql(chosen: Chosen) -> str:
    if not chosen.multi:
        (value,) = chosen.chosen or ("",)
        return value.replace("\\", "\\\\").replace("'", "\\\\'")
    return _alternatives([_promql_regex(value) for value in chosen.chosen])


def _promql_regex(text: str) -> str:
    doubled = text.replace("\\", "\\\\\\\\")
    return _PROMETHEUS_REGEX.sub(lambda found: f"\\\\{found.group()}", doubled)


def _glob(chosen: Chosen) -> str:
    values = chosen.chosen
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def _alternatives(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"({'|'.join(values)})"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(seconds: int) -> str:
    """An interval in its largest unit, the rest cut off: 90 s are `1m`."""
    size, unit = next(one for one in _UNITS if seconds >= one[0])
    return f"{seconds // size}{unit}"


def _whole(seconds: int) -> str:
    """A duration as Go writes it: `1m30s`, `1h0m0s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
