"""`simulate orchestrator` as a process."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.simulation.node import INFO_PATH, SESSION_HEADER
from exporter.simulation.runner import NINE
from tests.simulation.programs.running import (
    MODEL,
    PICTURE,
    Program,
    all_listen,
    free_ports,
    program,
    run,
)
from tests.waiting import eventually


class Node:
    """An orchestrator's process and a client of its door."""

    def __init__(self, running: Program, port: int, client: httpx.AsyncClient) -> None:
        self.running = running
        self.url = f"https://127.0.0.1:{port}"
        self._client = client

    async def ask(self, **question: Any) -> httpx.Response:
        """Ask what a gateway asks."""
        return await self._client.post(self.url + INFO_PATH, json=question)

    async def job(self) -> httpx.Response:
        """Run a job for a picture in a new session."""
        return await self._post("text-to-image", PICTURE)

    async def words(self, question: str) -> httpx.Response:
        """Ask the language model."""
        model = next(one.model for one in NINE if one.pipeline == "llm")
        messages = [{"role": "user", "content": question}]
        body = {"model": model, "messages": messages, "stream": False, "max_tokens": 128}
        return await self._post("llm", body)

    async def get(self, path: str) -> httpx.Response:
        """Fetch what a job made."""
        return await self._client.get(self.url + path)

    async def _post(self, pipeline: str, body: dict[str, Any]) -> httpx.Response:
        headers = {SESSION_HEADER: (await self.ask()).json()["auth_token"]}
        return await self._client.post(f"{self.url}/{pipeline}", headers=headers, json=body)


@asynccontextmanager
async def a_node(folder: Path, *words: str) -> AsyncIterator[Node]:
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    async with (
        program(folder, "orchestrator", "-serviceAddr", address, *words) as running,
        httpx.AsyncClient(verify=False, timeout=10, trust_env=False) as client,
    ):
        await eventually(lambda: all_listen([port]))
        yield Node(running, port, client)


async def test_it_serves_a_model_of_each_pipeline_and_ends_well_when_asked(
    tmp_path: Path,
) -> None:
    async with a_node(tmp_path) as node:
        info = (await node.ask(capability=27, model=MODEL)).json()
        assert info["transcoder"] == node.url
        assert info["price_info"] is None
        assert len(info["capabilities"]["constraints"]["PerCapability"]) == 9
        assert (await node.job()).status_code == 200
        assert f"simulated orchestrator at {node.url}" in node.running.log
        node.running.process.send_signal(signal.SIGTERM)
        assert await node.running.ended() == 0


@pytest.mark.parametrize("form", ["inline", "json", "file"])
async def test_it_serves_the_models_that_it_is_told(tmp_path: Path, form: str) -> None:
    entry = {
        "pipeline": "llm",
        "model_id": "a/b",
        "warm": True,
        "capacity": 2,
        "price_per_unit": 7,
    }
    text = {"inline": "llm:a/b:true:2:7", "json": json.dumps([entry])}.get(form)
    if text is None:
        file = tmp_path / "models.json"
        file.write_text(json.dumps([entry]))
        text = str(file)
    address = "0x" + "ab" * 20
    async with a_node(tmp_path, "-aiModels", text, "-ethAcctAddr", address) as node:
        info = (await node.ask(capability=33, model="a/b")).json()
        models = info["capabilities"]["constraints"]["PerCapability"]
        assert models == {"33": {"models": {"a/b": {"warm": True, "capacity": 2}}}}
        assert info["price_info"] == {"pricePerUnit": 7, "pixelsPerUnit": 1}
        assert info["address"].lower() == address
        assert info["ticket_params"]["recipient"].lower() == address


async def test_faults_are_told_by_name_and_can_end(tmp_path: Path) -> None:
    async with a_node(tmp_path, "-simRunnerFault", "500-json", "-simFaultJobs", "1") as node:
        bad = await node.job()
        assert (bad.status_code, "internal error" in bad.text) == (500, True)
        assert (await node.job()).status_code == 200


async def test_it_can_leak_its_capacity(tmp_path: Path) -> None:
    async with a_node(tmp_path, "-simLeak") as node:
        with pytest.raises(httpx.TransportError):
            await node.job()
        for _ in range(2):
            assert (await node.job()).text == "insufficient capacity\n"


