"""Which orchestrators a gateway knows: a fixed list, what its webhook says, or the chain."""

import re
from typing import Final, Protocol

import aiohttp
import msgspec

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.glog import GatewayLog

_KEPT_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 3.0
_CALL_SECONDS: Final = 0.0006
_ANSWER_BYTES: Final = 8 * 2**20
_OK: Final = 200
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+")


class Known(msgspec.Struct, frozen=True):
    """One orchestrator of the list, as the CLI port shows it."""

    url: str
    score: float = 1


class WebhookFailed(Exception):
    """The webhook gave no list and there is no earlier one; the text is Go's."""


class Directory(Protocol):
    """A list of orchestrators."""

    async def known(self) -> list[Known]:
        """The list as it stands. Raises `WebhookFailed`."""

    async def close(self) -> None:
        """Let go of connections."""


class FixedList:
    """The orchestrators of `-orchAddr`, in that order."""

    def __init__(self, text: str) -> None:
        addresses = (_orchestrator_address(part.strip()) for part in text.split(","))
        self._known = [Known(address) for address in addresses if address]

    async def known(self) -> list[Known]:
        """The list; it never changes."""
        return self._known

    async def close(self) -> None:
        """Nothing is open."""


class Webhook:
    """Asks the URL lazily: when something wants the list and the last answer is over 60 s old.

    A failure is never kept as an answer; an earlier list then goes on.
    """

    def __init__(self, url: str, clock: Clock, log: GatewayLog) -> None:
        self._url = url
        self._clock = clock
        self._log = log
        self._answered_at: float | None = None
        self._known: list[Known] = []
        self._session: aiohttp.ClientSession | None = None

    async def known(self) -> list[Known]:
        """The list, asked for anew when it is old. Raises `WebhookFailed`."""
        asked_at = self._answered_at
        if asked_at is not None and self._clock.now() - asked_at < _KEPT_SECONDS:
            return self._known
        try:
            self._known = self._read(await self._ask())
        except WebhookFailed:
            if asked_at is None:
                raise
        else:
            self._answered_at = self._clock.now()
        return self._known

    async def close(self) -> None:
        """Close the connection to the webhook."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers={"User-Agent": "Go-http-client/1.1"})
        await self._clock.sleep(_CALL_SECONDS)  # No call is quicker; see the 1 ms setting.
        limit = aiohttp.ClientTimeout(total=self._clock.real(_ANSWER_SECONDS))
        try:
            async with self._session.get(self._url, timeout=limit) as answer:
                body = await answer.content.read(_ANSWER_BYTES)
                status, reason = answer.status, answer.reason or ""
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            words = f'Get "{self._url}": {self._words(error)}'
            self._log.say(messages.HOOK_UNREACHABLE, error=words)
            raise WebhookFailed(words) from error
        if status != _OK:
            words = f"orchestrator webhook returned HTTP status {status} {reason}".rstrip()
            self._log.say(messages.HOOK_STATUS, error=words)
            raise WebhookFailed(words)
        return body

    def _words(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        peer = self._url.partition("://")[2].partition("/")[0]
        if isinstance(error, aiohttp.ClientConnectorError):
            return f"dial tcp {peer}: connect: connection refused"
        return "EOF"

    def _read(self, body: bytes) -> list[Known]:
        try:
            entries = msgspec.json.decode(body)
            if entries is None:
                entries = []
            found = [_entry(entry) for entry in _list(entries)]
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            words = "invalid character looking for beginning of value"
            self._log.say(messages.HOOK_UNREADABLE, error=words)
            raise WebhookFailed(words) from error
        known = []
        for one in found:
            if _SCHEME.match(one.url):
                known.append(one)
                continue
            shown = f"{{{one.url} {one.score:g}}}"
            words = f'parse "{one.url}": invalid URI for request'
            self._log.say(messages.HOOK_ADDRESS, address=shown, error=words)
        return known


def _list(entries: object) -> list[object]:
    if not isinstance(entries, list):
        raise TypeError("not a list")
    return entries


def _entry(entry: object) -> Known:
    if not isinstance(entry, dict):
        raise TypeError("not an object")
    address, score = entry.get("address", ""), entry.get("score", 0)
    if not isinstance(address, str) or not isinstance(score, int | float):
        raise TypeError("not an address with a score")
    return Known(address.rstrip("/"), score)


def _orchestrator_address(text: str) -> str:
    if not text:
        return ""
    scheme, there, rest = text.partition("://")
    if not there:
        scheme, rest = "https", text
    host = rest.rstrip("/")
    if ":" not in host and not there:
        host += ":8935"
    return f"{scheme}://{host}"
