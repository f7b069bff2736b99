import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.delivery.exposition import render
from exporter.delivery.metric_list import BY_NAME, TARGET
from exporter.delivery.target_series import PHASES
from exporter.leaderboard.display import shown
from exporter.maintenance import Maintenance, Open
from exporter.model import Blame, Origin, Outcome
from tests.delivery.snapshots import example, followed_failure, phases, posted, snapshot
from tests.measurements import failed, good
from tests.stations import ALICE, BOB, offer, supply

REPORTED = {"origin": Origin.POSTED, "tester": "somebody", "region": "FRA"}
GOLDEN = Path(__file__).parent / "golden"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def parse_openmetrics(text: str) -> Iterator[Family]:
    parse = openmetrics_parser.text_string_to_metric_families
    yield from parse(text)  # type: ignore[no-untyped-call]  # the parser has no types


async def test_the_text_format_is_exactly_so() -> None:
    answer = render(await example(), "*/*", compress=False)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body.decode() == (GOLDEN / "metrics.txt").read_text(encoding="utf-8")


async def test_the_openmetrics_format_is_exactly_so() -> None:
    answer = render(await example(), OPENMETRICS, compress=False)
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.decode() == (GOLDEN / "openmetrics.txt").read_text(encoding="utf-8")


async def test_prometheus_own_parsers_accept_both() -> None:
    text = render(await example(), "", compress=False).body.decode()
    openmetrics = render(await example(), OPENMETRICS, compress=False).body.decode()
    samples = {s.name for family in parse_text(text) for s in family.samples}
    assert {s.name for family in parse_openmetrics(openmetrics) for s in family.samples} == samples


async def test_gzip_holds_the_same_text() -> None:
    plain = render(await example(), "", compress=False)
    packed = render(await example(), "", compress=True)
    assert packed.gzipped
    assert gzip.decompress(packed.body) == plain.body


async def test_every_metric_that_is_shown_is_listed_and_every_listed_one_can_be_shown() -> None:
    text = render(await example(), "", compress=False).body.decode()
    names = {line.split()[2]: line.split()[3] for line in text.splitlines() if "# TYPE" in line}
    assert names == {
        name: "gauge" if metric.kind == "info" else metric.kind for name, metric in BY_NAME.items()
    }


async def test_samples_have_the_labels_that_are_listed() -> None:
    text = render(await example(), "", compress=False).body.decode()
    for family in parse_text(text):
        for sample in family.samples:
            name = sample.name
            for suffix in ("_sum", "_count", "_bucket"):
                name = name if name in BY_NAME else name.removesuffix(suffix)
            assert set(sample.labels) - {"le"} == set(BY_NAME[name].labels), name


async def test_a_target_has_at_most_25_series_whatever_happens_to_it() -> None:
    jobs = [failed(f"{o}{b}", o, b) for o in Outcome for b in (None, *Blame) if o != "ok"]
    reports = [
        posted("b", 1.0, phases=phases(1, 1, 1)),
        *(followed_failure(f"r{b}", tester="somebody", region="FRA", blame=b) for b in Blame),
        *(failed(f"{o}{b}", o, b, **REPORTED) for o in Outcome for b in Blame if o != "ok"),
    ]
    one = offer(ALICE, warm=True, price_per_unit=1.0, capacity=1)
    text = render(
        await snapshot(good("a"), *jobs, *reports, supply=supply(one)), "", compress=False
    ).body.decode()
    series = Counter(
        sample.labels.get("tester", "offer")
        for family in parse_text(text)
        for sample in family.samples
        if {"orchestrator_address", "model_name"} <= sample.labels.keys()
    )
    assert series == {"tester-1": 25, "offer": 3, "somebody": 25}


