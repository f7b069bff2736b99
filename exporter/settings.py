"""The settings: what can be set, in which type and bounds, and what it means.

Every field has a description, from which `docs/settings.md` is generated. Durations are seconds,
sizes are bytes. How a file is read into these types stands in `exporter.settings_file`.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from exporter.model import is_eth_address, normal_orchestrator, pipeline_uri

IDENTITY_LIMIT = 56
NAME_LIMIT = 200
URL_LIMIT = 2048


class Section(BaseModel):
    """A part of the settings: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _http_url(text: str) -> str:
    if len(text) > URL_LIMIT:
        raise ValueError(f"a URL of at most {URL_LIMIT} characters is expected")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http:// or https:// URL with a host is expected")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not carry a user name or password")
    if parts.query or parts.fragment:
        raise ValueError("a base URL must not carry a query or a fragment")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("the port of a URL must be a number from 0 to 65535") from error
    return text.rstrip("/")


def _listen(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("HOST:PORT is expected, for example 127.0.0.1:9877")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ValueError("an IPv6 address must stand in brackets, for example [::1]:9877")
    return text


def _identity(text: str) -> str:
    text = normal_orchestrator(text)
    if not text or len(text) > IDENTITY_LIMIT:
        raise ValueError(
            f"an ETH address (0x and 40 hexadecimal digits) or an id of 1 to {IDENTITY_LIMIT} "
            "characters is expected"
        )
    if text.lower().startswith("0x") and not is_eth_address(text):
        raise ValueError(
            f"this looks like an ETH address but is not one: 0x and 40 hexadecimal digits are "
            f"expected, these are {len(text) - 2} characters after 0x"
        )
    return text


def _pipeline(text: str) -> str:
    uri = pipeline_uri(text)
    if not uri:
        raise ValueError("the name of a pipeline is expected, for example text-to-image")
    return uri


def _region(text: str) -> str:
    if not text or len(text) > 20 or not text.replace("-", "").replace("_", "").isalnum():  # noqa: PLR2004
        raise ValueError("a region of 1 to 20 letters, digits, - or _ is expected, such as FRA")
    return text.upper()


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise ValueError("an IP address or network is expected, such as 10.0.0.0/8") from error


def _host_port(text: str) -> str:
    return _listen(text)


HttpUrl = Annotated[str, AfterValidator(_http_url)]
Listen = Annotated[str, AfterValidator(_listen)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Identity = Annotated[str, AfterValidator(_identity)]
PipelineName = Annotated[str, Field(max_length=NAME_LIMIT), AfterValidator(_pipeline)]
ModelName = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
Region = Annotated[str, AfterValidator(_region)]
Network = Annotated[str, AfterValidator(_network)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Glob = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]


class StaticModel(Section):
    """One model that an endpoint of yours offers."""

    pipeline: PipelineName = Field(description="Pipeline, such as `text-to-image` or `llm`.")
    model: ModelName = Field(description="Model id, as the endpoint knows it.")
    warm: bool = Field(default=True, description="Whether the model is loaded all the time.")
    capacity: int | None = Field(default=None, ge=0, description="Jobs it can run at once.")
    price_per_unit: float | None = Field(default=None, ge=0, description="Wei per unit of work.")


class StaticEndpoint(Section):
    """One orchestrator or runner that you name yourself."""

    orchestrator: Identity = Field(
        description="ETH address, or an id of your choice for an endpoint that has none."
    )
    uri: HttpUrl = Field(description="Service URI, where its host and port are reached.")
    models: list[StaticModel] = Field(min_length=1, description="What it offers.")


class GatewaySource(Section):
    """A gateway whose CLI port lists what the network offers."""

    url: HttpUrl = Field(description="Base URL of its CLI port, such as http://127.0.0.1:5935.")
    timeout: Seconds = Field(default=15.0, description="Limit on one request.")


class Sources(Section):
    """Where orchestrators and their offers come from; all sources are merged by address."""

    static: list[StaticEndpoint] = Field(
        default=[], max_length=1000, description="Endpoints that you name yourself."
    )
    gateway: list[GatewaySource] = Field(
        default=[], max_length=20, description="Gateways that know the network."
    )
    refresh_interval: Seconds = Field(default=300.0, description="Seconds between refreshes.")


class Selection(Section):
    """Lists of what is meant; an empty list means everything."""

    orchestrators: list[Identity] = Field(default=[], description="Addresses or ids.")
    pipelines: list[Glob] = Field(default=[], description="Globs on the URI form, such as `*image`.")
    models: list[Glob] = Field(default=[], description="Globs on the model id, such as `*/SDXL*`.")


class Filter(Section):
    """Which offers are tested."""

    include: Selection = Field(default=Selection(), description="Only these are tested.")
    exclude: Selection = Field(
        default=Selection(),
        description="Whatever one of these lists matches is not tested: the opt-out list.",
    )
    warm: Literal["any", "only"] = Field(
        default="any",
        description="`only` leaves out models that the orchestrator does not say are loaded.",
    )


class Lane(Section):
    """One way to reach orchestrators."""

    kind: Literal["direct", "pinned"] = Field(
        description="`direct`: the endpoint is spoken to directly. `pinned`: a gateway that "
        "someone runs pinned to this one orchestrator."
    )
    orchestrator: Identity | None = Field(
        default=None,
        description="Whom the lane serves. May be left out for `direct` only: it then serves "
        "everyone who has no lane of his own, at the discovered service URI.",
    )
    url: HttpUrl | None = Field(
        default=None,
        description="Base URL that jobs are sent to; required for `pinned`. A `direct` lane "
        "without one uses the service URI.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="Bearer token sent with each job; better given as `token_file`.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "pinned" and (self.orchestrator is None or self.url is None):
            raise ValueError("a pinned lane needs both `orchestrator` and `url`")
        if self.url is not None and self.orchestrator is None:
            raise ValueError("a lane with a `url` needs the `orchestrator` that it reaches")
        return self


class Schedule(Section):
    """How often tests run, and how many at once."""

    interval: Seconds = Field(
        default=900.0, ge=1, description="Seconds from one cycle of an orchestrator to its next."
    )
    cold_interval: Seconds = Field(
        default=86400.0,
        ge=1,
        description="Least seconds between two tests of a model that is not warm.",
    )
    max_parallel: int = Field(default=32, ge=1, le=1000, description="Jobs in flight at most.")
    drain: Seconds = Field(
        default=20.0,
        le=600,
        description="At a stop, running jobs get so many seconds to end; then they are cancelled.",
    )


class Limits(Section):
    """Bounds of one job."""

    connect: Seconds = Field(default=5.0, description="Name look-up, connection and TLS, each.")
    upload: Seconds = Field(default=60.0, description="Until the request is acknowledged.")
    inference: Seconds = Field(default=180.0, description="Until the answer begins (stream: ends).")
    download: Seconds = Field(default=60.0, description="Until the answer and its media are here.")
    proof: Seconds = Field(default=20.0, description="Decoding and checking the answer.")
    response_bytes: int = Field(
        default=8 * 2**20, ge=1024, le=2**30, description="Largest answer accepted."
    )
    artefact_bytes: int = Field(
        default=64 * 2**20, ge=1024, le=2**30, description="Largest media file accepted."
    )


class TextToImage(Section):
    """The job for `text-to-image`."""

    width: int = Field(default=512, ge=64, le=4096, description="Pixels.")
    height: int = Field(default=512, ge=64, le=4096, description="Pixels.")
    num_inference_steps: int = Field(default=4, ge=1, le=200, description="Denoising steps.")
    guidance_scale: float = Field(default=2.0, ge=0, le=50, description="Adherence to the prompt.")
    min_entropy: float = Field(
        default=1.5,
        ge=0,
        le=8,
        description="Bits; a picture whose grey histogram has less is taken for blank.",
    )


class Llm(Section):
    """The job for `llm`."""

    stream: bool = Field(default=True, description="Ask for a token stream.")
    max_tokens: int = Field(default=64, ge=16, le=4096, description="Tokens allowed in the answer.")
    temperature: float = Field(default=0.0, ge=0, le=2, description="Sampling temperature.")


class Pipelines(Section):
    """Parameters of the test jobs, one section a pipeline. A pipeline without one is not tested."""

    text_to_image: TextToImage = Field(
        default=TextToImage(), alias="text-to-image", description="Pictures from a text."
    )
    llm: Llm = Field(default=Llm(), description="Answers of a language model.")


class Connectivity(Section):
    """How the tester knows that its own network works."""

    check: list[HostPort] = Field(
        default=[],
        max_length=10,
        description="HOST:PORT pairs that are up whenever the network is. When an orchestrator "
        "cannot be reached, one of them must be, or the network is blamed. Empty: the other "
        "orchestrators serve as the check.",
    )
    timeout: Seconds = Field(default=3.0, le=30, description="Limit on one connection.")


class Guard(Section):
    """Where the tester may connect on somebody else's word."""

    allow: list[Network] = Field(
        default=[],
        max_length=100,
        description="Addresses or networks that are exempt from the ban on private, loopback, "
        "link-local, multicast and metadata addresses.",
    )


class Probe(Section):
    """The process that tests."""

    listen: Listen = Field(
        default="127.0.0.1:9878",
        description="Address of its own small server: health, progress, self-metrics.",
    )


class Outbox(Section):
    """The durable queue between the processes."""

    max_bytes: int = Field(
        default=2 * 2**30,
        ge=2**20,
        description="Size of the file at which no further job is started.",
    )
    keep_delivered: int = Field(
        default=2000,
        ge=0,
        le=1_000_000,
        description="Delivered measurements that stay in it, so that recent jobs can be looked at "
        "after a restart.",
    )


class Store(Section):
    """Where measurements live."""

    kind: Literal["embedded"] = Field(
        default="embedded", description="`embedded`: a DuckDB file in the data folder."
    )
    memory_limit: int = Field(
        default=512 * 2**20, ge=64 * 2**20, description="Memory that the embedded store may use."
    )


class RegionEntry(Section):
    """One region of the leaderboard."""

    id: Region = Field(description="Id, upper-case.")
    name: str = Field(min_length=1, max_length=100, description="Name that is shown.")
    type: Literal["ai", "transcoding"] = Field(default="ai", description="Type of the results.")


class Leaderboard(Section):
    """The leaderboard API."""

    window: Seconds = Field(default=86400.0, description="Seconds looked back without `since`.")
    regions: list[RegionEntry] = Field(
        default=[
            RegionEntry(id="GLOBAL", name="Global"),
            RegionEntry(id="MDW", name="Chicago"),
            RegionEntry(id="FRA", name="Frankfurt"),
            RegionEntry(id="LAX", name="Los Angeles"),
        ],
        max_length=200,
        description="Regions with their names; ids that occur in the data are added.",
    )


class Metrics(Section):
    """The Prometheus metrics."""

    buckets: list[float] = Field(
        default=[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600],
        min_length=1,
        max_length=40,
        description="Upper bounds of the histograms' buckets in seconds, ascending.",
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if any(a >= b for a, b in zip(self.buckets, self.buckets[1:], strict=False)):
            raise ValueError("the buckets must be ascending, each once")
        if self.buckets[0] <= 0:
            raise ValueError("the buckets must be above 0")
        return self


class Station(Section):
    """The process that stores and serves."""

    listen: Listen = Field(
        default="127.0.0.1:9877", description="Address of metrics, API and pages."
    )
    recent_jobs: int = Field(
        default=1000, ge=10, le=100_000, description="Recent jobs shown by /jobs."
    )
    recent_failures: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Failed jobs kept beside them, so that they outlive the good ones.",
    )


class Log(Section):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is written."
    )
    format: Literal["auto", "text", "json"] = Field(
        default="auto", description="`auto`: text on a terminal, else one JSON object a line."
    )


class Settings(Section):
    """Everything that can be set."""

    region: Region = Field(description="Where this tester runs, such as FRA; shown upper-case.")
    tester: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] = Field(
        default="tester",
        description="Name of this tester; every tester that writes to one store has its own.",
    )
    data: Path = Field(
        default=Path("data"),
        description="Folder of the outbox and the embedded store; relative to this file.",
    )
    sources: Sources = Field(default=Sources(), description="Discovery.")
    filter: Filter = Field(default=Filter(), description="Which offers are tested.")
    lanes: list[Lane] = Field(
        default=[Lane(kind="direct")],
        min_length=1,
        max_length=2000,
        description="Ways to the orchestrators. A lane with an `orchestrator` comes before one "
        "without.",
    )
    schedule: Schedule = Field(default=Schedule(), description="Pace.")
    limits: Limits = Field(default=Limits(), description="Bounds of one job.")
    pipelines: Pipelines = Field(default=Pipelines(), description="The test jobs.")
    connectivity: Connectivity = Field(default=Connectivity(), description="The tester's network.")
    guard: Guard = Field(default=Guard(), description="Where it may connect.")
    probe: Probe = Field(default=Probe(), description="The process that tests.")
    station: Station = Field(default=Station(), description="The process that stores and serves.")
    outbox: Outbox = Field(default=Outbox(), description="The queue between the two.")
    store: Store = Field(default=Store(), description="Where measurements live.")
    leaderboard: Leaderboard = Field(default=Leaderboard(), description="The leaderboard API.")
    metrics: Metrics = Field(default=Metrics(), description="The Prometheus metrics.")
    log: Log = Field(default=Log(), description="The log.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.sources.static and not self.sources.gateway:
            raise ValueError(
                "there is nothing to discover: give `sources.static` or `sources.gateway`"
            )
        _refuse_twice("sources.static", [entry.orchestrator + " " + entry.uri
                                         for entry in self.sources.static])
        _refuse_twice("lanes", [lane.orchestrator or "(everyone)" for lane in self.lanes])
        if self.probe.listen == self.station.listen:
            raise ValueError("`probe.listen` and `station.listen` must differ")
        return self


def _refuse_twice(where: str, keys: list[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"`{where}` names {key} twice")
        seen.add(key)

