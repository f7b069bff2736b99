"""What a gateway tells about the network, in the shapes of go-livepeer's CLI port."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from eth_utils.address import to_checksum_address

from exporter.model import pipeline_display
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.population import (
    LLM,
    TEXT_TO_IMAGE,
    Card,
    OfferedOnly,
    Profile,
    ServedModel,
)

CAPABILITY_NAMES: Final = {
    "-2": "Invalid",
    "-1": "Unused",
    "0": "H.264",
    "1": "MPEGTS",
    "2": "MP4",
    "3": "Fractional framerates",
    "12": "Auth token",
    "27": "Text to image",
    "28": "Image to image",
    "29": "Image to video",
    "30": "Upscale",
    "31": "Audio to text",
    "32": "Segment anything 2",
    "33": "Llm",
    "34": "Image to text",
    "35": "Live video to video",
    "36": "Text to speech",
    "37": "byoc",
}
CAPABILITY: Final = {TEXT_TO_IMAGE: 27, LLM: 33}
_LIVE_VIDEO: Final = 35
_BYOC: Final = 37
_NEVER: Final = 2**256 - 1

Json = dict[str, Any]


def network_capabilities(orchestrators: Sequence[SimulatedOrchestrator]) -> Json:
    """The body of `/getNetworkCapabilities`; the first entry stands in it twice."""
    entries = [_entry(orchestrator) for orchestrator in orchestrators]
    return {"capabilities_names": CAPABILITY_NAMES, "orchestrators": [*entries, *entries[:1]]}


def no_network_capabilities() -> str:
    """The body of status 500 from a gateway that has no list: a line, then JSON."""
    empty = {"capabilities_names": CAPABILITY_NAMES, "orchestrators": None}
    return "network capabilities not available\n" + msgspec.json.encode(empty).decode()


def orchestrator_ai_capabilities(orchestrators: Sequence[SimulatedOrchestrator]) -> Json:
    """The body of the older `/getOrchestratorAICapabilities`: names and counts, no URIs."""
    return {
        "orchestrators": [
            {
                "address": to_checksum_address(orchestrator.member.address),
                "pipelines": _older_pipelines(orchestrator),
            }
            for orchestrator in orchestrators
        ]
    }


def registered_orchestrators(
    orchestrators: Sequence[SimulatedOrchestrator], others: Sequence[str]
) -> list[Json]:
    """The body of `/registeredOrchestrators`; of the `others`, who do no AI, the last is gone."""
    rows = [
        _registered(o.member.address, o.url, o.member.stake, active=True) for o in orchestrators
    ]
    for number, address in enumerate(others, 1):
        uri = f"https://transcoder-{number}.example:8935"
        rows.append(_registered(address, uri, 10**20, active=number < len(others)))
    return rows


def _entry(orchestrator: SimulatedOrchestrator) -> Json:
    member = orchestrator.member
    offered = member.offered
    ids = {CAPABILITY[model.pipeline] for model in member.models}
    ids |= {offer.capability for offer in offered} | {0, 1, 2, 3, 12}
    entry: Json = {
        "address": to_checksum_address(member.address),
        "local_address": to_checksum_address(member.local_address),
        "orch_uri": orchestrator.url,
        "capabilities": {
            "bitstring": _bitstring(ids),
            "capacities": {str(number): 1 for number in sorted(ids)},
            "version": member.version,
            "constraints": {
                "minVersion": member.version,
                "PerCapability": _per_capability(orchestrator),
            },
        },
        "price_info": {"pricePerUnit": 100 + member.number, "pixelsPerUnit": 1},
        "capabilities_prices": _prices(orchestrator),
        "hardware": [_hardware(model.pipeline, model.model, model.card) for model in member.models],
    }
    jobs = [offer.model for offer in offered if offer.capability == _BYOC]
    if jobs:
        entry["capability_options"] = {job: [{"model": "example/any"}] for job in jobs}
    return entry


def _bitstring(ids: set[int]) -> list[int]:
    words = [0] * (max(ids) // 64 + 1)
    for number in ids:
        words[number // 64] |= 1 << number % 64
    return words


def _per_capability(orchestrator: SimulatedOrchestrator) -> Json:
    found: dict[str, Json] = {}
    for model in orchestrator.member.models:
        models = found.setdefault(str(CAPABILITY[model.pipeline]), {"models": {}})["models"]
        models[model.model] = _model(model, orchestrator)
    for offer in orchestrator.member.offered:
        models = found.setdefault(str(offer.capability), {"models": {}})["models"]
        models[offer.model] = _offer(offer)
    return found


def _model(model: ServedModel, orchestrator: SimulatedOrchestrator) -> Json:
    """A model's constraints, in which fields that are false, 0 or empty are missing."""
    busy = orchestrator.member.profile is Profile.BUSY
    in_use = model.capacity if busy else min(model.capacity, orchestrator.in_flight(model))
    return _present(
        warm=model.warm,
        capacity=model.capacity - in_use,
        runnerVersion=model.runner_version,
        capacityInUse=in_use,
    )


def _offer(offer: OfferedOnly) -> Json:
    return _present(
        warm=offer.capability == _LIVE_VIDEO, capacity=offer.capacity, capacityInUse=offer.in_use
    )


def _present(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value}


def _prices(orchestrator: SimulatedOrchestrator) -> list[Json]:
    member = orchestrator.member
    served = [(CAPABILITY[model.pipeline], model.model, model.price) for model in member.models]
    offered = [(offer.capability, offer.model, offer.price) for offer in member.offered]
    return [
        {"pricePerUnit": price, "pixelsPerUnit": 1, "capability": number, "constraint": name}
        for number, name, price in served + offered
    ]


def _hardware(pipeline: str, model: str, card: Card) -> Json:
    gpu = _present(
        id=card.id,
        name=card.name,
        major=card.major,
        minor=card.minor,
        memory_free=card.memory_free,
        memory_total=card.memory_total,
    )
    return {"pipeline": pipeline, "model_id": model, "gpu_info": {"0": gpu}}


def _older_pipelines(orchestrator: SimulatedOrchestrator) -> list[Json]:
    found: dict[str, list[Json]] = {}
    for model in orchestrator.member.models:
        status = {"Cold": int(not model.warm), "Warm": int(model.warm)}
        row = {"name": model.model, "status": status}
        found.setdefault(pipeline_display(model.pipeline), []).append(row)
    return [{"type": name, "models": models} for name, models in found.items()]


def _registered(address: str, uri: str, stake: int, *, active: bool) -> Json:
    return {
        "Address": address,
        "ServiceURI": uri,
        "LastRewardRound": 4000,
        "RewardCut": 100_000,
        "FeeShare": 500_000,
        "DelegatedStake": stake,
        "ActivationRound": 2500,
        "DeactivationRound": _NEVER if active else 3900,
        "Active": active,
        "Status": "Registered",
        "PricePerPixel": "100",
    }
