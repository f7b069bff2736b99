"""Ethereum: the nodes that are asked, the contracts, the names of addresses."""

import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator

from exporter.settings.types import (
    EthAddress,
    Listen,
    Seconds,
    Section,
    ShortName,
    mistake_at,
    once,
)

ARBITRUM_ONE: Final = 42161
CONTROLLER: Final = "0xd8e8328501e9645d16cf49539efc04f734606ee4"
AI_REGISTRY: Final = "0x04c0b249740175999e5bf5c9ac1da92431ef34c5"
MULTICALL: Final = "0xca11bde05977b3631167028862be2a173976ca11"


def _rpc_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not re.fullmatch(r"https?://[!-~]{1,2000}", text) or not _names_a_host(text):
        raise ValueError("expected the http(s) URL of an Ethereum RPC, such as https://HOST/KEY")
    return url


def _names_a_host(url: str) -> bool:
    try:
        split = urlsplit(url)
        return bool(split.hostname) and split.port != 0
    except ValueError:
        return False


class Rpc(Section):
    """One Ethereum node. Its URL usually holds a key, and is never shown."""

    url: Annotated[SecretStr, AfterValidator(_rpc_url)] = Field(
        description="URL of its JSON-RPC; better given as `url_file`."
    )
    name: ShortName | None = Field(
        default=None,
        description="What it is called in the log and in metrics. Not set: `rpc-1`, `rpc-2`, … in "
        "the order of the list.",
    )


def _url(rpc: Rpc) -> tuple[object, ...]:
    return (rpc.url.get_secret_value(),)


def named(nodes: list[Rpc], prefix: str = "rpc") -> list[tuple[str, str]]:
    """Name and URL of each node, in order."""
    return [
        (rpc.name or f"{prefix}-{number}", rpc.url.get_secret_value())
        for number, rpc in enumerate(nodes, start=1)
    ]


def _own_names(prefix: str) -> AfterValidator:
    """Refuse nodes of one name, which could not be told apart in the log and in metrics."""

    def check(nodes: list[Rpc]) -> list[Rpc]:
        first: dict[str, int] = {}
        for index, (name, _) in enumerate(named(nodes, prefix)):
            before = first.setdefault(name, index)
            if before != index:
                message = f"expected a name of its own, but entry [{before}] is called {name} too"
                raise mistake_at(message, index, "name")
        return nodes

    return AfterValidator(check)


class Relay(Section):
    """The relay on loopback through which gateways of our own ask Ethereum."""

    listen: Listen = Field(
        default="127.0.0.1:0",
        description="Address; a loopback one. Port 0: a free one, the same until the program ends.",
    )
    cache_bytes: int = Field(
        default=32 * 2**20, ge=2**20, le=2**30, description="Bytes of answers kept at most."
    )
    calls_per_second: float = Field(
        default=50.0,
        gt=0,
        le=10_000,
        description="Calls to the nodes a second at most, over all that ask through the relay; "
        "more of them wait.",
    )
    keep_pool: float = Field(
        default=600.0,
        ge=0,
        le=3600,
        description="Seconds for which readings of the list of orchestrators, which every starting "
        "gateway walks by some 700 calls, are given again although there are newer blocks; less "
        "when a contract tells of a change. 0: never.",
    )

    @field_validator("listen")
    @classmethod
    def _loopback(cls, listen: str) -> str:
        host = listen.rpartition(":")[0]
        if host not in ("127.0.0.1", "[::1]", "localhost"):
            raise ValueError(
                "expected a loopback address such as 127.0.0.1:0: whoever reaches the relay uses "
                "your nodes"
            )
        return listen


class Ethereum(Section):
    """The Ethereum nodes that the `chain` source, the money watch and our own gateways ask."""

    rpc: Annotated[list[Rpc], once("url", _url), _own_names("rpc")] = Field(
        default=[],
        max_length=10,
        description="Nodes, best first: the others are asked when it fails or lags.",
    )
    chain_id: int = Field(
        default=ARBITRUM_ONE,
        ge=1,
        le=2**53,
        description="The chain that they must be of; Arbitrum One by default.",
    )
    controller: EthAddress = Field(
        default=CONTROLLER, description="Livepeer's Controller, on which all other contracts hang."
    )
    ai_registry: EthAddress = Field(
        default=AI_REGISTRY,
        description="The registry of AI service URIs, which the Controller does not know.",
    )
    multicall: EthAddress | None = Field(
        default=MULTICALL,
        description="A Multicall3 contract that reads many things in one call; `null`: JSON-RPC "
        "batches do.",
    )
    batch: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="Calls in one JSON-RPC batch at most; providers have limits of their own. 1: "
        "no batches.",
    )
    timeout: Seconds = Field(default=10.0, le=120, description="Limit on one request.")
    relay: Relay = Field(default=Relay(), description="The relay for gateways of our own.")


class ChainSource(Section):
    """The chain as a source: who is registered and active. Needs `ethereum.rpc`."""

    refresh_interval: Seconds = Field(
        default=1800.0,
        ge=10,
        description="Seconds between two readings of the set; it changes once a round (a day).",
    )
    follow_events: Seconds | None = Field(
        default=None,
        ge=5,
        le=3600,
        description="Seconds between two looks for events (URI changes, who came and went), after "
        "which the set is read at once. Not set: no events are followed.",
    )
    members: int = Field(
        default=1000,
        ge=1,
        le=10_000,
        description="Orchestrators in the pool at most; a longer one is not believed.",
    )
    reach_interval: Seconds | None = Field(
        default=900.0,
        ge=60,
        description="Seconds between two looks whether each registered service URI can be "
        "reached (name, TCP, TLS; no job). `null`: never.",
    )
    keep_offers: Seconds | None = Field(
        default=86400.0,
        description="Seconds for which an active orchestrator that no source lists any more is "
        "still tested on what it offered last at its registered service URI, so that an outage is "
        "measured. `null`: not at all.",
    )


class Names(Section):
    """Names of orchestrators, for display only."""

    labels: Path | None = Field(
        default=None,
        description="File of names that you give: YAML, one `ADDRESS: name` a line. They come "
        "before other names.",
    )
    ens: Annotated[list[Rpc], once("url", _url), _own_names("ens")] = Field(
        default=[],
        max_length=10,
        description="Nodes of Ethereum mainnet (chain 1) that are asked for primary ENS names. "
        "Empty: none is asked for.",
    )
    keep: Seconds = Field(
        default=86400.0, ge=600, description="Seconds until a name is asked for again."
    )
