"""What a job's lines add up to."""

import pytest

from exporter.model import Blame, Outcome
from exporter.probing.lane_log.explain import Explanation
from tests.probing.lane_log.lines import OTHER, PINNED, GatewayLog, failed, refused

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
        ("text-to-image container returned 401: no token", "orchestrator_error", THEIRS),
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
    assert told.complete
    assert not told.unread
    assert told.from_orchestrator is not err.startswith("Post")


@pytest.mark.parametrize(
    "err",
    [
        "text-to-image container returned 400: too wide",
        "text-to-image container returned 422: {}",
        "unexpected status code: 500, body: unexpected status code: 400",
    ],
)
def test_who_refuses_our_input_is_not_cleared_by_saying_so(err: str) -> None:
    told = refused(err)
    assert (told.outcome, told.blame, told.blame_known) == (Outcome.BAD_REQUEST, None, False)
    assert (told.from_orchestrator, told.handed_over, told.answered) == (True, True, True)
    assert not told.unread


@pytest.mark.parametrize(
    "err",
    [
        "invalid auth token",
        "unexpected status code: 403, body: missing auth token",
        "unexpected status code: 500, body: unexpected status code: 401",
        "sig check failed",
    ],
)
def test_credentials_that_are_refused_speak_against_nobody(err: str) -> None:
    told = refused(err)
    assert (told.outcome, told.blame, told.blame_known) == ("unauthorized", Blame.UNKNOWN, True)
    assert told.from_orchestrator


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
    assert told.unread
    assert told.complete


def test_words_that_nobody_knows_leave_a_later_attempt_open_too() -> None:
    log = GatewayLog().begin().choose().fail(EXPIRED, kind=RETRYABLE)
    log.begin().choose().fail("the cat sat on the worker", number=2)
    log.begin().choose().fail("no workers available", number=3)
    assert log.give_up().explain().unread


def test_a_payment_that_fails_in_unknown_words_is_not_understood() -> None:
    log = GatewayLog().begin().set_up().choose()
    log.job('Could not create payment err="the signer sleeps"', level="E")
    told = log.fail("the signer sleeps", took=0).give_up().explain()
    assert (told.outcome, told.blame, told.blame_known) == (None, None, False)
    assert told.unread


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


SEEN = "invalid ticket senderNonce: already seen sender=0xAb nonce=2"
CROWDED = "invalid ticket senderNonce: too many values sender=0xAb nonce=601"


@pytest.mark.parametrize("err", [EXPIRED, SEEN, CROWDED])
def test_ticket_parameters_of_an_old_session_are_ours_and_worth_a_repeat(err: str) -> None:
    told = refused(err, cached=True)
    assert (told.outcome, told.blame, told.blame_known) == ("payment_refused", OURS, True)
    assert told.repeat


@pytest.mark.parametrize(
    ("err", "outcome", "known"),
    [
        (EXPIRED, "orchestrator_error", False),
        (SEEN, "orchestrator_error", False),
        (CROWDED, "payment_refused", True),
    ],
)
def test_ticket_parameters_of_this_very_job_are_not_paid_for_twice(
    err: str, outcome: str, known: bool
) -> None:
    told = refused(err)
    assert (told.outcome, told.blame, told.blame_known) == (outcome, None, known)
    assert not told.repeat


def test_ticket_parameters_that_were_just_renewed_are_of_this_job_too() -> None:
    log = GatewayLog().begin()
    log.job(f"Ticket params expired, refreshing for orch={PINNED}", source="broadcast.go")
    told = log.choose().fail(EXPIRED).give_up().explain()
    assert (told.outcome, told.repeat) == (Outcome.ORCHESTRATOR_ERROR, False)


def test_a_session_that_is_made_after_the_refusal_does_not_make_it_new() -> None:
    log = GatewayLog().begin().choose().fail(EXPIRED)
    told = log.begin().set_up().choose().fail(EXPIRED, number=2).give_up().explain()
    assert told.outcome is Outcome.ORCHESTRATOR_ERROR
    log = GatewayLog().begin().choose().fail(EXPIRED)
    log.begin().set_up()
    assert log.give_up().explain().repeat


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("err", [EXPIRED, CROWDED, "Insufficient balance", "payment required"])
def test_off_chain_nobody_pays_and_a_refused_payment_is_the_orchestrators_error(
    err: str, cached: bool
) -> None:
    told = failed(err, cached=cached).explain(on_chain=False)
    assert (told.outcome, told.blame, told.blame_known) == ("orchestrator_error", THEIRS, True)
    assert (told.repeat, told.from_orchestrator, told.handed_over) == (False, True, True)


def test_off_chain_no_reserve_is_asked_for() -> None:
    err = f"Could not get orchestrator orch={PINNED}: rpc error: code = Unknown desc = "
    log = GatewayLog().begin().not_found(f"{err}insufficient sender reserve").give_up()
    told = log.explain(on_chain=False)
    assert (told.outcome, told.blame, told.handed_over) == ("orchestrator_error", THEIRS, False)


