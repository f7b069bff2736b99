"""What Grafana puts in the place of variables and macros, and that it chooses what was chosen."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.boards import BOARDS
from dashboards.interpolation import Asked, Chosen, escape_regex, flux, promql
from dashboards.promql import ORCHESTRATOR
from exporter.delivery.families import clean
from exporter.stores.influx_lines import tag_value, tags_of
from tests.dashboards.asking import rows
from tests.dashboards.filled import Prometheus, prometheus, take_in
from tests.services.influx_server import InfluxServer, influx_server

DAY: Final = Asked(start=1_790_000_000, stop=1_790_086_400)
ALL: Final = Chosen(everything=True, options=("a", "b.c"), all_value=".*", multi=True)
LISTED: Final = Chosen(everything=True, options=("a", "b.c"), multi=True)
MANY: Final = tuple(f"model-{number}.v1" for number in range(300))
HOSTILE: Final = (
    'a "quoted" name',
    "it's",
    "a+b(c)[d]{e}|f.g*h?^i",
    "a",
    "x|a",
    "black forest/flux.1",
    "$&",
    "$model",
    "${model}",
    "${model:regex}",
    "{{model_name}}",
    "back\\slash",
    "new\nline",
    "100 %",
    "v.timeRangeStart",
    "`tick`",
    "naïve 模型 🎨",
    "a,b=c d",
    "#{}",
    "//",
    "-",
)


def many(*values: str) -> Chosen:
    return Chosen(values=values, multi=True)


def single(value: str) -> Chosen:
    return Chosen(values=(value,))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (many("a"), "a"),
        (many("a", "b"), "(a|b)"),
        (many("b.c"), r"b\\.c"),
        (many("a/b"), "a/b"),
        (many("a'b"), "a'b"),
        (many('a"b'), 'a"b'),
        (many("$x"), r"\\$x"),
        (many("${x}"), r"\\$\\{x\\}"),
        (many("{{x}}"), r"\\{\\{x\\}\\}"),
        (many("a\\b"), r"a\\\\b"),
        (many("a(b|c)", "d"), r"(a\\(b\\|c\\)|d)"),
        (many("模型"), "模型"),
        (ALL, ".*"),
        (LISTED, r"(a|b\\.c)"),
        (Chosen(everything=True, multi=True), "()"),
        (many(), "()"),
        (many(*MANY), "(" + "|".join(rf"model-{number}\\.v1" for number in range(300)) + ")"),
        (single("a.b(c"), "a.b(c"),
        (single("a'b"), r"a\\'b"),
        (single("a\\b"), r"a\\b"),
        (Chosen(), ""),
    ],
)
def test_a_variable_in_promql(chosen: Chosen, expected: str) -> None:
    for text in ("$model", "${model}"):
        assert promql(f'm{{x=~"{text}"}}', {"model": chosen}, DAY) == f'm{{x=~"{expected}"}}'


@pytest.mark.parametrize(
    ("chosen", "expected", "plain"),
    [
        (many("a"), "a", "a"),
        (many("a", "b"), "(a|b)", "{a,b}"),
        (many("a/b.c"), r"a\/b\.c", "a/b.c"),
        (many("a'b\"c"), "a'b\"c", "a'b\"c"),
        (many("${x}$&"), r"\$\{x\}\$&", "${x}$&"),
        (many("{{x}}"), r"\{\{x\}\}", "{{x}}"),
        (many("a\\b"), r"a\\b", "a\\b"),
        (ALL, ".*", ".*"),
        (LISTED, r"(a|b\.c)", "{a,b.c}"),
        (many(), "()", "{}"),
        (single("a.b(c"), r"a\.b\(c", "a.b(c"),
    ],
)
def test_a_variable_in_flux(chosen: Chosen, expected: str, plain: str) -> None:
    text = flux("/^${model:regex}$/ ${model}", {"model": chosen}, DAY)
    assert text == f"/^{expected}$/ {plain}"


def test_a_value_is_not_looked_at_for_variables_and_macros() -> None:
    variables = {"model": many("$region", "$__range"), "region": many("r")}
    assert promql("$model", variables, DAY) == r"(\\$region|\\$__range)"
    variables = {"model": many("v.timeRangeStart"), "region": many("r")}
    assert flux("${model:regex}", variables, DAY) == r"v\.timeRangeStart"


def test_a_variable_that_does_not_exist_is_an_error() -> None:
    for text in ("$nobody", "${nobody}", "${nobody:regex}"):
        with pytest.raises(KeyError):
            promql(text, {}, DAY)
        with pytest.raises(KeyError):
            flux(text, {}, DAY)
    with pytest.raises(ValueError, match="pipe"):
        promql("${model:pipe}", {"model": single("a")}, DAY)


@pytest.mark.parametrize(
    ("seconds", "interval"),
    # What `rangeUtil.calculateInterval` of the package @grafana/data 11.6.8 gives for 1000 points.
    [
        (3600, 15),
        (20_000, 20),
        (25_000, 30),
        (86_400, 60),
        (90_000, 120),
        (209_999, 120),
        (7 * 86_400, 600),
        (30 * 86_400, 1800),
        (2_700_000, 3600),
        (90 * 86_400, 7200),
        (400 * 86_400, 43_200),
        (1000 * 86_400, 86_400),
        (7000 * 86_400, 604_800),
        (21_000 * 86_400, 2_592_000),
        (42_000 * 86_400, 31_536_000),
    ],
)
def test_the_interval_of_a_range(seconds: int, interval: int) -> None:
    asked = Asked(start=0, stop=seconds)
    assert asked.interval == interval
    assert promql("$__interval_ms", {}, asked) == f"{interval}000"


@pytest.mark.parametrize(
    ("least", "scrape", "interval", "rate", "window"),
    [
        (15, 15, "1m", "1m15s", "1m0s"),
        (60, 30, "1m", "2m0s", "1m0s"),
        (90, 30, "1m", "2m0s", "1m30s"),
        (1800, 30, "30m", "30m30s", "30m0s"),
        (3600, 60, "1h", "1h1m0s", "1h0m0s"),
        (86_400, 60, "1d", "24h1m0s", "24h0m0s"),
    ],
)
def test_the_intervals_of_a_day(
    least: int, scrape: int, interval: str, rate: str, window: str
) -> None:
    asked = Asked(start=0, stop=86_400, least=least, scrape=scrape)
    written = promql("$__interval ${__interval} $__rate_interval", {}, asked)
    assert written == f"{interval} {interval} {rate}"
    written = flux("v.windowPeriod $__interval ${__interval_ms}", {}, asked)
    assert written == f"{window} {interval} {asked.interval}000"


def test_the_range_itself() -> None:
    text = promql("$__range ${__range} $__range_s $__range_ms", {}, DAY)
    assert text == "86400s 86400s 86400 86400000"
    stop, start = "2026-09-22T14:13:20Z", "2026-09-21T14:13:20Z"
    assert flux("v.timeRangeStart v.timeRangeStop", {}, DAY) == f"{start} {stop}"


NAMES: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
AWKWARD: Final = st.text(
    st.sampled_from("ab.*+?()[]{}|^$/\\'\"%,-#&~ \n`é"), min_size=1, max_size=8
)
SETS: Final = st.sets(st.one_of(NAMES, AWKWARD, st.sampled_from(HOSTILE)), min_size=1, max_size=12)


def promql_regex(matcher: str) -> re.Pattern[str]:
    """The regular expression of a matcher `x=~"…"`, as Prometheus reads its string."""
    found = re.fullmatch(r'x=~"((?:[^"\\\n]|\\.)*)"', matcher)
    assert found is not None, matcher
    text = re.sub(r"\\(.)", lambda one: {"\\": "\\"}[one.group(1)], found.group(1))
    return re.compile(text)


def flux_regex(literal: str) -> re.Pattern[str]:
    """The regular expression of a literal `/…/`, as Flux reads it."""
    found = re.fullmatch(r"/((?:[^/\\\n]|\\.)*)/", literal)
    assert found is not None, literal
    return re.compile(found.group(1).replace(r"\/", "/"))


@given(SETS, st.data())
@example(set(HOSTILE), None)
def test_a_matcher_in_promql_matches_what_is_chosen_and_nothing_else(
    names: set[str], data: st.DataObject | None
) -> None:
    values = {clean(name) for name in names}
    chosen = (
        values if data is None else data.draw(st.sets(st.sampled_from(sorted(values)), min_size=1))
    )
    written = promql('x=~"$model"', {"model": many(*sorted(chosen))}, DAY)
    expression = promql_regex(written)
    assert {value for value in values if expression.fullmatch(value)} == chosen
    everything = promql(
        'x=~"$model"', {"model": Chosen(everything=True, options=tuple(values), multi=True)}, DAY
    )
    assert all(promql_regex(everything).fullmatch(value) for value in values)


@given(SETS, st.data())
@example(set(HOSTILE), None)
def test_an_expression_in_flux_matches_what_is_chosen_and_nothing_else(
    names: set[str], data: st.DataObject | None
) -> None:
    values = {tag_value(name) for name in names}
    chosen = (
        values if data is None else data.draw(st.sets(st.sampled_from(sorted(values)), min_size=1))
    )
    written = flux("/^${model:regex}$/", {"model": many(*sorted(chosen))}, DAY)
    expression = flux_regex(written)
    assert {value for value in values if expression.search(value)} == chosen


@given(SETS, st.sampled_from(["one", "some"]))
def test_what_promql_escapes_by_a_named_format_matches_the_same(names: set[str], how: str) -> None:
    values = sorted({clean(name) for name in names})
    chosen = values[:1] if how == "one" else values[::2]
    variable = Chosen(values=tuple(chosen), multi=how == "some")
    written = promql(ORCHESTRATOR, {"orchestrator": variable}, DAY)
    found = re.fullmatch("orchestrator_address=~`([^`]*)`", written)
    assert found is not None
    assert [value for value in values if re.fullmatch(found.group(1), value)] == chosen


def test_no_choice_of_but_one_is_put_into_an_expression_unescaped() -> None:
    for board in BOARDS:
        single = [
            choice.name
            for choice in board.choices
            if not choice.multi and not choice.fixed and not choice.hidden
        ]
        texts = [query.promql for panel in board.panels for query in panel.queries]
        texts += [choice.promql for choice in board.choices]
        texts += [mark.promql for mark in board.marks]
        for text in texts:
            assert not [name for name in single if re.search(rf"\$({name}\b|{{{name}}})", text)]


@given(NAMES | AWKWARD)
def test_an_escaped_text_matches_itself_only(name: str) -> None:
    assert re.fullmatch(escape_regex(name).replace(r"\/", "/"), name)


AT: Final = 1_790_000_000


@pytest.fixture(scope="module")
def prom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    data = folder / "data"
    data.mkdir()
    samples = [f'm{{x="{clean(name)}"}} {place} {AT}\n' for place, name in enumerate(HOSTILE)]
    take_in(data, [*samples, "# EOF\n"])
    with prometheus(folder, data) as server:
        yield server


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        server.bucket("b")
        server.write(
            "b",
            [
                f"m,{tags_of({'x': name})} v={place} {AT}000000000"
                for place, name in enumerate(HOSTILE)
            ],
        )
        yield server


CHOICES: Final = [
    *((name,) for name in HOSTILE),
    HOSTILE[::2],
    HOSTILE,
    (*MANY, "a"),
]


@pytest.mark.parametrize("names", CHOICES, ids=range(len(CHOICES)))
def test_a_real_prometheus_finds_what_is_chosen(prom: Prometheus, names: tuple[str, ...]) -> None:
    query = promql('m{x=~"$model"}', {"model": many(*map(clean, names))}, DAY)
    found = prom.ask("query", query=query, time=AT)["result"]
    assert {one["metric"]["x"] for one in found} == {clean(one) for one in names if one in HOSTILE}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_real_prometheus_finds_what_is_chosen_as_the_only_one(
    prom: Prometheus, name: str
) -> None:
    matcher = ORCHESTRATOR.replace("orchestrator_address", "x")
    query = promql(f"m{{{matcher}}}", {"orchestrator": single(clean(name))}, DAY)
    found = prom.ask("query", query=query, time=AT)["result"]
    assert [one["metric"]["x"] for one in found] == [clean(name)]


@pytest.mark.parametrize("names", CHOICES, ids=range(len(CHOICES)))
def test_a_real_influxdb_finds_what_is_chosen(influx: InfluxServer, names: tuple[str, ...]) -> None:
    text = 'from(bucket: "b") |> range(start: 0) |> filter(fn: (r) => r.x =~ /^${model:regex}$/)'
    found = rows(influx, flux(text, {"model": many(*map(tag_value, names))}, DAY))
    assert {row["x"] for row in found} == {tag_value(one) for one in names if one in HOSTILE}
