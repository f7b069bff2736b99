"""A light look at a service URI: what it shows, and what it must not conclude."""

import asyncio
import datetime as dt
import socket
import ssl
import time

import pytest

from exporter.model import Reachability, Registration
from exporter.probing.connectivity import Connectivity
from exporter.probing.guard import Guard
from exporter.probing.reachability.looking import (
    DOWN,
    NO_WITNESS,
    REFUSED_TLS,
    Looker,
    look_at_all,
    with_reachability,
)
from exporter.probing.resolve import Found, Resolver
from exporter.settings import Connectivity as ConnectivitySettings
from tests.probing.certificates import sha256_of
from tests.probing.kit import free_port, raw_server
from tests.probing.reachability.servers import (
    LOOPBACK,
    TIMEOUT,
    issued,
    looker,
    names,
    plain,
    polite,
    silent,
    slamming,
    tls_server,
)


async def test_a_good_server_is_reached_and_its_certificate_is_a_fact() -> None:
    certificate = issued("orch.example", "127.0.0.1")
    async with tls_server(certificate) as port:
        found = await looker().look(f"https://127.0.0.1:{port}")
    assert (found.reached, found.stage, found.error) == (True, None, None)
    assert found.address == "127.0.0.1"
    assert found.rtt is not None
    assert 0 < found.rtt < 1e9
    assert found.tls_version == "TLSv1.3"
    shown = found.certificate
    assert shown is not None
    assert shown.sha256 == sha256_of(certificate)
    assert shown.names == ("orch.example", "127.0.0.1")
    assert shown.matches_host is True
    assert shown.self_signed is False
    assert shown.issuer is not None
    assert "Nobody" in shown.issuer
    assert shown.not_before is not None
    assert shown.not_before < found.at


async def test_no_request_is_ever_sent() -> None:
    got: list[bytes] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())
        writer.close()

    async with raw_server(listening) as (host, port):
        assert (await looker().look(f"http://{host}:{port}")).reached is True
    assert set(got) <= {b""}


async def test_an_expired_certificate_and_a_wrong_name_are_no_failure() -> None:
    past = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)
    async with tls_server(issued("somebody.else.example", expires=past)) as port:
        found = await looker().look(f"https://127.0.0.1:{port}")
    assert found.reached is True
    assert found.certificate is not None
    assert found.certificate.matches_host is False
    assert found.certificate.not_after == int(past.timestamp()) * 10**9


async def test_the_name_that_is_looked_for_is_the_hosts() -> None:
    async with tls_server(issued("orch.example")) as port:
        found = await looker(resolver=names(orch_example="127.0.0.1")).look(
            f"https://orch.example:{port}"
        )
    assert found.certificate is not None
    assert found.certificate.matches_host is True


async def test_a_huge_list_of_names_is_no_trouble() -> None:
    certificate = issued(*(f"name-{number}.example" for number in range(1500)))
    async with tls_server(certificate) as port:
        found = await looker().look(f"https://127.0.0.1:{port}")
    assert found.reached is True
    assert found.certificate is not None
    assert len(found.certificate.names) == 20
    assert found.certificate.matches_host is None


async def test_an_older_tls_is_told() -> None:
    async with tls_server(issued("127.0.0.1"), ssl.TLSVersion.TLSv1_2) as port:
        found = await looker().look(f"https://127.0.0.1:{port}")
    assert (found.reached, found.tls_version) == (True, "TLSv1.2")


async def test_a_plain_uri_needs_no_tls() -> None:
    async with raw_server(polite) as (host, port):
        found = await looker().look(f"http://{host}:{port}")
    assert (found.reached, found.tls_version, found.certificate) == (True, None, None)


async def witnessed(uri: str, *, resolver: Resolver | None = None) -> Reachability:
    """A look while the tester's network is known to work."""
    async with raw_server(polite) as (host, port):
        return await looker(f"{host}:{port}", resolver=resolver).look(uri)


async def test_a_closed_port() -> None:
    port = free_port()
    found = await witnessed(f"https://127.0.0.1:{port}")
    assert (found.reached, found.stage) == (False, "tcp")
    assert found.error == f"127.0.0.1 port {port}: Connection refused"
    assert (found.rtt, found.certificate) == (None, None)


async def test_a_port_that_takes_connections_and_says_nothing() -> None:
    async with raw_server(silent) as (host, port):
        found = await witnessed(f"https://{host}:{port}")
    assert (found.reached, found.stage) == (False, "tls")
    assert "no TLS handshake within 0.6 s" in (found.error or "")
    assert found.rtt is not None, "the handshakes of TCP did come about"


async def test_a_port_that_slams_the_door() -> None:
    async with raw_server(slamming) as (host, port):
        found = await witnessed(f"https://{host}:{port}")
    assert (found.reached, found.stage) == (False, "tls")


async def test_a_port_that_speaks_something_else_than_tls() -> None:
    async with raw_server(plain) as (host, port):
        found = await witnessed(f"https://{host}:{port}")
    assert (found.reached, found.stage) == (False, "tls")
    assert "TLS handshake failed" in (found.error or "")


