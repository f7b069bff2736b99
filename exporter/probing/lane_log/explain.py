"""What a job's lines add up to: the cause, as far as the gateway's log tells it."""

from collections.abc import Sequence

import msgspec

from exporter.model import Blame, Outcome
from exporter.probing.lane_log import answers
from exporter.probing.lane_log.cause import Cause
from exporter.probing.lane_log.line import LogLine
from exporter.probing.lane_log.reasons import cause_of
from exporter.probing.lane_log.story import Story, requests
from exporter.probing.lane_log.version import doubt
from exporter.probing.session_pools import normal_url

MESSAGE_LIMIT = 300


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
    session_setup: int | None = None
    """Nanoseconds that the gateway spent on getting sessions; 0 if it used one that it had."""
    session_cached: bool | None = None
    """Whether it used a session that it had."""
    attempts: int | None = None
    """How often the gateway gave the job to an orchestrator, or tried to."""
    selected: str | None = None
    """Service URI that it chose last."""
    selected_is_pinned: bool | None = None
    handed_over: bool | None = None
    """Whether the orchestrator was given the job."""
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
) -> Explanation:
    """Say what the lines written during one job tell about it. Never raises.

    `version` is the gateway's, as `livepeer -version` gives it. `request_id` stands in the URL of
    the answer's media (`/stream/<request_id>/…`); without it, the lines must be those of this
    job alone. `pinned` is the service URI that the gateway is pinned to, `pid` its process; where
    that is not given, the first line's is taken, which no orchestrator has had a hand in.
    """
    if pid is None:
        pid = next((line.pid for line in lines if line.pid is not None), None)
    chosen, notes = _request(lines, request_id, pid)
    story = Story(chosen, version)
    story.read(lines, pid)
    cause, message = cause_of(story)
    cause, message = _rightly_pinned(cause, message, story, pinned)
    if doubtful := doubt(version):
        notes.append(doubtful)
    return Explanation(
        request_id=chosen,
        outcome=cause.outcome if cause else None,
        blame=cause.blame if cause else None,
        blame_known=cause.blame_known if cause else False,
        message=_short(message),
        evidence=(*_evidence(cause, message, story), *notes),
        session_setup=_setup(story),
        session_cached=_cached(story),
        attempts=_attempts(story),
        selected=story.chosen[-1] if story.chosen else None,
        selected_is_pinned=_is_pinned(story, pinned),
        handed_over=_handed_over(cause, story),
        repeat=cause.repeat if cause else False,
        unknown=tuple(story.unknown),
    )


def _request(
    lines: Sequence[LogLine], request_id: str | None, pid: int | None
) -> tuple[str | None, list[str]]:
    """Which request the job is, and what has to be said about that."""
    found, begun = requests(lines, pid)
    if request_id is not None:
        missing = request_id not in found
        return request_id, ["the gateway's log has no line of this request"] if missing else []
    if len(found) <= 1:
        return (found[0] if found else None), []
    if len(begun) == 1:
        others = len(found) - 1
        return begun[0], [f"of {others + 1} requests in the log, only this one began in it"]
    return None, [f"which of {len(found)} requests in the log is this job is not known"]


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


def _setup(story: Story) -> int | None:
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


def _handed_over(cause: Cause | None, story: Story) -> bool | None:
    if story.answered:
        return True
    if _attempts(story) == 0:
        return False
    if cause is answers.GAVE_UP:
        return True if story.setups and not story.not_found else None
    return cause.handed_over if cause else None


def _is_pinned(story: Story, pinned: str) -> bool | None:
    if not story.chosen:
        return None
    return normal_url(story.chosen[-1]) == normal_url(pinned)


def _evidence(cause: Cause | None, message: str, story: Story) -> list[str]:
    words = []
    if cause is not None:
        words.append(f"{cause.words}: {_short(message)}" if message else cause.words)
    elif story.failed:
        words.append(f"the gateway's log names a cause that is not known: {_short(message)}")
    elif story.answered:
        words.append("the gateway's log shows that the orchestrator answered the job")
    elif story.chosen and not story.ended:
        words.append("the log ends while the gateway waits for the orchestrator's answer")
    attempts = _attempts(story)
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
