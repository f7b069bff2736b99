import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from exporter.delivery.feed import DeliveryError
from exporter.delivery.post_stats.posting import Posting
from exporter.delivery.post_stats.remote import (
    NoRegionError,
    NotSentError,
    Remote,
    Seen,
    StatRefusedError,
    UnclearError,
)
from exporter.settings.leaderboard import PostTarget
from tests.measurements import failed, good
from tests.probing.certificates import server_tls

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECRET = "testsecret"


@asynccontextmanager
async def remote_with(
    answer: Handler, path: str = "/api/{route}", **more: Any
) -> AsyncIterator[Remote]:
    app = web.Application()
    app.router.add_route("*", path, answer)
    async with TestServer(app) as server, remote_at(str(server.make_url("/")), **more) as remote:
        yield remote


@asynccontextmanager
async def remote_at(url: str, **more: Any) -> AsyncIterator[Remote]:
    plain = {"url": url, "secret": SECRET, **more}
    remote = Remote(PostTarget.model_validate(plain))
    try:
        yield remote
    finally:
        await remote.close()


def always(status: int, text: str, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return answer


async def test_a_post_is_signed_as_the_original_wants_it() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        assert await request.read() == b'{"region":"FRA"}'
        seen.append(request)
        return web.Response(text="ok")

    async with remote_with(answer) as remote:
        await remote.post(b'{"region":"FRA"}')
    signature = "03cc7d3cab3eed2463a60e91fa6a0cb75092594b86b17963a2292236f8089f92"
    assert seen[0].headers["Authorization"] == signature
    assert seen[0].headers["Content-Type"] == "application/json"
    assert (seen[0].method, seen[0].path) == ("POST", "/api/post_stats")


@pytest.mark.parametrize(
    ("status", "text", "error", "said"),
    [
        (200, "okay", UnclearError, "status 200: okay"),
        (202, "ok", UnclearError, "status 202"),
        (408, "", UnclearError, "status 408"),
        (500, '{"error":"x"}\nok', UnclearError, 'status 500: {"error":"x"}; whether'),
        (502, "\x1b[31mbad", UnclearError, r"status 502: \?\[31mbad"),
        (400, '{"error":"invalid region"}', NoRegionError, "have the region added"),
        (400, '{"error":"json: cannot"}', StatRefusedError, "json: cannot"),
        (413, "too large", StatRefusedError, "status 413: too large"),
        (301, "", DeliveryError, "has its base URL"),
        (404, "404 page not found", DeliveryError, "404 page not found; see whether .* base URL"),
        (401, "", DeliveryError, "has the secret that it knows us by"),
        (403, "request can not be", DeliveryError, "has the secret that it knows us by"),
        (429, "", DeliveryError, "it takes nothing now; it is tried again"),
    ],
)
async def test_what_an_answer_means(
    status: int, text: str, error: type[Exception], said: str
) -> None:
    async with remote_with(always(status, text)) as remote:
        with pytest.raises(error, match=said) as raised:
            await remote.post(b"{}")
        assert type(raised.value) is error
        assert SECRET not in repr(raised.value)
        assert SECRET not in repr(vars(remote))


async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/api/elsewhere")

    async with remote_with(answer) as remote:
        for attempt in (remote.post(b"{}"), remote.check_region("FRA")):
            with pytest.raises(DeliveryError, match="status 307"):
                await attempt
    assert asked == ["/api/post_stats", "/api/regions"]


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:1", "http://no-such-host.invalid", "https://127.0.0.1:1"),
        "https://xn--.example",
    ],
)
async def test_who_is_not_reached_has_nothing(url: str) -> None:
    async with remote_at(url) as remote:
        with pytest.raises(NotSentError, match=f"POST {url}/api/post_stats: "):
            await remote.post(b"{}")


async def test_a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent() -> None:
    server = TestServer(web.Application(), scheme="https")
    await server.start_server(ssl=server_tls(trustme.CA().issue_cert("127.0.0.1")))
    async with remote_at(str(server.make_url("/"))) as remote:
        with pytest.raises(NotSentError, match="certificate verify failed"):
            await remote.post(b"{}")
    await server.close()


async def test_an_answer_that_is_cut_late_compressed_or_too_large_says_nothing() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response(text="ok")

    async def compressed(_: web.Request) -> web.Response:
        body = gzip.compress(b"ok")
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "2"})
        await response.prepare(request)
        await response.write(b"o")
        assert request.transport is not None
        request.transport.abort()
        return response

    for answer, said in (
        (hang, "no whole answer within 0.2 s"),
        (compressed, "compressed"),
        (cut, "api/post_stats: "),
        (always(200, "ok" * 2**20), "larger than 65536 bytes"),
    ):
        async with remote_with(answer, timeout=0.2 if answer is hang else 20) as remote:
            with pytest.raises(UnclearError, match=said):
                await remote.post(b"{}")


async def test_equal_stats_are_counted_however_their_numbers_are_written() -> None:
    posting = Posting.of(1, failed("1", message="<gone>", request="{}"))
    told = posting.body.decode()
    another = Posting.of(2, good("2", request="{}")).body.decode()
    same = told.replace('"success_rate":0.0', '"success_rate":0').replace("<", "\\u003c")
    stats = ",".join([told, another, same.replace("0xa1", "0xA1"), "7", '{"region":"MDW"}'])
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(text=f'{{"MDW":[{stats}],"FRA":[]}}', headers={"Age": "17"})

    async with remote_with(answer) as remote:
        assert await remote.look(posting.stat, 1790000000.25) == Seen(2, 17)
    assert dict(asked[0].query) == {
        "orchestrator": "0x" + "a1" * 20,
        "pipeline": "Text to image",
        "model": "stabilityai/sd-turbo",
        "region": "MDW",
        "job_type": "ai",
        "since": "1790000000.250000",
    }
    assert asked[0].headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("age", ["-5", "soon", "1.5", "", "9" * 400])
async def test_an_age_is_a_whole_number_or_not_there(age: str) -> None:
    async with remote_with(always(200, "{}", Age=age)) as remote:
        seen = await remote.look(Posting.of(1, good("1")).stat, 0)
    assert seen.age == (999_999_999 if age.isdigit() else 0)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"MDW":7}', "[" * 100_000, '{"MDW":null}'])
async def test_what_is_no_answer_of_a_leaderboard_is_told(text: str) -> None:
    async with remote_with(always(200, text)) as remote:
        with pytest.raises(DeliveryError, match="raw_stats: is no answer of a leaderboard"):
            await remote.look(Posting.of(1, good("1")).stat, 0)
        with pytest.raises(DeliveryError, match="regions: is no answer of a leaderboard"):
            await remote.check_region("FRA")


async def test_regions_of_a_stranger_are_told_without_what_a_terminal_obeys() -> None:
    regions = '{"regions":[{"id":"\\u001b[31m","name":"x","type":"ai"}]}'
    async with remote_with(always(200, regions)) as remote:
        with pytest.raises(NoRegionError) as raised:
            await remote.check_region("FRA")
    assert str(raised.value).isprintable()
