"""The settings: what can be set, in which type and bounds, and what it means.

Every field has a description, from which `docs/settings.md` is generated. Durations are seconds,
sizes are bytes. How a file is read into these types stands in `exporter.settings_file`.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from exporter.model import is_eth_address, normal_orchestrator, pipeline_uri

IDENTITY_LIMIT = 56
NAME_LIMIT = 200
URL_LIMIT = 2048
PORT_LIMIT = 65535


@dataclass(frozen=True)
class Noun:
    """What a text setting holds, in words, for the reference and for messages."""

    text: str


class Section(BaseModel):
    """A part of the settings: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _http_url(text: str) -> str:
    if len(text) > URL_LIMIT:
        raise ValueError(f"expected a URL of at most {URL_LIMIT} characters")
    wrong = ValueError("expected a URL such as http://127.0.0.1:5935 or https://example.org:8935")
    if re.search(r"\s", text):
        raise wrong
    try:
        parts = urlsplit(text)
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected a URL without a user name and password")
    if parts.query or parts.fragment:
        raise ValueError("expected a base URL, without a query (?) and a fragment (#)")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"expected a URL whose port is from 0 to {PORT_LIMIT}") from None
    return text.rstrip("/")


def _host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > PORT_LIMIT:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:9877")
    if re.search(r"[/\s]", host):
        raise ValueError("expected HOST:PORT without http:// and spaces, such as 127.0.0.1:9877")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ValueError("expected an IPv6 address in brackets, such as [::1]:9877")
    return text


def _reachable(text: str) -> str:
    if _host_port(text).endswith(":0"):
        raise ValueError("expected HOST:PORT with a port from 1 on, such as 1.1.1.1:53")
    return text


def _identity(text: str) -> str:
    text = normal_orchestrator(text)
    if not text or len(text) > IDENTITY_LIMIT:
        raise ValueError(
            "expected an ETH address (0x and 40 hexadecimal digits) or an id of 1 to "
            f"{IDENTITY_LIMIT} characters, found {len(text)} characters"
        )
    if text.lower().startswith("0x") and not is_eth_address(text):
        raise ValueError(
            "expected an ETH address, 0x and 40 hexadecimal digits, since it begins with 0x; "
            f"found {_digits(text[2:])} after the 0x"
        )
    return text


def _digits(text: str) -> str:
    strange = next((c for c in text if c not in "0123456789abcdefABCDEF"), None)
    if strange is not None:
        return f"{strange!r}, which is no hexadecimal digit,"
    return f"{len(text)} digits"


def _pipeline(text: str) -> str:
    uri = pipeline_uri(text)
    if not uri:
        raise ValueError("expected the name of a pipeline, such as text-to-image")
    return uri


def _region(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", text):
        raise ValueError("expected a region of 1 to 20 letters, digits, - or _, such as FRA")
    return text.upper()


def _tester(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text):
        raise ValueError(
            "expected a name of 1 to 63 letters, digits, dots, - or _, beginning with a letter or "
            "digit"
        )
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("expected an IP address or network, such as 10.0.0.0/8") from None


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]{1,8192}", token.get_secret_value()):
        raise ValueError(
            "expected a token of 1 to 8192 visible ASCII characters without spaces and line ends"
        )
    return token


HttpUrl = Annotated[str, Noun("URL"), AfterValidator(_http_url)]
Listen = Annotated[str, Noun("HOST:PORT"), AfterValidator(_host_port)]
HostPort = Annotated[str, Noun("HOST:PORT"), AfterValidator(_reachable)]
Identity = Annotated[str, Noun("ETH address or id"), AfterValidator(_identity)]
PipelineName = Annotated[
    str, Noun("pipeline"), Field(max_length=NAME_LIMIT), AfterValidator(_pipeline)
]
ModelName = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
Region = Annotated[str, Noun("region"), AfterValidator(_region)]
TesterName = Annotated[str, Noun("name"), AfterValidator(_tester)]
Network = Annotated[str, Noun("IP address or network"), AfterValidator(_network)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Bucket = Annotated[float, Field(gt=0, le=86400)]
Glob = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]


Item = TypeVar("Item")


