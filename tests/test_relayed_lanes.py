"""Gateways of our own ask Ethereum through the relay, and the probe tells how that goes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

from exporter.cli.check_config import check_config
from exporter.cli.relay import relay as relay_command
from exporter.data_folder import DataFolder
from exporter.exit_code import FAILED, OK, USAGE
from exporter.model import Supply
from exporter.probe_lanes import Gateways, LanesError, gateways
from exporter.probing.guard import Guard
from exporter.probing.managed.cleaning import cleaner
from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.naming import named
from exporter.probing.resolve import Resolver
from exporter.probing.scheduling.progress import Progress
from exporter.readiness import not_ready
from exporter.settings import Settings
from tests.ethereum.relay.chain import CHAIN, FIRST, KEY, Chain, Node, serving
from tests.ethereum.relay.relays import over_http
from tests.probing.managed.gateways import program
from tests.test_on_this_machine import paying
from tests.test_probe_server import serving as probe_server
from tests.waiting import until

NOTHING_WRONG = Supply(offers=(), sources=(), taken_at=0)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with serving(Node(Chain())) as node:
        yield node


def plain(folder: Path, node: Node, **ethereum: Any) -> dict[str, Any]:
    on_chain = paying(folder)
    del on_chain["rpc"]
    return {
        "region": "FRA",
        "data": str(folder / "data"),
        "sources": {"scout": True},
        "ethereum": {"rpc": [{"url": node.url}], "timeout": 5} | ethereum,
        "lanes": [{"kind": "managed"}],
        "livepeer": {"binary": str(program(folder / "bin")), "on_chain": on_chain},
    }


@asynccontextmanager
async def lanes(document: dict[str, Any]) -> AsyncIterator[Gateways]:
    settings = Settings.model_validate(document)
    folder = DataFolder.open(settings.data, "probe")
    resolver = Resolver()
    try:
        async with gateways(
            settings, folder, guard=Guard([]), resolver=resolver, orchestrators=tuple
        ) as found:
            yield found
    finally:
        resolver.close()
        folder.close()


async def test_the_scout_is_given_the_relay_and_not_the_node(tmp_path: Path, node: Node) -> None:
    async with lanes(plain(tmp_path, node)) as found:
        await found.begin()
        assert found.scout is not None
        assert found.relay is not None
        assert found.scout.pid is not None
        environment = psutil.Process(found.scout.pid).environ()
        url = environment["LP_ETHURL"]
        assert url == found.relay.url.get_secret_value()
        assert KEY not in str(environment)
        token = url.rpartition("/")[2]
        assert token not in " ".join(psutil.Process(found.scout.pid).cmdline())
        async with over_http(url) as ask:
            assert await ask("eth_chainId") == hex(CHAIN)


async def test_where_a_node_is_named_for_gateways_there_is_no_relay(
    tmp_path: Path, node: Node
) -> None:
    document = plain(tmp_path, node)
    document["livepeer"]["on_chain"]["rpc"] = "https://rpc.example/secret-key"
    async with lanes(document) as found:
        assert found.relay is None
    document["lanes"] = [{"kind": "direct"}]
    document["sources"] = {"gateway": [{"url": "http://127.0.0.1:5935"}]}
    del document["livepeer"]["on_chain"]["rpc"]
    async with lanes(document) as found:
        assert found.relay is None


async def test_an_address_of_the_relay_that_is_taken_stops_the_start(
    tmp_path: Path, node: Node
) -> None:
    taken = node.url.split("/")[2]
    with pytest.raises(LanesError, match=r"ethereum\.relay\.listen"):
        async with lanes(plain(tmp_path, node, relay={"listen": taken})):
            pass


async def test_nodes_that_do_not_answer_are_why_it_is_not_ready(tmp_path: Path, node: Node) -> None:
    node.status = 401
    async with lanes(plain(tmp_path, node)) as found:
        await until(lambda: found.trouble is not None)
        [reason] = not_ready(NOTHING_WRONG, found)
        assert reason == (
            "no gateway can be started: no Ethereum node answers: rpc-1: HTTP 401: it refuses the "
            "key in its URL"
        )


async def test_the_probe_gives_the_relays_table_and_its_metrics(tmp_path: Path, node: Node) -> None:
    document = plain(tmp_path, node)
    async with lanes(document) as found:
        relay = found.relay
        assert relay is not None
        async with over_http(relay.url.get_secret_value()) as ask:
            await ask("eth_gasPrice")
        await until(lambda: "eth_gasPrice" in relay.report.calls)
        async with probe_server(Progress(), tmp_path, gateways=found) as client:
            table = await (await client.get("/relay")).json()
            text = await (await client.get("/metrics")).text()
            assert table["calls"]["eth_gasPrice"]["sent"] == 1
            assert "livepeer_ai_tester_relay_up 1.0" in text
            config = tmp_path / "config.yaml"
            config.write_text(yaml.safe_dump(document | listening_at(client)))
            result = await asyncio.to_thread(shown, config)
            as_json = await asyncio.to_thread(shown, config, "--json")
            assert json.loads(as_json.stdout)["head"] == FIRST
    assert (result.exit_code, KEY in result.output) == (OK, False)
    assert "  eth_gasPrice" in result.stdout
    assert "  rpc-1  yes" in result.stdout


def shown(config: Path, *more: str) -> Any:
    return CliRunner().invoke(relay_command, ["--table", "--config", str(config), *more])


def listening_at(client: TestClient[Any, Any]) -> dict[str, Any]:
    return {"probe": {"listen": f"127.0.0.1:{client.port}"}}


async def test_without_a_service_there_is_no_table(tmp_path: Path, node: Node) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(plain(tmp_path, node) | {"probe": {"listen": "127.0.0.1:1"}}))
    result = await asyncio.to_thread(shown, config)
    assert result.exit_code == FAILED
    assert "no service answers at 127.0.0.1:1" in result.stderr


async def test_whatever_answers_in_the_services_place_is_told(tmp_path: Path, node: Node) -> None:
    async def odd(_: web.Request) -> web.Response:
        return web.json_response({"head": "x"})

    app = web.Application()
    app.router.add_get("/relay", odd)
    config = tmp_path / "config.yaml"
    async with TestClient(TestServer(app)) as client:
        config.write_text(yaml.safe_dump(plain(tmp_path, node) | listening_at(client)))
        result = await asyncio.to_thread(shown, config)
    assert result.exit_code == FAILED
    assert "is no service of ours" in result.stderr


async def test_a_service_without_a_relay_says_so(tmp_path: Path, node: Node) -> None:
    document = plain(tmp_path, node)
    document["livepeer"]["on_chain"]["rpc"] = "https://rpc.example/secret-key"
    async with (
        lanes(document) as found,
        probe_server(Progress(), tmp_path, gateways=found) as client,
    ):
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump(document | listening_at(client)))
        result = await asyncio.to_thread(shown, config)
    assert result.exit_code == FAILED
    assert "runs no relay" in result.stderr


async def test_the_command_runs_one_and_prints_its_table_when_asked_and_at_the_end(
    tmp_path: Path, node: Node
) -> None:
    config, log = tmp_path / "config.yaml", tmp_path / "log"
    config.write_text(yaml.safe_dump(plain(tmp_path, node)))
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "relay", "--config", str(config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with over_http(url) as ask:
        assert await ask("eth_chainId") == hex(CHAIN)
        with pytest.raises(Exception, match="never sends"):
            await ask("eth_sendRawTransaction", "0x00")
    process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(20):
        while b"nodes" not in (line := await process.stdout.readline()):
            assert line
    process.send_signal(signal.SIGTERM)
    rest = (await process.stdout.read()).decode()
    assert await process.wait() == OK
    assert "  other " in rest
    assert KEY not in rest + log.read_text()


def test_the_command_needs_a_node(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    document = {"region": "FRA", "sources": {"gateway": [{"url": "http://127.0.0.1:5935"}]}}
    config.write_text(yaml.safe_dump(document))
    result = CliRunner().invoke(relay_command, ["--config", str(config)])
    assert result.exit_code == USAGE
    assert "`ethereum.rpc` is empty" in result.stderr


async def test_check_config_tells_what_gateways_ask(tmp_path: Path, node: Node) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(plain(tmp_path, node)))
    result = await asyncio.to_thread(CliRunner().invoke, check_config, [str(config)])
    assert "they ask ethereum.rpc through the relay\n" in result.stdout
    assert KEY not in result.output


async def test_a_gateway_that_gets_no_answer_is_to_be_looked_for_under_the_nodes(
    tmp_path: Path, node: Node
) -> None:
    livepeer = Settings.model_validate(plain(tmp_path, node)).livepeer
    failure = StartFailure(Fault.RPC, "the Ethereum node did not answer as it should")
    assert str(named(failure, livepeer, None, node="ethereum.rpc")) == (
        "ethereum.rpc: the Ethereum node did not answer as it should"
    )


async def test_a_gateways_words_do_not_tell_the_relays_token(tmp_path: Path, node: Node) -> None:
    from exporter.probe_lanes import asking
    from exporter.relay import RelayProcess

    settings = Settings.model_validate(plain(tmp_path, node))
    relay = RelayProcess(settings.ethereum, settings.log)
    url = relay.url.get_secret_value()
    await relay.close()
    token = url.rpartition("/")[2]
    clean = cleaner(asking(settings.livepeer, relay_url(url)))
    for said in (f'Post "{url}": EOF', f"| EthUrl | {url} |", f"token {token}"):
        assert token not in clean(said)


def relay_url(url: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(url)
