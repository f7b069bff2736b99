"""The processes and what they keep, serve and log."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.settings.types import (
    Bucket,
    HttpUrl,
    Listen,
    Noun,
    Seconds,
    Section,
    Token,
    mistake_at,
)


def _influx_name(text: str) -> str:
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", text) or text.startswith("_") or '"' in text:
        raise ValueError(
            "expected a name of 1 to 200 characters without quotes, not beginning with _"
        )
    return text


def _influx_name_if_any(text: str) -> str | None:
    return _influx_name(text) if text else None


Name = Annotated[str, Noun("name"), AfterValidator(_influx_name)]
NameIfAny = Annotated[str, Noun("name, or empty"), AfterValidator(_influx_name_if_any)]


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
        description="Size of the file at which its oldest measurements go to make room, delivered "
        "ones first, then dead letters, then undelivered ones, which is counted and told.",
    )
    keep_delivered: int = Field(
        default=20_000,
        ge=0,
        le=1_000_000,
        description="Delivered measurements that stay in it, so that recent jobs can be looked at "
        "after a restart, and what a killed InfluxDB loses can be written to it again.",
    )


class Influx(Section):
    """An InfluxDB 2 server; `livepeer-exporter influx setup` makes buckets, tasks and tokens."""

    url: HttpUrl = Field(
        default="http://127.0.0.1:8086",
        description="Address of the server, such as http://db:8086.",
    )
    org: Name = Field(default="livepeer", description="Organisation.")
    bucket: Name = Field(default="livepeer_ai", description="Bucket of the single measurements.")
    rollup_bucket: NameIfAny | None = Field(
        default="livepeer_ai_rollup",
        description="Bucket of the hourly and daily roll-ups; empty: every question is answered "
        "from single measurements.",
    )
    token: Token | None = Field(
        default=None,
        description="Token that may write the bucket, and read both if there is no `read_token`; "
        "better given as `token_file`.",
    )
    read_token: Token | None = Field(
        default=None,
        description="Token that may read both buckets; better given as `read_token_file`.",
    )
    rollup_token: Token | None = Field(
        default=None,
        description="Token that may read and write both buckets: with it the station computes the "
        "roll-ups that the server's tasks did not, or that late measurements changed. Better "
        "given as `rollup_token_file`.",
    )
    retention: float = Field(
        default=90 * 86400.0,
        ge=0,
        le=100 * 366 * 86400,
        description="Seconds that single measurements are kept, for `influx setup`; 0: for ever. "
        "At least an hour.",
    )
    rollup_retention: float = Field(
        default=0.0,
        ge=0,
        le=100 * 366 * 86400,
        description="Seconds that roll-ups are kept, for `influx setup`; 0: for ever.",
    )
    metrics_interval: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        description="Seconds from one writing of the metrics (`ai_metric`) to the next: what "
        "dashboards and alerts show without Prometheus beside the measurements; 0: never.",
    )
    ca: Path | None = Field(
        default=None, description="PEM file of authorities that may sign its certificate."
    )
    timeout: Seconds = Field(default=30.0, description="Seconds that one request may take.")


class Store(Section):
    """Where measurements live."""

    kind: Literal["embedded", "influxdb"] = Field(
        default="embedded",
        description="`embedded`: a DuckDB file in the data folder; `influxdb`: the server of "
        "`store.influxdb`.",
    )
    memory_limit: int = Field(
        default=512 * 2**20, ge=64 * 2**20, description="Memory that the embedded store may use."
    )
    influxdb: Influx | None = Field(
        default=None, description="The InfluxDB 2 server; required for `kind: influxdb`."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "influxdb":
            if self.influxdb is None:
                raise mistake_at("expected a section that says which server", "influxdb")
            if self.influxdb.token is None:
                raise mistake_at(
                    "expected a token (better: token_file); `influx setup` makes them",
                    "influxdb",
                    "token",
                )
        return self


class Answers(Section):
    """Answers that are kept, to be looked at by `/jobs/ID/artefact`; in the data folder.

    They cannot be asked for again, so whether one is kept must be settled before anybody asks why
    a job failed. What may be kept is bounded; the oldest make room for new ones.
    """

    keep_artefacts: Literal["failures", "all", "none"] = Field(
        default="failures",
        description="`failures`: answers of jobs that failed, body and media, and the picture or "
        "sound that was sent for them; `all`: of good jobs, too; `none`: no more than what is kept "
        "already. A station that runs apart from its probe finds them only in the same data "
        "folder.",
    )
    max_bytes: int = Field(
        default=512 * 2**20,
        ge=2**20,
        le=2**40,
        description="Room on disk for all of them.",
    )
    file_bytes: int = Field(
        default=16 * 2**20,
        ge=1024,
        le=64 * 2**20,
        description="Larger files are left out; size and claimed type are kept.",
    )
    max_age: Seconds = Field(default=7 * 86400.0, description="Seconds after which they go.")


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
    reported_for: Seconds = Field(
        default=86400.0,
        description="Seconds that a target which others report about stays in the metrics after "
        "their last result.",
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