def mistake_at(message: str, *at: str | int) -> PydanticCustomError:
    """Make a mistake that lies at the key path `at`, seen from the value that is looked at."""
    return PydanticCustomError("setting", "{message}", {"message": message, "at": at})


def _once(name: str, identify: Callable[[Item], tuple[object, ...]]) -> AfterValidator:
    """Refuse a list in which two entries say the same; the second one's `name` is the mistake."""

    def check(items: list[Item]) -> list[Item]:
        first: dict[tuple[object, ...], int] = {}
        for index, item in enumerate(items):
            before = first.setdefault(identify(item), index)
            if before != index:
                message = f"expected each once, but entry [{before}] of the list says the same"
                raise mistake_at(message, index, name)
        return items

    return AfterValidator(check)


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
    models: Annotated[list[StaticModel], _once("model", _offer)] = Field(
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


class Sources(Section):
    """Where orchestrators and their offers come from; all sources are merged by address."""

    static: Annotated[list[StaticEndpoint], _once("orchestrator", _endpoint)] = Field(
        default=[], max_length=1000, description="Endpoints that you name yourself."
    )
    gateway: Annotated[list[GatewaySource], _once("url", _gateway)] = Field(
        default=[], max_length=20, description="Gateways that know the network."
    )
    refresh_interval: Seconds = Field(default=300.0, description="Seconds between refreshes.")


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
    token: Token | None = Field(
        default=None,
        description="Bearer token sent with each job; better given as `token_file`.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "pinned" and self.url is None:
            raise mistake_at("required: a pinned lane needs the URL of its gateway", "url")
        if self.kind == "pinned" and self.orchestrator is None:
            raise mistake_at("required: whom is the gateway pinned to?", "orchestrator")
        if self.url is not None and self.orchestrator is None:
            raise mistake_at("required: whom does the lane's `url` reach?", "orchestrator")
        return self


def _served(lane: Lane) -> tuple[object, ...]:
    return (lane.orchestrator,)


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
    """Parameters of the test jobs, one section a pipeline that is tested."""

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


def _region_of_type(entry: RegionEntry) -> tuple[object, ...]:
    return entry.id, entry.type


class Leaderboard(Section):
    """The leaderboard API."""

    window: Seconds = Field(default=86400.0, description="Seconds looked back without `since`.")
    regions: Annotated[list[RegionEntry], _once("id", _region_of_type)] = Field(
        default=[
            RegionEntry(id="GLOBAL", name="Global"),
            RegionEntry(id="MDW", name="Chicago"),
            RegionEntry(id="FRA", name="Frankfurt"),
            RegionEntry(id="LAX", name="Los Angeles"),
        ],
        max_length=200,
        description="Regions with their names; ids that occur in the data are added.",
    )


def _ascending(buckets: list[float]) -> list[float]:
    for index, (bucket, following) in enumerate(pairwise(buckets)):
        if following <= bucket:
            raise mistake_at(f"expected more than {bucket:g}, the one before it", index + 1)
    return buckets


class Metrics(Section):
    """The Prometheus metrics."""

    buckets: Annotated[list[Bucket], AfterValidator(_ascending)] = Field(
        default=[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600],
        min_length=1,
        max_length=40,
        description="Upper bounds of the histograms' buckets in seconds, ascending.",
    )


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


def _something(sources: Sources) -> Sources:
    if not sources.static and not sources.gateway:
        raise ValueError(
            "expected something to discover: give `static` endpoints, a `gateway`, or both"
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
    filter: Filter = Field(default=Filter(), description="Which offers are tested.")
    lanes: Annotated[list[Lane], _once("orchestrator", _served)] = Field(
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
    station: Station = Field(
        default=Station(),
        validate_default=True,
        description="The process that stores and serves.",
    )
    outbox: Outbox = Field(default=Outbox(), description="The queue between the two.")
    store: Store = Field(default=Store(), description="Where measurements live.")
    leaderboard: Leaderboard = Field(default=Leaderboard(), description="The leaderboard API.")
    metrics: Metrics = Field(default=Metrics(), description="The Prometheus metrics.")
    log: Log = Field(default=Log(), description="The log.")

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
