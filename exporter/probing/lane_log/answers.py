"""The words with which a job fails, in one table: outcome and blame of each.

Three parties speak. An orchestrator's answer stands in the log as it came, a failing connection
is put into words by Go, and what the gateway itself cannot or will not do (a payment, our own
input) by the gateway. Words that are in no row are nobody's cause.
"""

import re

import msgspec

from exporter.model import Blame, Outcome
from exporter.probing.lane_log.cause import Cause


class _Row(msgspec.Struct, frozen=True):
    pattern: re.Pattern[str]
    cause: Cause


def _row(
    pattern: str,
    outcome: Outcome | None,
    blame: Blame | None,
    words: str,
    *,
    known: bool = True,
    handed_over: bool | None = None,
    repeat: bool = False,
) -> _Row:
    cause = Cause(
        outcome=outcome,
        blame=blame,
        blame_known=known,
        words=words,
        handed_over=handed_over,
        repeat=repeat,
    )
    return _Row(re.compile(pattern, re.DOTALL | re.IGNORECASE), cause)


_THEIRS, _OURS, _NOBODYS = Blame.ORCHESTRATOR, Blame.TESTER, None

_ANSWERS = (
    _row(
        r"insufficient capacity(?: for pipeline=\S+ modelID=\S+)?|orchestrator(?:busy|capped)",
        Outcome.NO_CAPACITY,
        _NOBODYS,
        "the orchestrator says that it has no free capacity",
        handed_over=True,
    ),
    _row(
        r"(?:[\w -]{1,60} )?container returned 4(?:00|22)\b.*|unexpected status code: 4(?:00|22)",
        Outcome.BAD_REQUEST,
        _OURS,
        "the orchestrator's runner refuses our input",
        handed_over=True,
    ),
    _row(
        r"(?:[\w -]{1,60} )?container returned \d{3}\b.*|unexpected status code: \d{3}",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log names the orchestrator's answer: its runner failed",
        handed_over=True,
    ),
    _row(
        r"no workers (?:can process job requested|available)|remote worker took too long",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log names the orchestrator's answer: no worker of its own did the job",
        handed_over=True,
    ),
    _row(
        r"could not create storage to receive results",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log names the orchestrator's answer: it could not store results",
        handed_over=True,
    ),
    _row(
        r"ticketparams expired|invalid ticket sendernonce\b.*",
        Outcome.PAYMENT_REFUSED,
        _OURS,
        "the orchestrator says that our ticket parameters are used up or out of date",
        handed_over=True,
        repeat=True,
    ),
    _row(
        r"insufficient sender reserve",
        Outcome.INSUFFICIENT_FUNDS,
        _NOBODYS,
        "the orchestrator says that our reserve is too small for it",
        handed_over=False,
    ),
    _row(
        r"insufficient balance|payment required|could not (?:find sender for|parse) payment.*"
        r"|invalid (?:expected price|ticket|recipientrand|already revealed)\b.*"
        r"|orchestrator \S+ is inactive in round \S+, cannot process payments",
        Outcome.PAYMENT_REFUSED,
        _NOBODYS,
        "the orchestrator does not take our payment",
        handed_over=True,
    ),
    _row(
        r"(?:missing|expired|invalid) auth token|sig check failed.*",
        Outcome.UNAUTHORIZED,
        None,
        "the orchestrator does not accept the gateway's credentials",
        known=False,
        handed_over=True,
    ),
)
"""What orchestrators answer. Read in the source, but capacity and runner errors (recorded)."""

GAVE_UP = Cause(
    outcome=None,
    blame=None,
    blame_known=False,
    words="the gateway's log says that its client, which is us, gave up waiting",
)
"""What the client did itself: the log tells nothing that the client does not know."""

_CONNECTION = (
    _Row(re.compile("context canceled"), GAVE_UP),
    _row(
        r"stream error: .*received from peer",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway's log shows that the orchestrator took the job and broke it off",
        handed_over=True,
    ),
    _row(
        r"dial .*",
        Outcome.UNAVAILABLE,
        None,
        "the gateway's log says that it could not connect to the orchestrator",
        known=False,
        handed_over=False,
    ),
    _row(
        r"(?:read|write) tcp .*|.*\bEOF|http2: .*|context deadline exceeded.*|tls: .*|.*x509: .*"
        r"|remote error: .*|net/http: .*",
        Outcome.UNAVAILABLE,
        None,
        "the gateway's log says that the connection to the orchestrator failed",
        known=False,
    ),
)
"""How Go words a connection that fails; the dial, the reset and the broken stream are recorded."""

