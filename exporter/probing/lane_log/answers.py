"""The words with which a job fails at the orchestrator, in one table: outcome and blame of each.

An orchestrator's answer stands in the log as it came; a failing connection is put into words by
Go. Words that are in no row are nobody's cause.
"""

import re

import msgspec

from exporter.model import Blame, Outcome
from exporter.probing.lane_log.cause import Cause
from exporter.probing.lane_log.rows import Row, find, row

_THEIRS, _OURS, _NOBODYS = Blame.ORCHESTRATOR, Blame.TESTER, None

_ANSWERS = (
    row(
        r"insufficient capacity(?: for pipeline=\S+ modelID=\S+)?|orchestrator(?:busy|capped)",
        Outcome.NO_CAPACITY,
        _NOBODYS,
        "the orchestrator says that it has no free capacity",
        handed_over=True,
    ),
    row(
        r"(?:[\w -]{1,60} )?container returned 4(?:00|22)\b.*|unexpected status code: 4(?:00|22)",
        Outcome.BAD_REQUEST,
        None,
        "the orchestrator's runner refuses our input",
        known=False,
        handed_over=True,
    ),
    row(
        r"(?:missing|expired|invalid) auth token|sig check failed.*"
        r"|unexpected status code: 40[13]",
        Outcome.UNAUTHORIZED,
        Blame.UNKNOWN,
        "the orchestrator does not accept the credentials that it was shown",
        handed_over=True,
    ),
    row(
        r"(?:[\w -]{1,60} )?container returned \d{3}\b.*|unexpected status code: \d{3}",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log names the orchestrator's answer: its runner failed",
        handed_over=True,
    ),
    row(
        r"no workers (?:can process job requested|available)|remote worker took too long",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log names the orchestrator's answer: no worker of its own did the job",
        handed_over=True,
    ),
    row(
        r"could not create storage to receive results",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log names the orchestrator's answer: it could not store results",
        handed_over=True,
    ),
    row(
        r"ticketparams expired|invalid ticket sendernonce\b.*",
        Outcome.PAYMENT_REFUSED,
        _OURS,
        "the orchestrator says that our ticket parameters are used up or out of date",
        handed_over=True,
        repeat=True,
        about_payment=True,
    ),
    row(
        r"insufficient sender reserve",
        Outcome.INSUFFICIENT_FUNDS,
        _NOBODYS,
        "the orchestrator says that our reserve is too small for it",
        handed_over=False,
        about_payment=True,
    ),
    row(
        r"insufficient balance|payment required|could not (?:find sender for|parse) payment.*"
        r"|invalid (?:expected price|ticket|recipientrand|already revealed)\b.*"
        r"|orchestrator \S+ is inactive in round \S+, cannot process payments",
        Outcome.PAYMENT_REFUSED,
        _NOBODYS,
        "the orchestrator does not take our payment",
        handed_over=True,
        about_payment=True,
    ),
)
"""What orchestrators answer. Read in the source, but capacity and runner errors (recorded)."""

_FRESH = (
    row(
        r"invalid ticket sendernonce: too many values.*",
        Outcome.PAYMENT_REFUSED,
        _NOBODYS,
        "the job costs more tickets than the orchestrator takes with one set of parameters",
        handed_over=True,
        about_payment=True,
    ),
    row(
        r"ticketparams expired|invalid ticket sendernonce\b.*",
        Outcome.ORCHESTRATOR_ERROR,
        None,
        "the orchestrator refuses ticket parameters that it gave out for this very job",
        known=False,
        handed_over=True,
        about_payment=True,
    ),
)
"""The same words about a session that was made in this job. Its parameters hold for minutes, so
our gateway's cannot have run out: a repeat would pay once more for the same answer. Nothing else
speaks for the orchestrator's failure, so other evidence decides."""

_NOT_CHARGED = Cause(
    outcome=Outcome.ORCHESTRATOR_ERROR,
    blame=_THEIRS,
    blame_known=True,
    words="the orchestrator refuses the job over a payment, off-chain, where nobody pays",
    from_orchestrator=True,
)

GAVE_UP = Cause(
    outcome=None,
    blame=None,
    blame_known=False,
    words="the gateway's log says that its client, which is us, gave up waiting",
)
"""What the client did itself: the log tells nothing that the client does not know."""

