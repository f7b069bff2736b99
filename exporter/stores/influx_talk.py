"""Bounded questions to whatever answers at the URL of the settings.

Each has a deadline and takes a bounded answer: whoever answers may be hostile.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from exporter.settings.serving import Influx
from exporter.stores.influx_errors import message_in

PATIENCE: Final = 10.0
"""Seconds that one question may take at most, whatever `timeout` says."""
ANSWER_LIMIT: Final = 64 * 2**10


class Reply(NamedTuple):
    """What the server answered, its body cut off at `ANSWER_LIMIT`."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty if it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def message(self) -> str:
        """What the server said, of its JSON or as it is."""
        return message_in(self.body)


class CannotTrustError(Exception):
    """The file of authorities cannot be used; the message says why."""


class Talk:
    """Bounded questions to the server."""

    def __init__(self, influx: Influx, client: httpx.AsyncClient) -> None:
        self._influx, self._client = influx, client
        self._patience = min(influx.timeout, PATIENCE)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: SecretStr | None = None,
        params: dict[str, str] | None = None,
        json_body: object = None,
    ) -> Reply:
        """Ask once; raises `httpx.HTTPError` or `OSError`. Redirects are not followed."""
        headers = {} if token is None else {"Authorization": f"Token {token.get_secret_value()}"}
        request = self._client.build_request(
            method, self._influx.url + path, params=params, json=json_body, headers=headers
        )
        try:
            async with asyncio.timeout(self._patience):
                response = await self._client.send(request, stream=True)
                try:
                    body = b""
                    # Raw, so that no compression makes much out of little.
                    async for chunk in response.aiter_raw():
                        body += chunk
                        if len(body) >= ANSWER_LIMIT:
                            break
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout("the whole answer took too long") from error
        return Reply(response.status_code, response.headers, body[:ANSWER_LIMIT])


@contextlib.asynccontextmanager
async def talk_to(influx: Influx) -> AsyncIterator[Talk]:
    """Give a way to ask the server; raises `CannotTrustError`."""
    async with httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        timeout=min(influx.timeout, PATIENCE),
        verify=_trust(influx),
        headers={"Accept-Encoding": "identity"},
    ) as client:
        yield Talk(influx, client)


async def first_bytes(influx: Influx) -> bytes:
    """Give what the server sends first on a question without TLS; nothing if it keeps silent."""
    parts = urlsplit(influx.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(min(influx.timeout, PATIENCE)):
            reader, writer = await asyncio.open_connection(parts.hostname, port)
            try:
                writer.write(b"GET /ping HTTP/1.0\r\n\r\n")
                return await reader.read(16)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return b""


def _trust(influx: Influx) -> ssl.SSLContext | bool:
    if not influx.url.startswith("https:"):
        return False  # there is nothing to verify, and loading authorities takes a while
    try:
        return ssl.create_default_context(cafile=influx.ca)
    except FileNotFoundError:
        raise CannotTrustError(f"{influx.ca}: there is no such file") from None
    except ssl.SSLError:
        raise CannotTrustError(f"{influx.ca}: it holds no certificate in PEM form") from None
    except OSError as error:
        raise CannotTrustError(f"{influx.ca}: it cannot be read ({error.strerror})") from None
