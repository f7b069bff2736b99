from typing import Any

import httpx

from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from exporter.simulation.scout import ScoutMode


async def capabilities(client: httpx.AsyncClient, network: SimulatedNetwork) -> Any:
    answer = await client.get(network.scout.url + "/getNetworkCapabilities")
    assert answer.status_code == 200
    return answer.json()


async def test_the_list_names_every_orchestrator_and_one_twice(client: httpx.AsyncClient) -> None:
    async with SimulatedNetwork() as network:
        body = await capabilities(client, network)
        assert body["capabilities_names"]["27"] == "Text to image"
        entries = body["orchestrators"]
        assert len(entries) == 13
        assert entries[0] == entries[-1]
        for entry, orchestrator in zip(entries, network.orchestrators, strict=False):
            assert entry["address"].lower() == orchestrator.member.address
            assert entry["address"] != orchestrator.member.address
            assert entry["orch_uri"] == orchestrator.url


async def test_models_are_advertised_as_a_real_node_does(client: httpx.AsyncClient) -> None:
    async with SimulatedNetwork() as network:
        entries = (await capabilities(client, network))["orchestrators"]
        for entry, member in zip(entries, network.members, strict=False):
            offered = entry["capabilities"]["constraints"]["PerCapability"]
            priced = {(p["capability"], p["constraint"]) for p in entry["capabilities_prices"]}
            hardware = {(h["pipeline"], h["model_id"]) for h in entry["hardware"]}
            for model in member.models:
                capability = 27 if model.pipeline == "text-to-image" else 33
                advert = offered[str(capability)]["models"][model.model]
                assert ("warm" in advert) == model.warm
                assert ("capacity" in advert) == (member.profile is not Profile.BUSY)
                assert (capability, model.model) in priced
                assert (model.pipeline, model.model) in hardware
            bits = entry["capabilities"]["bitstring"]
            for capability in map(int, offered):
                assert bits[capability // 64] >> capability % 64 & 1
        also = {key for e in entries for key in e["capabilities"]["constraints"]["PerCapability"]}
        assert also == {"27", "33", "35", "37", "99"}
        assert any("capability_options" in entry for entry in entries)


async def test_the_registry_has_more_than_the_list(client: httpx.AsyncClient) -> None:
    async with SimulatedNetwork() as network:
        rows = (await client.get(network.scout.url + "/registeredOrchestrators")).json()
        assert len(rows) == 14
        for key in (
            "Address",
            "ServiceURI",
            "Active",
            "DelegatedStake",
            "ActivationRound",
            "DeactivationRound",
        ):
            assert all(key in row for row in rows)
        assert [row["Active"] for row in rows].count(False) == 1
        assert rows[0]["ServiceURI"] == network.orchestrators[0].url
        assert rows[0]["DeactivationRound"] == 2**256 - 1


async def test_an_older_gateway_lists_names_without_uris(client: httpx.AsyncClient) -> None:
    async with SimulatedNetwork() as network:
        url = network.scout.url + "/getOrchestratorAICapabilities"
        assert (await client.get(url)).status_code == 404
        network.scout.mode = ScoutMode.OLDER
        body = (await client.get(url)).json()
        assert len(body["orchestrators"]) == 12
        first = body["orchestrators"][0]
        assert first["address"].lower() == network.members[0].address
        pipelines = {p["type"]: p["models"] for p in first["pipelines"]}
        assert pipelines.keys() == {"Text to image", "Llm"}
        statuses = [model["status"] for models in pipelines.values() for model in models]
        assert {"Cold": 0, "Warm": 1} in statuses
        assert {"Cold": 1, "Warm": 0} in statuses
        newer = await client.get(network.scout.url + "/getNetworkCapabilities")
        assert newer.status_code == 404


async def test_the_scout_fails_on_request(client: httpx.AsyncClient) -> None:
    async with SimulatedNetwork(2) as network:
        url = network.scout.url + "/getNetworkCapabilities"
        network.scout.mode = ScoutMode.UNAVAILABLE
        answer = await client.get(url)
        assert answer.status_code == 500
        assert answer.text.startswith("network capabilities not available\n{")
        network.scout.mode = ScoutMode.EMPTY
        assert (await client.get(url)).json()["orchestrators"] == []
        network.scout.mode = ScoutMode.HTML
        page = await client.get(url)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        network.scout.mode = ScoutMode.CURRENT
        assert len((await client.get(url)).json()["orchestrators"]) == 3


async def test_the_scout_is_on_chain(client: httpx.AsyncClient) -> None:
    async with SimulatedNetwork(1) as network:
        assert (await client.get(network.scout.url + "/EthChainID")).text == "42161"
        assert (await client.get(network.scout.url + "/nothing")).status_code == 404
