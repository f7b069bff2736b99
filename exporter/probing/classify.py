"""What an HTTP status other than 200 means as an outcome."""

import msgspec

from exporter.model import LaneKind, Outcome

MESSAGE_LIMIT = 300

_BY_STATUS = {
    400: Outcome.BAD_REQUEST,
    401: Outcome.UNAUTHORIZED,
    402: Outcome.PAYMENT_REFUSED,
    403: Outcome.UNAUTHORIZED,
    413: Outcome.BAD_REQUEST,
    415: Outcome.BAD_REQUEST,
    422: Outcome.BAD_REQUEST,
    429: Outcome.NO_CAPACITY,
    503: Outcome.UNAVAILABLE,
}
_NO_CAPACITY = ("insufficient capacity", "no capacity")
_NOT_PAID = "missing auth token"
_ASK_A_GATEWAY = "; an orchestrator's node takes jobs only through a gateway, see docs/lanes.md"


class _Error(msgspec.Struct):
    message: str | None = None
    msg: str | None = None


class _ErrorBody(msgspec.Struct):
    error: _Error | str | None = None
    detail: _Error | str | None = None


def classify(lane: LaneKind, status: int, body: bytes) -> tuple[Outcome, str]:
    """Outcome and message for an answer whose status is not 200.

    Status 500 is the orchestrator's when it was spoken to directly; a gateway answers 500 when
    the job was done and it could not fetch or keep the artefact. What no orchestrator's answer
    becomes, such as a redirect, is then the gateway's, or that of a proxy before it.
    """
    direct = lane is LaneKind.DIRECT
    text = error_text(body)
    message = f"status {status}: {text}" if text else f"status {status}"
    if status in (429, 503) and any(words in text.lower() for words in _NO_CAPACITY):
        return Outcome.NO_CAPACITY, message
    if status in _BY_STATUS:
        not_paid = direct and status in (401, 403) and _NOT_PAID in text.lower()
        return _BY_STATUS[status], message + (_ASK_A_GATEWAY if not_paid else "")
    if 300 <= status <= 399:  # noqa: PLR2004 - the range of redirects
        message = f"status {status}: redirects are not followed"
    if not direct:
        return Outcome.GATEWAY_ERROR, message
    if 400 <= status <= 599:  # noqa: PLR2004 - the range of errors
        return Outcome.ORCHESTRATOR_ERROR, message
    return Outcome.INVALID_RESPONSE, message


def error_text(body: bytes) -> str:
    """The words of an error body, JSON or not, on one line and cut to a bound."""
    text = ""
    try:
        parsed = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        text = body[: MESSAGE_LIMIT * 4].decode("utf-8", "replace")
    else:
        said = parsed.error if parsed.error is not None else parsed.detail
        if isinstance(said, _Error):
            text = said.message or said.msg or ""
        elif isinstance(said, str):
            text = said
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:MESSAGE_LIMIT]
