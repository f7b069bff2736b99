"""What a job's lines add up to."""

import pytest

from exporter.model import Blame, Outcome
from tests.probing.lane_log.lines import OTHER, PINNED, GatewayLog, refused

THEIRS, OURS, NOBODYS = Blame.ORCHESTRATOR, Blame.TESTER, None
EXPIRED = "TicketParams expired"
RETRYABLE = " with retryable error"


def test_a_good_job_names_no_cause_and_the_time_of_its_session() -> None:
    told = GatewayLog().begin().set_up("41.25ms").choose().wait(2).done().explain()
    assert told.outcome is None
    assert told.session_setup == 41_250_000
    assert told.session_cached is False
    assert (told.attempts, told.handed_over) == (1, True)
    assert (told.selected, told.selected_is_pinned) == (PINNED, True)
    assert told.unknown == ()


def test_a_session_that_was_there_took_no_time() -> None:
    told = GatewayLog().begin().choose().done().explain()
    assert (told.session_setup, told.session_cached) == (0, True)


def test_a_session_that_was_renewed_took_an_unknown_time() -> None:
    log = GatewayLog().begin()
    log.job(f"Ticket params expired, refreshing for orch={PINNED}", source="broadcast.go")
    log.job(f"Connecting RPC to uri={PINNED}", source="rpc.go")
    told = log.choose().done().explain()
    assert (told.session_setup, told.session_cached) == (None, False)


def test_a_log_without_such_lines_tells_nothing_of_the_session() -> None:
    told = GatewayLog().done().explain()
    assert (told.session_setup, told.session_cached) == (None, None)
    assert (told.attempts, told.selected) == (None, None)


def test_orchestrators_asked_at_once_take_the_time_of_the_slowest() -> None:
    log = GatewayLog().begin()
    for latency in ("5ms", "30ms", "1ms"):
        log.job(f"Connecting RPC to uri={PINNED}")
        log.job(f"Received GetOrchInfo RPC Response from uri={PINNED}, latency={latency}")
    log.job("Done fetching orch info orchs=3/3 responses=3/3 timedOut=false")
    assert log.choose().done().explain().session_setup == 30_000_000


def test_sessions_asked_for_one_after_the_other_add_up() -> None:
    log = GatewayLog().begin().set_up("10ms").choose().fail("upscale container returned 500: no")
    told = log.begin().set_up("7ms").choose().fail("upscale container returned 500: no").explain()
    assert told.session_setup == 17_000_000
    assert told.attempts == 2


@pytest.mark.parametrize(
    ("err", "outcome", "blame"),
    [
        ("text-to-image container returned 500: out of memory", "orchestrator_error", THEIRS),
        ("text-to-image container returned 503: <html>", "orchestrator_error", THEIRS),
        ("text-to-image container returned 400: too wide", "bad_request", OURS),
        ("text-to-image container returned 422: {}", "bad_request", OURS),
        (
            "unexpected status code: 500, body: LLM container returned 500: gone",
            "orchestrator_error",
            THEIRS,
        ),
        (
            "unexpected status code: 500, body: unexpected status code: 502",
            "orchestrator_error",
            THEIRS,
        ),
        ("unexpected status code: 500, body: unexpected status code: 400", "bad_request", OURS),
        ("no workers available", "orchestrator_error", THEIRS),
        (
            f'Post "{PINNED}/llm": stream error: stream ID 1; INTERNAL_ERROR; received from peer',
            "orchestrator_error",
            THEIRS,
        ),
        ("insufficient capacity", "no_capacity", NOBODYS),
        ("Insufficient capacity for pipeline=upscale modelID=acme/big", "no_capacity", NOBODYS),
        (
            "unexpected status code: 503, body: insufficient capacity",
            "no_capacity",
            NOBODYS,
        ),
        ("Insufficient balance", "payment_refused", NOBODYS),
        ("Could not parse payment", "payment_refused", NOBODYS),
        (
            "orchestrator 0xAb is inactive in round 3, cannot process payments",
            "payment_refused",
            NOBODYS,
        ),
        (EXPIRED, "payment_refused", OURS),
        (
            "invalid ticket senderNonce: already seen sender=0xAb nonce=2",
            "payment_refused",
            OURS,
        ),
        (
            "invalid ticket senderNonce: too many values sender=0xAb nonce=601",
            "payment_refused",
            OURS,
        ),
    ],
)
def test_an_answer_of_the_orchestrator_is_the_cause(
    err: str, outcome: str, blame: Blame | None
) -> None:
    told = refused(err)
    assert (told.outcome, told.blame, told.blame_known) == (outcome, blame, True)
    assert told.message in err
    assert told.handed_over is True
    assert told.attempts == 1
    assert told.unknown == ()


