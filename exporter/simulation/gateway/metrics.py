"""The few series of `-monitor` that a client of a gateway asks for."""

from collections import Counter


class Metrics:
    """Counts jobs; scores are those of successes only."""

    def __init__(self) -> None:
        self._requested: Counter[tuple[str, str]] = Counter()
        self._scores: dict[tuple[str, str, str, str], float] = {}

    def requested(self, pipeline: str, model: str) -> None:
        """A job came in."""
        self._requested[pipeline, model] += 1

    def succeeded(self, pipeline: str, model: str, *, uri: str, address: str, score: float) -> None:
        """An orchestrator did a job."""
        self._scores[pipeline, model, uri, address] = score

    def render(self) -> str:
        """The text of `/metrics`."""
        lines = ["# TYPE livepeer_ai_models_requested counter"]
        for (pipeline, model), count in sorted(self._requested.items()):
            labels = f'pipeline="{pipeline}",model_name="{model}"'
            lines.append(f"livepeer_ai_models_requested{{{labels}}} {count}")
        lines.append("# TYPE livepeer_ai_request_latency_score gauge")
        for (pipeline, model, uri, address), score in sorted(self._scores.items()):
            labels = (
                f'orchestrator_address="{address}",orchestrator_uri="{uri}",'
                f'orchestrator_version="",model_name="{model}",pipeline="{pipeline}"'
            )
            lines.append(f"livepeer_ai_request_latency_score{{{labels}}} {score!r}")
        lines.append("# TYPE livepeer_ai_orchestrators_available_total gauge")
        available = len({uri for _, _, uri, _ in self._scores})
        lines.append(f"livepeer_ai_orchestrators_available_total {available}")
        return "\n".join(lines) + "\n"
