"""What strangers write into the registries, each for its own address."""

import pytest

from exporter.discovery.service_uri import LENGTH_LIMIT
from tests.discovery.chain.chains import ai_uri, of, populate, read, reader, uri
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import LPT, Livepeer, who

RUBBISH = {
    " ": "it is empty",
    "\x00": "it holds blanks",
    "https://a b.example": "it holds blanks",
    "https://ex\nample": "it holds blanks",
    "https://\u202eelpmaxe": "characters that are not ASCII",
    "https://\x1b[31mred.example": "it holds blanks",
    "https://example\\@evil": "backslashes",
    "https://me:pw@h.example": "it carries a user name or password",
    "https://h.example/?q=1": "it carries a query",
    "https://h.example/#f": "it carries a query or a fragment",
    "ftp://h.example": "its scheme is neither http nor https",
    "file:///etc/passwd": "its scheme is neither http nor https",
    "javascript:alert(1)": "Port could not be cast",
    "httpbin.example:8935": "its scheme is neither http nor https",
    "https://": "it has no host",
    "://": "its scheme is neither http nor https",
    "https://[::1": "Invalid IPv6 URL",
    "https://h.example:0": "its port is 0",
    "https://h.example:99999": "Port out of range",
    "https://h.example/" + "x" * LENGTH_LIMIT: f"longer than {LENGTH_LIMIT}",
    "x" * 8000: f"longer than {LENGTH_LIMIT}",
}


async def test_rubbish_is_refused_with_the_reason_and_spoils_nothing(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 31))
    assert len(RUBBISH) <= 30
    for number, text in enumerate(RUBBISH, start=1):
        livepeer.set_ai_uri(who(number), text)
    found = await read(proxy.url)
    for number, reason in enumerate(RUBBISH.values(), start=1):
        one = of(found, number)
        assert one.ai_service_uri is None
        assert reason in (one.ai_uri_refused or ""), one
        assert len(one.ai_uri_refused or "") <= 200
        assert (one.ai_uri_refused or "").isprintable()
        assert (one.service_uri, one.uri_refused) == (uri(number), None)
    assert of(found, 30).ai_service_uri == ai_uri(30)


@pytest.mark.parametrize(
    ("entry", "usable"),
    [
        ("h.example:8935", "https://h.example:8935"),
        ("203.0.113.7:8935", "https://203.0.113.7:8935"),
        ("http://h.example:8935/", "http://h.example:8935"),
        ("https://h.example:8935/path/", "https://h.example:8935/path"),
        ("  https://h.example ", "https://h.example"),
    ],
)
async def test_what_go_livepeer_would_use_is_used(
    livepeer: Livepeer, node_url: str, entry: str, usable: str
) -> None:
    populate(livepeer, range(1, 3))
    livepeer.set_uri(who(1), entry)
    found = of(await read(node_url), 1)
    assert (found.service_uri, found.uri_refused) == (usable, None)


async def test_an_entry_that_was_taken_back_is_none(livepeer: Livepeer, node_url: str) -> None:
    populate(livepeer, range(1, 3))
    livepeer.set_uri(who(1), "")
    found = of(await read(node_url), 1)
    assert (found.service_uri, found.uri_refused) == (None, None)
    assert found.ai_service_uri == ai_uri(1)


async def test_bytes_that_are_no_text_are_refused(livepeer: Livepeer, node_url: str) -> None:
    populate(livepeer, range(1, 3))
    livepeer.set_ai_uri(who(1), b"https://\xff\xfe.example")
    for multicall in (None, "0xca11bde05977b3631167028862be2a173976ca11"):
        found = of(await read(node_url, multicall=multicall), 1)
        assert found.ai_service_uri is None
        assert "it cannot be read" in (found.ai_uri_refused or "")
        assert found.service_uri == uri(1)


async def test_an_entry_that_spoils_a_multicall_costs_a_request_and_nobody_else(
    livepeer: Livepeer, proxy: FaultProxy
) -> None:
    populate(livepeer, range(1, 21))
    livepeer.set_ai_uri(who(7), "https://long.example/" + "x" * 20_000)
    async with reader(proxy.url) as someone:
        first = await someone.read()
        refused = of(first, 7)
        assert refused.ai_uri_refused == f"it is longer than {LENGTH_LIMIT} characters"
        assert refused.service_uri == uri(7)
        assert of(first, 8).ai_service_uri == ai_uri(8)
        proxy.forget()
        again = await someone.read(first)
        assert again.registered == first.registered
        assert proxy.requests <= 2
        livepeer.set_ai_uri(who(7), "https://short.example")
        mended = await someone.read(again)
        assert of(mended, 7).ai_service_uri == "https://short.example"
        proxy.forget()
        await someone.read(mended)
        assert proxy.requests == 1


async def test_who_is_not_registered_is_not_listed_whatever_it_writes(
    livepeer: Livepeer, node_url: str
) -> None:
    populate(livepeer, range(1, 3))
    livepeer.set_ai_uri(who(99), "https://stranger.example")
    livepeer.bond(who(98), LPT, to=who(1))
    found = await read(node_url)
    assert [one.orchestrator for one in found.registered] == [who(1), who(2)]
