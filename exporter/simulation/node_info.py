"""A node's answer to `GetOrchestrator`: what a gateway is told before it sends jobs."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from eth_utils.address import to_checksum_address

from exporter.simulation import advert
from exporter.simulation.population import OfferedOnly, ServedModel

_TICKET: Final = {"face_value": 10**15, "ev": 8_000_000_000}
"""Wei that a winning ticket is worth, and any ticket on average."""

Json = dict[str, Any]


class Question(msgspec.Struct):
    """What a gateway asks; without a model it asks for all."""

    capability: int | None = None
    model: str | None = None
    sender: str | None = None


def info(
    question: Question,
    models: Sequence[ServedModel],
    offered: Sequence[OfferedOnly],
    version: str,
    free: advert.Free,
) -> Json:
    """What the node offers, and whether it serves the model that is asked for."""
    return {
        "capabilities": advert.capabilities(models, offered, version, free),
        "hardware": advert.hardware(models),
        "price_info": None,
        "capabilities_prices": None,
        "ticket_params": None,
        "serves": question.model is None or _asked_for(question, models) is not None,
    }


def prices(
    question: Question,
    models: Sequence[ServedModel],
    offered: Sequence[OfferedOnly],
    base_price: int,
    recipient: str,
) -> Json:
    """What it costs, that of the model that is asked for first, and what tickets are taken."""
    asked_for = _asked_for(question, models)
    price = base_price if asked_for is None else asked_for.price
    return {
        "price_info": {"pricePerUnit": price, "pixelsPerUnit": 1},
        "capabilities_prices": advert.prices(models, offered),
        "ticket_params": {"recipient": to_checksum_address(recipient), **_TICKET},
    }


def _asked_for(question: Question, models: Sequence[ServedModel]) -> ServedModel | None:
    wanted = (question.capability, question.model)
    found = (m for m in models if (advert.CAPABILITY[m.pipeline], m.model) == wanted)
    return next(found, None)
