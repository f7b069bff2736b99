"""Endpoints that answer badly on purpose, each under a name.

`HOSTILE` maps names to factories: `async with HOSTILE["html"]() as server: ... server.url`.
Every server speaks raw HTTP/1.1 on 127.0.0.1, keeps a list of the requests it saw, and stops at
once whatever its clients do. One whose badness is in the artefact answers a POST with a picture's
path and misbehaves when that is fetched.
"""

from collections.abc import Callable, Mapping
from typing import Final

from exporter.simulation import hostile_media, hostile_wire
from exporter.simulation.hostile_server import Behaviour, HostileServer

__all__ = ["FILES", "HOSTILE", "HostileServer"]


def _factory(
    name: str, behaviour: Behaviour, *, reads_body: bool = True
) -> Callable[[], HostileServer]:
    return lambda: HostileServer(name, behaviour, reads_body=reads_body)


_BEHAVIOURS: Final = {**hostile_wire.BEHAVIOURS, **hostile_media.BEHAVIOURS}

HOSTILE: Final[Mapping[str, Callable[[], HostileServer]]] = {
    **{name: _factory(name, behaviour) for name, behaviour in _BEHAVIOURS.items()},
    **{
        name: _factory(name, behaviour, reads_body=False)
        for name, behaviour in hostile_wire.EARLY_BEHAVIOURS.items()
    },
}
"""Name to factory of every hostile endpoint."""

FILES: Final[Mapping[str, Callable[[], HostileServer]]] = {
    name: _factory(name, behaviour) for name, behaviour in hostile_media.FILES.items()
}
"""Name to factory of endpoints that answer well, with a hostile picture, film or sound."""