async def test_it_can_be_slow_and_sped_up(tmp_path: Path) -> None:
    async with a_node(tmp_path, "-simRunnerDelay", "20", "-simSpeed", "100") as node:
        assert (await node.job()).elapsed.total_seconds() >= 0.2


async def test_it_can_be_silent(tmp_path: Path) -> None:
    async with a_node(tmp_path, "-simSilent") as node:
        port = int(node.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01\x00\x05hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read()
        writer.close()


async def test_it_can_report_another_and_refuse_senders_and_payments(tmp_path: Path) -> None:
    elsewhere = "https://127.0.0.1:1"
    words = ("-simReportsUri", elsewhere, "-simPaymentRefusal", "Insufficient balance")
    async with a_node(tmp_path, *words) as node:
        assert (await node.ask()).json()["transcoder"] == elsewhere
        refused = await node.job()
        assert (refused.status_code, refused.text) == (400, "Insufficient balance\n")
    async with a_node(tmp_path, "-simSenderRefusal", "insufficient sender reserve") as node:
        assert (await node.ask()).json() == {"error": "insufficient sender reserve"}


async def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        address = f"127.0.0.1:{port}"
        code, _, log = await run(tmp_path, "orchestrator", "-serviceAddr", address)
        assert code == 1
        assert log.startswith(f"cannot listen on {address}: ")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("-serviceAddr", "nowhere"), "-serviceAddr: expected host:port, found 'nowhere'"),
        (("-serviceAddr", "a:70000"), "-serviceAddr: expected host:port, found 'a:70000'"),
        (("-aiModels", "llm:a"), "-aiModels: expected pipeline:model:warm[:capacity[:price]]"),
        (("-aiModels", "poetry:a:true"), "-aiModels: no pipeline 'poetry'; there are text-to-"),
        (("-aiModels", "llm:a:true,llm:a:false"), "-aiModels: llm a is there twice"),
        (("-aiModels", "llm::true"), "-aiModels: expected a name for each model"),
        (("-aiModels", "llm:a:true:0"), "-aiModels: 'llm:a:true:0': Expected `int` >= 1"),
        (("-aiModels", "[{]"), "-aiModels: JSON is malformed"),
        (("-aiModels", ","), "-aiModels: expected at least one model"),
        (("-simRunnerFault", "tired"), "-simRunnerFault: expected one of 500-json"),
        (("-simLie", "upscale:small"), "-simLie: expected upscale: and one of blank, "),
        (("-simWay", "poetry:a"), "-simWay: no pipeline 'poetry'; there are text-to-"),
        (("-simWay", "llm"), "-simWay: expected llm: and one of plain, "),
        (("-ethAcctAddr", "0x1"), "-ethAcctAddr: expected an ETH address, found '0x1'"),
        (("-noSuchFlag",), "flag provided but not defined: -noSuchFlag"),
    ],
)
async def test_what_cannot_be_understood_is_said(
    tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    code, _, log = await run(tmp_path, "orchestrator", *words)
    assert code == 2
    assert log.startswith(complaint)
    assert len(log.splitlines()) == 1


async def test_it_lies_or_works_in_the_way_that_it_is_told(tmp_path: Path) -> None:
    words = ("-simLie", "llm:echo", "-simWay", "text-to-image:as-jpeg")
    async with a_node(tmp_path, *words) as node:
        image = (await node.job()).json()["images"][0]
        assert (await node.get(image["url"])).content.startswith(b"\xff\xd8\xff")
        question = "Answer with the code K7Q2-M9XD first. Then add 20 to 22. End with a tram."
        answer = await node.words(question)
        assert question in answer.json()["choices"][0]["message"]["content"]


async def test_help_lists_every_flag_and_fault(tmp_path: Path) -> None:
    code, output, _ = await run(tmp_path, "orchestrator", "--help")
    assert code == 0
    for word in (
        "-aiModels STRING",
        "-simLeak ",
        "503-html",
        "-serviceAddr STRING",
        "lies: blank, ",
    ):
        assert word in output