def test_off_chain_a_gateway_that_would_pay_all_the_same_is_ours() -> None:
    log = GatewayLog().begin().set_up().choose()
    log.job('Could not create payment err="no sender deposit"', level="E")
    told = log.fail("no sender deposit", took=0).give_up().explain(on_chain=False)
    assert (told.outcome, told.blame) == (Outcome.INSUFFICIENT_FUNDS, OURS)


def test_off_chain_other_words_mean_the_same() -> None:
    log = failed("insufficient capacity")
    assert log.explain(on_chain=False) == log.explain(on_chain=True)


def test_a_try_that_succeeded_after_a_failure_is_a_good_job() -> None:
    log = GatewayLog().begin().choose().fail(EXPIRED, kind=RETRYABLE)
    told = log.begin().choose().wait(1).done().explain()
    assert told.outcome is None
    assert (told.attempts, told.handed_over) == (2, True)


def test_a_price_above_the_limit_is_nobodys_fault() -> None:
    log = GatewayLog().begin().set_up()
    log.job("Orchestrator 0xAb is above max price 1200.000, price=3400.250", level="W")
    log.job(f"Selected orchestrator  from available list: [{PINNED}]")
    told = log.crash().explain()
    assert (told.outcome, told.blame, told.blame_known) == ("price_above_limit", None, True)
    assert told.message == "price 3400.250 wei per unit is above the limit of 1200.000"
    assert told.complete
    assert told.handed_over is False
    assert any("crashed" in words for words in told.evidence)


@pytest.mark.parametrize(
    "said", ["100", "1/3, price=9", "9, price=$(x)", "9, price=9 and more", f"9, price={'9' * 99}"]
)
def test_a_price_that_is_not_a_number_is_not_repeated(said: str) -> None:
    log = GatewayLog().begin().set_up().job(f"Orchestrator 0xAb is above max price {said}")
    assert log.crash().explain().message == "the orchestrator's price is above our limit"


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
    assert told.unread
    assert not told.from_orchestrator


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
    assert (told.session_setup, told.session_cached) == (None, False)
    assert not told.unread


@pytest.mark.parametrize(
    ("desc", "outcome", "known", "unread"),
    [
        ("Unknown desc = insufficient sender reserve", "insufficient_funds", True, False),
        ("Unknown desc = OrchestratorCapped", "no_capacity", True, False),
        ("Unknown desc = something else", "unavailable", False, True),
        ("Unavailable desc = connection closed", "unavailable", False, False),
        ("DeadlineExceeded desc = too late", "unavailable", False, False),
    ],
)
def test_why_an_orchestrator_gives_no_session_is_read_too(
    desc: str, outcome: str, known: bool, unread: bool
) -> None:
    err = f"Could not get orchestrator orch={PINNED}: rpc error: code = {desc}"
    told = GatewayLog().begin().not_found(err).give_up().explain()
    assert (told.outcome, told.blame, told.blame_known) == (outcome, None, known)
    assert (told.handed_over, told.unread) == (False, unread)
    assert told.from_orchestrator is known


def test_an_offer_without_ticket_parameters_is_the_orchestrators_fault() -> None:
    log = GatewayLog().begin().set_up()
    log.job(f"Missing ticket params orch={PINNED}", level="E", source="broadcast.go")
    told = log.done().explain()
    assert (told.outcome, told.blame) == (Outcome.ORCHESTRATOR_ERROR, THEIRS)


URL = "https://x.example/a.png"
RESET = "stream error: stream ID 5; INTERNAL_ERROR; received from peer"


@pytest.mark.parametrize(
    ("lines", "err"),
    [
        ([f"Non-200 response for status=404 Not Found uri={URL}"], "404 Not Found"),
        ([f'Error reading body uri={URL} err="{RESET}"'], RESET),
        ([], "unsafe download URL: embedded credentials not allowed"),
    ],
)
def test_an_artefact_that_its_host_refuses_is_the_orchestrators_fault(
    lines: list[str], err: str
) -> None:
    told = _not_fetched(lines, err)
    assert (told.outcome, told.blame, told.blame_known) == ("download_failed", THEIRS, True)
    assert (told.handed_over, told.answered) == (True, True)
    assert told.message == err


@pytest.mark.parametrize(
    "err",
    [
        f'Get \\"{URL}\\": dial tcp: lookup x.example on 127.0.0.53:53: server misbehaving',
        f'Get \\"{URL}\\": dial tcp 192.0.2.7:443: i/o timeout',
        f'Get \\"{URL}\\": context deadline exceeded (Client.Timeout exceeded)',
        f'Get \\"{URL}\\": EOF',
        "read tcp 192.0.2.1:5->192.0.2.7:443: read: connection reset by peer",
        "dial tcp 192.0.2.7:443: connect: connection refused",
        "stream error: stream ID 5; CANCEL",
        "unexpected EOF",
        "something new",
    ],
)
def test_an_artefact_that_cannot_be_reached_leaves_the_blame_to_other_evidence(err: str) -> None:
    told = _not_fetched([f'Error getting HTTP uri={URL} err="{err}"'], "no matter")
    assert (told.outcome, told.blame, told.blame_known) == ("download_failed", None, False)
    assert (told.handed_over, told.answered) == (True, True)
    assert told.message == err.replace("\\", "")


