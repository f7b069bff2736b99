"""Everything that can be set, as one tree."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from exporter.settings.discovery import Filter, Sources
from exporter.settings.ethereum import Ethereum, Names
from exporter.settings.jobs import Connectivity, Guard, Limits, Schedule, Spending
from exporter.settings.lanes import Lane, each_apart
from exporter.settings.leaderboard import Leaderboard
from exporter.settings.livepeer import CHAIN_IDS, Livepeer
from exporter.settings.maintenance import MOST_WINDOWS, MaintenanceWindow
from exporter.settings.pipelines import Pipelines
from exporter.settings.serving import (
    Answers,
    Log,
    Metrics,
    Outbox,
    Probe,
    Station,
    Store,
)
from exporter.settings.types import Region, Section, TesterName, mistake_at


def _something(sources: Sources) -> Sources:
    if not (sources.tests_somebody or sources.follow):
        raise ValueError(
            "expected something to discover: give `static` endpoints, a `gateway`, a `scout` or "
            "the `chain`; or a leaderboard to `follow`, for a station that tests nobody itself"
        )
    return sources


def _own_region(text: str) -> str:
    if text == "GLOBAL":
        raise ValueError(
            "expected the region where this tester runs; GLOBAL is what readers compute over all"
        )
    return text


class Settings(Section):
    """Everything that can be set."""

    region: Annotated[Region, AfterValidator(_own_region)] = Field(
        description="Where this tester runs, such as FRA; shown upper-case."
    )
    tester: TesterName = Field(
        default="tester",
        description="Name of this tester; every tester that writes to one store has its own.",
    )
    data: Path = Field(
        default=Path("data"),
        description="Folder of the outbox and the embedded store; relative to this file.",
    )
    sources: Annotated[Sources, AfterValidator(_something)] = Field(
        default=Sources(), validate_default=True, description="Discovery."
    )
    filter: Filter = Field(
        default=Filter(), validate_default=True, description="Which offers are tested."
    )
    ethereum: Ethereum = Field(
        default=Ethereum(), validate_default=True, description="The nodes that are asked."
    )
    names: Names = Field(default=Names(), description="Names of orchestrators.")
    lanes: Annotated[list[Lane], AfterValidator(each_apart)] = Field(
        default=[Lane(kind="direct")],
        min_length=1,
        max_length=2000,
        description="Ways to the orchestrators. A lane with an `orchestrator` comes before one "
        "without.",
    )
    livepeer: Livepeer = Field(
        default=Livepeer(),
        validate_default=True,
        description="The go-livepeer program that `managed` lanes and the scout run.",
    )
    schedule: Schedule = Field(default=Schedule(), description="Pace.")
    spending: Spending = Field(default=Spending(), description="What tests may cost.")
    limits: Limits = Field(default=Limits(), description="Bounds of one job.")
    pipelines: Pipelines = Field(default=Pipelines(), description="The test jobs.")
    connectivity: Connectivity = Field(default=Connectivity(), description="The tester's network.")
    guard: Guard = Field(default=Guard(), description="Where it may connect.")
    probe: Probe = Field(default=Probe(), description="The process that tests.")
    station: Station = Field(
        default=Station(),
        validate_default=True,
        description="The process that stores and serves.",
    )
    outbox: Outbox = Field(default=Outbox(), description="The queue between the two.")
    store: Store = Field(default=Store(), description="Where measurements live.")
    answers: Answers = Field(default=Answers(), description="Answers that are kept.")
    leaderboard: Leaderboard = Field(default=Leaderboard(), description="The leaderboard API.")
    metrics: Metrics = Field(default=Metrics(), description="The Prometheus metrics.")
    maintenance: list[MaintenanceWindow] = Field(
        default=[],
        max_length=MOST_WINDOWS,
        description="Windows in which tests go on and alerts do not; docs/alerts.md.",
    )
    log: Log = Field(default=Log(), description="The log.")

    @field_validator("livepeer")
    @classmethod
    def _enough_for_gateways(cls, livepeer: Livepeer, info: ValidationInfo) -> Livepeer:
        lanes, sources = info.data.get("lanes"), info.data.get("sources")
        managed = any(lane.kind == "managed" for lane in lanes or ())
        scout = sources is not None and sources.scout
        if livepeer.binary is None and (managed or scout):
            whose = "`managed` lanes run" if managed else "`sources.scout` runs"
            raise mistake_at(f"required: {whose} this program", "binary")
        if scout and livepeer.on_chain is None:
            message = "required: `sources.scout` lists the network only on-chain"
            raise mistake_at(message, "on_chain")
        return livepeer

    @field_validator("filter")
    @classmethod
    def _who_is_active_is_known(cls, chosen: Filter, info: ValidationInfo) -> Filter:
        sources = info.data.get("sources")
        if chosen.registered == "active" and sources is not None and sources.chain is None:
            message = "expected `sources.chain` beside it: who is active is read there"
            raise mistake_at(message, "registered")
        return chosen

    @field_validator("ethereum")
    @classmethod
    def _nodes_for_the_chain(cls, ethereum: Ethereum, info: ValidationInfo) -> Ethereum:
        sources = info.data.get("sources")
        if sources is not None and sources.chain is not None and not ethereum.rpc:
            raise mistake_at("required: `sources.chain` is read from these nodes", "rpc")
        return ethereum

    @field_validator("livepeer")
    @classmethod
    def _same_chain(cls, livepeer: Livepeer, info: ValidationInfo) -> Livepeer:
        on_chain, ethereum = livepeer.on_chain, info.data.get("ethereum")
        if on_chain is None or ethereum is None or on_chain.rpc is not None:
            return livepeer
        if not ethereum.rpc:
            message = "required (or `ethereum.rpc`): gateways that pay ask an Ethereum node"
            raise mistake_at(message, "on_chain", "rpc")
        if ethereum.chain_id != CHAIN_IDS[on_chain.network]:
            message = f"expected the network of `ethereum.chain_id`, which is {ethereum.chain_id}"
            raise mistake_at(message, "on_chain", "network")
        return livepeer

    @field_validator("sources")
    @classmethod
    def _followed_have_other_names(cls, sources: Sources, info: ValidationInfo) -> Sources:
        for index, entry in enumerate(sources.follow):
            if entry.host == info.data.get("tester"):
                message = "expected a host that is not called as `tester`: results would be mixed"
                raise mistake_at(message, "follow", index, "url")
        return sources

    @field_validator("leaderboard")
    @classmethod
    def _others_have_other_names(
        cls, leaderboard: Leaderboard, info: ValidationInfo
    ) -> Leaderboard:
        sources = info.data.get("sources")
        followed = {one.host for one in sources.follow} if sources is not None else set()
        for index, entry in enumerate(leaderboard.secrets):
            if entry.name == info.data.get("tester"):
                message = "expected another name than `tester`, found the same"
                raise mistake_at(message, "secrets", index, "name")
            if entry.name in followed:
                message = "expected another name than the host of a leaderboard that is followed"
                raise mistake_at(message, "secrets", index, "name")
        return leaderboard

    @field_validator("station")
    @classmethod
    def _two_addresses(cls, station: Station, info: ValidationInfo) -> Station:
        probe = info.data.get("probe")
        same = isinstance(probe, Probe) and probe.listen == station.listen
        if same and not station.listen.endswith(":0"):
            raise mistake_at(
                "expected another address than the one of `probe.listen`, found the same", "listen"
            )
        return station