_CONNECTION = (
    Row(re.compile("context canceled"), GAVE_UP),
    row(
        r"stream error: .*received from peer",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log shows that the orchestrator took the job and broke it off",
        handed_over=True,
    ),
    row(
        r"dial .*",
        Outcome.UNAVAILABLE,
        None,
        "the gateway's log says that it could not connect to the orchestrator",
        known=False,
        handed_over=False,
    ),
    row(
        r"(?:read|write) tcp .*|.*\bEOF|http2: .*|context deadline exceeded.*|tls: .*|.*x509: .*"
        r"|remote error: .*|net/http: .*",
        Outcome.UNAVAILABLE,
        None,
        "the gateway's log says that the connection to the orchestrator failed",
        known=False,
    ),
)
"""How Go words a connection that fails; the dial, the reset and the broken stream are recorded."""

_OWN_INPUT = row(
    r"audio duration calculation failed|image: unknown format|unexpected EOF|png: .*"
    r"|invalid JPEG.*",
    Outcome.BAD_REQUEST,
    _OURS,
    "the gateway could not read our own input; nothing was sent",
    handed_over=False,
)
_ANYONES_INPUT = Cause(
    outcome=Outcome.BAD_REQUEST,
    blame=None,
    blame_known=False,
    words="our input could not be read, by the gateway or, in the same words, by the orchestrator",
    from_orchestrator=True,
)

_WRAPPED = re.compile(r"unexpected status code: \d{3}, body: ")
_REQUEST = re.compile(r'(?:Post|Get|Put) "[^"\s]*": ')
_RPC = re.compile(r".{0,300}?rpc error: code = (\w{1,40}) desc = ", re.DOTALL)
_NOT_CONNECTED = re.compile(
    r"Did not connect to orch=\S+: .*"
    r"|.{0,300}?rpc error: code = (?:Unavailable|DeadlineExceeded) desc = .*"
    r"|context (?:deadline exceeded|canceled)|ErrNoOrchs",
    re.DOTALL,
)
_NOT_OFFERED = Cause(
    outcome=Outcome.UNAVAILABLE,
    blame=None,
    blame_known=False,
    words="the gateway's log says that the orchestrator no longer offers the model",
    handed_over=False,
)
_NO_SESSION = msgspec.structs.replace(
    _NOT_OFFERED,
    words="the gateway's log says that it could not get a session from the orchestrator",
)
_REFUSED_SESSION = msgspec.structs.replace(_NO_SESSION, unread=True)


def of_submit(text: str, *, fresh: bool = False) -> Cause | None:
    """The cause in what a submitted job came back with; `None` if the words are not known.

    `fresh` tells that the session was made in this job.
    """
    request = _REQUEST.match(text)
    if request:
        return find(_CONNECTION, text[request.end() :])
    cause = find((*_FRESH, *_ANSWERS) if fresh else _ANSWERS, unwrapped(text))
    return cause and msgspec.structs.replace(cause, from_orchestrator=True)


def of_own_input(text: str, *, refused: bool) -> Cause | None:
    """The cause if our own input could not be read.

    An orchestrator may say so in the gateway's words, and how soon it comes proves nothing: only
    with `refused`, where the gateway answered 400 by its own error value, nothing was sent.
    """
    cause = find((_OWN_INPUT,), text)
    return cause if cause is None or refused else _ANYONES_INPUT


def of_discovery(text: str) -> Cause:
    """The cause in the outcome of asking the orchestrator for a session.

    `<nil>` is an orchestrator that answered and was found not to serve the model. That is its
    own word about its offer, but it is also how a stale advert or a limit of our gateway looks:
    so nobody is blamed for it by this line alone.
    """
    if text == "<nil>":
        return _NOT_OFFERED
    said = _RPC.match(text)
    cause = find(_ANSWERS, text[said.end() :]) if said else None
    if cause is not None:
        return msgspec.structs.replace(cause, handed_over=False, from_orchestrator=True)
    return _NO_SESSION if _NOT_CONNECTED.fullmatch(text) else _REFUSED_SESSION


def off_chain(cause: Cause) -> Cause:
    """The same, for a gateway that pays nobody: refusing its payment is no reason there."""
    if not cause.about_payment:
        return cause
    return msgspec.structs.replace(_NOT_CHARGED, handed_over=cause.handed_over)


def unwrapped(text: str) -> str:
    """An orchestrator's answer without the gateway's words around it."""
    for _ in range(3):
        wrapped = _WRAPPED.match(text)
        if wrapped is None:
            break
        text = text[wrapped.end() :]
    return text
