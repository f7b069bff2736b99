"""CLI ports that the settings name and that prove nothing, since they do not answer: said once."""

import logging
from collections.abc import Collection

from exporter.probing.evidence import NO_POOLS
from exporter.probing.lanes import Lane

log = logging.getLogger(__name__)


class SilentPorts:
    """Told of each job's evidence; warns once for each CLI port, until it works again."""

    def __init__(self) -> None:
        self._silent: set[str] = set()

    def after(self, lane: Lane, evidence: Collection[str]) -> None:
        """A job was done over a lane; gateways of our own are watched elsewhere."""
        url = lane.cli_url
        if url is None or lane.process is not None:
            return
        silent = NO_POOLS in evidence
        if silent and url not in self._silent:
            log.warning(
                "a lane's cli_url does not tell its gateway's session pools: nothing proves who "
                "does its jobs",
                extra={"lane": lane.name, "cli_url": url},
            )
            self._silent.add(url)
        elif not silent and url in self._silent:
            log.info("a lane's cli_url answers again", extra={"lane": lane.name, "cli_url": url})
            self._silent.discard(url)
