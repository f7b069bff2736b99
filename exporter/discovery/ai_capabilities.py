"""The older answers of a gateway, as offers.

`/getOrchestratorAICapabilities` names no service URIs, `/registeredOrchestrators` does.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from exporter.discovery import reading
from exporter.discovery.listing import Listing
from exporter.discovery.reading import ABSENT, Tally
from exporter.discovery.service_uri import judge
from exporter.model import Offer, Target, pipeline_uri

PATH: Final = "/getOrchestratorAICapabilities"
REGISTERED_PATH: Final = "/registeredOrchestrators"


class _Network(msgspec.Struct):
    orchestrators: list[Raw] | None = None


class _Orchestrator(msgspec.Struct):
    address: str
    pipelines: list[Raw] | None = None


class _Pipeline(msgspec.Struct):
    type: str
    models: list[Raw] | None = None


class _Model(msgspec.Struct):
    name: str
    status: Raw = ABSENT


class _Status(msgspec.Struct, rename="pascal"):
    warm: int | None = 0


class _Registered(msgspec.Struct):
    address: str = msgspec.field(name="Address")
    service_uri: str = msgspec.field(name="ServiceURI", default="")


_NETWORK = msgspec.json.Decoder(_Network)
_ORCHESTRATOR = msgspec.json.Decoder(_Orchestrator)
_PIPELINE = msgspec.json.Decoder(_Pipeline)
_MODEL = msgspec.json.Decoder(_Model)
_STATUS = msgspec.json.Decoder(_Status | None)
_LIST = msgspec.json.Decoder(list[Raw] | None)
_REGISTERED = msgspec.json.Decoder(_Registered)


def parse(body: bytes, uris: Mapping[str, str], source: str) -> Listing:
    """The offers in an answer, with the service URIs by address.

    Raises `SourceError` when the answer as a whole is not what it should be.
    """
    tally = Tally()
    offers: list[Offer] = []
    entries = reading.decode(body, _NETWORK, PATH).orchestrators or []
    for entry in tally.read_each(tally.first(entries, reading.ENTRIES_LIMIT), _ORCHESTRATOR):
        address = reading.address(entry.address)
        if address is None:
            tally.skip()
            continue
        offers += _offers(entry, address, uris.get(address), source, tally)
        if len(offers) > reading.OFFERS_LIMIT:
            break
    offers = tally.first(offers, reading.OFFERS_LIMIT)
    return Listing(offers=tuple(offers), skipped=tally.skipped)


def parse_registered(body: bytes) -> dict[str, str]:
    """Service URIs by address. Raises `SourceError` when it is no list."""
    tally = Tally()
    entries = reading.decode(body, _LIST, REGISTERED_PATH) or []
    uris = {}
    for entry in tally.read_each(entries[: reading.ENTRIES_LIMIT], _REGISTERED):
        address = reading.address(entry.address)
        if address is not None and entry.service_uri:
            uris[address] = entry.service_uri
    return uris


def _offers(
    entry: _Orchestrator, address: str, uri: str | None, source: str, tally: Tally
) -> list[Offer]:
    usable, refusal = judge(uri)
    offers = []
    pipelines = tally.first(entry.pipelines or [], reading.MODELS_LIMIT)
    for listed in tally.read_each(pipelines, _PIPELINE):
        pipeline = pipeline_uri(reading.name(listed.type) or "")
        models = tally.first(listed.models or [], reading.MODELS_LIMIT)
        for model in tally.read_each(models, _MODEL):
            label = reading.name(model.name)
            if not pipeline or label is None:
                tally.skip()
                continue
            status = tally.read(model.status, _STATUS) or _Status()
            offers.append(
                Offer(
                    target=Target(address, pipeline, label),
                    service_uri=usable,
                    warm=(status.warm or 0) > 0,
                    sources=(source,),
                    not_tested=refusal,
                )
            )
    return offers
