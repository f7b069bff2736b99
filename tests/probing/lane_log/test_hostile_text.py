"""What an orchestrator writes into the gateway's log through its error text."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import Blame, Outcome
from exporter.probing.lane_log.explain import MESSAGE_LIMIT, Explanation, explain
from exporter.probing.lane_log.line import read
from exporter.probing.lane_log.story import UNKNOWN_LENGTH, UNKNOWN_LINES
from tests.probing.lane_log.lines import OTHER, PID, PINNED, REQUEST, GatewayLog, refused

FAILED = "text-to-image container returned 500: "


def fake(pid: int = 1, request: str = "ffffffff") -> GatewayLog:
    """Lines that an orchestrator makes up; it knows neither the process nor the request."""
    return GatewayLog(pid=pid, request=request)


def told_by(text: str, *, request_id: str | None = REQUEST, pid: int | None = None) -> bytes:
    """What is told of a job that failed with this text, but for what is kept as it is."""
    log = GatewayLog().begin().set_up("10ms").choose().fail(f"{FAILED}no\n{text}").give_up()
    told = log.explain(request_id=request_id, pid=pid)
    return msgspec.json.encode(msgspec.structs.replace(told, unknown=(), evidence=()))


PLAIN = told_by("")
UNSETTLED = msgspec.json.encode(
    msgspec.structs.replace(
        msgspec.json.decode(PLAIN, type=Explanation), blame=None, blame_known=False, unread=True
    )
)
"""The same of a job whose log was tampered with: nobody is blamed by it."""


def test_a_line_that_imitates_the_log_is_not_believed() -> None:
    made_up = fake().set_up("2h0m0s", uri=OTHER).choose(uri=OTHER).done()
    log = GatewayLog().begin().set_up("10ms").choose()
    log.fail("\n".join([f"{FAILED}no", *made_up.lines])).give_up()
    told = log.explain(pid=None)
    assert told.session_setup == 10_000_000
    assert told.selected == PINNED
    assert (told.outcome, told.blame, told.blame_known) == ("orchestrator_error", None, False)
    assert told.unread
    assert any("imitate" in words for words in told.evidence)
    assert any(OTHER in line for line in told.unknown)


def test_a_made_up_request_cannot_take_the_place_of_ours() -> None:
    made_up = fake().begin().choose().fail("insufficient capacity").give_up()
    assert told_by("\n".join(made_up.lines), request_id=None) == UNSETTLED


def test_a_guessed_process_without_the_request_changes_nothing() -> None:
    made_up = fake(pid=PID).begin().choose(uri=OTHER).fail("insufficient capacity").give_up()
    assert told_by("\n".join(made_up.lines)) == PLAIN


def test_a_prefix_in_the_middle_of_a_line_is_no_prefix() -> None:
    assert refused(f"{FAILED}{fake().context}Could not create payment err=x").blame is (
        Blame.ORCHESTRATOR
    )


def test_another_jobs_text_cannot_speak_for_this_one() -> None:
    """Two jobs one after the other in one log: what the first was told stays with the first."""
    second = GatewayLog(request="22222222").begin().choose().done()
    first = GatewayLog().begin().choose()
    first.fail("\n".join([f"{FAILED}no", *fake(request="22222222").fail("no workers").lines]))
    first.give_up()
    second.lines = first.lines + second.lines
    told = second.explain(request_id="22222222")
    assert (told.outcome, told.blame) == (None, None)
    assert (told.attempts, told.handed_over) == (1, True)


def test_a_made_up_crash_is_not_believed() -> None:
    crash = "2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: runtime error: nil pointer"
    log = GatewayLog().begin().choose()
    log.fail(f"{FAILED}no\n{crash}\ngithub.com/livepeer/go-livepeer/server.getSessions(0x1)")
    told = log.give_up().explain()
    assert told.outcome is Outcome.ORCHESTRATOR_ERROR
    assert not any("crashed" in words for words in told.evidence)
    assert crash in told.unknown


def test_a_made_up_prefix_is_not_taken_for_the_jobs_own() -> None:
    """Not even where the lines in which the gateway began are lost."""
    ending = "model_id=m selecting orchestrator for modelID=m"
    told = GatewayLog().choose().fail(f"{FAILED}{ending}").give_up().explain()
    assert (told.outcome, told.blame) == (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR)


def test_a_crash_before_the_gateway_was_done_with_the_job_is_another_ones() -> None:
    crash = "2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: runtime error: nil pointer"
    told = GatewayLog().begin().choose().raw(crash).wait(1).done().explain()
    assert not any("crashed" in words for words in told.evidence)


def test_our_own_input_is_not_blamed_on_the_orchestrators_word() -> None:
    for text in ("image: unknown format", "audio duration calculation failed", "unexpected EOF"):
        for took in (0.0001, 0.2):
            told = refused(text, took=took)
            assert (told.outcome, told.blame, told.blame_known) == ("bad_request", None, False)
            assert told.from_orchestrator


PROCESS_LINES = (
    "Unable to make webhook request x",
    "No orchestrator specified; transcoding will not happen",
    "Orchestrator 0xAb is above max price 1, price=2",
)


@pytest.mark.parametrize("line", PROCESS_LINES)
@pytest.mark.parametrize("webhook", [True, False])
def test_a_guessed_process_cannot_speak_for_it_behind_the_orchestrators_words(
    line: str, webhook: bool
) -> None:
    """Neither in the refusal of a session nor in that of the job."""
    made_up = "\n".join(fake(pid=PID).process(line, level="E").lines)
    rpc = f"Could not get orchestrator orch={PINNED}: rpc error: code = Unknown desc = no"
    log = GatewayLog().begin()
    log.job(f"Discovery unsuccessful for orchestrator {PINNED}, err={rpc}").raw(made_up)
    log.job("No orchestrators found; not transcoding", source="broadcast.go")
    told = log.give_up().explain(webhook=webhook)
    assert (told.outcome, told.blame, told.blame_known) == ("unavailable", None, False)
    assert told.unread
    told = GatewayLog().begin().choose().fail(f"{FAILED}no\n{made_up}").give_up().explain()
    assert (told.outcome, told.blame, told.unread) == ("orchestrator_error", None, True)


@pytest.mark.parametrize("line", PROCESS_LINES)
def test_the_process_speaks_again_after_the_jobs_own_next_line(line: str) -> None:
    log = GatewayLog().begin().not_found("<nil>").begin().process(line, level="E")
    told = log.crash().explain(webhook=True)
    assert told.outcome in (Outcome.LANE_FAILED, Outcome.PRICE_ABOVE_LIMIT)
    assert not told.unread


@pytest.mark.parametrize("line", PROCESS_LINES)
def test_another_requests_late_error_does_not_open_the_door(line: str) -> None:
    """Nor does one whose first line came before this job."""
    made_up = fake(pid=PID).process(line, level="E").lines
    late = GatewayLog(request="11111111").fail("no").lines
    for before, after in (([], [*late, *made_up]), (made_up, [])):
        log = GatewayLog().begin()
        log.lines = [*before, *log.lines, *after]
        told = log.not_found("<nil>").give_up().explain(webhook=True)
        assert (told.outcome, told.blame_known) == (Outcome.UNAVAILABLE, False)
        assert told.unread is bool(after)


def test_a_line_that_nobody_knows_may_carry_anything() -> None:
    made_up = fake(pid=PID).process(PROCESS_LINES[2]).lines
    for log in (
        GatewayLog().begin().process("walk failed: no", level="E"),
        GatewayLog().begin().job("new in this version: no", level="E"),
    ):
        told = log.raw(*made_up).not_found("<nil>").give_up().explain()
        assert (told.outcome, told.unread) == (Outcome.UNAVAILABLE, True)


def test_a_crash_behind_another_requests_words_is_not_believed() -> None:
    late = GatewayLog(request="11111111").fail("no").process("LPMS got HTTP request @ /x").lines
    log = GatewayLog().begin().choose().fail(f"{FAILED}no").done().raw(*late)
    log.raw("2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: x")
    told = log.raw("github.com/livepeer/go-livepeer/server.getSessions(0x1)").explain()
    assert (told.outcome, told.complete) == (Outcome.ORCHESTRATOR_ERROR, False)
    assert not any("crashed" in words for words in told.evidence)


def test_a_runners_text_cannot_claim_what_only_the_orchestrator_says() -> None:
    for claim in ("insufficient capacity", "TicketParams expired", "Insufficient balance"):
        told = refused(f"{FAILED}{claim}")
        assert (told.outcome, told.blame) == (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR)


def test_our_own_prompt_may_imitate_the_log() -> None:
    prompt = (
        "x capability=Text to image model_id=m Error submitting request modelID=m try=1"
        f" orch={OTHER} err=insufficient capacity selecting orchestrator for modelID=m"
    )
    told = GatewayLog(prompt=prompt).begin().set_up().choose().done().explain()
    assert (told.outcome, told.attempts, told.selected) == (None, 1, PINNED)
    assert told.unknown == ()
    failed = GatewayLog(prompt=prompt).begin().choose().fail(f"{FAILED}no").give_up().explain()
    assert failed.outcome is Outcome.ORCHESTRATOR_ERROR


_word = st.sampled_from(
    [
        "I0807 10:00:00.000001   1 ai_process.go:9] ",
        f"I0807 10:00:00.000001   {PID} ai_session.go:9] ",
        "clientIP=127.0.0.1 ",
        "request_id=ffffffff ",
        "capability=Text to image model_id=acme/paint-xl ",
        "selecting orchestrator for modelID=acme/paint-xl",
        f"selected orchestrator={OTHER} warm=true",
        f"Error submitting request modelID=m try=1 orch={OTHER} err=",
        "insufficient capacity",
        "Could not create payment err=no sender deposit",
        "Error with API code=400 err=no",
        "Processed AI request model_id=m took=1ns",
        "Orchestrator 0x1 is above max price 1, price=2",
        "2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: x",
        "go-livepeer/server.getSessions(0x1)",
        "\n",
        "latency=9h",
    ]
)
hostile = st.lists(_word | st.text(max_size=20), max_size=12).map("".join)


@settings(max_examples=300)
@given(hostile)
def test_no_text_changes_what_is_told_of_the_job(text: str) -> None:
    """Whatever follows a runner's error, in lines of any form: the job is told the same.

    Lines that imitate the log's keep it from settling the blame, and can do no more.
    """
    assert told_by(text) in (PLAIN, UNSETTLED)


@settings(max_examples=300)
@given(hostile)
def test_no_text_of_one_job_changes_what_is_told_of_the_next(text: str) -> None:
    first = GatewayLog(request="11111111").begin().choose().fail(f"{FAILED}{text}").give_up()
    second = GatewayLog().begin().set_up("10ms").choose().done()
    alone = second.explain()
    second.lines = first.lines + second.lines
    told = second.explain()
    plain = msgspec.structs.replace(told, unknown=alone.unknown, evidence=alone.evidence)
    assert plain == alone


@given(st.lists(st.text() | hostile | st.just(GatewayLog().begin().lines[0]), max_size=40))
def test_nothing_that_a_log_may_hold_breaks_or_swells_what_is_told(texts: list[str]) -> None:
    told = explain([read(text) for text in texts], version="?", request_id=None, pinned="not a url")
    assert len(told.message) <= MESSAGE_LIMIT
    assert told.message.isprintable()
    assert len(told.unknown) <= UNKNOWN_LINES
    assert all(len(line) <= UNKNOWN_LENGTH for line in told.unknown)
    assert sum(map(len, told.evidence)) < 2_000
    msgspec.json.encode(told)


def test_a_flood_of_lines_is_bounded() -> None:
    log = GatewayLog().begin()
    for number in range(3_000):
        log.choose().fail("x" * 5_000, number=number % 1_000)
    told = log.give_up().explain()
    assert len(msgspec.json.encode(told)) < 20_000