@pytest.mark.parametrize(
    ("reason", "handed_over"),
    [
        ("dial tcp 192.0.2.7:8935: connect: connection refused", False),
        ("dial tcp: lookup gpu.example.net: no such host", False),
        ("read tcp 192.0.2.1:5->192.0.2.7:8935: read: connection reset by peer", None),
        ("unexpected EOF", None),
        ("http2: server sent GOAWAY and closed the connection; LastStreamID=1", None),
        ("tls: failed to verify certificate: x509: certificate has expired", None),
    ],
)
def test_a_connection_that_failed_leaves_the_blame_to_other_evidence(
    reason: str, handed_over: bool | None
) -> None:
    told = refused(f'Post "{PINNED}/text-to-image": {reason}')
    assert told.outcome is Outcome.UNAVAILABLE
    assert (told.blame, told.blame_known) == (None, False)
    assert told.handed_over is handed_over


@pytest.mark.parametrize("session", [True, False])
def test_when_we_gave_up_the_log_names_no_cause(session: bool) -> None:
    log = GatewayLog().begin()
    log = log.set_up() if session else log
    log.choose().fail(f'Post "{PINNED}/llm": context canceled', took=30)
    told = log.done().answer(503, "context canceled").explain()
    assert told.outcome is None
    assert told.handed_over is (True if session else None)
    assert "gave up" in told.evidence[0]


def test_words_that_are_in_no_row_stay_unknown_and_are_kept() -> None:
    told = refused("the cat sat on the worker")
    assert (told.outcome, told.blame, told.blame_known) == (None, None, False)
    assert told.message == "the cat sat on the worker"
    assert "the cat sat on the worker" in told.unknown[0]
    assert "not known" in told.evidence[0]


def test_what_followed_from_the_first_failure_is_not_its_cause() -> None:
    log = GatewayLog().begin().choose()
    log.fail(f'Post "{PINNED}/x": stream error: stream ID 3; INTERNAL_ERROR; received from peer')
    for number in (2, 3):
        log.begin().choose().fail("insufficient capacity", number=number)
    told = log.give_up().explain()
    assert (told.outcome, told.blame) == (Outcome.ORCHESTRATOR_ERROR, THEIRS)
    assert told.attempts == 3


def test_a_second_try_after_expired_parameters_is_the_one_that_counts() -> None:
    log = GatewayLog().begin().choose().fail(EXPIRED, kind=RETRYABLE)
    log.begin().choose().fail("upscale container returned 500: no memory", number=2)
    told = log.give_up().explain()
    assert (told.outcome, told.repeat) == (Outcome.ORCHESTRATOR_ERROR, False)


@pytest.mark.parametrize("err", [EXPIRED, "invalid ticket senderNonce: too many values"])
def test_ticket_parameters_are_ours_and_worth_a_repeat(err: str) -> None:
    assert refused(err).repeat


def test_a_try_that_succeeded_after_a_failure_is_a_good_job() -> None:
    log = GatewayLog().begin().choose().fail(EXPIRED, kind=RETRYABLE)
    told = log.begin().choose().wait(1).done().explain()
    assert told.outcome is None
    assert (told.attempts, told.handed_over) == (2, True)


