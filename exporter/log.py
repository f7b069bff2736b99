"""The log on standard error: quiet, structured, one event a line.

Everything logs through the standard library: `log.warning("lane failed", extra={"lane": name})`.
What `extra` holds becomes fields of the event.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOISY = ("httpx", "httpcore", "asyncio", "aiohttp.access", "PIL")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}

Format = Literal["auto", "text", "json"]


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, then the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one line of JSON."""
        event: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        event |= _fields(record)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line for a person; control characters of strangers are made visible."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one line of text."""
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname.lower():7} {record.getMessage()}{fields}"
        line = line.translate(_CONTROL)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(level: str, form: Format, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (standard error) in the given form, from `level` on."""
    stream = stream or sys.stderr
    if form == "auto":
        form = "text" if stream.isatty() else "json"
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


@contextmanager
def configured(level: str, form: Format) -> Iterator[None]:
    """The same for a while, such as for one command of a program that goes on."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in _NOISY}
    before = root.level
    configure(level, form)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
        for name, its in levels.items():
            logging.getLogger(name).setLevel(its)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
