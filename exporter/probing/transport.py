"""An httpx transport over httpcore's connection pool, on the timed network backend.

httpx's own transport takes no network backend; this one is for exactly one job: it opens at most
one connection to each origin, keeps it for the job's media, follows nothing and retries nothing.
"""

import ssl
from collections.abc import AsyncIterator
from typing import Any, Self

import httpcore
import httpx

from exporter.model import Outcome
from exporter.probing.backend import Origin, TimedBackend
from exporter.probing.failure import TransportFailure
from exporter.probing.resolve import Resolver
from exporter.probing.trust import Trust
from exporter.probing.trust import unverified_tls as unverified_tls  # noqa: PLC0414 - given on
from exporter.probing.wire import Wire


async def warm_up() -> None:
    """Have httpcore load what it loads at its first request, so that no job is timed with it."""
    backend = httpcore.AsyncMockBackend([b"HTTP/1.1 204 No Content\r\n\r\n"])
    async with httpcore.AsyncConnectionPool(network_backend=backend) as pool:
        await pool.request("GET", "http://localhost/")


class TimedTransport(httpx.AsyncBaseTransport):
    """The transport of one job; see `Wire` for what it reports.

    What `trust` asks of a certificate holds for the host and port of the lane's URL `base`; with
    all others TLS is as `tls` says.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        resolver: Resolver,
        tls: ssl.SSLContext,
        trusted: frozenset[Origin] = frozenset(),
        base: str | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._wire = wire
        self._trust = _origin_trust(base, trust)
        self._backend = TimedBackend(wire, resolver, trusted, self._trust)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=self._backend,
            max_connections=4,
            keepalive_expiry=30.0,
            http2=False,
            retries=0,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and give the response with its body still on the wire.

        Raises `TransportFailure` for everything that goes wrong.
        """
        if request.url.scheme != "https" and origin_of(request.url) in self._trust:
            raise TransportFailure(
                Outcome.TLS_FAILED,
                "the lane's settings ask for a certificate, and the URL is not https",
                doubtful=True,
            )
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={**request.extensions, "trace": self._trace},
        )
        try:
            response = await self._pool.handle_async_request(outgoing)
        except Exception as error:
            raise _mapped(error, self._wire) from error
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, self._wire),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the job's connections."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Follow httpcore's steps: the end of the request's body is where the ack is awaited."""
        if event == "http11.send_request_body.complete":
            if self._backend.latest is not None:
                await self._backend.latest.acknowledged()
        elif event == "http11.receive_response_headers.complete":
            _, status, *_ = info["return_value"]
            self._wire.timeline.note(f"status {status}")


def origin_of(url: httpx.URL) -> Origin:
    """Host and port as they are connected to."""
    return url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


def _origin_trust(base: str | None, trust: Trust | None) -> dict[Origin, Trust]:
    if base is None or trust is None or not trust.asks:
        return {}
    try:
        return {origin_of(httpx.URL(base)): trust}
    except httpx.InvalidURL:
        return {}  # Nothing can be sent there.


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, wire: Wire) -> None:
        self._response = response
        self._wire = wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.aiter_stream():
                yield part
        except Exception as error:
            raise _mapped(error, self._wire) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _mapped(error: Exception, wire: Wire) -> TransportFailure:
    """The one border at which errors of the libraries become ours."""
    if isinstance(error, TransportFailure):
        return error
    if isinstance(error, httpcore.RemoteProtocolError):
        return _protocol_failure(str(error), wire)
    if isinstance(error, httpcore.LocalProtocolError):
        # Its text may quote a header's value, which may be a secret.
        why = "a header of it is not as HTTP wants it" if "header" in str(error) else str(error)
        return TransportFailure(Outcome.TESTER_ERROR, f"the request could not be made: {why}")
    if isinstance(error, httpcore.UnsupportedProtocol):
        return TransportFailure(Outcome.INVALID_RESPONSE, f"unusable URL: {error}")
    if isinstance(error, (httpcore.NetworkError, OSError)):
        return wire.lost(str(error))
    return TransportFailure(Outcome.TESTER_ERROR, f"{type(error).__name__}: {error}")


def _protocol_failure(text: str, wire: Wire) -> TransportFailure:
    if "Server disconnected" in text:
        if wire.first_byte is not None and wire.stage != "media":
            return TransportFailure(
                Outcome.INVALID_RESPONSE, "what came was no whole HTTP answer, then the peer closed"
            )
        return wire.lost("")
    if "without sending complete message body" in text or "incomplete chunked" in text:
        return wire.lost(text)
    return TransportFailure(Outcome.INVALID_RESPONSE, f"not HTTP as it should be: {text}")
