"""Which of the recent jobs are asked for."""

from typing import Final

import msgspec

from exporter.model import Measurement, Outcome, normal_orchestrator, pipeline_uri
from exporter.web.parameters import Parameters

FAILED: Final = "failed"
"""Stands for every outcome but `ok`."""
OUTCOMES: Final = (*(outcome.value for outcome in Outcome), FAILED)

PARAMETERS: Final = ("outcome", "orchestrator", "pipeline", "model", "limit")
_LIMIT: Final = 100
_LARGEST_LIMIT: Final = 5000


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs are shown; `None` means any."""

    outcome: str | None
    orchestrator: str | None
    pipeline: str | None
    model: str | None
    limit: int

    def matches(self, job: Measurement) -> bool:
        """Whether the job is one of them."""
        return (
            (self.outcome is None or job.outcome == self.outcome or self._any_failure(job))
            and self.orchestrator in (None, normal_orchestrator(job.orchestrator))
            and self.pipeline in (None, pipeline_uri(job.pipeline))
            and self.model in (None, job.model)
        )

    def _any_failure(self, job: Measurement) -> bool:
        return self.outcome == FAILED and not job.ok


def read_filter(parameters: Parameters) -> JobFilter:
    """The filter that the parameters (`PARAMETERS`) ask for."""
    orchestrator = parameters.text("orchestrator")
    pipeline = parameters.text("pipeline")
    return JobFilter(
        outcome=parameters.choice("outcome", OUTCOMES),
        orchestrator=None if orchestrator is None else normal_orchestrator(orchestrator),
        pipeline=None if pipeline is None else pipeline_uri(pipeline),
        model=parameters.text("model"),
        limit=parameters.number("limit", default=_LIMIT, least=1, most=_LARGEST_LIMIT),
    )