def _not_fetched(lines: list[str], err: str) -> Explanation:
    log = GatewayLog().begin().set_up().choose().wait(2).done()
    for line in lines:
        log.job(line, level="E", source="os.go")
    return log.answer(500, err).explain()


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


def test_an_error_after_the_answer_in_unknown_words_is_not_understood() -> None:
    told = GatewayLog().begin().choose().done().answer(500, "the moon is full").explain()
    assert (told.outcome, told.unread, told.complete) == (None, True, True)


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
    assert (told.outcome, told.blame, told.blame_known) == (Outcome.BAD_REQUEST, OURS, True)
    assert not told.from_orchestrator


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
    assert told.complete


def test_a_webhook_that_fails_is_our_failure() -> None:
    log = GatewayLog().begin()
    log.process("orchestrator webhook returned HTTP status 502 Bad Gateway", level="E")
    log.job('No orchestrators found; not transcoding err="orchestrator webhook returned"')
    log.job("Error selecting session modelID=acme/paint-xl err=ErrNoOrchs")
    told = log.give_up().explain(webhook=True)
    assert (told.outcome, told.blame) == (Outcome.LANE_FAILED, OURS)
    assert not told.unread


def test_a_gateway_without_a_webhook_cannot_fail_at_it() -> None:
    log = GatewayLog().begin().process("Unable to make webhook request x", level="E")
    told = log.not_found("<nil>").give_up().explain()
    assert (told.outcome, told.blame_known, told.unread) == ("unavailable", False, True)


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


@pytest.mark.parametrize("status", [None, 200])
def test_a_good_job_is_complete_when_the_gateway_is_done(status: int | None) -> None:
    log = GatewayLog().begin().set_up().choose()
    waiting = log.explain(status=status)
    assert (waiting.complete, waiting.answered) == (False, None)
    told = log.done().explain(status=status)
    assert (told.complete, told.answered, told.unread) == (True, True, False)


def test_an_error_is_complete_with_the_line_that_answers_it() -> None:
    log = GatewayLog().begin().choose().fail("no workers available").done()
    assert not log.explain(status=503).complete
    assert not log.explain(status=None).complete
    assert log.explain(status=200).complete
    assert log.answer(503, "no orchestrators available").explain(status=503).complete


def test_an_answer_whose_artefact_fails_is_not_complete_before_the_error() -> None:
    log = GatewayLog().begin().choose().done()
    assert not log.explain(status=500).complete
    assert log.answer(500, "404 Not Found").explain(status=500).complete


def test_a_crash_is_complete_with_its_stack() -> None:
    log = GatewayLog().begin().choose().fail("no workers available").crash()
    frame, panic = log.lines.pop(), log.lines[:-1]
    assert not log.explain().complete
    log.lines = [*panic, log.lines[-1], frame]
    assert log.explain().complete


def test_a_request_that_is_not_there_is_not_complete() -> None:
    other = GatewayLog(request="11111111").begin().choose().done()
    assert not other.explain(status=200).complete
    assert not GatewayLog().explain(status=200).complete


def test_whom_the_client_left_waiting_has_not_answered() -> None:
    told = failed(f'Post "{PINNED}/llm": context canceled', took=30).explain()
    assert (told.complete, told.answered, told.handed_over) == (True, False, True)


def test_an_error_is_an_answer_too() -> None:
    assert refused("insufficient capacity").answered is True
    assert refused("the cat sat on the worker").answered is False


def test_of_two_requests_neither_proves_anything() -> None:
    first = GatewayLog(request="11111111").begin().choose().fail("no workers available")
    log = GatewayLog().begin().choose().done()
    log.lines = first.lines + log.lines
    told = log.explain(request_id=None)
    assert (told.unread, told.complete) == (True, False)


@pytest.mark.parametrize(
    "log",
    [
        failed("text-to-image container returned 500: no"),
        failed(EXPIRED, cached=True),
        GatewayLog().begin().set_up().choose().done(),
        GatewayLog().give_up(),
        GatewayLog().answer(400, "missing required fields"),
        GatewayLog().begin().not_found("<nil>").give_up(),
    ],
)
def test_a_log_with_holes_settles_nothing_and_tells_no_numbers(log: GatewayLog) -> None:
    told = log.explain(dropped=True)
    assert (told.session_setup, told.session_cached, told.attempts) == (None, None, None)
    assert (told.complete, told.blame, told.blame_known, told.repeat) == (False, None, False, False)
    assert told.handed_over is not False
    assert told.answered is not False
    assert any("lost" in words for words in told.evidence)


def test_what_a_log_lacks_is_no_cause_if_it_has_holes() -> None:
    assert GatewayLog().give_up().explain().outcome is Outcome.LANE_FAILED
    assert GatewayLog().give_up().explain(dropped=True).outcome is None
