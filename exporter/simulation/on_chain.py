"""What a simulated network has on its chain: who is registered, and an account for the tester."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import yaml

from exporter.simulation.bystanders import Bystanders
from exporter.simulation.chain.node import ChainNode
from exporter.simulation.chain.state import Registered
from exporter.simulation.gateway.keystore import Keystore
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.population import PRICE_LIMIT, Member

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_GENEROUS: Final = 10**15
"""Wei that all tickets of a job may be worth: more than any job here costs, dear ones apart."""
_DEPOSIT: Final = 10**17
_RESERVE: Final = 36 * 10**16
_FOLLOW_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 60.0


class OnChain:
    """The chain of a network, and the secrets of those who test it.

    All members are registered but for those with an address in `unregistered`, and so are some
    `bystanders`. With an `impostor`, one more is, with the service URI of `victim`. `speed` is
    that of the chain.
    """

    def __init__(
        self,
        orchestrators: Sequence[SimulatedOrchestrator],
        bystanders: Bystanders,
        rng: Random,
        *,
        victim: SimulatedOrchestrator | None = None,
        unregistered: Collection[str] = (),
        speed: float = 1.0,
    ) -> None:
        self.bystanders = bystanders
        self._orchestrators = orchestrators
        self._victim = victim
        self._unregistered = unregistered
        self._rng = rng
        self._speed = speed
        self.key: Final = rng.randbytes(16).hex()
        """The secret part of the node's URL."""
        self.passphrase: Final = f"pass-{rng.randbytes(8).hex()}"
        self.impostor = None if victim is None else _impostor(victim.member, rng)
        self._node: ChainNode | None = None

    @property
    def node(self) -> ChainNode:
        """The Ethereum node. Raises `RuntimeError` before `start`."""
        if self._node is None:
            raise RuntimeError("the simulated chain has not been started")
        return self._node

    async def start(self) -> None:
        """Begin the chain; the members must have been started, since it holds their URIs."""
        await self.bystanders.start()
        self._node = ChainNode(self.registered(), self.key, speed=self._speed)
        await self._node.start()

    async def stop(self) -> None:
        """Stop the node."""
        if self._node is not None:
            await self._node.stop()
        await self.bystanders.stop()

    def registered(self) -> list[Registered]:
        """Everybody on the chain when it begins."""
        found = [
            _row(one.member, one.listed_uri)
            for one in self._orchestrators
            if one.member.address not in self._unregistered
        ]
        found += self.bystanders.registered()
        if self.impostor is not None and self._victim is not None:
            found.append(_row(self.impostor, self._victim.gateway_url))
        return found

    def reading(self, data: Path) -> dict[str, Any]:
        """Settings for reading the chain; writes the file of labels into `data`."""
        data.mkdir(parents=True, exist_ok=True)
        labels = data / "labels.yaml"
        labels.write_text(yaml.safe_dump(self.labels()), encoding="utf-8")
        return {
            "ethereum": {"rpc": [{"url": self.node.url, "name": "simulated"}]},
            "names": {"labels": str(labels.absolute())},
        }

    def source(self) -> dict[str, float]:
        """Settings of `sources.chain`."""
        return {
            "refresh_interval": _LOOK_SECONDS,
            "follow_events": _FOLLOW_SECONDS,
            "reach_interval": _LOOK_SECONDS,
        }

    def labels(self) -> dict[str, str]:
        """Names by address."""
        return {one.member.address: one.member.name for one in self._orchestrators} | {
            address: name for name, address in self.bystanders.addresses.items()
        }

    def paying(self, data: Path) -> dict[str, Any]:
        """Settings of `livepeer.on_chain`; writes keystore and passphrase into `data`.

        An account that is there already stays. It has money on the chain.
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
        self.node.chain.fund(account.lower(), deposit=_DEPOSIT, reserve=_RESERVE)
        return {
            "account": account,
            "keystore": str(folder.absolute()),
            "passphrase_file": str(file.absolute()),
            "max_price_per_unit": PRICE_LIMIT,
            "max_ticket_ev": _GENEROUS,
            "max_total_ev": _GENEROUS,
        }

    def static(self) -> list[Mapping[str, Any]]:
        """Those whom an operator has to name, since a scout does not show them.

        A gateway's list never has the impostor, nor who is not registered.
        """
        found = [
            _named(one.member, one.gateway_url)
            for one in self._orchestrators
            if one.member.address in self._unregistered
        ]
        if self.impostor is not None and self._victim is not None:
            found.append(_named(self.impostor, self._victim.gateway_url))
        return found


def _row(member: Member, uri: str) -> Registered:
    """Every second one has the same URI in the registry of transcoding."""
    plain = uri if member.number % 2 else ""
    return Registered(member.address, plain, uri, stake=member.stake)


def _named(member: Member, uri: str) -> Mapping[str, Any]:
    models = [
        {"pipeline": one.pipeline, "model": one.model, "price_per_unit": float(one.price)}
        for one in member.models
    ]
    return {"orchestrator": member.address, "uri": uri, "models": models}


def _impostor(victim: Member, rng: Random) -> Member:
    address = "0x" + rng.randbytes(20).hex()
    return msgspec.structs.replace(
        victim, name="impostor", address=address, local_address=address, offered=()
    )
