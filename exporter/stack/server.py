"""One program of the stack while it runs: started, waited for, watched and ended."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from exporter.probing.managed.shim import dying_with_us
from exporter.stack.failure import StackError

POLL: Final = 0.1
GRACE: Final = 30.0
"""Seconds that a program gets to end by itself."""
_LAST_LINES: Final = 8
_LAST_BYTES: Final = 4096


class Server:
    """A program in a session of its own, so that Ctrl-C reaches us alone, who end it in order.

    All that it says goes into `log`. The kernel kills it when we are gone, however that happens.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.ended = asyncio.create_task(process.wait(), name=name)
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls,
        name: str,
        words: Sequence[str],
        *,
        folder: Path | None,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> "Server":
        """Start a program, by its full path, in a folder or ours. Raises `StackError`."""
        with log.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *dying_with_us([*words]),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    env=dict(os.environ if environment is None else environment),
                    start_new_session=True,
                )
            except OSError as error:
                raise StackError(f"{name} cannot be started: {error.strerror}") from error
        return cls(name, process, log)

    async def until_ready(self, url: str, patience: float) -> None:
        """Wait until the URL answers 200. Raises `StackError`."""
        try:
            async with (
                asyncio.timeout(patience),
                httpx.AsyncClient(trust_env=False, timeout=5.0) as client,
            ):
                while not await _answers(client, url):
                    if self.ended.done():
                        raise StackError(self.why_it_ended())
                    await asyncio.wait([self.ended], timeout=POLL)
        except TimeoutError:
            raise StackError(
                f"{self.name} was not ready within {patience:g} s; what it said is in {self._log}"
            ) from None

    def why_it_ended(self) -> str:
        """That it ended, with its last words."""
        with self._log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
        said = "\n".join(f"  {line}" for line in lines) or "  and said nothing"
        return f"{self.name} ended with exit code {self._process.returncode}:\n{said}"

    async def stop(self) -> None:
        """Ask it to end, and kill it with all that is left of it when it does not."""
        if not self.ended.done():
            self._signal(signal.SIGTERM)
            await asyncio.wait([self.ended], timeout=GRACE)
        self._signal(signal.SIGKILL)
        await self.ended

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        answer = await client.get(url)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
