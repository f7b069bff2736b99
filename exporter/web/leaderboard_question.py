"""The question behind `/api/v1/leaderboard` and the home page."""

from typing import Final

import msgspec

from exporter.leaderboard.ranking import Ranked, rank
from exporter.model import NANOSECONDS, pipeline_uri
from exporter.stores import Where, Window, recent
from exporter.web.context import Context
from exporter.web.parameters import Parameters

PARAMETERS: Final = ("pipeline", "model", "region", "since")


class Ranking(msgspec.Struct, frozen=True):
    """A ranking with what it is about."""

    window: Window
    where: Where
    entries: list[Ranked]


async def ask(here: Context, parameters: Parameters) -> Ranking:
    """The ranking for the given parameters; those of the supply without data are in it."""
    now = here.now()
    asked = recent(now, here.settings.leaderboard.window)
    since = parameters.moment("since", now=now)
    if since is not None:
        asked = Window(since // NANOSECONDS * NANOSECONDS, asked.until)
    where = Where(
        pipeline=pipeline_uri(parameters.text("pipeline") or "") or None,
        model=parameters.text("model"),
        region=(parameters.text("region") or "").upper() or None,
    )
    groups = await here.store.groups(asked, where)
    medians = await here.store.medians(asked, where)
    return Ranking(Window(asked.since, now), where, rank(groups, medians, _expected(here, where)))


def _expected(here: Context, where: Where) -> set[str]:
    """Whom this station tests for what the question is about."""
    supply = here.watch.supply
    if supply is None or where.region not in (None, here.settings.region):
        return set()
    return {
        offer.target.orchestrator
        for offer in supply.tested
        if where.pipeline in (None, offer.target.pipeline)
        and where.model in (None, offer.target.model)
    }
