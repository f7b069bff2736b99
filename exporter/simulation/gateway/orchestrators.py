"""How the gateway speaks with orchestrators: the question for their offer, and the jobs.

The real question is gRPC; here it is JSON on the same TLS port, which `simulation.node` answers.
"""

import asyncio
import errno
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from exporter.simulation.gateway.clock import Clock
from exporter.simulation.journal import VIA_HEADER

CONNECT_SECONDS: Final = 3.0
_QUESTION_SECONDS: Final = 0.002
CUTOFF_SECONDS: Final = 6.0
FETCH_SECONDS: Final = 4.0
_CONNECT_AGAIN_SECONDS: Final = 1.0
_ANSWER_BYTES: Final = 64 * 2**20
_QUESTION: Final = "/net.Orchestrator/GetOrchestrator"
_OK: Final = 200
_DIALS: Final = (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError, ConnectionError)


class Price(msgspec.Struct, frozen=True):
    """Wei for so many pixels (or whatever the pipeline counts)."""

    pricePerUnit: int = 0  # noqa: N815 - a wire name
    pixelsPerUnit: int = 1  # noqa: N815 - a wire name


class TicketParams(msgspec.Struct, frozen=True):
    """What an orchestrator wants tickets to be; wei."""

    recipient: str = ""
    face_value: int = 10**15
    ev: int = 8_000_000_000


class OrchestratorInfo(msgspec.Struct, frozen=True):
    """An orchestrator's answer; `transcoder` is the service URI that it reports."""

    transcoder: str
    address: str = ""
    auth_token: str = ""
    capabilities: dict[str, Any] = {}
    hardware: list[Any] | None = None
    price_info: Price | None = None
    capabilities_prices: list[Any] | None = None
    serves: bool = True
    ticket_params: TicketParams | None = None

    def warm(self, capability: int, model: str) -> bool | None:
        """Whether it has the model loaded; `None` where it does not offer it."""
        try:
            models = self.capabilities["constraints"]["PerCapability"][str(capability)]["models"]
            return bool(models[model].get("warm", False))
        except (KeyError, TypeError, AttributeError):
            return None


class Unreached(Exception):
    """The orchestrator's offer is not to be had; the text is Go's."""


class SubmitFailed(Exception):
    """An attempt failed; the text is that of the gateway's log."""


class NotFetched(SubmitFailed):
    """An artefact was not fetched: how far it came."""

    def __init__(self, text: str, *, status: str | None = None, begun: bool = False) -> None:
        super().__init__(text)
        self.status = status
        """The status line's number and words, if that was not 200."""
        self.begun = begun
        """Whether the answer had begun."""


class Answered(msgspec.Struct, frozen=True):
    """A job's whole answer."""

    status: int
    json: bool
    body: bytes

    @property
    def text(self) -> str:
        """The body as an error text."""
        return self.body.decode("utf-8", "replace").removesuffix("\n")


