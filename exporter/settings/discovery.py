"""Where offers come from, and which of them are tested."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.ethereum import ChainSource
from exporter.settings.leaderboard import FollowedLeaderboard
from exporter.settings.types import (
    Glob,
    HttpUrl,
    Identity,
    ModelName,
    PipelineName,
    Seconds,
    Section,
    once,
)


class StaticModel(Section):
    """One model that an endpoint of yours offers."""

    pipeline: PipelineName = Field(description="Pipeline, such as `text-to-image` or `llm`.")
    model: ModelName = Field(description="Model id, as the endpoint knows it.")
    warm: bool = Field(default=True, description="Whether the model is loaded all the time.")
    capacity: int | None = Field(default=None, ge=0, description="Jobs it can run at once.")
    price_per_unit: float | None = Field(default=None, ge=0, description="Wei per unit of work.")


def _offer(entry: StaticModel) -> tuple[object, ...]:
    return entry.pipeline, entry.model


class StaticEndpoint(Section):
    """One orchestrator or runner that you name yourself."""

    orchestrator: Identity = Field(
        description="ETH address, or an id of your choice for an endpoint that has none."
    )
    uri: HttpUrl = Field(description="Service URI, where its host and port are reached.")
    models: Annotated[list[StaticModel], once("model", _offer)] = Field(
        min_length=1, max_length=1000, description="What it offers."
    )


class GatewaySource(Section):
    """A gateway whose CLI port lists what the network offers."""

    url: HttpUrl = Field(description="Base URL of its CLI port, such as http://127.0.0.1:5935.")
    timeout: Seconds = Field(default=15.0, description="Limit on one request.")


def _endpoint(entry: StaticEndpoint) -> tuple[object, ...]:
    return entry.orchestrator, entry.uri


def _gateway(entry: GatewaySource) -> tuple[object, ...]:
    return (entry.url,)


def _followed(entry: FollowedLeaderboard) -> tuple[object, ...]:
    return (entry.url.partition("://")[2].lower(),)  # which is what ids are made of


class Sources(Section):
    """Where orchestrators and their offers come from; all sources are merged by address."""

    static: Annotated[list[StaticEndpoint], once("orchestrator", _endpoint)] = Field(
        default=[], max_length=1000, description="Endpoints that you name yourself."
    )
    gateway: Annotated[list[GatewaySource], once("url", _gateway)] = Field(
        default=[], max_length=20, description="Gateways that know the network."
    )
    scout: bool = Field(
        default=False,
        description="Whether to run an unpinned gateway of our own (see `livepeer`) and ask it, "
        "too. A pinned one lists its own orchestrator only. Needs `livepeer.on_chain`.",
    )
    chain: ChainSource | None = Field(
        default=None,
        description="Whether the chain is read, and how: who is registered, active, staked, and "
        "where. What each offers is for the other sources to say. `{}`: with the defaults.",
    )
    follow: Annotated[list[FollowedLeaderboard], once("url", _followed)] = Field(
        default=[],
        max_length=20,
        description="Leaderboards whose results about your orchestrators are taken over, so that "
        "metrics, alerts and dashboards show them; they are not tested for that.",
    )
    refresh_interval: Seconds = Field(default=300.0, description="Seconds between refreshes.")

    @property
    def tests_somebody(self) -> bool:
        """Whether anybody is meant to be tested, and not only leaderboards followed."""
        return bool(self.static or self.gateway or self.scout or self.chain)


class Selection(Section):
    """Lists of what is meant; an empty list means everything."""

    orchestrators: list[Identity] = Field(default=[], description="Addresses or ids.")
    pipelines: list[Glob] = Field(
        default=[], description="Globs on the URI form, such as `*image`."
    )
    models: list[Glob] = Field(default=[], description="Globs on the model id, such as `*/SDXL*`.")


class Filter(Section):
    """Which offers are tested."""

    include: Selection = Field(default=Selection(), description="Only these are tested.")
    exclude: Selection = Field(
        default=Selection(),
        description="Whatever one of these lists matches is not tested: the opt-out list.",
    )
    registered: Literal["any", "active"] = Field(
        default="any",
        description="`active` leaves out orchestrators that are not active on the chain in this "
        "round; needs `sources.chain`.",
    )
    warm: Literal["any", "only"] = Field(
        default="any",
        description="`only` leaves out models that the orchestrator does not say are loaded.",
    )