def test_a_price_above_the_limit_is_nobodys_fault() -> None:
    log = GatewayLog().begin().set_up()
    log.job("Orchestrator 0xAb is above max price 1200.000, price=3400.250", level="W")
    log.job(f"Selected orchestrator  from available list: [{PINNED}]")
    told = log.done(source="panic.go").explain()
    assert (told.outcome, told.blame, told.blame_known) == ("price_above_limit", None, True)
    assert told.message == "1200.000, price=3400.250"
    assert told.handed_over is False
    assert any("crashed" in words for words in told.evidence)


def test_an_older_gateway_shows_a_price_above_the_limit_by_choosing_nobody() -> None:
    log = GatewayLog().begin().set_up()
    log.job(f"Selected orchestrator  from available list: [{PINNED}]")
    assert log.done().explain().outcome is Outcome.PRICE_ABOVE_LIMIT


@pytest.mark.parametrize(
    ("err", "outcome", "blame", "repeat"),
    [
        ("no sender deposit", "insufficient_funds", OURS, False),
        ("no sender reserve", "insufficient_funds", OURS, False),
        (
            "unable to validate sender: deposit and reserve is set to unlock soon",
            "insufficient_funds",
            OURS,
            False,
        ),
        ("ticket faceValue 900 > max faceValue 10", "insufficient_funds", OURS, False),
        ("ticket EV 5.00000 > max ticket EV 3.00000", "price_above_limit", OURS, False),
        (
            "total ticket EV 50.00000 for 9 tickets > max total ticket EV 20.00000",
            "price_above_limit",
            OURS,
            False,
        ),
        (
            "Orchestrator price has more than doubled, Orchestrator price: 9, initial: 4",
            "price_above_limit",
            NOBODYS,
            False,
        ),
        (EXPIRED, "payment_refused", OURS, True),
        ("missing orchestrator price", "orchestrator_error", THEIRS, False),
    ],
)
def test_a_payment_that_the_gateway_does_not_make_is_the_cause(
    err: str, outcome: str, blame: Blame | None, repeat: bool
) -> None:
    log = GatewayLog().begin().set_up().choose()
    log.job(f'Could not create payment err="{err}"', level="E").fail(err, took=0)
    told = log.give_up().explain()
    assert (told.outcome, told.blame, told.blame_known) == (outcome, blame, True)
    assert told.repeat is repeat
    assert told.handed_over is False


def test_a_payment_that_fails_later_does_not_hide_the_first_failure() -> None:
    log = GatewayLog().begin().choose().fail("upscale container returned 500: no memory")
    log.begin().choose().job('Could not create payment err="no sender deposit"', level="E")
    told = log.fail("no sender deposit", number=2, took=0).give_up().explain()
    assert (told.outcome, told.blame) == (Outcome.ORCHESTRATOR_ERROR, THEIRS)


def test_a_payment_that_cannot_be_made_before_the_choice_is_the_cause_too() -> None:
    log = GatewayLog().begin()
    log.job("Error selecting session modelID=acme/paint-xl err=no sender deposit")
    told = log.give_up().explain()
    assert (told.outcome, told.blame) == (Outcome.INSUFFICIENT_FUNDS, OURS)


def test_who_no_longer_offers_the_model_is_unavailable_and_not_yet_blamed() -> None:
    told = GatewayLog().begin().not_found("<nil>").give_up().explain()
    assert (told.outcome, told.blame, told.blame_known) == ("unavailable", None, False)
    assert "no longer offers the model" in told.evidence[0]
    assert (told.attempts, told.handed_over) == (0, False)


def test_who_cannot_be_connected_is_unavailable_and_not_yet_blamed() -> None:
    err = f"Did not connect to orch={PINNED}: context deadline exceeded"
    told = GatewayLog().begin().not_found(err, latency="3.00054218s").give_up().explain()
    assert (told.outcome, told.blame, told.blame_known) == ("unavailable", None, False)
    assert told.message == err
    assert told.session_setup == 3_000_542_180


