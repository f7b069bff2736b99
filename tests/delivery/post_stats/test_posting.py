import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.delivery.post_stats.posting import TEXT_LIMIT, Posting, UnpostableError, is_posted
from exporter.leaderboard import legacy
from exporter.model import Blame, Measurement, Origin, Phases
from exporter.moving.stats import own_keys
from tests.measurements import SECOND, START, failed, good, measurements


def body(job: Any) -> Any:
    return json.loads(Posting.of(1, job).body)


def test_a_good_job_is_posted_as_the_original_tester_does() -> None:
    job = good(
        "1",
        phases=Phases(upload=SECOND // 4, inference=SECOND, download=SECOND // 2, round_trip=2),
        model_is_warm=True,
        request='{"prompt":"x"}',
        response='{"images":[]}',
        started_at=START + 7,
    )
    assert body(job) == {
        "region": "MDW",
        "orchestrator": "0x" + "a1" * 20,
        "success_rate": 1.0,
        "round_trip_time": 2e-9,
        "errors": [],
        "timestamp": START // SECOND,
        "upload_time": 0.25,
        "download_time": 0.5,
        "model": "stabilityai/sd-turbo",
        "pipeline": "Text to image",
        "model_is_warm": True,
        "input_parameters": '{"prompt":"x"}',
        "response_payload": '{"images":[]}',
    }


def test_a_failure_is_posted_with_its_code_and_message() -> None:
    told = body(failed("1", message="gone\0 away"))
    assert told["success_rate"] == told["round_trip_time"] == 0
    assert told["errors"] == [
        {"error_code": "inference_timeout", "message": "gone\ufffd away", "count": 1}
    ]
    assert told["model_is_warm"] is False
    assert told["input_parameters"] == told["response_payload"] == ""


@given(
    measurements(
        origin=st.just(Origin.OWN),
        orchestrator=st.just("0x" + "a1" * 20),
        region=st.just("MDW"),
        blame=st.just(Blame.ORCHESTRATOR),
        reported=st.none(),
    )
)
def test_every_job_that_is_posted_is_recognised_as_ours_when_it_comes_back(
    job: Measurement,
) -> None:
    assert is_posted(job) == bool(job.pipeline and job.model)
    if not is_posted(job):
        return
    try:
        posting = Posting.of(1, job)
    except UnpostableError:
        assert "\0" in job.pipeline + job.model
        return
    assert posting.stat.key in own_keys([job])
    assert "\0" not in msgspec.json.decode(posting.body)["input_parameters"]
    assert b"\\u0000" not in posting.body


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600", '"', "\\", "\x01"])
def test_a_text_that_is_too_long_is_cut_and_still_is_a_json_text(letter: str) -> None:
    text = json.dumps(letter * 20_000)
    cut = body(good("1", request=text, response=text[: TEXT_LIMIT // 8]))
    assert TEXT_LIMIT // 2 < len(cut["input_parameters"].encode()) <= TEXT_LIMIT
    assert text.startswith(json.loads(cut["input_parameters"]))
    assert cut["response_payload"] == text[: TEXT_LIMIT // 8]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 8))
def test_any_text_fits(text: str, times: int) -> None:
    long = text * 4**times
    told = body(good("1", request=long))["input_parameters"]
    assert len(told.encode()) <= TEXT_LIMIT
    told_whole = long.replace("\0", "\ufffd")
    if len(told_whole.encode()) <= TEXT_LIMIT:
        assert told == told_whole
    else:
        assert long.replace("\0", "\ufffd").startswith(json.loads(told))


@pytest.mark.parametrize(
    ("facts", "why"), [({"model": "a\0b"}, "U\\+0000"), ({"model": "x" * 301}, "length <= 300")]
)
def test_a_name_that_cannot_be_stored_or_given_back_is_told(facts: Any, why: str) -> None:
    with pytest.raises(UnpostableError, match=why):
        Posting.of(1, good("1", **facts))


def test_only_equal_stats_have_one_fingerprint() -> None:
    one, other = Posting.of(1, failed("1")), Posting.of(2, failed("2"))
    assert one.fingerprint == other.fingerprint
    assert Posting.of(3, failed("3", message="another")).fingerprint != one.fingerprint


def test_what_is_posted_is_what_raw_stats_of_our_own_gives() -> None:
    job = good("1", request="{}", response="[]", model_is_warm=True)
    assert body(job) == json.loads(msgspec.json.encode(legacy.raw_stats([job])))["MDW"][0]
