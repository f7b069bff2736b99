"""Why there is nothing to be looked at of a job's answer."""

from typing import Final

from exporter.model import Measurement, Origin, Outcome
from exporter.settings import Answers

_OK_STATUS: Final = 200
_CUT_SHORT: Final = frozenset(
    {
        Outcome.INFERENCE_TIMEOUT,
        Outcome.DOWNLOAD_FAILED,
        Outcome.DOWNLOAD_TIMEOUT,
        Outcome.CONNECTION_CLOSED,
        Outcome.RESPONSE_TOO_LARGE,
        Outcome.CANCELLED,
        Outcome.LANE_FAILED,
    }
)


def why_not_kept(job: Measurement | None, settings: Answers) -> str:
    """The reason, as far as it can be told; `None` is a job that is not known (any more)."""
    if job is None:
        return "nothing is kept under this id, and no recent job has it"
    if job.origin is not Origin.OWN:
        return "this job was not made by this tester, and only answers to its own jobs are kept"
    if job.http_status != _OK_STATUS:
        return f"there was no answer to keep: the job ended with {job.outcome.value}"
    return _by_the_settings(job, settings) or _gone(job)


def _by_the_settings(job: Measurement, settings: Answers) -> str | None:
    if settings.keep_artefacts == "none":
        return "answers are not kept: the setting answers.keep_artefacts is none"
    if job.ok and settings.keep_artefacts == "failures":
        return "the job was good, and the setting answers.keep_artefacts is failures"
    return None


def _gone(job: Measurement) -> str:
    gone = (
        "it was cleared since (answers.max_age, answers.max_bytes), or could not be written; "
        "the probe's log and metrics tell"
    )
    if job.outcome in _CUT_SHORT:
        return f"the answer did not come whole ({job.outcome.value}), or {gone}"
    return gone
