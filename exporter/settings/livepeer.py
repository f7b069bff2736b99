"""The operator's own go-livepeer program, which managed lanes and the scout run."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from exporter.settings.types import EthAddress, Noun, Seconds, Section, mistake_at, once

OUR_FLAGS = frozenset(
    {
        "aiprocessingretrytimeout",
        "cliaddr",
        "config",
        "datadir",
        "depositmultiplier",
        "ethacctaddr",
        "ethkeystorepath",
        "ethpassword",
        "ethurl",
        "gateway",
        "broadcaster",
        "httpaddr",
        "ignoremaxpriceifneeded",
        "initializeround",
        "j",
        "maxpricepercapability",
        "maxpriceperunit",
        "maxticketev",
        "maxtotalev",
        "network",
        "orchaddr",
        "orchestrator",
        "orchwebhookurl",
        "pixelsperunit",
        "redeemer",
        "remotesigner",
        "remotesignerurl",
        "reward",
        "rtmpaddr",
        "serviceaddr",
        "transcoder",
        "aiworker",
        "v",
        "version",
    }
)
"""Flags that this program sets itself, that would make another node of it or that would lift the
limits on what it pays; in lower case."""

CHAIN_IDS: Final = {"arbitrum-one-mainnet": 42161, "arbitrum-one-sepolia": 421614}
"""Chain id of each network that go-livepeer knows by name."""


def _flag_name(text: str) -> str:
    name = text.lstrip("-")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9]{0,60}", name):
        raise ValueError("expected the name of a flag, such as monitor")
    if name.lower() in OUR_FLAGS:
        raise ValueError("expected another flag: this one is set by the program itself")
    return name


def _flag_value(text: str) -> str:
    if not re.fullmatch(r"[ -~]{0,2000}", text):
        raise ValueError("expected at most 2000 visible ASCII characters")
    return text


def _rpc(url: SecretStr) -> SecretStr:
    if not re.fullmatch(r"(https?|wss?)://[!-~]{1,2000}", url.get_secret_value()):
        raise ValueError("expected the URL of an Ethereum RPC, such as https://HOST/KEY")
    return url


Wei = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Flag(Section):
    """One more flag of the program."""

    name: Annotated[str, Noun("flag"), AfterValidator(_flag_name)] = Field(
        description="Name, such as `monitor`; those that this program sets are refused."
    )
    value: Annotated[str, AfterValidator(_flag_value)] = Field(
        default="true", repr=False, description="Value; `true` and `false` for a switch."
    )


def _flag(flag: Flag) -> tuple[object, ...]:
    return (flag.name.lower(),)


class OnChain(Section):
    """How lanes pay: one account for all of them, never an orchestrator's own."""

    network: Literal["arbitrum-one-mainnet", "arbitrum-one-sepolia"] = Field(
        default="arbitrum-one-mainnet", description="Network, as go-livepeer names it."
    )
    rpc: Annotated[SecretStr, AfterValidator(_rpc)] | None = Field(
        default=None,
        description="URL of an Ethereum node that gateways ask directly; better given as "
        "`rpc_file`. Not set: they ask `ethereum.rpc` through the relay, which is far fewer calls.",
    )
    account: EthAddress = Field(
        description="The account that pays; it must not be an orchestrator."
    )
    keystore: Path = Field(
        description="Folder that holds the key file of exactly this account and nothing else."
    )
    passphrase_file: Path = Field(description="File with the passphrase of the key.")
    max_price_per_unit: Wei | None = Field(
        default=None, description="Most wei for one unit (pixel) of any model without a limit."
    )
    price_limits: Path | None = Field(
        default=None,
        description="JSON file with the most wei per unit for each pipeline and model, in the form "
        "of go-livepeer's `-maxPricePerCapability`. This or `max_price_per_unit` is required: "
        "without both, go-livepeer pays any price.",
    )
    max_ticket_ev: Wei = Field(
        default=3_000_000_000_000, description="Most wei that one ticket may be worth on average."
    )
    max_total_ev: Wei = Field(
        default=20_000_000_000_000,
        description="Most wei that the tickets of one job may be worth on average: dearer jobs "
        "are refused.",
    )
    deposit_multiplier: int = Field(
        default=1, ge=1, le=1000, description="Deposit divided by it is the largest face value."
    )

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.max_price_per_unit is None and self.price_limits is None:
            message = "required (or `price_limits`): without a limit go-livepeer pays any price"
            raise mistake_at(message, "max_price_per_unit")
        return self


class Livepeer(Section):
    """The operator's own go-livepeer program, which managed lanes and the scout run."""

    binary: Path | None = Field(
        default=None,
        description="The program `livepeer`; required for `managed` lanes and for the scout.",
    )
    lanes: int = Field(
        default=4,
        ge=1,
        le=500,
        description="Gateways that run at the same time at most, each pinned to one orchestrator; "
        "each takes about 100 MB.",
    )
    flags: Annotated[list[Flag], once("name", _flag)] = Field(
        default=[], max_length=50, description="More flags for every gateway that is started."
    )
    attempt_timeout: float = Field(
        default=0.001,
        ge=0.001,
        le=60,
        description="Seconds after which a gateway begins no further attempt for one request "
        "(`-aiProcessingRetryTimeout`). At 1 ms an attempt is an attempt.",
    )
    start_timeout: Seconds = Field(
        default=120.0, description="Until a gateway listens; on-chain that is not a matter of 1 s."
    )
    answer_timeout: Seconds = Field(
        default=2.0, le=60, description="Until its CLI port answers; a silent one has hung."
    )
    stop_timeout: Seconds = Field(
        default=5.0, le=60, description="Until it ends when asked; then it is killed."
    )
    memory: int = Field(
        default=2 * 2**30,
        ge=64 * 2**20,
        description="Resident bytes at which a gateway is started anew.",
    )
    on_chain: OnChain | None = Field(
        default=None, description="How lanes pay. Not set: off-chain, nothing is paid."
    )
