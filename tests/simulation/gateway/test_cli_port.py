import asyncio
import json

import pytest

from tests.simulation.gateway.lanes import MODELS, a_lane

CHAIN = (
    "/registeredOrchestrators",
    "/orchestratorInfo",
    "/currentRound",
    "/protocolParameters",
    "/senderInfo",
    "/contractAddresses",
)


async def test_the_status_names_the_pool_and_the_version() -> None:
    async with a_lane() as lane:
        answer = await lane.cli("/status")
        body = answer.json()
        assert answer.headers["content-type"] == "application/json"
        assert not answer.text.endswith("\n")
        assert body["OrchestratorPool"] == [lane.node.url]
        assert body["OrchestratorPoolInfos"] == [
            {"Url": lane.node.url, "Score": 1, "Latency": None}
        ]
        assert body["Version"] == "0.9.1"
        assert list(body)[:3] == ["Manifests", "InternalManifests", "StreamInfo"]


async def test_there_are_no_pools_before_the_first_job_and_the_log_says_so() -> None:
    async with a_lane() as lane:
        assert (await lane.cli("/getAISessionPoolsInfo")).text == "{}"
        assert lane.lines[-1].endswith("Orchestrator pools are not yet initialized")
        await lane.job("llm")
        pools = (await lane.cli("/getAISessionPoolsInfo")).json()
        (pool,) = pools.values()
        assert list(pools) == [f"33_{MODELS['llm']}"]
        assert list(pool) == ["cold", "warm", "last_refresh", "suspended"]
        assert pool["cold"] == {"size": 0, "in_use": 0, "orchestrators": None}
        (entry,) = pool["warm"]["orchestrators"]
        assert list(entry) == ["url", "latency_score", "in_flight"]
        assert pool["suspended"] == {"list": {}, "current_count": 1}


async def test_the_network_list_off_chain_is_a_500_with_text_before_its_json() -> None:
    async with a_lane() as lane:
        answer = await lane.cli("/getNetworkCapabilities")
        line, _, rest = answer.text.partition("\n")
        assert (answer.status_code, line) == (500, "network capabilities not available")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        body = json.loads(rest)
        assert body["orchestrators"] is None
        assert body["capabilities_names"]["27"] == "Text to image"
        assert body["capabilities_names"]["37"] == "byoc"
        assert lane.said("http: superfluous response.WriteHeader call") == 1


@pytest.mark.parametrize("path", CHAIN)
async def test_what_needs_a_chain_is_a_500(path: str) -> None:
    async with a_lane() as lane:
        answer = await lane.cli(path)
        assert (answer.status_code, answer.text) == (500, "missing ETH client\n")
        assert lane.lines[-1].endswith("HTTP Response Error statusCode=500 err=missing ETH client")


@pytest.mark.parametrize("path", ["/getOrchestratorAICapabilities", "/metrics", "/"])
async def test_what_a_stock_gateway_does_not_have_is_a_404(path: str) -> None:
    async with a_lane() as lane:
        answer = await lane.cli(path)
        assert (answer.status_code, answer.text) == (404, "404 page not found\n")


async def test_the_chain_id_off_chain_is_0() -> None:
    async with a_lane() as lane:
        assert (await lane.cli("/EthChainID")).text == "0"


async def test_with_monitor_there_are_metrics_of_successes() -> None:
    async with a_lane("-monitor") as lane:
        await lane.job("llm")
        text = (await lane.cli("/metrics")).text
        labels = f'pipeline="llm",model_name="{MODELS["llm"]}"'
        assert f"livepeer_ai_models_requested{{{labels}}} 1" in text
        assert f'orchestrator_uri="{lane.node.url}"' in text
        assert "livepeer_ai_orchestrators_available_total 1" in text


async def test_the_cli_port_answers_while_a_job_hangs() -> None:
    async with a_lane(speed=1.0) as lane:
        lane.node.silent = True
        job = asyncio.create_task(lane.job("llm"))
        assert (await lane.cli("/EthChainID")).text == "0"
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
