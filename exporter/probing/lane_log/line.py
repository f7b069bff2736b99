"""One line of a gateway's log, taken apart and bounded."""

import re

import msgspec

LINE_LIMIT = 4_000
"""Characters of a line that are kept: a long prompt, and the message after it."""

_HEADER = re.compile(
    r"([IWEF])\d{4} (\d\d):(\d\d):(\d\d)\.(\d{6}) +(\d{1,10}) ([^\s:\]]{1,100}):\d{1,6}\] (.*)"
)
REQUEST = re.compile(r"(?:clientIP=\S{0,100} )?request_id=([\w.-]{1,64}) ")
_MODEL = re.compile(r"capability=[A-Z][A-Za-z0-9 ]{1,40}? model_id=\S+ ")


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was written, and its parts where it has the form of a log line.

    A line without a header (start table, panic, anything else) has only `raw`, `text` and
    `message`, all the same.
    """

    raw: str
    """The line, on one line, printable, cut to `LINE_LIMIT` characters."""
    text: str
    """All after the header."""
    message: str
    """All after the request's own prefix, as far as a single line can tell where that ends."""
    severity: str | None = None
    """`I`, `W`, `E` or `F`."""
    at: int | None = None
    """Nanoseconds since midnight, by the gateway's clock."""
    pid: int | None = None
    source: str | None = None
    """The file that wrote it, e.g. `ai_session.go`."""
    request_id: str | None = None


def read(line: str) -> LogLine:
    """Take one line apart. Never raises; what is not printable becomes a blank."""
    raw = _printable(line.rstrip("\r\n")[:LINE_LIMIT])
    header = _HEADER.fullmatch(raw)
    if header is None:
        return LogLine(raw=raw, text=raw, message=raw)
    severity, hours, minutes, seconds, micros, pid, source, text = header.groups()
    of_day = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    request = REQUEST.match(text)
    return LogLine(
        raw=raw,
        text=text,
        message=text if request is None else _message(text, request.end()),
        severity=severity,
        at=(of_day * 1_000_000 + int(micros)) * 1_000,
        pid=int(pid),
        source=source,
        request_id=request[1] if request else None,
    )


def _message(text: str, start: int) -> str:
    """What follows the prefix: request id, and then prompt, capability and model if they follow."""
    if not text.startswith(("capability=", "prompt="), start):
        return text[start:]
    model = _MODEL.search(text, start)
    return text[model.end() if model else start :]


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)
