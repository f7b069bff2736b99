"""What the sections of all pipelines share: parameters for everyone, and others for some models."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Generic, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from exporter.settings.types import Glob, Section, mistake_at

MOST_OVERRIDES = 100


class Parameters(Section):
    """The parameters of one pipeline's job, its thresholds included."""

    exempt: Sequence[str] = ()
    """Checks of the proof that decide nothing; each pipeline names its own."""


class Override(Section):
    """Parameters that hold for some models only; what is not given stays as `defaults` has it."""

    models: Glob = Field(
        description="The models that it is for, `*` and `?` stand for anything. Where several "
        "match, the later one wins, key by key."
    )


P = TypeVar("P", bound=Parameters)
_OWN = frozenset(Override.model_fields)


class Jobs(Section, Generic[P]):
    """The jobs of one pipeline; each has its own kind of `defaults` and `overrides`."""

    defaults: P
    overrides: Sequence[Override] = ()

    def for_model(self, model: str) -> P:
        """The parameters that hold for a model."""
        values: dict[str, object] = {}
        for override in self.overrides:
            if fnmatchcase(model, override.models):
                given = override.model_fields_set - _OWN
                values |= {name: getattr(override, name) for name in given}
        return self.defaults.model_copy(update=values)

    def mistake_in(self, parameters: P) -> str | None:
        """What contradicts itself in parameters that several overrides made; `None` if nothing."""
        try:
            type(self.defaults).model_validate(parameters.model_dump())
        except ValidationError as error:
            return error.errors()[0]["msg"].removeprefix("Value error, ")
        return None

    @model_validator(mode="after")
    def _each_makes_sense(self) -> Self:
        """Each override must make sense together with the defaults, too."""
        for place, override in enumerate(self.overrides):
            given = override.model_fields_set - _OWN
            values = {name: getattr(override, name) for name in given}
            mistake = self.mistake_in(self.defaults.model_copy(update=values))
            if mistake is not None:
                raise mistake_at(f"with `defaults`: {mistake}", "overrides", place)
        return self
