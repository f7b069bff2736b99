"""What went wrong with InfluxDB, in one sentence for the operator and without a secret."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Iterator
from enum import Enum
from typing import Final

from exporter.settings.serving import Influx

TEXT_LIMIT: Final = 300
_CHAIN_LIMIT: Final = 20
_BODY_LIMIT: Final = 64 * 2**10
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404
_TOO_LARGE, _UNPROCESSABLE, _TOO_MANY, _SERVER_ERROR = 413, 422, 429, 500


class Nature(Enum):
    """Why no answer came."""

    NO_SUCH_HOST = "no such host"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    UNTRUSTED = "untrusted"
    NOT_TLS = "not TLS"
    CUT_OFF = "cut off"
    UNKNOWN = "unknown"


def explain(error: BaseException, influx: Influx, *, key: str | None = None) -> str:
    """Turn what an InfluxDB client raised into a sentence that says what to do.

    `key` is the setting of the token that was used: what is wrong with a token names it. Knows the
    exceptions of `influxdb_client`, whether over urllib3 or aiohttp, and of httpx. What the server
    said is quoted, cut short, and never with a token of the settings in it.
    """
    status = getattr(error, "status", None)
    if isinstance(status, int):
        get = getattr(getattr(error, "headers", None), "get", None)
        wait = get("Retry-After") if callable(get) else None
        return refusal(status, _message_of(error), influx, wait=wait, key=key)
    if type(error).__name__ == "FluxQueryException":
        return _in_trouble(clean(str(getattr(error, "message", error)), influx))
    return unreachable(error, influx)


def refusal(
    status: int, message: str, influx: Influx, *, wait: str | None = None, key: str | None = None
) -> str:
    """Say in one sentence why InfluxDB answered with this status and message.

    `wait` is the header `Retry-After`, `key` as for `explain`.
    """
    said = clean(message, influx)
    whose = f"store.influxdb.{key}: " if key is not None else ""
    quoted = f": {said}" if said else ""
    if status >= _SERVER_ERROR:
        return _in_trouble(said or f"status {status}")
    if "organization name" in said and "not found" in said:
        return no_org(influx)
    if (limit := _over_limit(said)) is not None:
        return limit
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return whose + _not_allowed(status, said)
    if status == _NOT_FOUND:
        return (whose if "bucket" in said else "") + _not_found(said, influx)
    again = f" after {wait} s" if re.fullmatch("[0-9]{1,6}", wait or "") else " later"
    known = {
        _BAD_REQUEST: f"InfluxDB refused a request as malformed{quoted}",
        _TOO_LARGE: "InfluxDB, or a proxy before it, refused a request as too large",
        _UNPROCESSABLE: f"InfluxDB took only a part of what was written{quoted}"
        if "partial write" in said
        else f"InfluxDB refused what it was asked{quoted}",
        _TOO_MANY: f"InfluxDB has more to do than it takes and can be asked again{again}{quoted}",
    }
    return known.get(status, f"InfluxDB answered with status {status}{quoted}")


def _not_allowed(status: int, said: str) -> str:
    if "inactive" in said:
        return (
            "the token, or the user that it belongs to, is inactive in InfluxDB: activate it "
            "there, or run `livepeer-exporter influx setup`"
        )
    if status == _UNAUTHORIZED and said in ("", "unauthorized access"):
        return (
            "InfluxDB does not know the token: it is mistyped, of another server or revoked; "
            "`livepeer-exporter influx setup --new-tokens` makes new ones"
        )
    return f"the token may not do this in InfluxDB: {said or 'forbidden'}"


def _not_found(said: str, influx: Influx) -> str:
    if "bucket" in said:
        return (
            f"InfluxDB says: {said}; either it is missing (`livepeer-exporter influx setup` makes "
            "it) or the token is inactive or may not use it"
        )
    return f"{influx.url} does not know what was asked (404): `store.influxdb.url` may be wrong"


def no_org(influx: Influx) -> str:
    """Say that the organisation is missing."""
    return (
        f"InfluxDB has no organisation {influx.org!r}: correct `store.influxdb.org`, or let "
        "`livepeer-exporter influx setup` make it"
    )


def _in_trouble(said: str) -> str:
    return _over_limit(said) or f"InfluxDB failed at it: {said}"


def _over_limit(said: str) -> str | None:
    """Recognise that a query went beyond a limit of the server, which answers it with 400."""
    if "memory allocation limit" in said:
        return f"a query needs more memory than InfluxDB's `query-memory-bytes` allows: {said}"
    if "queue length exceeded" in said:
        return f"InfluxDB's queue of queries is full, raise its `query-queue-size`: {said}"
    return None


def unreachable(error: BaseException, influx: Influx) -> str:
    """Say in one sentence why no answer came from the server."""
    why = nature(error)
    if why is Nature.UNKNOWN:
        said = clean(f"{type(error).__name__}: {error}", influx)
        return f"{influx.url}: InfluxDB cannot be asked: {said}"
    said = {
        Nature.NO_SUCH_HOST: "there is no host of that name; correct `store.influxdb.url`",
        Nature.REFUSED: "nobody listens there; is InfluxDB running?",
        Nature.TIMED_OUT: "InfluxDB did not answer in time",
        Nature.UNTRUSTED: f"its certificate is not trusted ({_certificate(error)}); name its "
        "authority with `store.influxdb.ca`",
        Nature.NOT_TLS: "it does not speak TLS; is it http:// instead of https://?",
        Nature.CUT_OFF: "it ended the connection without an answer",
    }[why]
    return f"{influx.url}: {said}"


def nature(error: BaseException) -> Nature:
    """Find out why no answer came from an exception and what caused it."""
    causes = list(_causes(error))
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return Nature.UNTRUSTED
    for each in causes:
        found = _nature(each)
        if found is not None:
            return found
    return Nature.UNKNOWN


def _nature(error: BaseException) -> Nature | None:
    name = type(error).__name__
    if isinstance(error, socket.gaierror) or name == "NameResolutionError":
        return Nature.NO_SUCH_HOST
    if isinstance(error, ssl.SSLError):
        return Nature.NOT_TLS
    if isinstance(error, TimeoutError | asyncio.TimeoutError) or "Timeout" in name:
        return Nature.TIMED_OUT
    if isinstance(error, ConnectionRefusedError):
        return Nature.REFUSED
    if isinstance(error, ConnectionError | EOFError) or name in (
        "ServerDisconnectedError",
        "RemoteDisconnected",
        "RemoteProtocolError",
        "IncompleteRead",
        "ReadError",
        "WriteError",
    ):
        return Nature.CUT_OFF
    return None


def _certificate(error: BaseException) -> str:
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return str(each.verify_message)
    return "untrusted"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Everything that an exception carries as its cause, the deepest first."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(seen) < _CHAIN_LIMIT:
        each = waiting.pop()
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        waiting += [each.__context__, each.__cause__, getattr(each, "reason", None)]
        waiting += [getattr(each, "os_error", None), *each.args]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
    return reversed(seen)


def _message_of(error: BaseException) -> str:
    body = getattr(error, "body", None)
    if body is None:
        return str(getattr(error, "message", None) or getattr(error, "reason", None) or "")
    return message_in(body)


def message_in(body: bytes | str) -> str:
    """Find the `message` of an answer's JSON body, else its text."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    text = text[:_BODY_LIMIT]
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(document, dict):
        return text
    return str(document.get("message") or document.get("error") or document.get("code") or "")


def clean(text: str, influx: Influx) -> str:
    """One line of printable text, cut short, in which no token of the settings stands."""
    for token in (influx.token, influx.read_token, influx.rollup_token):
        if token is not None:
            text = text.replace(token.get_secret_value(), "***")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
