"""The job for `llm`."""

from typing import Annotated, Literal

from pydantic import Field

from exporter.settings.pipelines.jobs import MOST_OVERRIDES, Jobs, Override, Parameters


class Llm(Parameters):
    """The job for `llm`."""

    stream: bool = Field(default=True, description="Ask for a token stream.")
    max_tokens: int = Field(
        default=128,
        ge=64,
        le=4096,
        description="Tokens allowed in the answer; all are paid for. An answer takes 30 to 80. "
        "Models that think first need 1024 or more, or are cut off before their answer begins.",
    )
    temperature: float = Field(default=0.0, ge=0, le=2, description="Sampling temperature.")
    max_other_numbers: int = Field(
        default=12,
        ge=0,
        le=1000,
        description="Numbers that might be the sum and are not, in the answer: without a bound, a "
        "list of all would do. Who works the sum out step by step names up to 6.",
    )
    exempt: list[Literal["code", "own_words", "sum", "numbers", "order"]] = Field(
        default=[], description="Checks that decide nothing."
    )


class LlmOverride(Override, Llm):
    """Parameters for some models; every key of `defaults`, as far as it is to differ."""


class LlmJobs(Jobs[Llm]):
    """Answers of a language model."""

    defaults: Llm = Field(default=Llm(), description="For every model.")
    overrides: Annotated[list[LlmOverride], Field(max_length=MOST_OVERRIDES)] = Field(
        default=[], description="For some models."
    )
