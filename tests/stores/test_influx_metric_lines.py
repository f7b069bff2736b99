from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.delivery.exposition import families, render
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
