"""Who is registered on a simulated network's chain and does no AI job there."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from exporter.simulation.chain.state import Registered, Standing
from exporter.simulation.node import SimulatedNode
from exporter.simulation.runner import Runner
from exporter.simulation.serving import own_host

_NOBODY: Final = "https://127.0.0.1:9"
_RUBBISH: Final = "javascript:alert('hello')//<b>\x07"
_HOST: Final = 900
"""Far from the hosts of members."""
_STAKE: Final = 10**21


class Bystanders:
    """One of each kind: `addresses` are theirs by kind.

    The idle one's node can be reached and offers nothing; who joins with the next round, and who
    leaves with this one, gave the same URI. Nobody listens at the silent one's. One has written
    into the registry of transcoding alone, one rubbish, and one is gone and its URIs are not.
    """

    def __init__(self, others: Sequence[str], rng: Random) -> None:
        silent, gone = others
        drawn = ["0x" + rng.randbytes(20).hex() for _ in range(5)]
        kinds = ("idle", "transcoding-only", "rubbish", "leaving", "joining")
        self.addresses: Mapping[str, str] = {
            **dict(zip(kinds, drawn, strict=True)),
            "silent": silent,
            "gone": gone,
        }
        self._node = SimulatedNode(
            Runner(()), host=own_host(_HOST), recipient=drawn[0], address=drawn[0]
        )

    async def start(self) -> None:
        """Start the idle node."""
        await self._node.start()

    async def stop(self) -> None:
        """Stop it."""
        await self._node.stop()

    def registered(self) -> list[Registered]:
        """How they stand on the chain when it begins."""
        uri = self._node.url
        rows = {
            "idle": Registered("", "", uri),
            "transcoding-only": Registered("", _NOBODY),
            "rubbish": Registered("", "", _RUBBISH),
            "leaving": Registered("", uri, uri, Standing.LEAVING),
            "joining": Registered("", uri, uri, Standing.JOINING),
            "silent": Registered("", _NOBODY, _NOBODY),
            "gone": Registered("", uri, uri, Standing.GONE),
        }
        return [
            Registered(
                self.addresses[kind],
                row.service_uri,
                row.ai_uri,
                row.standing,
                stake=_STAKE + number * _STAKE // 10,
            )
            for number, (kind, row) in enumerate(rows.items())
        ]
