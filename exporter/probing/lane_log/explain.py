"""What a job's lines add up to: the cause, as far as the gateway's log tells it."""

from collections.abc import Sequence

import msgspec

from exporter.model import Blame, Outcome
from exporter.normal_url import normal_url
from exporter.probing.lane_log import answers
from exporter.probing.lane_log.cause import Cause
from exporter.probing.lane_log.line import LogLine
from exporter.probing.lane_log.reasons import cause_of, is_unread
from exporter.probing.lane_log.story import Story, requests
from exporter.probing.lane_log.version import doubt

MESSAGE_LIMIT = 300
_ERRORS = 400
"""The first status of an HTTP answer that is an error."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What the lane's log tells about one job. Never more than it does: `None` is unknown."""

    request_id: str | None
    outcome: Outcome | None
    """The cause behind what the client saw; `None` if the log names none."""
    blame: Blame | None
    """With `blame_known`, `None` is nobody's fault."""
    blame_known: bool
    message: str = ""
    """The failing party's own words, printable, at most `MESSAGE_LIMIT` characters."""
    evidence: tuple[str, ...] = ()
    complete: bool = False
    """Whether the request's end stands in the lines: no further line can change what is told."""
    unread: bool = False
    """Whether something in the log keeps a suspension from proving anything: an attempt failed
    with words of no row, the gateway could not make a payment, or a line imitates others.
    Of these only a known reason for not paying still settles the blame."""
    from_orchestrator: bool = False
    """Whether the cause is named in the orchestrator's own words, or may be."""
    session_setup: int | None = None
    """Nanoseconds that the gateway spent on getting sessions; 0 if it used one that it had."""
    session_cached: bool | None = None
    """Whether it used a session that it had."""
    attempts: int | None = None
    """How often the gateway gave the job to an orchestrator, or tried to."""
    ticket_value: float | None = None
    """Wei that the tickets it sent are worth on average, all attempts together."""
    selected: str | None = None
    """Service URI that it chose last."""
    selected_is_pinned: bool | None = None
    handed_over: bool | None = None
    """Whether the orchestrator was given the job."""
    answered: bool | None = None
    """Whether it answered the job, were it with an error; of a stream, whether it began to."""
    repeat: bool = False
    """Whether the cause is ours, is over by now, and so is worth one repeat."""
    unknown: tuple[str, ...] = ()
    """Lines that nobody understands, as they are; at most 20 of 500 characters."""


def explain(
    lines: Sequence[LogLine],
    *,
    version: str,
    request_id: str | None,
    pinned: str,
    pid: int | None = None,
    on_chain: bool = True,
    webhook: bool = False,
    dropped: bool = False,
    status: int | None = None,
) -> Explanation:
    """Say what the lines written during one job tell about it. Never raises.

    `version` is the gateway's, as `livepeer -version` gives it. `request_id` stands in the URL of
    the answer's media (`/stream/<request_id>/…`); without it, the lines must be those of this
    job alone. `pinned` is the service URI that the gateway is pinned to, `pid` its process; where
    that is not given, the first line's is taken, which no orchestrator has had a hand in.

    `on_chain` tells whether the gateway pays, `webhook` whether it asks one for orchestrators,
    `dropped` whether some of the lines since the job's start are lost. `status` is that of the
    answer that the client got, `None` where none came: it tells which line is the last.
    """
    if pid is None:
        pid = next((line.pid for line in lines if line.pid is not None), None)
    chosen, notes, ambiguous = _request(lines, request_id, pid)
    story = Story(chosen, version, webhook=webhook)
    story.read(lines, pid)
    cause, message = cause_of(story, on_chain=on_chain, dropped=dropped)
    if cause is not None and (dropped or story.imitated):
        cause = msgspec.structs.replace(cause, blame=None, blame_known=False, repeat=False)
    cause, message = _rightly_pinned(cause, message, story, pinned)
    complete = _is_complete(story, status) and not dropped
    attempts = None if dropped else _attempts(story)
    if dropped:
        notes.append("lines of the gateway's log are lost, so it does not settle the cause")
    if doubtful := doubt(version):
        notes.append(doubtful)
    return Explanation(
        request_id=chosen,
        outcome=cause.outcome if cause else None,
        blame=cause.blame if cause else None,
        blame_known=cause.blame_known if cause else False,
        message=_short(message),
        evidence=(*_evidence(cause, message, story, attempts), *notes),
        complete=complete,
        unread=is_unread(story, cause) or ambiguous,
        from_orchestrator=cause.from_orchestrator if cause else False,
        session_setup=None if dropped else _setup(story),
        session_cached=None if dropped else _cached(story),
        attempts=attempts,
        ticket_value=None if dropped else _ticket_value(story, on_chain=on_chain),
        selected=story.chosen[-1] if story.chosen else None,
        selected_is_pinned=_is_pinned(story, pinned),
        handed_over=_handed_over(cause, story, dropped=dropped),
        answered=_answered(cause, story, complete=complete),
        repeat=cause.repeat if cause else False,
        unknown=tuple(story.unknown),
    )


