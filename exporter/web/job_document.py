"""A measurement as a JSON document: the design's field names, float seconds, absent if unknown."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from exporter.kept_answers.record import Kept, KeptFile
from exporter.leaderboard.display import shown
from exporter.model import NANOSECONDS, LaneKind, Measurement, Phases, seconds
from exporter.stores.schema import check_document, comparable_time, exempt_checks

Document = dict[str, Any]

_AS_THEY_ARE: Final = (
    "round",
    "repeats",
    "lane",
    "lane_name",
    "lane_version",
    "attempts",
    "service_uri",
    "http_status",
    "model_is_warm",
    "price_per_unit",
    "fee",
    "ticket_value",
    "gpu",
    "node_version",
    "unit",
    "units",
    "request_bytes",
    "response_bytes",
    "latency_per_unit",
)


def summary(job: Measurement) -> Document:
    """What a list of jobs shows of one: what, when, how it ended, and the phases that happened."""
    return {
        "id": job.id,
        "started_at": seconds(job.started_at),
        "time": iso_time(job.started_at),
        "orchestrator": job.orchestrator,
        "orchestrator_address": shown(job.orchestrator),
        "pipeline": job.pipeline,
        "model": job.model,
        "region": job.region,
        "outcome": job.outcome.value,
        "blame": job.blame.value if job.blame is not None else None,
        "message": job.message,
        "exempt": list(exempt_checks(job)),
        **phase_times(job.phases),
    }


def document(job: Measurement) -> Document:
    """Everything about one job: phases, evidence, step log, sizes, proof, unknown lines of a log.

    `session_setup_time` of a job through a gateway is `None`, and not absent, if nobody can tell.
    """
    facts = {name: getattr(job, name) for name in _AS_THEY_ARE}
    facts |= {
        "address": job.address,
        "scored_time": comparable_time(job),
        "queue_time": seconds(job.queue_time),
        "network_rtt": seconds(job.network_rtt),
        "timing_quality": seconds(job.loop_lag),
        **_token_facts(job),
    }
    return {
        **summary(job),
        "origin": job.origin.value,
        "tester": job.tester,
        "counts": job.counts,
        "evidence": list(job.evidence),
        **{name: value for name, value in facts.items() if value is not None},
        **_session_setup(job),
        "proof": [check_document(check) for check in job.proof],
        "artefacts": [msgspec.to_builtins(artefact) for artefact in job.artefacts],
        "request": job.request,
        "response": job.response,
        "steps": [{"at": seconds(step.at), "text": step.text} for step in job.steps],
        "lane_log": list(job.lane_log),
    }


def kept_document(kept: Kept | None, why_not: str | None) -> Document:
    """The files of an answer that can be looked at, or why there are none."""
    return {
        "answer_files": [] if kept is None else [_file(kept, file) for file in kept.files],
        "answer_not_kept": why_not,
    }


def file_link(kept: Kept, file: KeptFile) -> str | None:
    """Path of the file on this station; `None` for one that was left out."""
    if file.left_out is not None:
        return None
    return f"/jobs/{quote(kept.job, safe='')}/artefact?file={quote(file.name, safe='')}"


def _file(kept: Kept, file: KeptFile) -> Document:
    return {
        "file": file.name,
        "href": file_link(kept, file),
        "bytes": file.bytes,
        "claimed": file.claimed,
        "found": file.found,
        "sha256": file.sha256,
        "url": file.url,
        "left_out": file.left_out,
        "altered": file.altered,
    }


def phase_times(phases: Phases) -> dict[str, float]:
    """The phases that happened, `dns_time` to `round_trip_time`, seconds."""
    return {
        f"{name}_time": nanoseconds / NANOSECONDS
        for name, nanoseconds in msgspec.structs.asdict(phases).items()
        if nanoseconds is not None
    }


def iso_time(moment: int) -> str:
    """Unix nanoseconds as ISO 8601 in UTC, to the millisecond."""
    try:
        time = datetime.fromtimestamp(moment / NANOSECONDS, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{moment / NANOSECONDS} s since 1970"
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _session_setup(job: Measurement) -> Document:
    if job.session_setup_time is None and job.lane in (None, LaneKind.DIRECT):
        return {}
    return {"session_setup_time": seconds(job.session_setup_time)}


def _token_facts(job: Measurement) -> Document:
    tokens = job.tokens
    if tokens is None:
        return {}
    return {
        "completion_tokens": tokens.completion,
        "tokens_counted_from": tokens.counted_from,
        "time_to_first_token": seconds(tokens.time_to_first),
        "inter_token_latency": seconds(tokens.inter_token),
        "tokens_per_second": tokens.per_second,
    }
