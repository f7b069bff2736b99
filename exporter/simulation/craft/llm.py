"""`llm`: answers of the simulated language model, at once or token by token."""

import time
from random import Random
from typing import Any, Final

import msgspec

from exporter.simulation import language
from exporter.simulation.craft.product import BadInput, Craft, Lie, Maker, Product
from exporter.simulation.workload import Job

_MOST_TOKENS: Final = 256


def _by(*, way: str | None = None, lie: str | None = None) -> Maker:
    def make(job: Job, _: Random) -> Product:
        try:
            messages = msgspec.convert(job.fields.get("messages"), list[language.Message])
            limit = msgspec.convert(job.fields.get("max_tokens", _MOST_TOKENS), int)
        except msgspec.ValidationError as error:
            raise BadInput(str(error)) from error
        said = language.reply(messages, limit, way=way, lie=lie)
        facts: dict[str, Any] = {"model": job.model, "created": int(time.time())}
        if job.streams:
            return Product(events=tuple(language.chunks(said, **facts)))
        return Product(language.whole(said, **facts))

    return make


CRAFT: Final = Craft(
    pipeline="llm",
    honest={way: _by(way=way) for way in language.WAYS},
    lies={lie: Lie(_by(lie=lie), outcome) for lie, outcome in language.LIES.items()},
)
