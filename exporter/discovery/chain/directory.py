"""Where Livepeer's contracts are: the Controller's word, compared with what is known."""

import logging
from collections.abc import Sequence
from typing import Any

from exporter.discovery.chain.facts import NAMES, Addresses
from exporter.ethereum.abi import AnswerError, EmptyAnswerError
from exporter.ethereum.contracts import KNOWN, NOBODY
from exporter.ethereum.node import EthereumError
from exporter.settings.ethereum import Ethereum

log = logging.getLogger(__name__)


class Directory:
    """Reads what the Controller names."""

    def __init__(self, settings: Ethereum) -> None:
        self.unexpected: dict[str, str] = {}
        """Contracts that are elsewhere than is known, and where; told in the log once."""
        self._settings = settings

    def named(self, values: Sequence[Any]) -> Addresses:
        """From the answers to `facts.resolving`. Raises `EthereumError`."""
        controller = self._settings.controller
        for name, value in zip(NAMES, values, strict=True):
            if isinstance(value, EmptyAnswerError):
                raise EmptyAnswerError(
                    f"there is no contract at {controller} on chain {self._settings.chain_id}: "
                    "see `ethereum.controller` and `ethereum.chain_id`"
                )
            if isinstance(value, EthereumError) or value == NOBODY:
                raise AnswerError(
                    f"the contract at {controller} knows no {name}: it is not Livepeer's "
                    "Controller; see `ethereum.controller`"
                )
        self._compare(dict(zip(NAMES, values, strict=True)))
        bonding, registry, rounds = values
        return Addresses(controller, bonding, registry, rounds, self._settings.ai_registry)

    def _compare(self, named: dict[str, str]) -> None:
        for name, expected in KNOWN.get(self._settings.chain_id, {}).items():
            where = named.get(name, expected)
            if where == expected:
                self.unexpected.pop(name, None)
            elif self.unexpected.get(name) != where:
                self.unexpected[name] = where
                log.warning(
                    "the Controller names another contract than is known; its word holds",
                    extra={"contract": name, "named": where, "known": expected},
                )
