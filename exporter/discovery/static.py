"""Endpoints that the operator names in the settings."""

from collections.abc import Sequence
from typing import Final

from exporter.discovery.listing import Listing
from exporter.model import Offer, Target
from exporter.settings import StaticEndpoint, StaticModel

NAME: Final = "static"


class StaticSource:
    """The offers of `sources.static`."""

    name: Final = NAME

    def __init__(self, endpoints: Sequence[StaticEndpoint]) -> None:
        self._listing = Listing(
            offers=tuple(
                _offer(endpoint, model) for endpoint in endpoints for model in endpoint.models
            )
        )

    async def read(self) -> Listing:
        """The same offers every time."""
        return self._listing


def _offer(endpoint: StaticEndpoint, model: StaticModel) -> Offer:
    return Offer(
        target=Target(endpoint.orchestrator, model.pipeline, model.model),
        service_uri=endpoint.uri,
        warm=model.warm,
        capacity=model.capacity,
        price_per_unit=model.price_per_unit,
        sources=(NAME,),
        named_by_operator=True,
    )
