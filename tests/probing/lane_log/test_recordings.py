"""The log of a real gateway: every line is known, and every job tells what was done to it.

What is expected is derived from what the recording says was switched for the request (`note`),
from the client's answer and from the runner's own count of calls, never from the log itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.probing.lane_log.explain import Explanation, explain
from exporter.probing.lane_log.line import read
from exporter.probing.lane_log.table import Kind, known
from exporter.probing.session_pools import check_pin

RECORDINGS = Path(__file__).parents[4] / "shared" / "gateway"
A, B = "https://127.0.0.1:18935", "https://127.0.0.1:18945"
PINNED_TO_B = (
    "runner-503-html",
    "runner-404-html",
    "runner-200-not-json",
    "runner-500-text-image-to-image",
    "missing-model-id-audio",
)
NOT_JOBS = ("startup", "shutdown", "cli-", "media-", "wrong-method", "unknown-path")

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings are not beside the repository"
)

Expected = tuple[str | None, str | None, bool]
"""Outcome, blame, and whether the blame is known."""

NO_CAUSE: Expected = (None, None, False)
NOT_THERE: Expected = ("unavailable", None, False)
RUNNER_FAILED: Expected = ("orchestrator_error", "orchestrator", True)
OUR_INPUT: Expected = ("bad_request", "tester", True)
SAID_BAD: Expected = ("bad_request", None, False)
BUSY: Expected = ("no_capacity", None, True)
OUR_LANE: Expected = ("lane_failed", "tester", True)
NOT_OURS: Expected = ("wrong_orchestrator", "tester", True)

BY_NOTE: dict[str, Expected] = {
    "runner answers 500": RUNNER_FAILED,
    "runner answers 400 with its JSON": SAID_BAD,
    "runner answers 422": SAID_BAD,
    "runner answers outside its API": RUNNER_FAILED,
    "the orchestrator has lost the capacity of this model": BUSY,
    "while another job of the same client runs": BUSY,
    "nobody offers it": NOT_THERE,
    "not offered here": NOT_THERE,
    "the pinned address has no listener": NOT_THERE,
    "the pinned address accepts and stays silent": NOT_THERE,
    "orchestrator killed (-9)": NOT_THERE,
    "second request while dead": NOT_THERE,
    "orchestrator dead, a model this lane had no pool for": NOT_THERE,
    "too short": OUR_INPUT,
    "client gives up": NO_CAUSE,
    "lane without discovery flag": OUR_LANE,
    "webhook answers 500": OUR_LANE,
    # The log shows only that the stream broke; that our request lacked a field, it does not tell.
    "default model is offered, orchestrator crashes its handler": RUNNER_FAILED,
    "A fails with 500": RUNNER_FAILED,
    "both fail": RUNNER_FAILED,
}
BY_SCENARIO: dict[str, Expected] = {
    "bad-json": OUR_INPUT,
    "bad-json-llm": OUR_INPUT,
    "json-on-multipart-path": OUR_INPUT,
    "llm-missing-fields": OUR_INPUT,
    "audio-not-audio": OUR_INPUT,
    "audio-missing": OUR_INPUT,
    # The orchestrator has the same words for it, and the log does not tell whose they are.
    "image-missing": SAID_BAD,
    "runner-500-v6": RUNNER_FAILED,
}


def entries(name: str) -> Iterator[dict[str, Any]]:
    if RECORDINGS.is_dir():
        with (RECORDINGS / name).open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def key(entry: dict[str, Any]) -> tuple[str, int | None, str]:
    return entry["scenario"], entry["step"], entry["gateway_flags"]


REQUESTS = {key(entry): entry for entry in entries("transcripts.jsonl")}
JOBS = [
    entry
    for entry in entries("lane-logs.jsonl")
    if entry["step"] is not None
    and not entry["scenario"].startswith(NOT_JOBS)
    and REQUESTS[key(entry)]["request"]["method"] == "POST"
]


def pinned(scenario: str) -> str:
    if scenario.startswith("orch-dead-no-session"):
        return "https://127.0.0.1:18955"
    if scenario == "orch-silent-no-session":
        return "https://127.0.0.1:18956"
    return B if scenario.startswith(PINNED_TO_B) else A


def good(request: dict[str, Any]) -> bool:
    """Whether the client got an answer, were it an empty one."""
    response = request["response"]
    return response["status"] == 200 and str(response["body"]).strip() != "null"


def expected(request: dict[str, Any]) -> Expected:
    """What the job's log has to tell, by what is known of the job without its log."""
    other = "A" if pinned(request["scenario"]) == B else "B"
    if request["runner_calls_by"][other]:
        return NOT_OURS
    if good(request):
        return NO_CAUSE
    by_scenario = BY_SCENARIO.get(request["scenario"])
    if by_scenario is not None:
        return by_scenario
    fitting = [cause for note, cause in BY_NOTE.items() if note in request["note"]]
    assert len(fitting) == 1, f"the note names no cause: {request['note']}"
    return fitting[0]


