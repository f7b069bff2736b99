"""Opening an aiohttp application's port, for both processes."""

import errno
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

SHUTDOWN: Final = 2.0
"""Seconds that open requests get at a stop."""
LONGEST_LINE: Final = 2**15
"""Bytes of a request's first line: it holds the longest names that can be posted, escaped."""


class _Requests(logging.LoggerAdapter[logging.Logger]):
    """A log without what strangers send that is no HTTP, which is told to them alone."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **more: Any) -> None:  # noqa: ANN401 - as the logger's own
        """Log an exception, unless it is a stranger's mistake."""
        if not isinstance(exc_info, HttpProcessingError):
            super().exception(msg, *args, exc_info=exc_info, **more)


HTTP: Final[Mapping[str, Any]] = {
    "max_line_size": LONGEST_LINE,
    # A signature is about bytes as they were sent, and a small body does not become a large one.
    "auto_decompress": False,
    "logger": _Requests(logging.getLogger(__name__), {}),
}
"""Options of every server of ours."""


class ListenError(Exception):
    """The port cannot be had; the message says which setting names it."""


@asynccontextmanager
async def listening(app: web.Application, listen: str, setting: str) -> AsyncIterator[str]:
    """Serve `app` at HOST:PORT for the length of the block; gives the base URL.

    `setting` is the key path of the address, for the message when the port is taken.

    Raises `ListenError`.
    """
    host, _, port = listen.rpartition(":")
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=SHUTDOWN, handle_signals=False, **HTTP
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host.strip("[]"), int(port))
        try:
            await site.start()
        except OSError as error:
            raise ListenError(_explain(error, listen, setting)) from error
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def _explain(error: OSError, listen: str, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{listen} is in use by another program; stop that one or set `{setting}` to a free "
            "address"
        )
    reason = error.strerror or str(error)
    return f"cannot listen on {listen} (setting `{setting}`): {reason}"
