"""The ways to reach orchestrators: which lane runs an offer's jobs."""

import asyncio
from collections.abc import Iterable

from pydantic import SecretStr

from exporter.model import LaneKind, Offer
from exporter.probing.backend import Origin
from exporter.probing.handshake import host_and_port
from exporter.settings import Lane as LaneSettings


class Lane:
    """One way to make a job run on exactly one orchestrator; it runs one job at a time.

    `url` is the base that jobs are sent to. `trusted` origins stand in the operator's settings;
    only to these is the `token` sent.
    """

    def __init__(
        self,
        *,
        kind: LaneKind,
        name: str,
        url: str,
        trusted: frozenset[Origin] = frozenset(),
        token: SecretStr | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.url = url
        self.trusted = trusted
        self.token = token
        self.free = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Lane({self.name})"


class Lanes:
    """All lanes of the settings; those that serve everyone are made as they are needed."""

    def __init__(self, settings: Iterable[LaneSettings]) -> None:
        self._named: dict[str, LaneSettings] = {}
        self._everyone: LaneSettings | None = None
        for lane in settings:
            if lane.orchestrator is None:
                self._everyone = lane
            else:
                self._named[lane.orchestrator] = lane
        self._made: dict[tuple[str, str, bool], Lane] = {}

    def for_offer(self, offer: Offer) -> Lane | None:
        """The lane that runs this offer's jobs; `None` if no lane reaches its orchestrator."""
        settings = self._named.get(offer.target.orchestrator, self._everyone)
        if settings is None:
            return None
        url = settings.url or offer.service_uri
        if url is None:
            return None
        own = settings.url is not None or offer.named_by_operator
        key = (offer.target.orchestrator, url, own)
        if key not in self._made:
            host, port = host_and_port(url)
            self._made[key] = Lane(
                kind=LaneKind(settings.kind),
                name=f"{settings.kind}:{host}:{port}",
                url=url.rstrip("/"),
                trusted=frozenset({(host, port)}) if own else frozenset(),
                token=settings.token if own else None,
            )
        return self._made[key]

    def keep(self, offers: Iterable[Offer]) -> None:
        """Forget the lanes of orchestrators that are gone and have no job under way."""
        wanted = {offer.target.orchestrator for offer in offers}
        self._made = {
            key: lane for key, lane in self._made.items() if key[0] in wanted or lane.free.locked()
        }
