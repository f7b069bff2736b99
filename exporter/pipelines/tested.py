"""A kind of job together with the settings for it."""

import random
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.pipelines.job import CannotMakeError, Kind, Order

if TYPE_CHECKING:
    # Worker processes import this package, and need neither the settings nor what those import.
    from exporter.settings.pipelines import Jobs, Parameters

P = TypeVar("P", bound="Parameters")
_SEEDS = 2**63


class Tested(Generic[P]):
    """A pipeline that is tested: every model with the parameters that hold for it."""

    def __init__(self, kind: Kind[P], settings: "Jobs[P]") -> None:
        self._kind = kind
        self._settings = settings

    @property
    def name(self) -> str:
        """URI form, such as `text-to-image`."""
        return self._kind.name

    def order(self, model: str, rng: random.Random) -> Order:
        """Say what job is to be made for a model; `rng` gives its seed.

        Raises `CannotMakeError` where the settings for the model contradict each other.
        """
        parameters = self._settings.for_model(model)
        if (mistake := self._settings.mistake_in(parameters)) is not None:
            message = f"the overrides of pipelines.{self.name} that match {model}: {mistake}"
            raise CannotMakeError(message)
        return Order(
            pipeline=self.name,
            model=model,
            parameters=parameters,
            seed=rng.randrange(_SEEDS),
        )

    def fee_units(self, model: str) -> float | None:
        """The units that a gateway pays for one job on the model; `None` where nobody can tell."""
        return self._kind.fee_units(self._settings.for_model(model))

    def media_urls(self, body: bytes) -> list[str]:
        """The media that the answer points at, to be fetched before the proof; often none.

        Raises `InvalidResponse` when the answer is not of the promised form.
        """
        return self._kind.media_urls(body)
