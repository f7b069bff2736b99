"""The families about whether registered service URIs can be reached."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family

from exporter.delivery.families import clean, gauge
from exporter.model import Reachability, Registration, Supply, seconds

MAX_ORCHESTRATORS: Final = 1000


def reachability_families(supply: Supply | None, display: Callable[[str], str]) -> Iterator[Family]:
    """What the last look at each registered service URI showed; nothing where nobody looks."""
    if supply is None or not any(one.reachability for one in supply.registered):
        return
    reachable = gauge("livepeer_ai_orchestrator_reachable")
    handshake = gauge("livepeer_ai_orchestrator_handshake_seconds")
    expiry = gauge("livepeer_ai_orchestrator_certificate_expiry_timestamp_seconds")
    looked = gauge("livepeer_ai_orchestrator_reach_timestamp_seconds")
    for one in _most_stake_first(supply.registered):
        address = clean(display(one.orchestrator))
        for registry, look in _by_registry(one):
            labels = (address, registry)
            _add(reachable, labels, None if look.reached is None else float(look.reached))
            _add(handshake, labels, seconds(look.rtt))
            ends = None if look.certificate is None else look.certificate.not_after
            _add(expiry, labels, seconds(ends))
            _add(looked, labels, seconds(look.at))
    yield from (reachable, handshake, expiry, looked)


def _most_stake_first(registered: tuple[Registration, ...]) -> list[Registration]:
    by_stake = sorted(registered, key=lambda one: (-one.stake, one.orchestrator))
    return by_stake[:MAX_ORCHESTRATORS]


def _by_registry(one: Registration) -> Iterator[tuple[str, Reachability]]:
    looks = {look.uri: look for look in one.reachability}
    for registry, uri in (("ai", one.ai_service_uri), ("transcoding", one.service_uri)):
        if uri in looks:
            yield registry, looks[uri]


def _add(family: GaugeMetricFamily, labels: tuple[str, str], value: float | None) -> None:
    """A value that is not known has no sample."""
    if value is not None:
        family.add_metric(labels, value)