def told(entry: dict[str, Any], request_id: str | None = None) -> Explanation:
    return explain(
        [read(line) for line in entry["lines"]],
        version="0.9.1-rig",
        request_id=request_id,
        pinned=pinned(entry["scenario"]),
        webhook=entry["scenario"].startswith("webhook"),
        status=REQUESTS[key(entry)]["response"]["status"],
    )


def name(entry: dict[str, Any]) -> str:
    return f"{entry['scenario']}-{entry['step']}-{entry['gateway_flags']}"


@pytest.mark.parametrize("entry", JOBS, ids=name)
def test_a_recorded_job_tells_what_was_done_to_it(entry: dict[str, Any]) -> None:
    found = told(entry)
    assert (found.outcome, found.blame, found.blame_known) == expected(REQUESTS[key(entry)])
    assert found.unknown == ()
    assert found.repeat is False


@pytest.mark.parametrize("entry", JOBS, ids=name)
def test_a_recorded_job_was_handed_over_if_its_runner_was_called(entry: dict[str, Any]) -> None:
    request = REQUESTS[key(entry)]
    calls = request["runner_calls"]
    found = told(entry)
    if calls:
        assert found.handed_over is not False
        refused_later = "outside its API" in request["note"]
        if "lines_omitted" not in entry and not refused_later:
            assert found.attempts == calls
    if found.attempts == 0:
        assert (calls, found.handed_over) == (0, False)


def test_every_recorded_request_has_an_end_in_the_log() -> None:
    """But for those whose runner still works when the recording stops."""
    for entry in JOBS:
        whole = told(entry)
        assert whole.complete, name(entry)
        assert whole.answered is not None
        if not good(REQUESTS[key(entry)]):
            assert whole.unread is False, name(entry)


def test_no_recorded_request_is_complete_before_its_last_line_that_tells() -> None:
    """Nothing that is told may change once a request counts as complete."""
    seen = 0
    for entry in JOBS:
        final = told(entry)
        if "lines_omitted" in entry or not final.complete:
            continue
        for count in range(len(entry["lines"])):
            early = told({**entry, "lines": entry["lines"][:count]})
            if early.complete:
                assert msgspec.structs.replace(early, unknown=()) == final, (name(entry), count)
                seen += 1
    assert seen > 10


def test_a_recorded_media_url_names_the_request() -> None:
    joined = 0
    for entry in JOBS:
        body = REQUESTS[key(entry)]["response"]["body"]
        if isinstance(body, str) and '"/stream/' in body:
            request_id = body.split('"/stream/')[1].split("/")[0]
            assert told(entry, request_id) == told(entry)
            assert told(entry, request_id).attempts is not None
            joined += 1
    assert joined > 50


def test_a_recorded_first_job_of_a_model_paid_for_its_session_and_the_next_did_not() -> None:
    for entry in JOBS:
        if entry["scenario"].startswith("good-") and entry["step"] == 1:
            found = told(entry)
            cached = "cached" in entry["scenario"] or entry["scenario"] == "good-llm-stream"
            assert found.session_cached is cached
            assert found.session_setup is not None
            assert (found.session_setup == 0) is cached
            assert found.session_setup < 50_000_000


def test_every_recorded_line_is_known() -> None:
    lines = [line for entry in entries("lane-logs.jsonl") for line in entry["lines"]]
    assert len(lines) > 6_000
    assert [line for line in lines if known(read(line), "0.9.1-rig") is None] == []


def test_a_recorded_start_is_more_than_noise() -> None:
    for entry in entries("lane-logs.jsonl"):
        if entry["scenario"].startswith("startup"):
            found = [known(read(line), "0.9.1-rig") for line in entry["lines"]]
            kinds = {one.kind for one in found if one}
            assert {Kind.START_TABLE, Kind.VERSION, Kind.LISTENING} <= kinds
            taken = entry["scenario"] == "startup-port-in-use"
            assert (Kind.PORT_TAKEN in kinds) is taken


def test_recorded_pools_hold_the_orchestrators_that_did_the_jobs() -> None:
    seen = 0
    for request in REQUESTS.values():
        if request["request"]["port"] != "http" or request["pools_after"] is None:
            continue
        check = check_pin(json.dumps(request["pools_after"]).encode(), pinned=A)
        assert check.readable
        strangers = request["scenario"].startswith((*PINNED_TO_B, "pool-of-two", "webhook-500"))
        assert set(check.others) <= ({B} if strangers else set())
        if request["runner_calls_by"]["B"] and good(request):
            assert check.others == (B,)
        if request["runner_calls_by"]["A"] and good(request) and not strangers:
            assert check.seen
        seen += 1
    assert seen > 100


def test_a_recorded_failure_of_the_runner_suspends_its_orchestrator() -> None:
    request = REQUESTS["runner-500-fast-text-to-image", 2, "retry-1ms"]
    check = check_pin(json.dumps(request["pools_after"]).encode(), pinned=A)
    assert check.suspended
    assert not check.seen
    assert check.is_suspended_for(27, "ByteDance/SDXL-Lightning")
