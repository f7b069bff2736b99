"""Whether the service URIs of those who are registered can be reached, for `chain`."""

from collections.abc import Callable, Sequence

from exporter.model import Registration
from exporter.probing.guard import Guard
from exporter.probing.reachability.looking import (
    look_at_all,
    looker_of,
    uris_of,
    with_reachability,
)
from exporter.probing.resolve import Resolver
from exporter.settings import Settings


async def looked_at(
    settings: Settings, registered: Sequence[Registration], say: Callable[[str], None]
) -> tuple[Registration, ...]:
    """The registrations with what a look at each URI showed; `say` is told how far it is."""
    resolver = Resolver()
    looker = looker_of(settings, resolver=resolver, guard=Guard(settings.guard.allow))
    uris = {uri for one in registered for uri in uris_of(one)}
    found = {}
    try:
        async for look in look_at_all(looker, sorted(uris)):
            found[look.uri] = look
            say(f"looking at service URIs: {len(found)} of {len(uris)}")
    finally:
        resolver.close()
    return with_reachability(registered, found)
