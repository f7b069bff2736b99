"""The relay's process: kept running at one address, ended with the probe, silent about secrets."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from exporter.ethereum.relay.serving import a_relay
from exporter.ethereum.relay.tally import Calls, NodeState, Report
from exporter.relay import RelayProcess
from exporter.relay_metrics import METRICS, RelayNumbers
from exporter.relay_process import Errand
from exporter.serving import ListenError
from exporter.settings import Ethereum, Log
from tests.ethereum.relay.chain import (
    CHAIN,
    FIRST,
    KEY,
    Chain,
    Node,
    poll_as_a_gateway_does,
    serving,
)
from tests.ethereum.relay.relays import over_http
from tests.waiting import until


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
async def node(chain: Chain) -> AsyncIterator[Node]:
    async with serving(Node(chain)) as node:
        yield node


def ethereum(node: Node, **relay: Any) -> Ethereum:
    return Ethereum.model_validate({"rpc": [{"url": node.url}], "timeout": 5, "relay": relay})


@asynccontextmanager
async def running(settings: Ethereum) -> AsyncIterator[RelayProcess]:
    relay = RelayProcess(settings, Log(level="debug", format="json"), first_pause=0.05)
    relay.start()
    try:
        yield relay
    finally:
        await relay.close()


async def test_gateways_ask_through_a_process_that_is_not_ours(node: Node) -> None:
    async with running(ethereum(node)) as relay:
        async with over_http(relay.url.get_secret_value()) as ask:
            assert await ask("eth_chainId") == hex(CHAIN)
            assert relay.pid != os.getpid()
        await until(lambda: "eth_chainId" in relay.report.calls)
        assert relay.report.calls["eth_chainId"].asked == 1
        assert relay.report.head == FIRST
        assert [(one.name, one.up) for one in relay.report.nodes] == [("rpc-1", True)]
        pid = relay.pid
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_ten_gateways_start_for_what_one_costs(node: Node) -> None:
    async with running(ethereum(node, calls_per_second=10_000)) as relay:
        url = relay.url.get_secret_value()
        await asyncio.gather(*(a_gateway_polls(url) for _ in range(10)))
        # Two looks at most, since they may not all fall into the time of one.
        assert node.calls["eth_getBlockByNumber"] <= 2
        assert node.calls["eth_getLogs"] == node.calls["eth_gasPrice"] == 1
        assert node.calls["eth_getBlockByHash"] == 0


async def a_gateway_polls(url: str) -> None:
    async with over_http(url) as ask:
        await poll_as_a_gateway_does(ask)


async def test_one_that_is_killed_is_there_again_at_the_same_address_and_counts_on(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(ethereum(node)) as relay:
        url = relay.url.get_secret_value()
        async with over_http(url) as ask:
            await ask("eth_chainId")
        await until(lambda: "eth_chainId" in relay.report.calls)
        before = relay.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: relay.restarts == 1)
        async with over_http(url) as ask:
            assert await ask("eth_chainId") == hex(CHAIN)
        assert relay.url.get_secret_value() == url
        assert relay.pid not in (None, before)
        await until(lambda: relay.report.calls["eth_chainId"].asked == 2)
    assert "started again" in caplog.text


async def test_after_a_restart_the_newest_block_is_no_older_than_before(
    node: Node,
) -> None:
    async with running(ethereum(node)) as relay:
        await until(lambda: relay.report.head == FIRST)
        assert relay.pid is not None
        node.lag = 5
        asked = node.calls["eth_getBlockByNumber"]
        os.kill(relay.pid, signal.SIGKILL)
        async with over_http(relay.url.get_secret_value()) as ask:
            await until(lambda: relay.restarts == 1)
            answer = asyncio.create_task(ask("eth_blockNumber"))
            await until(lambda: node.calls["eth_getBlockByNumber"] > asked + 1)
            assert not answer.done()
            node.lag = 0
            assert await answer == hex(FIRST)


async def test_one_that_ends_again_and_again_is_a_trouble(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.relay.TROUBLED", 0.0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    async with running(ethereum(node)) as relay:
        await until(lambda: relay.restarts > 2)
        assert relay.trouble == "the relay does not run"


async def test_one_that_is_stuck_is_ended_and_started_anew(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.relay.GRACE", 0.1)
    async with running(ethereum(node)) as relay:
        await until(lambda: relay.report.head == FIRST)
        stuck = relay.pid
        assert stuck is not None
        os.kill(stuck, signal.SIGSTOP)
        monkeypatch.setattr("exporter.relay.SILENT", 1.5)
        await until(lambda: relay.trouble is not None)
        await until(lambda: relay.restarts == 1)
        monkeypatch.setattr("exporter.relay.SILENT", 60.0)
        await until(lambda: relay.pid not in (None, stuck))
        async with over_http(relay.url.get_secret_value()) as ask:
            assert await ask("eth_blockNumber") == hex(FIRST)


async def test_a_node_that_hangs_keeps_nobody_from_the_next_one(
    node: Node, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.ethereum.relay.serving.NODE_TIMEOUT", 0.5)
    node.hold = asyncio.Event()
    async with serving(Node(chain)) as second:
        rpc = [{"url": node.url}, {"url": second.url}]
        settings = Ethereum.model_validate({"rpc": rpc, "timeout": 120})
        async with a_relay(settings) as relay, asyncio.timeout(10):
            assert await relay.answer("eth_chainId", []) == b'"result":"0xa4b1"'
    node.hold.set()


async def test_one_that_cannot_be_started_is_tried_again(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with running(ethereum(node)) as relay:
        await until(lambda: relay.restarts > 1)
    assert "cannot be started" in caplog.text


async def test_it_tells_that_no_node_answers_before_any_gateway_asks(node: Node) -> None:
    node.status = 401
    async with running(ethereum(node)) as relay:
        await until(lambda: relay.trouble is not None)
        assert relay.trouble == (
            "no Ethereum node answers: rpc-1: HTTP 401: it refuses the key in its URL"
        )


async def test_an_address_that_is_taken_is_told_with_its_setting(node: Node) -> None:
    async with running(ethereum(node)) as relay:
        taken = relay.url.get_secret_value().split("/")[2]
        with pytest.raises(ListenError, match=rf"{taken} \(setting `ethereum\.relay\.listen`\)"):
            RelayProcess(ethereum(node, listen=taken), Log())


OF_A_PROBE = """
import asyncio, sys
from exporter.relay import RelayProcess
from exporter.settings import Ethereum, Log

