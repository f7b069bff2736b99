import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import (
    CONTACT_LEAST,
    Artefact,
    LaneKind,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Tokens,
)
from exporter.stores.schema import FIELDS, Value, counts, storable
from tests.measurements import SECOND, failed, good, measurements


def columns(measurement: object) -> dict[str, Value]:
    return {field.name: field.value(measurement) for field in FIELDS}  # type: ignore[arg-type] # narrowed by callers


def test_the_tags_are_the_few_names_that_are_bounded() -> None:
    assert [field.name for field in FIELDS if field.tag] == [
        "orchestrator",
        "region",
        "pipeline",
        "model",
        "outcome",
        "tester",
        "origin",
        "spelled_orchestrator",
        "spelled_pipeline",
    ]


def test_no_name_is_used_twice() -> None:
    names = [field.name for field in FIELDS]
    assert len(set(names)) == len(names)


def test_a_good_job_has_its_phases_in_seconds() -> None:
    found = columns(
        good(
            "m1",
            phases=Phases(
                dns=1, connect=2, tls=3, upload=4, inference=3 * SECOND, download=5, tester=6,
                round_trip=3 * SECOND + 21,
            ),
            units=1.5,
            queue_time=SECOND // 2,
            artefacts=(Artefact(kind="image/png", bytes=7, sha256=""),) * 2,
            tokens=Tokens(completion=9, time_to_first=SECOND // 4, per_second=30.0),
        )
    )  # fmt: skip
    assert found["success_rate"] == 1.0
    assert found["round_trip_time"] == 3.000000021
    assert found["dns_time"] == 1e-9
    assert found["inference_time"] == 3.0
    assert found["latency_per_unit"] == 2.0
    assert found["queue_time"] == 0.5
    assert found["artefact_bytes"] == 14
    assert found["tokens"] == 9
    assert found["time_to_first_token"] == 0.25
    assert found["tokens_per_second"] == 30.0
    assert found["error_message"] is None
    assert found["blame"] is None


def test_what_did_not_happen_is_absent_and_never_zero() -> None:
    found = columns(failed("m1", phases=Phases(upload=SECOND, round_trip=9 * SECOND)))
    assert found["success_rate"] == 0.0
    assert found["upload_time"] == 1.0
    assert found["blame"] == "orchestrator"
    assert found["error_message"] == "no answer in time"
    for name in (
        "round_trip_time",
        "scored_time",
        "inference_time",
        "session_setup_time",
        "tokens",
        "artefact_bytes",
        "gpu",
    ):
        assert found[name] is None


def test_a_failure_that_others_report_keeps_their_round_trip() -> None:
    reported = failed(
        "m1",
        Outcome.REPORTED_FAILURE,
        None,
        origin=Origin.POSTED,
        phases=Phases(round_trip=SECOND),
    )
    assert columns(reported)["round_trip_time"] == 1.0
    assert columns(reported)["scored_time"] == 1.0


def test_what_the_gateway_spent_on_its_first_contact_is_not_scored() -> None:
    found = columns(
        good(
            "m1",
            2,
            session_setup_time=SECOND // 2,
            network_rtt=SECOND,
            attempts=1,
            fee=5e13,
            lane_version="0.9.1",
        )
    )
    assert found["round_trip_time"] == 2.0
    assert found["scored_time"] == 1.5
    assert found["session_setup_time"] == 0.5
    assert found["attempts"] == 1
    assert found["fee"] == 5e13
    assert found["lane_version"] == "0.9.1"


@given(measurements(outcome=st.sampled_from([Outcome.OK, Outcome.DNS_FAILED])))
def test_only_of_our_own_jobs_is_a_first_contact_taken_off(one: Measurement) -> None:
    found = columns(one)
    whole, scored = found["round_trip_time"], found["scored_time"]
    setup = min(one.session_setup_time or 0, CONTACT_LEAST) / SECOND
    own = one.origin is Origin.OWN
    unknown = own and one.lane is LaneKind.MANAGED and one.session_setup_time is None
    if unknown or not counts(one):
        assert scored is None
    elif not own or not setup or whole is None:
        assert scored == whole
    elif isinstance(whole, float) and setup < whole:
        assert scored == pytest.approx(whole - setup, abs=1e-8)
    else:
        assert scored is None


def test_every_value_has_the_type_of_its_field() -> None:
    types = {"text": str, "float": float, "integer": int, "boolean": bool}
    one = good(
        "m1",
        price_per_unit=3,
        units=2,
        model_is_warm=True,
        http_status=200,
        round=4,
        fee=3,
        attempts=2,
        session_setup_time=1,
    )
    for field in FIELDS:
        value = field.value(one)
        assert value is None or isinstance(value, types[field.kind]), field.name


def test_numbers_that_no_store_can_hold_are_absent() -> None:
    found = columns(good("m1", response_bytes=2**63, price_per_unit=float("inf"), units=0.0))
    assert found["response_bytes"] is None
    assert found["price_per_unit"] is None
    assert found["latency_per_unit"] is None


def test_only_a_time_that_every_store_can_hold_can_be_stored() -> None:
    beyond = 2**63 - 2 * SECOND
    assert storable(good("m1", started_at=beyond - 2 * SECOND))
    assert not storable(good("m1", started_at=beyond))
    assert storable(good("m1", started_at=-beyond + 2 * SECOND))
    assert not storable(good("m1", started_at=-beyond))