@pytest.mark.parametrize(
    ("desc", "outcome", "known"),
    [
        ("insufficient sender reserve", "insufficient_funds", True),
        ("OrchestratorCapped", "no_capacity", True),
        ("something else", "unavailable", False),
    ],
)
def test_why_an_orchestrator_gives_no_session_is_read_too(
    desc: str, outcome: str, known: bool
) -> None:
    err = f"Could not get orchestrator orch={PINNED}: rpc error: code = Unknown desc = {desc}"
    told = GatewayLog().begin().not_found(err).give_up().explain()
    assert (told.outcome, told.blame, told.blame_known) == (outcome, None, known)
    assert told.handed_over is False


def test_an_offer_without_ticket_parameters_is_the_orchestrators_fault() -> None:
    log = GatewayLog().begin().set_up()
    log.job(f"Missing ticket params orch={PINNED}", level="E", source="broadcast.go")
    told = log.done().explain()
    assert (told.outcome, told.blame) == (Outcome.ORCHESTRATOR_ERROR, THEIRS)


@pytest.mark.parametrize(
    ("lines", "err"),
    [
        (['Error getting HTTP uri=https://x.example/a.png err="i/o timeout"'], "i/o timeout"),
        (["Non-200 response for status=404 Not Found uri=https://x.example/a.png"], "404 Not"),
        ([], "unsafe download URL: embedded credentials not allowed"),
    ],
)
def test_an_artefact_that_cannot_be_fetched_is_the_orchestrators_fault(
    lines: list[str], err: str
) -> None:
    log = GatewayLog().begin().set_up().choose().wait(2).done()
    for line in lines:
        log.job(line, level="E", source="os.go")
    told = log.answer(500, err).explain()
    assert (told.outcome, told.blame, told.blame_known) == ("download_failed", THEIRS, True)
    assert told.handed_over is True
    assert err in told.message


def test_an_artefact_that_our_gateway_may_not_fetch_is_left_open() -> None:
    log = GatewayLog().begin().choose().done()
    err = 'Get "https://10.0.0.7/a.png": private/internal address downloads are blocked: 10.0.0.7'
    log.job(f'Error getting HTTP uri=https://10.0.0.7/a.png err="{err}"', level="E")
    told = log.answer(500, err).explain()
    assert (told.outcome, told.blame_known) == (Outcome.DOWNLOAD_FAILED, False)


def test_an_artefact_that_cannot_be_stored_is_our_gateways_fault() -> None:
    log = GatewayLog().begin().choose().done()
    told = log.answer(500, "error saving image to objectStore: disk full").explain()
    assert (told.outcome, told.blame) == (Outcome.LANE_FAILED, OURS)


def test_a_request_that_the_gateway_refuses_is_ours() -> None:
    log = GatewayLog()
    log.process(f"{log.base}Error with API code=400 err=missing required fields", level="E")
    told = log.explain()
    assert (told.outcome, told.blame) == (Outcome.BAD_REQUEST, OURS)
    assert (told.attempts, told.handed_over) == (0, False)


def test_input_that_the_gateway_cannot_read_is_ours() -> None:
    log = GatewayLog(prompt=None, capability="Audio to text").begin().choose()
    log.fail("audio duration calculation failed", took=0.4).done()
    told = log.answer(400, "audio duration calculation failed").explain()
    assert (told.outcome, told.blame) == (Outcome.BAD_REQUEST, OURS)
    assert refused("image: unknown format", took=0.001).blame is OURS


def test_a_try_that_never_came_about_is_ours_and_worth_a_repeat() -> None:
    told = GatewayLog().give_up().explain()
    assert (told.outcome, told.blame, told.repeat) == (Outcome.LANE_FAILED, OURS, True)


