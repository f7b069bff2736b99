"""Opening an aiohttp application's port, for both processes."""

import errno
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

SHUTDOWN: Final = 2.0
"""Seconds that open requests get at a stop."""
BODIES_AS_SENT: Final[Mapping[str, Any]] = {"auto_decompress": False}
"""Options of the server: what a body is signed with is about its bytes, and a small one does not
become a large one."""


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
        app, access_log=None, shutdown_timeout=SHUTDOWN, handle_signals=False, **BODIES_AS_SENT
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
