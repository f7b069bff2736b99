"""What a simulated network has on its chain: its registry, and an account for the tester."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from exporter.simulation.chain_node import ChainNode, Registered
from exporter.simulation.gateway.keystore import Keystore
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.population import PRICE_LIMIT, Member

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_GENEROUS: Final = 10**15
"""Wei that all tickets of a job may be worth: more than any job here costs, dear ones apart."""
_NOBODY: Final = "https://127.0.0.1:9"


class OnChain:
    """The chain of a network, and the secrets of those who test it.

    With an `impostor`, one more is registered, with the service URI of `victim`.
    """

    def __init__(
        self,
        orchestrators: Sequence[SimulatedOrchestrator],
        others: Sequence[str],
        rng: Random,
        *,
        victim: SimulatedOrchestrator | None = None,
    ) -> None:
        self._orchestrators = orchestrators
        self._others = others
        self._victim = victim
        self._rng = rng
        self.key: Final = rng.randbytes(16).hex()
        """The secret part of the node's URL."""
        self.passphrase: Final = f"pass-{rng.randbytes(8).hex()}"
        self.impostor = None if victim is None else _impostor(victim.member, rng)
        self.node = ChainNode(self.registered, self.key)

    def registered(self) -> list[Registered]:
        """Everybody on the chain: all members, and some who have no AI or are gone."""
        found = [_row(one.member, one.gateway_url) for one in self._orchestrators]
        found += [
            Registered(address, _NOBODY, active=number < len(self._others))
            for number, address in enumerate(self._others, 1)
        ]
        if self.impostor is not None and self._victim is not None:
            found.append(_row(self.impostor, self._victim.gateway_url))
        return found

    def settings(self, data: Path) -> dict[str, Any]:
        """Settings of `livepeer.on_chain`; writes keystore and passphrase into `data`.

        An account that is there already stays.
        """
        folder, file = data / "keystore", data / "passphrase"
        folder.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        folder.chmod(_PRIVATE_FOLDER)
        file.touch(_PRIVATE_FILE)
        keystore = Keystore(folder, self._rng)
        found = keystore.find("")
        if found is None:
            file.write_text(self.passphrase + "\n", encoding="utf-8")
            found = keystore.create(self.passphrase)
        account, _ = found
        return {
            "rpc": self.node.url,
            "account": account,
            "keystore": str(folder.absolute()),
            "passphrase_file": str(file.absolute()),
            "max_price_per_unit": PRICE_LIMIT,
            "max_ticket_ev": _GENEROUS,
            "max_total_ev": _GENEROUS,
        }

    def static(self) -> list[Mapping[str, Any]]:
        """The impostor as an operator may name him: a gateway's list never shows him."""
        if self.impostor is None or self._victim is None:
            return []
        models = [
            {"pipeline": one.pipeline, "model": one.model, "price_per_unit": float(one.price)}
            for one in self.impostor.models
        ]
        uri = self._victim.gateway_url
        return [{"orchestrator": self.impostor.address, "uri": uri, "models": models}]


def _row(member: Member, uri: str) -> Registered:
    return Registered(member.address, uri, stake=member.stake)


def _impostor(victim: Member, rng: Random) -> Member:
    address = "0x" + rng.randbytes(20).hex()
    return msgspec.structs.replace(
        victim, name="impostor", address=address, local_address=address, offered=()
    )
