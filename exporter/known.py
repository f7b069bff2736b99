"""What the probe knows to be offered at this moment."""

from exporter.model import Offer, Supply
from exporter.normal_url import normal_url


class Known:
    """What is known to be offered now, and who shares a service URI with whom."""

    def __init__(self) -> None:
        self.supply: Supply | None = None
        self._givers: dict[str, set[str]] = {}

    def take(self, supply: Supply) -> None:
        """From now on this is what is known."""
        self.supply = supply
        givers: dict[str, set[str]] = {}
        for offer in supply.offers:
            if offer.service_uri is not None:
                uri = normal_url(offer.service_uri)
                givers.setdefault(uri, set()).add(offer.target.orchestrator)
        self._givers = {uri: who for uri, who in givers.items() if len(who) > 1}

    def shared(self, offer: Offer) -> bool:
        """Whether another orchestrator gives the same service URI."""
        return offer.service_uri is not None and normal_url(offer.service_uri) in self._givers

    def orchestrators(self) -> frozenset[str]:
        """Everybody who is known to offer something, or to be registered on the chain."""
        if self.supply is None:
            return frozenset()
        return frozenset(
            [
                *(offer.target.orchestrator for offer in self.supply.offers),
                *(one.orchestrator for one in self.supply.registered),
            ]
        )