def test_a_gateway_that_was_told_of_nobody_is_our_failure() -> None:
    log = GatewayLog().begin().done(source="panic.go")
    log.raw(
        "2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: runtime error: nil pointer",
        "goroutine 36 [running]:",
        "panic({0x1, 0x2})",
        "github.com/livepeer/go-livepeer/server.(*AISessionSelector).getSessions(0xc1, {0x2})",
        "\t/src/server/ai_session.go:463 +0x41c",
    )
    told = log.explain()
    assert (told.outcome, told.blame) == (Outcome.LANE_FAILED, OURS)
    assert told.unknown == ()


def test_a_webhook_that_fails_is_our_failure() -> None:
    log = GatewayLog().begin()
    log.process("orchestrator webhook returned HTTP status 502 Bad Gateway", level="E")
    log.job('No orchestrators found; not transcoding err="orchestrator webhook returned"')
    log.job("Error selecting session modelID=acme/paint-xl err=ErrNoOrchs")
    told = log.give_up().explain()
    assert (told.outcome, told.blame) == (Outcome.LANE_FAILED, OURS)


def test_a_job_that_another_orchestrator_got_is_nobody_elses() -> None:
    log = GatewayLog().begin().set_up(uri=OTHER).choose(uri=OTHER)
    told = log.fail("upscale container returned 500: no", uri=OTHER).give_up().explain()
    assert (told.outcome, told.blame) == (Outcome.WRONG_ORCHESTRATOR, OURS)
    assert (told.selected, told.selected_is_pinned) == (OTHER, False)
    assert OTHER in told.message


def test_the_pinned_one_is_recognised_in_another_spelling() -> None:
    told = GatewayLog().begin().choose("https://GPU.example.net:8935/").done().explain()
    assert told.selected_is_pinned


def test_a_log_that_ends_early_says_so() -> None:
    told = GatewayLog().begin().set_up().choose().explain()
    assert (told.outcome, told.handed_over) == (None, None)
    assert "waits" in told.evidence[0]


def test_no_lines_tell_nothing() -> None:
    told = GatewayLog().explain(request_id=None, pid=None)
    assert (told.request_id, told.outcome, told.attempts) == (None, None, None)


def test_without_an_id_the_only_request_is_taken() -> None:
    log = GatewayLog(request="99aa88bb").begin().choose().done()
    assert log.explain(request_id=None, pid=None).request_id == "99aa88bb"


def test_without_an_id_the_request_that_began_in_the_lines_is_taken() -> None:
    late = GatewayLog(request="11111111").done()
    log = GatewayLog().begin().choose().fail("upscale container returned 500: no").give_up()
    log.lines = late.lines + log.lines
    told = log.explain(request_id=None)
    assert told.request_id == "0a1b2c3d"
    assert told.outcome is Outcome.ORCHESTRATOR_ERROR
    assert any("only this one began" in words for words in told.evidence)


def test_of_two_requests_that_began_none_is_guessed() -> None:
    first = GatewayLog(request="11111111").begin().choose().fail("no workers available")
    log = GatewayLog().begin().choose().done()
    log.lines = first.lines + log.lines
    told = log.explain(request_id=None)
    assert (told.request_id, told.outcome) == (None, None)
    assert any("not known" in words for words in told.evidence)


def test_lines_of_other_requests_are_left_out() -> None:
    other = GatewayLog(request="11111111").begin().choose().fail("no workers available")
    log = GatewayLog().begin().choose().done()
    log.lines = other.lines + log.lines
    told = log.explain()
    assert told.outcome is None
    assert told.attempts == 1


def test_an_id_that_no_line_has_is_said() -> None:
    told = GatewayLog().begin().choose().done().explain(request_id="deadbeef")
    assert told.outcome is None
    assert "no line of this request" in told.evidence[0]


def test_an_unknown_version_is_read_by_the_newest_table_and_said() -> None:
    log = GatewayLog().begin().choose().fail("no workers available").give_up()
    told = log.explain(version="7.0.0")
    assert told.outcome is Outcome.ORCHESTRATOR_ERROR
    assert any("7.0.0" in words for words in told.evidence)