async def test_a_target_that_was_never_tested_has_no_value_that_is_not_known() -> None:
    text = render(await snapshot(supply=supply(offer(ALICE))), "", compress=False).body.decode()
    shown = {
        line.partition("{")[0] for line in text.splitlines() if line.startswith("livepeer_ai_job")
    }
    counters = ("attempts", "successes", "orchestrator_failures")
    sums = [f"{phase}_seconds_{part}" for phase in PHASES for part in ("sum", "count")]
    assert shown == {
        "livepeer_ai_job_info",
        *(f"livepeer_ai_job_{one}_total" for one in counters),
        *(f"livepeer_ai_job_{one}" for one in sums),
    }


async def test_the_uri_of_a_target_that_others_report_about_is_told_where_a_source_lists_it() -> (
    None
):
    listed = offer(BOB, not_tested="excluded", service_uri="https://bob.example")
    reports = [posted("a"), posted("b", orchestrator=BOB)]
    text = render(await snapshot(*reports, supply=supply(listed)), "", compress=False)
    lines = [line for line in text.body.decode().splitlines() if "job_info{" in line]
    assert ['orchestrator_uri=""' in line for line in lines] == [True, False]
    assert ['orchestrator_uri="https://bob.example"' in line for line in lines] == [False, True]
    assert all('origin="posted"' in line for line in lines)


async def test_the_origin_of_what_was_restored_is_not_known_until_the_next_report() -> None:
    before = await snapshot(posted("a"))
    restored = [msgspec.structs.replace(one, origin=None) for one in before.series]
    after = msgspec.structs.replace(before, series=restored)
    info = [
        sample.labels
        for family in parse_text(render(after, "", compress=False).body.decode())
        for sample in family.samples
        if sample.name == "livepeer_ai_job_info" and sample.labels["tester"] == "somebody"
    ]
    assert [labels["origin"] for labels in info] == [""]


async def test_without_a_supply_what_is_known_is_shown() -> None:
    text = render(await snapshot(good("a"), supply=None), "", compress=False).body.decode()
    assert 'livepeer_ai_job_attempts_total{model_name="stabilityai/sd-turbo"' in text
    assert "livepeer_ai_tester_supply" not in text


@pytest.mark.parametrize("name", ['"', "\\", "\n", "{}", "a\u2028b", "\ud800", "日本", "\x00", ""])
async def test_no_name_of_a_stranger_breaks_the_format(name: str) -> None:
    one = offer("id" + name, pipeline="p" + name, model=name, service_uri="http://" + name)
    job = good("a", orchestrator="id" + name, pipeline="p" + name, model=name)
    for accept in ("", OPENMETRICS):
        text = render(await snapshot(job, supply=supply(one)), accept, compress=False).body.decode()
        parse = parse_openmetrics if accept else parse_text
        found = [
            sample.labels
            for family in parse(text)
            for sample in family.samples
            if sample.name == "livepeer_ai_job_attempts_total"
        ]
        assert len(found) == 1
        assert set(found[0]) == set(TARGET)


@pytest.mark.parametrize("windows", [(), (Open(frozenset((BOB,)), 0, ""),)])
async def test_the_tester_is_under_maintenance_only_by_a_window_of_its_own(
    windows: tuple[Open, ...],
) -> None:
    of = msgspec.structs.replace(await snapshot(), maintenance=Maintenance(windows))
    text = render(of, "", compress=False).body.decode()
    lines = [line for line in text.splitlines() if "maintenance" in line and line[0] != "#"]
    theirs = f'livepeer_ai_orchestrator_maintenance{{orchestrator_address="{shown(BOB)}"}} 1.0'
    assert lines == [theirs] * len(windows) + ["livepeer_ai_tester_maintenance 0.0"]


async def test_pipelines_without_end_are_summed() -> None:
    offers = [offer(ALICE, pipeline=f"p{number:04}") for number in range(500)]
    text = render(await snapshot(supply=supply(*offers)), "", compress=False).body.decode()
    lines = [line for line in text.splitlines() if line.startswith("livepeer_ai_tester_offers{")]
    assert len(lines) == 101
    assert 'livepeer_ai_tester_offers{pipeline="other",state="tested",warm="unknown"} 400.0' in text
