"""A proxy before a node that does to requests what it is told, and counts them.

with FaultProxy(node_url).served() as url:      # or the fixture `proxy`, with `proxy.url`
    proxy.next(status(429, retry_after=1), closed)  # the next two requests, then as ever
    proxy.always(lagging(5))                        # until
    proxy.works()
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web

from tests.ethereum.serving import served

PROXY_KEY: Final = "s3cret-of-the-proxy"


class Exchange(msgspec.Struct):
    """A request to the proxy."""

    http: web.Request
    asked: Any
    """A call or a batch, as it came."""
    onward: Callable[[Any], Awaitable[Any]]
    """Gives the node's answer to a call or batch."""
    ending: asyncio.Event
    """Set when the proxy ends; what hangs lets go then."""

    @property
    def calls(self) -> list[dict[str, Any]]:
        """All calls in it."""
        return self.asked if self.is_batch else [self.asked]

    @property
    def is_batch(self) -> bool:
        """Whether it came as a list."""
        return isinstance(self.asked, list)

    async def answers(self) -> list[dict[str, Any]]:
        """What the node answers to each call."""
        answer = await self.onward(self.asked)
        return answer if isinstance(answer, list) else [answer]

    def reply(self, answers: list[dict[str, Any]]) -> web.Response:
        """The answers in the form of the request."""
        return json(answers if self.is_batch else answers[0])


Fault = Callable[[Exchange], Awaitable[web.StreamResponse]]


def json(answer: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    body = msgspec.json.encode(answer)
    return web.Response(body=body, status=status, content_type="application/json")


async def pass_on(exchange: Exchange) -> web.StreamResponse:
    """No fault."""
    return exchange.reply(await exchange.answers())


class FaultProxy:
    """The proxy; all of it may be used at any time, by any thread."""

    def __init__(self, onward: str, key: str = PROXY_KEY) -> None:
        self.key = key
        self.url = ""
        """With its key; empty while it is not served."""
        self.delay_ms = 0
        """Added to each request."""
        self.asked: list[list[dict[str, Any]]] = []
        """The calls of each request."""
        self.batches: list[int] = []
        """Sizes of the requests that were batches."""
        self._onward = onward
        self._fault: Fault = pass_on
        self._script: deque[Fault] = deque()

    def next(self, *faults: Fault) -> None:
        """Let the next requests meet one of these each."""
        self._script.extend(faults)

    def always(self, fault: Fault) -> None:
        """Let all requests meet it from now on."""
        self._fault = fault

    def works(self) -> None:
        """No more faults."""
        self._script.clear()
        self._fault = pass_on

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return len(self.asked)

    @property
    def methods(self) -> Counter[str]:
        """Calls so far by method."""
        return Counter(call["method"] for calls in self.asked for call in calls)

    def forget(self) -> None:
        """Count anew."""
        self.asked.clear()
        self.batches.clear()

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it; gives its URL, with its key."""
        application = web.Application(client_max_size=2**24)
        application.router.add_post("/{key}", self._posted)
        application.cleanup_ctx.append(self._session)
        application.on_shutdown.append(_let_go)
        with served(application) as url:
            self.url = f"{url}/{self.key}"
            yield self.url

    async def _session(self, application: web.Application) -> AsyncIterator[None]:
        application[_ENDING] = asyncio.Event()
        async with aiohttp.ClientSession() as application[_SESSION]:
            yield

    async def _posted(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["key"] != self.key:
            raise web.HTTPUnauthorized(text="unknown key")
        session = request.app[_SESSION]

        async def onward(asked: object) -> object:
            async with session.post(self._onward, data=msgspec.json.encode(asked)) as answer:
                return msgspec.json.decode(await answer.read())

        asked = msgspec.json.decode(await request.read())
        exchange = Exchange(request, asked, onward, request.app[_ENDING])
        self.asked.append(exchange.calls)
        if exchange.is_batch:
            self.batches.append(len(asked))
        fault = self._script.popleft() if self._script else self._fault
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)
        return await fault(exchange)


_SESSION: Final = web.AppKey("session", aiohttp.ClientSession)
_ENDING: Final = web.AppKey("ending", asyncio.Event)


async def _let_go(application: web.Application) -> None:
    application[_ENDING].set()
