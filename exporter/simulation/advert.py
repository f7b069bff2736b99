"""What a gateway tells about the network, in the shapes of go-livepeer's CLI port."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from eth_utils.address import to_checksum_address

from exporter.model import pipeline_display
from exporter.simulation.population import Card, Member, OfferedOnly, ServedModel

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
CAPABILITY: Final = {
    "text-to-image": 27,
    "image-to-image": 28,
    "image-to-video": 29,
    "upscale": 30,
    "audio-to-text": 31,
    "segment-anything-2": 32,
    "llm": 33,
    "image-to-text": 34,
    "text-to-speech": 36,
}
"""Capability ids of the batch pipelines."""
_LIVE_VIDEO: Final = 35
_BYOC: Final = 37
_NEVER: Final = 2**256 - 1

Json = dict[str, Any]
Free = Callable[[ServedModel], int]


class Advertised(Protocol):
    """An orchestrator as the lists know it."""

    @property
    def member(self) -> Member:
        """Who it is and what it offers."""

    @property
    def listed_uri(self) -> str:
        """The service URI that is registered for it."""

    def free(self, model: ServedModel) -> int:
        """How much capacity its advert shows as free."""


def network_capabilities(orchestrators: Sequence[Advertised]) -> Json:
    """The body of `/getNetworkCapabilities`; the first entry stands in it twice."""
    entries = [_entry(orchestrator) for orchestrator in orchestrators]
    return {"capabilities_names": CAPABILITY_NAMES, "orchestrators": [*entries, *entries[:1]]}


def no_network_capabilities() -> str:
    """The body of status 500 from a gateway that has no list: a line, then JSON."""
    empty = {"capabilities_names": CAPABILITY_NAMES, "orchestrators": None}
    return "network capabilities not available\n" + msgspec.json.encode(empty).decode()


def orchestrator_ai_capabilities(orchestrators: Sequence[Advertised]) -> Json:
    """The body of the older `/getOrchestratorAICapabilities`: names and counts, no URIs."""
    return {
        "orchestrators": [
            {
                "address": to_checksum_address(orchestrator.member.address),
                "pipelines": _older_pipelines(orchestrator.member),
            }
            for orchestrator in orchestrators
        ]
    }


def registered_orchestrators(
    orchestrators: Sequence[Advertised], others: Sequence[str]
) -> list[Json]:
    """The body of `/registeredOrchestrators`; of the `others`, who do no AI, the last is gone."""
    rows = [
        registered(o.member.address, o.listed_uri, o.member.stake, active=True)
        for o in orchestrators
    ]
    for number, address in enumerate(others, 1):
        uri = f"https://transcoder-{number}.example:8935"
        rows.append(registered(address, uri, 10**20, active=number < len(others)))
    return rows


def capabilities(
    models: Sequence[ServedModel], offered: Sequence[OfferedOnly], version: str, free: Free
) -> Json:
    """A node's capabilities and their constraints, as it tells them itself."""
    ids = {CAPABILITY[model.pipeline] for model in models}
    ids |= {offer.capability for offer in offered} | {0, 1, 2, 3, 12}
    return {
        "bitstring": _bitstring(ids),
        "capacities": {str(number): 1 for number in sorted(ids)},
        "version": version,
        "constraints": {
            "minVersion": version,
            "PerCapability": _per_capability(models, offered, free),
        },
    }


def prices(models: Sequence[ServedModel], offered: Sequence[OfferedOnly]) -> list[Json]:
    """Wei per unit of everything that a node offers."""
    served = [(CAPABILITY[model.pipeline], model.model, model.price) for model in models]
    others = [(offer.capability, offer.model, offer.price) for offer in offered]
    return [
        {"pricePerUnit": price, "pixelsPerUnit": 1, "capability": number, "constraint": name}
        for number, name, price in served + others
    ]


def hardware(models: Sequence[ServedModel]) -> list[Json]:
    """The GPU behind each model for which one is known."""
    return [_hardware(m.pipeline, m.model, m.card) for m in models if m.card is not None]


def _entry(orchestrator: Advertised) -> Json:
    member = orchestrator.member
    entry: Json = {
        "address": to_checksum_address(member.address),
        "local_address": to_checksum_address(member.local_address),
        "orch_uri": orchestrator.listed_uri,
        "capabilities": capabilities(
            member.models, member.offered, member.version, orchestrator.free
        ),
        "price_info": {"pricePerUnit": base_price(member), "pixelsPerUnit": 1},
        "capabilities_prices": prices(member.models, member.offered),
        "hardware": hardware(member.models),
    }
    jobs = [offer.model for offer in member.offered if offer.capability == _BYOC]
    if jobs:
        entry["capability_options"] = {job: [{"model": "example/any"}] for job in jobs}
    return entry


def base_price(member: Member) -> int:
    """Wei per unit of what has no price of its own."""
    return 100 + member.number


def _bitstring(ids: set[int]) -> list[int]:
    words = [0] * (max(ids) // 64 + 1)
    for number in ids:
        words[number // 64] |= 1 << number % 64
    return words


def _per_capability(
    models: Sequence[ServedModel], offered: Sequence[OfferedOnly], free: Free
) -> Json:
    found: dict[str, Json] = {}
    for model in models:
        named = found.setdefault(str(CAPABILITY[model.pipeline]), {"models": {}})["models"]
        named[model.model] = _model(model, free(model))
    for offer in offered:
        named = found.setdefault(str(offer.capability), {"models": {}})["models"]
        named[offer.model] = _offer(offer)
    return found


def _model(model: ServedModel, free: int) -> Json:
    """A model's constraints, in which fields that are false, 0 or empty are missing."""
    return _present(
        warm=model.warm,
        capacity=free,
        runnerVersion=model.runner_version,
        capacityInUse=model.capacity - free,
    )


def _offer(offer: OfferedOnly) -> Json:
    return _present(
        warm=offer.capability == _LIVE_VIDEO, capacity=offer.capacity, capacityInUse=offer.in_use
    )


def _present(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value}


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


def _older_pipelines(member: Member) -> list[Json]:
    found: dict[str, list[Json]] = {}
    for model in member.models:
        status = {"Cold": int(not model.warm), "Warm": int(model.warm)}
        row = {"name": model.model, "status": status}
        found.setdefault(pipeline_display(model.pipeline), []).append(row)
    return [{"type": name, "models": models} for name, models in found.items()]


def registered(address: str, uri: str, stake: int, *, active: bool) -> Json:
    """One row of `/registeredOrchestrators`; the stake is wei."""
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