def _request(
    lines: Sequence[LogLine], request_id: str | None, pid: int | None
) -> tuple[str | None, list[str], bool]:
    """Which request the job is, what has to be said about that, and whether it is a riddle."""
    found, begun = requests(lines, pid)
    if request_id is not None:
        missing = request_id not in found
        words = ["the gateway's log has no line of this request"] if missing else []
        return request_id, words, False
    if len(found) <= 1:
        return (found[0] if found else None), [], False
    if len(begun) == 1:
        others = len(found) - 1
        words = [f"of {others + 1} requests in the log, only this one began in it"]
        return begun[0], words, False
    return None, [f"which of {len(found)} requests in the log is this job is not known"], True


def _rightly_pinned(
    cause: Cause | None, message: str, story: Story, pinned: str
) -> tuple[Cause | None, str]:
    """The same, unless the job went to somebody else: then that is all that counts."""
    stranger = next((uri for uri in story.chosen if normal_url(uri) != normal_url(pinned)), None)
    if stranger is None:
        stranger = next(
            (one.uri for one in story.failed if normal_url(one.uri) != normal_url(pinned)), None
        )
    if stranger is None:
        return cause, message
    handed_over = cause.handed_over if cause else None
    wrong = msgspec.structs.replace(_WRONG, handed_over=handed_over)
    return wrong, f"the gateway chose {stranger} and not the one it is pinned to"


def _is_complete(story: Story, status: int | None) -> bool:
    """Whether the line is there that the gateway writes last about a request.

    That is the error that it answers with; a crash with its stack; else that it is done.
    """
    if story.api_error is not None:
        return True
    if story.crashed is not None:
        return bool(story.crashed)
    if status is not None and status >= _ERRORS:
        return False
    return story.ended and (story.answered or status is not None)


def _answered(cause: Cause | None, story: Story, *, complete: bool) -> bool | None:
    refused = cause is not None and cause.from_orchestrator and bool(cause.handed_over)
    return True if story.answered or refused else (False if complete else None)


def _setup(story: Story) -> int | None:
    if story.not_found:
        return None
    if story.setups:
        complete = story.connects <= story.setups and not story.renewed
        return story.setup if complete else None
    return 0 if _cached(story) else None


def _cached(story: Story) -> bool | None:
    if story.setups or story.connects or story.renewed:
        return False
    return True if story.chosen else None


def _attempts(story: Story) -> int | None:
    if story.chosen:
        return max(len(story.chosen), len(story.failed))
    if story.failed:
        return max(failed.number for failed in story.failed)
    return 0 if story.opened or story.no_session or story.api_error else None


def _ticket_value(story: Story, *, on_chain: bool) -> float | None:
    """`None` also without any payment in the log: what is left of an earlier one may do."""
    if not on_chain or not story.payments or story.paid is None:
        return None
    return float(story.paid)


def _handed_over(cause: Cause | None, story: Story, *, dropped: bool) -> bool | None:
    if story.answered:
        return True
    if dropped:
        return cause.handed_over or None if cause else None
    if _attempts(story) == 0:
        return False
    if cause == answers.GAVE_UP:
        return True if story.setups and not story.not_found else None
    return cause.handed_over if cause else None


def _is_pinned(story: Story, pinned: str) -> bool | None:
    if not story.chosen:
        return None
    return normal_url(story.chosen[-1]) == normal_url(pinned)


def _evidence(cause: Cause | None, message: str, story: Story, attempts: int | None) -> list[str]:
    words = []
    if cause is not None:
        words.append(f"{cause.words}: {_short(message)}" if message else cause.words)
    elif story.failed:
        words.append(f"the gateway's log names a cause that is not known: {_short(message)}")
    elif story.answered:
        words.append("the gateway's log shows that the orchestrator answered the job")
    elif story.chosen and not story.ended:
        words.append("the log ends while the gateway waits for the orchestrator's answer")
    if attempts is not None and attempts > 1:
        words.append(f"the gateway made {attempts} attempts")
    if story.crashed is not None:
        words.append("the gateway's handler of this request crashed, so the client got no answer")
    if story.imitated:
        words.append(f"{story.imitated} lines imitate the gateway's log and were not believed")
    elif story.unread:
        words.append(f"{story.unread} lines in the log are not the gateway's own and were not read")
    return words


def _short(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[: MESSAGE_LIMIT * 4])
    return " ".join(printable.split())[:MESSAGE_LIMIT]


_WRONG = Cause(
    outcome=Outcome.WRONG_ORCHESTRATOR,
    blame=Blame.TESTER,
    blame_known=True,
    words="the job went to another orchestrator",
)
