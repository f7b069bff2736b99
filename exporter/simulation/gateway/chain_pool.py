"""Who is registered, as an on-chain gateway keeps it: read once, kept up to date by events."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from exporter.simulation.gateway.directory import Known
from exporter.simulation.gateway.eth_client import Transcoder


class Entry(msgspec.Struct, frozen=True):
    """One orchestrator of the gateway's database."""

    address: str
    service_uri: str = ""
    activation_round: int = 0
    deactivation_round: int = 0


class ChainPool:
    """The directory of an unpinned gateway: the active ones among those who are registered."""

    def __init__(self) -> None:
        self.round = 0
        """The last initialized one that it knows of."""
        self._entries: dict[str, Entry] = {}

    def take(self, pool: Iterable[Transcoder]) -> None:
        """These are registered, too."""
        for one in pool:
            self.update(
                one.address,
                service_uri=one.service_uri,
                activation_round=one.activation_round,
                deactivation_round=one.deactivation_round,
            )

    def update(self, address: str, **fields: str | int) -> None:
        """Something is new about an address."""
        entry = self._entries.get(address, Entry(address))
        self._entries[address] = msgspec.structs.replace(entry, **fields)

    def active(self) -> list[Entry]:
        """Those who are active in the round that it knows of."""
        return [
            one
            for one in self._entries.values()
            if one.activation_round <= self.round < one.deactivation_round
        ]

    def without_uri(self) -> list[str]:
        """The active ones whose entry in the registry is of no use to a gateway."""
        return [one.address for one in self.active() if not usable_uri(one.service_uri)]

    async def known(self) -> list[Known]:
        """The list; empty before the chain was asked."""
        uris = [usable_uri(one.service_uri) for one in self.active()]
        return [Known(uri.rstrip("/"), 0) for uri in uris if uri]

    async def close(self) -> None:
        """Nothing is open."""


def usable_uri(text: str) -> str:
    """What go-livepeer makes of an entry; empty where it skips it."""
    uri = text if text.startswith("http") else f"https://{text}"
    try:
        return uri if urlsplit(uri).hostname and " " not in uri else ""
    except ValueError:
        return ""