_OWN_INPUT = _row(
    r"audio duration calculation failed|image: unknown format|unexpected EOF|png: .*"
    r"|invalid JPEG.*",
    Outcome.BAD_REQUEST,
    _OURS,
    "the gateway could not read our own input; nothing was sent",
    handed_over=False,
)

_NOT_PAID = (
    _row(
        r"no sender (?:reserve|deposit)|unable to validate sender: .*"
        r"|ticket faceValue \S+ > max faceValue .*",
        Outcome.INSUFFICIENT_FUNDS,
        _OURS,
        "the gateway could not pay: our deposit or reserve does not suffice",
        handed_over=False,
    ),
    _row(
        r"(?:total )?ticket EV .* > max (?:total )?ticket EV .*",
        Outcome.PRICE_ABOVE_LIMIT,
        _OURS,
        "the gateway would not pay: the fee is above our own limit for tickets",
        handed_over=False,
    ),
    _row(
        r"orchestrator price has more than doubled.*",
        Outcome.PRICE_ABOVE_LIMIT,
        _NOBODYS,
        "the gateway would not pay: the price has more than doubled since the session began",
        handed_over=False,
    ),
    _row(
        r"ticketparams expired",
        Outcome.PAYMENT_REFUSED,
        _OURS,
        "the gateway could not pay: the ticket parameters that it held were out of date",
        handed_over=False,
        repeat=True,
    ),
    _row(
        r"missing orchestrator price|pixels per unit is 0|ticket faceValue too low.*",
        Outcome.ORCHESTRATOR_ERROR,
        _THEIRS,
        "the gateway could not pay: the orchestrator's price or ticket parameters are not valid",
        handed_over=False,
    ),
    _row(
        r"error (?:signing ticket for|loading) session.*|ticketParams is nil",
        Outcome.LANE_FAILED,
        _OURS,
        "the gateway could not make a payment",
        handed_over=False,
    ),
)
"""Why the gateway itself makes no payment. Read in the source."""

_WRAPPED = re.compile(r"unexpected status code: \d{3}, body: ")
_REQUEST = re.compile(r'(?:Post|Get|Put) "[^"\s]*": ')
_RPC = re.compile(r".{0,300}?rpc error: code = (\w{1,40}) desc = ", re.DOTALL)
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


def of_submit(text: str) -> Cause | None:
    """The cause in what a submitted job came back with; `None` if the words are not known."""
    request = _REQUEST.match(text)
    if request:
        return _find(_CONNECTION, text[request.end() :])
    return _find(_ANSWERS, unwrapped(text))


def of_own_input(text: str) -> Cause | None:
    """The cause if the gateway failed on our own input before it sent anything."""
    return _find((_OWN_INPUT,), text)


def of_payment(text: str) -> Cause | None:
    """The cause in the gateway's reason for not paying; `None` if the words are not known."""
    return _find(_NOT_PAID, unquoted(text))


def of_discovery(text: str) -> Cause:
    """The cause in the outcome of asking the orchestrator for a session.

    `<nil>` is an orchestrator that answered and was found not to serve the model. That is its
    own word about its offer, but it is also how a stale advert or a limit of our gateway looks:
    so nobody is blamed for it by this line alone.
    """
    if text == "<nil>":
        return _NOT_OFFERED
    said = _RPC.match(text)
    cause = _find(_ANSWERS, text[said.end() :]) if said else None
    return _NO_SESSION if cause is None else msgspec.structs.replace(cause, handed_over=False)


def unwrapped(text: str) -> str:
    """An orchestrator's answer without the gateway's words around it."""
    for _ in range(3):
        wrapped = _WRAPPED.match(text)
        if wrapped is None:
            break
        text = text[wrapped.end() :]
    return text


def unquoted(text: str) -> str:
    """A text that Go may have put into quotation marks, without them."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"')
    return text


def _find(rows: tuple[_Row, ...], text: str) -> Cause | None:
    return next((row.cause for row in rows if row.pattern.fullmatch(text)), None)