async def main():
    settings = Ethereum.model_validate_json(sys.stdin.readline())
    relay = RelayProcess(settings, Log(level="debug", format="json"))
    relay.start()
    while relay.report.head is None:
        await asyncio.sleep(0.01)
    print(relay.pid, relay.url.get_secret_value(), flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_it_ends_with_the_probe_however_that_ends_and_tells_no_secret(
    node: Node, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream:
        probe = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OF_A_PROBE, stdin=-1, stdout=-1, stderr=stream
        )
    assert probe.stdin is not None
    assert probe.stdout is not None
    plain = {"rpc": [{"url": node.url}], "timeout": 5}
    probe.stdin.write(json.dumps(plain).encode() + b"\n")
    pid, url = (await probe.stdout.readline()).decode().split()
    token = url.rpartition("/")[2]
    async with over_http(url) as ask:
        await ask("eth_gasPrice")
        for odd in ("eth_sendRawTransaction", f"eth_{token}", node.url):
            with pytest.raises(Exception, match="the relay"):
                await ask(odd)
        node.status = 401
        with pytest.raises(Exception, match="refuses the key") as told:
            await ask("eth_maxPriorityFeePerGas")
    shown = " ".join(psutil.Process(int(pid)).cmdline())
    probe.kill()
    await probe.wait()
    await until(lambda: not psutil.pid_exists(int(pid)))
    text = log.read_text()
    assert "the relay is ready" in text
    assert "eth_sendRawTransaction" in text
    for secret in (KEY, token):
        assert secret not in text + shown + str(told.value)


def test_its_repr_and_that_of_its_errand_hold_no_secret(node: Node) -> None:
    settings = ethereum(node)
    relay = RelayProcess(settings, Log())
    errand, url = relay._errand(), relay.url
    relay._listener.close()
    assert KEY in errand.decode()
    for shown in (
        repr(settings),
        repr(relay),
        repr(url),
        repr(msgspec.json.decode(errand, type=Errand)),
    ):
        assert KEY not in shown
        assert relay._token not in shown


def test_each_metric_has_its_samples() -> None:
    class Fake:
        pid: int | None = 7
        restarts = 2
        report = Report(
            calls={"eth_call": Calls(5, 4, 3, 2, 1, 0.5)},
            nodes=(
                NodeState("rpc-1", True, None, {"ok": 9, "timeout": 1}, {"eth_call": 10}),
                NodeState("rpc-2", None),
            ),
            cache_bytes=1000,
            waiting=3,
            head=FIRST,
        )

    registry = CollectorRegistry(auto_describe=False)
    registry.register(RelayNumbers(Fake()))  # type: ignore[arg-type]  # the parts that are asked
    lines = generate_latest(registry).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "livepeer_ai_tester_relay_up 1.0",
        'livepeer_ai_tester_relay_node_up{node="rpc-1"} 1.0',
        "livepeer_ai_tester_relay_cache_bytes 1000.0",
        "livepeer_ai_tester_relay_calls_waiting 3.0",
        "livepeer_ai_tester_relay_block 1000.0",
        "livepeer_ai_tester_relay_restarts_total 2.0",
        'livepeer_ai_tester_relay_calls_total{method="eth_call",result="cached"} 5.0',
        'livepeer_ai_tester_relay_calls_total{method="eth_call",result="coalesced"} 4.0',
        'livepeer_ai_tester_relay_calls_total{method="eth_call",result="sent"} 3.0',
        'livepeer_ai_tester_relay_calls_total{method="eth_call",result="refused"} 2.0',
        'livepeer_ai_tester_relay_calls_total{method="eth_call",result="failed"} 1.0',
        'livepeer_ai_tester_relay_call_seconds_total{method="eth_call"} 0.5',
        'livepeer_ai_tester_relay_node_calls_total{method="eth_call",node="rpc-1"} 10.0',
        'livepeer_ai_tester_relay_node_requests_total{node="rpc-1",result="ok"} 9.0',
        'livepeer_ai_tester_relay_node_requests_total{node="rpc-1",result="timeout"} 1.0',
    ]
    assert {line.split("{")[0].split(" ")[0] for line in lines if line[0] != "#"} == {
        name for name, *_ in METRICS
    }


def test_without_a_relay_there_is_nothing_to_say() -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RelayNumbers(None))
    assert generate_latest(registry) == b""


def test_counts_of_one_that_ended_are_kept() -> None:
    before = Report(
        calls={"eth_call": Calls(cached=2, seconds=1.5), "other": Calls(refused=1)},
        nodes=(NodeState("a", True, None, {"ok": 2}, {"eth_call": 2}),),
        head=FIRST,
    )
    now = Report(
        calls={"eth_call": Calls(cached=1)},
        nodes=(NodeState("a", False, "HTTP 500", {"ok": 1, "http_error": 1}, {"eth_call": 2}),),
    )
    both = now.after(before)
    assert both.calls == {"eth_call": Calls(cached=3, seconds=1.5), "other": Calls(refused=1)}
    assert both.nodes[0].requests == {"ok": 3, "http_error": 1}
    assert both.nodes[0].error == "HTTP 500"
    assert both.head == FIRST
