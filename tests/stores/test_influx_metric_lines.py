import re

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.delivery.exposition import families, render
from exporter.delivery.families import clean
from exporter.delivery.metric_list import METRICS
from exporter.model import normal_orchestrator
from exporter.probe_metrics import METRICS as OF_PROBE
from exporter.stores.influx_lines import tag_text
from exporter.stores.influx_metric_lines import Value, lines, values
from tests.delivery.snapshots import example
from tests.measurements import SECOND, START
from tests.stations import ALICE

OWN = {"tester": "me", "region": "FRA"}


def written(*text: str) -> list[Value]:
    return list(values(parse("\n".join(text) + "\n"), **OWN))


def test_labels_are_tags_in_the_words_of_the_database() -> None:
    (value,) = written(
        'livepeer_ai_tester_offer_warm{orchestrator_address="0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1",'
        'pipeline="llm",model_name="a%0Ab%22c d"} 1.0'
    )
    assert value.field == "tester_offer_warm"
    assert dict(value.tags) == {
        **OWN,
        "orchestrator": ALICE,
        "pipeline": "llm",
        "model": 'a\nb"c d',
    }
    (line,) = lines([value], START + 5)
    assert line == (
        f'ai_metric,model=a%0Ab"c\\ d,orchestrator={ALICE},pipeline=llm,region=FRA,tester=me '
        f"tester_offer_warm=1.0 {START // SECOND * SECOND}"
    )


def test_who_measured_stays_who_measured() -> None:
    (value,) = written('livepeer_ai_job_consecutive_failures{tester="other",region="LAX"} 3.0')
    assert dict(value.tags) == {"tester": "other", "region": "LAX"}


def test_what_measurements_tell_is_left_out() -> None:
    assert not written(
        'livepeer_ai_job_attempts_total{tester="t"} 3.0',
        'livepeer_ai_job_info{tester="t"} 1.0',
        'livepeer_ai_job_model_inference_seconds_bucket{le="1"} 3.0',
        "process_cpu_seconds_total 3.0",
    )


def test_a_histogram_of_the_tester_has_sum_and_count() -> None:
    found = written(
        "# TYPE livepeer_ai_tester_job_queue_seconds histogram",
        'livepeer_ai_tester_job_queue_seconds_bucket{le="+Inf"} 2.0',
        "livepeer_ai_tester_job_queue_seconds_count 2.0",
        "livepeer_ai_tester_job_queue_seconds_sum 0.5",
    )
    assert [value.field for value in found] == [
        "tester_job_queue_seconds_count",
        "tester_job_queue_seconds_sum",
    ]


def test_a_number_that_is_none_has_no_value() -> None:
    assert not written("livepeer_ai_tester_a NaN", "livepeer_ai_tester_b +Inf")


def test_names_that_strangers_choose_are_texts_and_no_tags() -> None:
    found = written(
        f'livepeer_ai_orchestrator_info{{orchestrator_address="{ALICE}",name="a%22\\"b%5C",'
        'state="offered"} 1.0'
    )
    assert [(value.field, value.written) for value in found] == [
        ("orchestrator_name", r'"a\"\"b\\"'),
        ("orchestrator_state", '"offered"'),
    ]
    assert all(dict(value.tags) == {**OWN, "orchestrator": ALICE} for value in found)


def test_values_of_like_tags_are_one_point() -> None:
    found = written("livepeer_ai_tester_targets 3.0", "livepeer_ai_tester_outbox_bytes 4096.0")
    assert lines(found, START) == [
        f"ai_metric,region=FRA,tester=me tester_targets=3.0,tester_outbox_bytes=4096.0 {START}"
    ]


async def test_the_text_of_a_scrape_and_its_families_give_the_same() -> None:
    snapshot = await example()
    text = render(snapshot, "", compress=False).body.decode()

    def all_of(found: list[Family]) -> set[Value]:
        return set(values(found, **OWN))

    assert all_of(families(snapshot)) == all_of(list(parse(text)))


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def pieces(line: str) -> tuple[dict[str, str], str]:
    """The tags of a line and the rest, as line protocol is read."""
    head, rest = re.split(r"(?<!\\) ", line, maxsplit=1)
    _, *tags = re.split(r"(?<!\\),", head)
    split = [re.split(r"(?<!\\)=", tag, maxsplit=1) for tag in tags]
    return {name: tag_text(re.sub(r"\\([, =])", r"\1", text)) for name, text in split}, rest


@given(orchestrator=NAMES, pipeline=NAMES, model=NAMES, value=st.floats(allow_nan=False, width=32))
def test_whatever_strangers_are_called_one_value_is_one_line_with_their_names(
    orchestrator: str, pipeline: str, model: str, value: float
) -> None:
    family = Family("livepeer_ai_tester_offer_price_wei", "", "gauge")
    labels = {"orchestrator_address": orchestrator, "pipeline": pipeline, "model_name": model}
    named = {name: clean(text) for name, text in labels.items()}
    family.add_sample("livepeer_ai_tester_offer_price_wei", named, value)
    found = lines(values([family], **OWN), START)
    if abs(value) == float("inf"):
        assert not found
        return
    (line,) = found
    assert not re.search(r"[\x00-\x1f]", line)
    tags, rest = pieces(line)
    assert tags == {
        **OWN,
        "orchestrator": normal_orchestrator(orchestrator),
        "pipeline": pipeline,
        "model": model,
    }
    field, time = rest.split(" ")
    assert float(field.removeprefix("tester_offer_price_wei=")) == value
    assert int(time) == START


def test_what_is_not_named_like_a_metric_of_ours_is_left_out() -> None:
    assert not written(
        '{"livepeer_ai_tester x=1"} 3.0',
        'livepeer_ai_tester_targets{"a b"="c"} 3.0',
        "livepeer_ai_Tester 3.0",
    )


def test_no_field_is_a_number_and_a_text() -> None:
    listed = [(one.name, one.labels) for one in METRICS]
    listed += [(name, labels) for name, _, labels, _ in OF_PROBE]
    texts = {
        f"{name.removesuffix('_info')}_{label}"
        for name, labels in listed
        if name.endswith("_info")
        for label in labels
    }
    assert len(texts) > 3
    assert not texts & {name for name, _ in listed}
