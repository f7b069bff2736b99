"""What all offers of one entry of a gateway's list share: the node, its prices, its hardware."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from exporter.discovery import reading
from exporter.discovery.capabilities import capability_id, pipeline_of
from exporter.discovery.reading import ABSENT, Tally
from exporter.discovery.service_uri import judge
from exporter.model import Gpu, pipeline_uri

GPUS_LIMIT = 256
_PARTS_LIMIT = 5_000

Names = Mapping[int, str]
Prices = Mapping[tuple[int, str], float | None]
Hardware = Mapping[tuple[str, str], tuple[Gpu, ...]]


class Orchestrator(msgspec.Struct):
    """One entry of the list, its parts unread."""

    address: str
    local_address: Raw = ABSENT
    orch_uri: Raw = ABSENT
    capabilities: Raw = ABSENT
    capabilities_prices: Raw = ABSENT
    hardware: Raw = ABSENT


class Node(msgspec.Struct):
    """The node that an entry describes."""

    address: str
    service_uri: str | None
    not_tested: str | None
    """Why the service URI cannot be used."""
    local_address: str | None
    prices: Prices
    """Wei per unit by capability and model, which may be `default`."""
    hardware: Hardware
    """By pipeline and model."""

    def price(self, capability: int, model: str) -> float | None:
        """Wei per unit of this model; the capability's default where the model has none."""
        default = self.prices.get((capability, "default"))
        return self.prices.get((capability, model), default)


class _Price(msgspec.Struct, rename="camel"):
    capability: int = 0
    constraint: str = ""
    price_per_unit: int = 0
    pixels_per_unit: int = 0


class _Hardware(msgspec.Struct):
    pipeline: str
    model_id: str
    gpu_info: dict[str, Raw] | None = None


class _Gpu(msgspec.Struct):
    name: str
    memory_total: int | None = None
    memory_free: int | None = None


_TEXT = msgspec.json.Decoder(str | None)
_LIST = msgspec.json.Decoder(list[Raw] | None)
_PRICE = msgspec.json.Decoder(_Price)
_HARDWARE = msgspec.json.Decoder(_Hardware)
_GPU = msgspec.json.Decoder(_Gpu)


def read_node(entry: Orchestrator, names: Names, tally: Tally) -> Node | None:
    """The node; `None`, and counted, if the entry has no address."""
    address = reading.address(entry.address)
    if address is None:
        tally.skip()
        return None
    local = reading.address(tally.read(entry.local_address, _TEXT))
    uri, refusal = judge(tally.read(entry.orch_uri, _TEXT))
    return Node(
        address=address,
        service_uri=uri,
        not_tested=refusal,
        local_address=local if local != address else None,
        prices=_prices(entry.capabilities_prices, tally),
        hardware=_hardware(entry.hardware, names, tally),
    )


def _prices(raw: Raw, tally: Tally) -> Prices:
    entries = tally.first(tally.read(raw, _LIST) or [], _PARTS_LIMIT)
    return {
        (entry.capability, entry.constraint): reading.price(
            entry.price_per_unit, entry.pixels_per_unit
        )
        for entry in tally.read_each(entries, _PRICE)
    }


def _hardware(raw: Raw, names: Names, tally: Tally) -> Hardware:
    found: dict[tuple[str, str], list[Gpu]] = {}
    entries = tally.first(tally.read(raw, _LIST) or [], _PARTS_LIMIT)
    for entry in tally.read_each(entries, _HARDWARE):
        gpus = found.setdefault((_pipeline(entry.pipeline, names), entry.model_id), [])
        gpus += _gpus(entry, tally)[: GPUS_LIMIT - len(gpus)]
    return {key: tuple(gpus) for key, gpus in found.items()}


def _pipeline(text: str, names: Names) -> str:
    """Spelt as a URI, for display, or as a capability's number."""
    capability = capability_id(text)
    return pipeline_uri(text) if capability is None else pipeline_of(capability, names)


def _gpus(entry: _Hardware, tally: Tally) -> list[Gpu]:
    gpus = []
    for gpu in tally.read_each((entry.gpu_info or {}).values(), _GPU):
        label = reading.name(gpu.name)
        if label is not None:
            gpus.append(Gpu(label, reading.count(gpu.memory_total), reading.count(gpu.memory_free)))
    return gpus