class Orchestrators:
    """One HTTP client for all orchestrators of a gateway; certificates are never verified."""

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock = clock
        self.sender: str | None = None
        """The account that pays, known once the gateway is up."""
        self._headers = {VIA_HEADER: name, "User-Agent": "Go-http-client/2.0"}
        self._session: aiohttp.ClientSession | None = None
        self._stream_ids = 1

    async def open(self) -> None:
        """Get ready; needs the running event loop."""
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None),
            headers=self._headers,
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        if self._session is not None:
            await self._session.close()

    @property
    def client(self) -> aiohttp.ClientSession:
        """The client. Raises `RuntimeError` before `open`."""
        if self._session is None:
            raise RuntimeError("the simulated gateway has not been started")
        return self._session

    async def ask(self, uri: str, capability: int | None, model: str | None) -> OrchestratorInfo:
        """Ask an orchestrator for its offer; a dead one costs 3 s. Raises `Unreached`."""
        question = {"capability": capability, "model": model, "sender": self.sender}
        await self._clock.sleep(_QUESTION_SECONDS)  # A new connection, as the real one makes.
        deadline = self._clock.now() + CONNECT_SECONDS
        while True:
            left = deadline - self._clock.now()
            if left <= 0:
                raise Unreached(f"Did not connect to orch={uri}: context deadline exceeded")
            limit = aiohttp.ClientTimeout(
                total=self._clock.real(CUTOFF_SECONDS),
                sock_connect=self._clock.real(left),
            )
            try:
                async with self.client.post(
                    uri + _QUESTION, json=question, timeout=limit
                ) as answer:
                    body = await answer.content.read(_ANSWER_BYTES)
                    return _offer(uri, answer.status, body)
            except aiohttp.ConnectionTimeoutError:
                continue
            except _DIALS:
                left = deadline - self._clock.now()
                await self._clock.sleep(min(_CONNECT_AGAIN_SECONDS, max(0.0, left)))
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unreached(_lost(uri)) from error

    async def submit(
        self,
        url: str,
        path: str,
        headers: dict[str, str],
        job: Any,  # noqa: ANN401 - JSON or form
    ) -> aiohttp.ClientResponse:
        """Send a job; the caller reads the answer and closes it. Raises `SubmitFailed`."""
        self._stream_ids += 2
        try:
            return await self.client.post(url + path, headers=headers, data=job)
        except asyncio.CancelledError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SubmitFailed(f'Post "{url}{path}": {self.go_error(error, url)}') from error

    async def read(self, url: str, path: str, answer: aiohttp.ClientResponse) -> Answered:
        """Read an answer to its end. Raises `SubmitFailed`."""
        try:
            body = await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise SubmitFailed(f'Post "{url}{path}": {self._cut()}') from error
        kind = answer.headers.get("Content-Type", "")
        return Answered(answer.status, "json" in kind, body)

    async def fetch(self, uri: str, seconds: float = FETCH_SECONDS) -> bytes:
        """Fetch an artefact within so many seconds; in none it fails. Raises `NotFetched`."""
        if seconds <= 0:
            raise NotFetched(f'Get "{uri}": context deadline exceeded')
        limit = aiohttp.ClientTimeout(total=self._clock.real(seconds))
        begun = False
        try:
            async with self.client.get(uri, timeout=limit) as answer:
                status = f"{answer.status} {answer.reason}"
                begun = answer.status == _OK
                body = await answer.read() if begun else b""
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            words = self.go_error(error, uri)
            raise NotFetched(words if begun else f'Get "{uri}": {words}', begun=begun) from error
        if not begun:
            raise NotFetched(status, status=status)
        return body

    def go_error(self, error: Exception, url: str) -> str:
        """An error of the connection in Go's words."""
        parts = urlsplit(url)
        peer = parts.netloc
        number = getattr(error, "errno", None) or getattr(error, "os_error", None)
        if isinstance(number, OSError):
            number = number.errno
        if isinstance(error, TimeoutError):
            return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        if isinstance(error, aiohttp.ClientConnectorError):
            words = "no route to host" if number == errno.EHOSTUNREACH else "connection refused"
            return f"dial tcp {peer}: connect: {words}"
        if number in (errno.ECONNRESET, errno.EPIPE):
            return f"read tcp {peer}: read: connection reset by peer"
        return self._cut()

    def _cut(self) -> str:
        return f"stream error: stream ID {self._stream_ids}; INTERNAL_ERROR; received from peer"


def _offer(uri: str, status: int, body: bytes) -> OrchestratorInfo:
    if status == _OK:
        try:
            return msgspec.json.decode(body, type=OrchestratorInfo)
        except msgspec.DecodeError as error:
            raise Unreached(_lost(uri)) from error
    try:
        reason = str(msgspec.json.decode(body)["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        reason = f"unexpected HTTP status code received from server: {status}"
    raise Unreached(
        f"Could not get orchestrator orch={uri}: rpc error: code = Unknown desc = {reason}"
    )


def _lost(uri: str) -> str:
    return (
        f"Could not get orchestrator orch={uri}: rpc error: code = Unavailable desc = "
        "error reading from server: EOF"
    )
