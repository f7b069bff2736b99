"""The leaderboard API: what it serves, who may post to it, and where our results are posted."""

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from exporter.settings.types import (
    EthAddress,
    HttpUrl,
    Region,
    Seconds,
    Section,
    TesterName,
    mistake_at,
    once,
)


def _shared(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,1024}", secret.get_secret_value()):
        raise ValueError("expected a secret of 1 to 1024 characters without line ends")
    return secret


SharedSecret = Annotated[SecretStr, AfterValidator(_shared)]


class RegionEntry(Section):
    """One region of the leaderboard."""

    id: Region = Field(description="Id, upper-case.")
    name: str = Field(min_length=1, max_length=100, description="Name that is shown.")
    type: Literal["ai", "transcoding"] = Field(default="ai", description="Type of the results.")


_BOTH: Final = {"GLOBAL": "Global", "MDW": "Chicago", "FRA": "Frankfurt", "LAX": "Los Angeles"}
_TRANSCODING: Final = {
    "ATL": "Atlanta",
    "ATL2": "Atlanta 2",
    "HOU": "Houston",
    "LON": "London",
    "MAD": "Madrid",
    "MIA": "Miami",
    "MOS2": "Moscow",
    "ASH": "Nashua",
    "NYC": "New York City",
    "PRG": "Prague",
    "SJO": "San Jose",
    "SAO": "São Paulo",
    "SEA": "Seattle",
    "SIN": "Singapore",
    "STO": "Stockholm",
    "SYD": "Sydney",
    "HND": "Tokyo",
    "TOR": "Toronto",
}
_ORIGINAL: Final = [
    *(RegionEntry(id=id_, name=name) for id_, name in _BOTH.items()),
    *(
        RegionEntry(id=id_, name=name, type="transcoding")
        for id_, name in {**_BOTH, **_TRANSCODING}.items()
    ),
]
"""The regions of a new installation of the network's leaderboard."""


class PostSecret(Section):
    """A secret that somebody signs what he posts with."""

    name: TesterName = Field(
        description="Who has it: results that are posted with it have this as their tester."
    )
    secret: SharedSecret = Field(
        description="The key of the HMAC; better given as `secret_file`. Rotate it by an entry "
        "more, of another name, until everybody uses the new one."
    )
    regions: list[Region] = Field(
        default=[], max_length=200, description="Regions that it may post for; empty: any."
    )


def _name(entry: PostSecret) -> tuple[object, ...]:
    return (entry.name,)


class PostTarget(Section):
    """Another leaderboard that gets what this tester measures."""

    url: HttpUrl = Field(
        description="Its base URL; `/api/post_stats` and the routes to read are under it."
    )
    secret: SharedSecret = Field(
        description="The key that it knows us by; better given as `secret_file`."
    )
    timeout: Seconds = Field(default=20.0, description="Limit on one request.")


def _url(entry: PostTarget) -> tuple[object, ...]:
    return (entry.url.partition("://")[2].lower(),)


class Leaderboard(Section):
    """The leaderboard API."""

    window: Seconds = Field(default=86400.0, description="Seconds looked back without `since`.")
    regions: Annotated[list[RegionEntry], once("id", lambda entry: (entry.id, entry.type))] = Field(
        default=_ORIGINAL,
        max_length=200,
        description="Regions with their names; ids that occur in the data are added.",
    )
    secrets: Annotated[list[PostSecret], once("name", _name)] = Field(
        default=[],
        max_length=100,
        description="Who may post results to `/api/post_stats`; empty: nobody may.",
    )
    post_limit: int = Field(
        default=2**20,
        ge=1024,
        le=64 * 2**20,
        description="Bytes of one post; a larger one is refused before it is read. InfluxDB takes "
        "no more than 1 MiB of one measurement, the embedded store all of this.",
    )
    new_targets: int = Field(
        default=1000,
        ge=0,
        le=1_000_000,
        description="Orchestrators with a pipeline and model that a secret may bring up in a day "
        "that were not known; more are refused, so that nobody can fill the store with names.",
    )
    post_to: Annotated[list[PostTarget], once("url", _url)] = Field(
        default=[],
        max_length=20,
        description="Leaderboards that get our own results: good jobs, and failures that are the "
        "orchestrator's own.",
    )
    max_rows: int = Field(
        default=1_000_000,
        ge=1,
        le=1_000_000_000,
        description="Stats that one answer of `/api/raw_stats` holds; where there are more, the "
        "answer is 503.",
    )
    refresh_interval: Seconds = Field(
        default=5.0,
        description="Least seconds between two preparations of the answers. They are prepared "
        "when there is something new, and at the latest after twelve of these; more than 900 are "
        "900.",
    )
    cache_bytes: int = Field(
        default=64 * 2**20,
        ge=2**20,
        le=2**36,
        description="Memory for answers that are kept to serve others who ask the same.",
    )

    @model_validator(mode="after")
    def _each_secret_once(self) -> Self:
        seen: dict[str, int] = {}
        for index, entry in enumerate(self.secrets):
            before = seen.setdefault(entry.secret.get_secret_value(), index)
            if before != index:
                message = f"expected each once, but entry [{before}] has the same"
                raise mistake_at(message, "secrets", index, "secret")
        return self


class FollowedLeaderboard(Section):
    """Another leaderboard whose results about some orchestrators are taken over."""

    url: HttpUrl = Field(description="Its base URL, such as https://leaderboard.example.org.")
    orchestrators: list[EthAddress] = Field(
        min_length=1, max_length=500, description="Whose results are taken over."
    )
    interval: Annotated[Seconds, Field(ge=10)] = Field(
        default=300.0, description="Seconds between two looks."
    )
    look_back: Annotated[Seconds, Field(ge=60)] = Field(
        default=86400.0, description="Seconds that the first look goes back."
    )
    timeout: Seconds = Field(default=30.0, description="Limit on one request.")

    @property
    def host(self) -> str:
        """The host of the URL: the name that its results have as their tester."""
        return urlsplit(self.url).hostname or ""
