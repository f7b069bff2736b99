"""The gateway of our own that is not pinned, as a source: what it has seen of the network."""

from collections.abc import Callable
from typing import Final

from exporter.discovery.gateway import GatewaySource
from exporter.discovery.listing import Listing, SourceError
from exporter.settings import GatewaySource as GatewaySettings

NAME: Final = "scout"


class ScoutSource:
    """The offers that our own scout gateway knows; `url` gives its CLI port while it runs."""

    def __init__(self, url: Callable[[], str | None]) -> None:
        self.name: Final = NAME
        self._url = url
        self._at: tuple[str, GatewaySource] | None = None

    async def read(self) -> Listing:
        """Ask the scout, wherever it listens now. Raises `SourceError`."""
        url = self._url()
        if url is None:
            raise SourceError("the scout gateway is not running; the log tells why")
        if self._at is None or self._at[0] != url:
            self._at = (url, GatewaySource(GatewaySettings(url=url), name=NAME))
        return await self._at[1].read()
