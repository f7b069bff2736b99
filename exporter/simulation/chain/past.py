"""What had happened in the round in which a chain begins, before it did."""

from collections.abc import Sequence
from typing import Final

from exporter.simulation.chain.changes import BONDING, Event
from exporter.simulation.chain.contracts import round_hash
from exporter.simulation.chain.state import FIRST_ROUND, Registered, Standing

ROUND_BEGAN: Final = 4800
"""Blocks before the chain begins: 20 minutes of the real one."""
_LEFT: Final = 2400
_JOINED: Final = 1200
_NEXT: Final = (FIRST_ROUND + 1,)


def past(registered: Sequence[Registered]) -> dict[int, tuple[Event, ...]]:
    """Events by how many blocks ago: the round began, somebody left in it, somebody joined."""
    began = Event("RoundsManager", "NewRound", FIRST_ROUND, (round_hash(FIRST_ROUND),))
    return {
        ROUND_BEGAN: (began,),
        _LEFT: _of(registered, Standing.LEAVING, "TranscoderDeactivated"),
        _JOINED: _of(registered, Standing.JOINING, "TranscoderActivated"),
    }


def _of(registered: Sequence[Registered], standing: Standing, name: str) -> tuple[Event, ...]:
    those = (one.address for one in registered if one.standing is standing)
    return tuple(Event(BONDING, name, address, _NEXT) for address in those)
