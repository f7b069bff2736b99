"""The test jobs: their pace, their bounds, and where they may go."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Self

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from exporter.settings.livepeer import Wei
from exporter.settings.types import (
    HostPort,
    Network,
    Noun,
    PipelineName,
    Seconds,
    Section,
    mistake_at,
    once,
)

_CRON_FIELDS = 5
_MOST_SLOTS = 1000
PRICED: Final = (
    "text-to-image",
    "image-to-image",
    "image-to-video",
    "upscale",
    "audio-to-text",
    "segment-anything-2",
    "llm",
    "image-to-text",
    "live-video-to-video",
    "text-to-speech",
    "byoc",
)
"""The network's pipelines: a ceiling for any other would bound nothing."""


def _priced_pipeline(pipeline: str) -> str:
    if pipeline not in PRICED:
        raise ValueError(f"expected one of {', '.join(PRICED)}")
    return pipeline


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        raise ValueError(
            "expected a cron expression of 5 fields (minute, hour, day of the month, month, day of "
            f"the week), found {len(fields)}"
        )
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        what = str(error).removeprefix("Bad ")
        raise ValueError(f"expected a cron expression, but its {what} cannot be used") from None
    except StopIteration:
        raise ValueError("expected a cron expression whose moment comes") from None
    return " ".join(fields)


def _slot(text: str) -> str:
    found = re.fullmatch(r"\s*([0-9]{1,4})\s+of\s+([0-9]{1,4})\s*", text)
    if found is None:
        raise ValueError("expected `i of n`, such as 2 of 3")
    place, places = int(found[1]), int(found[2])
    if not 1 <= place <= places <= _MOST_SLOTS:
        raise ValueError(
            f"expected `i of n` with i from 1 to n and n at most {_MOST_SLOTS}, such as 2 of 3"
        )
    return f"{place} of {places}"


Cron = Annotated[str, Noun("cron expression"), Field(max_length=200), AfterValidator(_cron)]
RegionSlot = Annotated[str, Noun("text `i of n`"), AfterValidator(_slot)]


class Schedule(Section):
    """How often tests run, and how many at once."""

    interval: Seconds = Field(
        default=900.0,
        ge=1,
        description="Seconds from one cycle of an orchestrator to its next. Each has its own place "
        "in the interval, which follows from its address.",
    )
    region_slot: RegionSlot | None = Field(
        default=None,
        description="`i of n`: this tester is the i-th of n that test the same orchestrators from "
        "different regions; its cycles begin (i - 1)/n of the interval later than the first one's. "
        "Needs `interval`, the same for all.",
    )
    cron: list[Cron] = Field(
        default=[],
        max_length=20,
        description="Instead of `interval`: moments (UTC) at which everybody's cycle begins, each "
        "a cron expression of 5 fields, in quotes, such as `'*/30 6-22 * * *'`.",
    )
    cron_spread: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="Seconds after each moment of `cron` over which the cycles begin, but never "
        "longer than until the next moment. Each orchestrator has its own place in them.",
    )
    cold_interval: Seconds = Field(
        default=86400.0,
        ge=1,
        description="Least seconds between two tests of a model that is not warm.",
    )
    jobs_per_day: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Jobs that one orchestrator gets on a day (UTC) at most, repeats included. "
        "Not set: no bound but the pace.",
    )
    busy_pause: Seconds = Field(
        default=30.0,
        le=3600,
        description="A job that found no free capacity is repeated once in the same cycle, after "
        "the orchestrator's other targets and at least so many seconds later.",
    )
    busy_counts: bool = Field(
        default=False,
        description="Whether no free capacity at the repeat, too, counts as the orchestrator's "
        "failure; only where it advertised free capacity both times.",
    )
    max_parallel: int = Field(default=32, ge=1, le=1000, description="Jobs in flight at most.")
    drain: Seconds = Field(
        default=20.0,
        le=600,
        description="At a stop, running jobs get so many seconds to end; then they are cancelled.",
    )

    @model_validator(mode="after")
    def _one_pace(self) -> Self:
        if self.cron and "interval" in self.model_fields_set:
            raise mistake_at("expected `interval` or `cron`, found both", "cron")
        if self.cron and self.region_slot is not None:
            raise mistake_at(
                "expected no `region_slot` beside `cron`: give each region moments of its own",
                "region_slot",
            )
        return self


class PriceLimit(Section):
    """The highest price at which a pipeline is tested."""

    pipeline: Annotated[PipelineName, AfterValidator(_priced_pipeline)] = Field(
        description="Pipeline, such as `text-to-image` or `llm`."
    )
    wei_per_unit: float = Field(
        ge=0, le=1e18, description="Wei per unit of work: pixel, token, millisecond or character."
    )


def _priced(limit: PriceLimit) -> tuple[object, ...]:
    return (limit.pipeline,)


class Spending(Section):
    """What tests may cost, where a lane may pay: on-chain `managed`, `pinned` and `webhook` lanes.

    Fees are estimated before the job from the discovered price. A target over a bound is not
    tested, which is counted and is nobody's failure.
    """

    max_price: Annotated[list[PriceLimit], once("pipeline", _priced)] = Field(
        default=[], max_length=100, description="Price ceilings, one a pipeline."
    )
    max_fee: Wei | None = Field(default=None, description="Most wei for one job.")
    max_per_day: Wei | None = Field(
        default=None,
        description="Most wei on a day (UTC) for all jobs of this tester. With this or `max_fee`, "
        "targets whose price is not known are not tested.",
    )
    safe_reserve: int = Field(
        default=360_000_000_000_000_000,
        ge=0,
        le=2**62,
        description="Wei of the paying account's reserve below which there is a warning: each "
        "orchestrator may claim a share of it (one part of the pool's size), and refuses who pays "
        "when that does not cover the redemption of a ticket.",
    )
    days_warning: float = Field(
        default=7.0,
        ge=0,
        le=3650,
        description="Days that the deposit must last at the present pace; below it a warning.",
    )


class Limits(Section):
    """Bounds of one job."""

    connect: Seconds = Field(default=5.0, description="Name look-up, connection and TLS, each.")
    upload: Seconds = Field(default=60.0, description="Until the request is acknowledged.")
    inference: Seconds = Field(default=180.0, description="Until the answer begins (stream: ends).")
    download: Seconds = Field(default=60.0, description="Until the answer and its media are here.")
    proof: Seconds = Field(
        default=20.0,
        description="Decoding and checking the answer, in seconds of the processor's time: media "
        "that take more are refused. A machine that is busy with other things blames nobody.",
    )
    response_bytes: int = Field(
        default=8 * 2**20, ge=1024, le=2**30, description="Largest answer accepted."
    )
    artefact_bytes: int = Field(
        default=64 * 2**20, ge=1024, le=2**30, description="Largest media file accepted."
    )


class Connectivity(Section):
    """How the tester knows that its own network works."""

    check: list[HostPort] = Field(
        default=[],
        max_length=10,
        description="HOST:PORT pairs that are up whenever the network is. When an orchestrator "
        "cannot be reached, one of them must be, or the network is blamed; they are asked every "
        "minute, too. Empty: the other orchestrators serve as the check.",
    )
    timeout: Seconds = Field(default=3.0, le=30, description="Limit on one connection.")


class Guard(Section):
    """Where the tester may connect on somebody else's word."""

    allow: list[Network] = Field(
        default=[],
        max_length=100,
        description="Addresses or networks that are exempt from the ban on private, loopback, "
        "link-local, multicast and metadata addresses and those of this machine.",
    )