async def test_one_that_refuses_our_handshake_may_take_a_gateways() -> None:
    """What it refuses is ours: it is there, and whether a gateway gets through is not known."""

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes([21, 3, 3, 0, 2, 2, 40]))  # fatal alert: handshake failure
        writer.close()

    async with raw_server(refusing) as (host, port):
        found = await witnessed(f"https://{host}:{port}")
    assert (found.reached, found.stage) == (None, "tls")
    assert (found.error or "").endswith(REFUSED_TLS)


async def test_a_name_that_does_not_exist() -> None:
    found = await witnessed("https://gone.example:8935", resolver=names())
    assert (found.reached, found.stage) == (False, "dns")
    assert found.error == "gone.example: Name or service not known"


async def test_a_resolver_that_does_not_work_is_not_the_names_fault() -> None:
    def look_up(_host: str, _port: int) -> Found:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    found = await witnessed("https://orch.example", resolver=Resolver(look_up=look_up))
    assert (found.reached, found.stage) == (None, "dns")


@pytest.mark.parametrize(
    "uri", ["https://127.0.0.1:{port}", "https://localhost:{port}", "https://2130706433:{port}"]
)
async def test_what_the_guard_forbids_is_not_touched_and_nobodys_failure(uri: str) -> None:
    touched: list[int] = []

    async def listening(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        touched.append(1)
        writer.close()

    async with raw_server(listening) as (_, port):
        found = await looker(allow=()).look(uri.format(port=port))
        await asyncio.sleep(0)
    assert (found.reached, found.stage) == (None, "guard")
    assert "refused" in (found.error or "")
    assert touched == []


async def test_while_our_own_network_is_down_nobody_is_called_unreachable() -> None:
    found = await looker(f"127.0.0.1:{free_port()}").look(f"https://127.0.0.1:{free_port()}")
    assert (found.reached, found.stage) == (None, "tcp")
    assert (found.error or "").endswith(DOWN)


async def test_without_any_witness_nobody_is_called_unreachable() -> None:
    found = await looker().look(f"https://127.0.0.1:{free_port()}")
    assert found.reached is None
    assert (found.error or "").endswith(NO_WITNESS)


async def test_whoever_was_reached_bears_witness_for_the_next() -> None:
    async with raw_server(polite, host="127.0.0.2") as (host, port):
        one = looker()
        assert (await one.look(f"http://{host}:{port}")).reached is True
        assert (await one.look(f"http://127.0.0.1:{free_port()}")).reached is False


async def test_of_many_those_without_a_witness_are_looked_at_once_more() -> None:
    async with raw_server(polite, host="127.0.0.2") as (host, port):
        good = f"http://{host}:{port}"
        bad = [f"http://127.0.0.1:{free_port()}", f"http://127.0.0.3:{free_port()}"]
        found = [look async for look in look_at_all(looker(), [*bad, good, good], at_once=1)]
    assert [look.uri for look in found][:1] == [good]
    assert {look.uri: look.reached for look in found} == {good: True} | dict.fromkeys(bad, False)
    assert len(found) == 3


async def test_where_nobody_is_reached_nothing_is_known() -> None:
    bad = [f"http://127.0.0.1:{free_port()}", "http://gone.example"]
    found = [look async for look in look_at_all(looker(resolver=names()), bad)]
    assert [look.reached for look in found] == [None, None]


async def test_of_one_host_only_one_port_is_looked_at_at_a_time() -> None:
    at_once, most = 0, 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await reader.read()
        at_once -= 1
        writer.close()

    async with raw_server(counting) as (_, one), raw_server(counting) as (_, two):
        uris = [f"https://127.0.0.1:{port}/{n}" for n in range(2) for port in (one, two)]
        started = time.monotonic()
        found = [look async for look in look_at_all(looker(), uris)]
    assert len(found) == 4
    assert time.monotonic() - started >= 4 * TIMEOUT, "each lets the handshake run out"


async def test_no_name_is_looked_up_between_look_and_connection() -> None:
    """Whatever a name turns to meanwhile, it is asked for once."""
    asked: list[str] = []

    def look_up(host: str, _port: int) -> Found:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"], time.monotonic_ns()

    resolver = Resolver(look_up=look_up)
    guard = Guard([LOOPBACK])
    async with tls_server(issued("orch.example")) as port:
        one = Looker(
            resolver=resolver,
            guard=guard,
            connectivity=Connectivity(ConnectivitySettings(), resolver=resolver, guard=guard),
            timeout=TIMEOUT,
        )
        found = await one.look(f"https://orch.example:{port}")
    assert found.reached is True
    assert asked == ["orch.example"]


def test_what_was_found_is_put_where_it_belongs() -> None:
    one = Registration(
        orchestrator="0x" + "a" * 40,
        active=True,
        in_pool=True,
        stake=1.0,
        ai_service_uri="https://ai.example",
        service_uri="https://node.example",
    )
    two = Registration(
        orchestrator="0x" + "b" * 40,
        active=True,
        in_pool=True,
        stake=1.0,
        ai_service_uri="https://ai.example",
        service_uri="https://ai.example",
    )
    look = Reachability(uri="https://ai.example", at=1, reached=True)
    first, second = with_reachability([one, two], {look.uri: look})
    assert first.reachability == second.reachability == (look,)
