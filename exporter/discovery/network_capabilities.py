"""The answer of a gateway's `/getNetworkCapabilities`, as offers.

Only what an orchestrator lists as a model of a capability is an offer: its prices also name
models that it does not serve now, and these are no offers. The exception is `byoc`, whose
services are listed with their prices only; they are offers, of a pipeline that is not tested.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw

from exporter.discovery import reading
from exporter.discovery.capabilities import BYOC, PIPELINES, capability_id, pipeline_of
from exporter.discovery.listing import Listing
from exporter.discovery.node import GPUS_LIMIT, Node, Orchestrator, read_node
from exporter.discovery.reading import ABSENT, Tally
from exporter.model import Offer, Target

PATH: Final = "/getNetworkCapabilities"


class _Network(msgspec.Struct):
    orchestrators: list[Raw] | None = None
    capabilities_names: Raw = ABSENT


class _Capabilities(msgspec.Struct):
    version: Raw = ABSENT
    constraints: Raw = ABSENT


class _Constraints(msgspec.Struct, rename={"per_capability": "PerCapability"}):
    per_capability: dict[str, Raw] | None = None


class _Capability(msgspec.Struct):
    models: dict[str, Raw] | None = None


class _Model(msgspec.Struct, rename="camel"):
    # Fields that protobuf leaves out have their type's zero: no free slot, not loaded.
    warm: bool | None = False
    capacity: int | None = 0
    capacity_in_use: int | None = 0
    runner_version: str | None = None


_NETWORK = msgspec.json.Decoder(_Network)
_NAMES = msgspec.json.Decoder(dict[str, str] | None)
_ORCHESTRATOR = msgspec.json.Decoder(Orchestrator)
_CAPABILITIES = msgspec.json.Decoder(_Capabilities | None)
_CONSTRAINTS = msgspec.json.Decoder(_Constraints | None)
_CAPABILITY = msgspec.json.Decoder(_Capability | None)
_MODEL = msgspec.json.Decoder(_Model | None)
_TEXT = msgspec.json.Decoder(str | None)


def parse(body: bytes, source: str) -> Listing:
    """The offers in an answer, under the name of their source.

    Raises `SourceError` when the answer as a whole is not what it should be; what is wrong in
    its parts is left out and counted.
    """
    network = reading.decode(body, _NETWORK, PATH)
    reader = _Reader(source)
    reader.read_names(network.capabilities_names)
    offers: list[Offer] = []
    entries = reader.tally.first(network.orchestrators or [], reading.ENTRIES_LIMIT)
    for entry in reader.tally.read_each(entries, _ORCHESTRATOR):
        offers += reader.offers(entry)
        if len(offers) > reading.OFFERS_LIMIT:
            break
    offers = reader.tally.first(offers, reading.OFFERS_LIMIT)
    return Listing(offers=tuple(offers), skipped=reader.tally.skipped)


class _Reader:
    """Reads the entries of one answer."""

    def __init__(self, source: str) -> None:
        self.tally = Tally()
        self._source = source
        self._names: dict[int, str] = {}

    def read_names(self, raw: Raw) -> None:
        """Learn what the answer calls the capabilities."""
        for key, text in (self.tally.read(raw, _NAMES) or {}).items():
            capability = capability_id(key)
            label = reading.name(text)
            if capability is not None and label is not None:
                self._names[capability] = label

    def offers(self, entry: Orchestrator) -> list[Offer]:
        """What one entry offers."""
        node = read_node(entry, self._names, self.tally)
        if node is None:
            return []
        capabilities = self.tally.read(entry.capabilities, _CAPABILITIES) or _Capabilities()
        version = reading.name(self.tally.read(capabilities.version, _TEXT))
        offers = [
            offer
            for capability, model, advert in self._models(capabilities)
            if (offer := self._offer(node, version, capability, model, advert)) is not None
        ]
        return offers + _byoc(node, version, self._source)

    def _models(self, capabilities: _Capabilities) -> Iterator[tuple[int, str, _Model]]:
        constraints = self.tally.read(capabilities.constraints, _CONSTRAINTS) or _Constraints()
        for key, raw in (constraints.per_capability or {}).items():
            capability = capability_id(key)
            if capability is None:
                self.tally.skip()
                continue
            models = (self.tally.read(raw, _CAPABILITY) or _Capability()).models or {}
            for model, facts in self.tally.first(list(models.items()), reading.MODELS_LIMIT):
                advert = self.tally.read(facts, _MODEL)
                if advert is not None:
                    yield capability, model, advert

    def _offer(
        self, node: Node, version: str | None, capability: int, model: str, advert: _Model
    ) -> Offer | None:
        label = reading.name(model)
        if label is None:
            self.tally.skip()
            return None
        pipeline = pipeline_of(capability, self._names)
        return Offer(
            target=Target(node.address, pipeline, label),
            service_uri=node.service_uri,
            warm=bool(advert.warm),
            capacity=reading.count(advert.capacity or 0),
            capacity_in_use=reading.count(advert.capacity_in_use or 0),
            price_per_unit=node.price(capability, model),
            runner_version=reading.name(advert.runner_version),
            node_version=version,
            local_address=node.local_address,
            hardware=node.hardware.get((pipeline, label), ()),
            sources=(self._source,),
            not_tested=node.not_tested,
        )


def _byoc(node: Node, version: str | None, source: str) -> list[Offer]:
    """The services that have a price; their hardware is listed under the service's name."""
    offers = []
    for (capability, service), price in node.prices.items():
        label = reading.name(service)
        if capability != BYOC or label is None:
            continue
        gpus = [gpu for key, gpus in node.hardware.items() if key[0] == label for gpu in gpus]
        offers.append(
            Offer(
                target=Target(node.address, PIPELINES[BYOC], label),
                service_uri=node.service_uri,
                price_per_unit=price,
                node_version=version,
                local_address=node.local_address,
                hardware=tuple(gpus[:GPUS_LIMIT]),
                sources=(source,),
                not_tested=node.not_tested,
            )
        )
    return offers
