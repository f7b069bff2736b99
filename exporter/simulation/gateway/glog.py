"""The gateway's log in the form of Go's glog, with the values of a request before each line."""

import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from exporter.simulation.gateway.messages import Message

Write = Callable[[str], None]
_PID_WIDTH: Final = 7


def drop(_line: str) -> None:
    """Write nothing."""


def quote(error: object) -> str:
    """A text as Go's `%q` shows it, near enough."""
    return json.dumps(str(error), ensure_ascii=False)


class GatewayLog:
    """Lines of one process; `now` is the local wall clock, `verbosity` the value of `-v`."""

    def __init__(
        self,
        write: Write,
        verbosity: int,
        *,
        now: Callable[[], datetime] = datetime.now,
        pid: int | None = None,
    ) -> None:
        self._write = write
        self.verbosity = verbosity
        self._now = now
        self._pid = os.getpid() if pid is None else pid

    def say(self, message: Message, values: str = "", /, **words: Any) -> None:  # noqa: ANN401 - whatever the wording shows
        """Write one message, after the `values` of a request, if it is verbose enough."""
        if message.level > self.verbosity:
            return
        moment = self._now()
        stamp = f"{moment:%m%d %H:%M:%S}.{moment.microsecond:06}"
        text = values + message.text.format(**words)
        self._write(f"{message.severity}{stamp} {self._pid:{_PID_WIDTH}} {message.place}] {text}")

    def plain(self, text: str) -> None:
        """Write lines that do not come from glog, such as a panic."""
        for line in text.splitlines():
            self._write(line)

    def standard(self, text: str) -> None:
        """Write in the form of Go's `log` package, which its HTTP server uses."""
        self.plain(f"{self._now():%Y/%m/%d %H:%M:%S} {text}")


class RequestLog:
    """The log as one request writes it: each line begins with what is known of the request."""

    def __init__(self, log: GatewayLog, client: str, request_id: str) -> None:
        self.log = log
        self._values = f"clientIP={client} request_id={request_id} "

    def know(self, key: str, value: str) -> None:
        """Add a value to every line that follows."""
        self._values += f"{key}={value} "

    def say(self, message: Message, **words: Any) -> None:  # noqa: ANN401 - whatever the wording shows
        """Write one message of this request."""
        self.log.say(message, self._values, **words)
