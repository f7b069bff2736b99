"""`/`: the ranking as a page, with links to everything else."""

from aiohttp import web

from exporter.web import leaderboard_question
from exporter.web.answers import page_answer
from exporter.web.context import context
from exporter.web.pages.home import home_page
from exporter.web.pages.rounds import RoundReport
from exporter.web.parameters import Parameters, raw_query
from exporter.web.probe_notices import ROUNDS, notice


async def home(request: web.Request) -> web.Response:
    """The home page."""
    here = context(request)
    parameters = Parameters(raw_query(request.raw_path), leaderboard_question.PARAMETERS)
    ranking = await leaderboard_question.ask(here, parameters)
    numbers = await here.numbers()
    rounds: list[RoundReport] | None = await notice(here, ROUNDS, list[RoundReport])
    return page_answer(
        home_page(
            ranking,
            numbers,
            here.watch.supply,
            region=here.settings.region,
            tester=here.settings.tester,
            now=here.now(),
            rounds=rounds or (),
            trouble=here.watch.trouble,
            name=here.names.name,
            warnings=here.watch.warnings,
            money=here.watch.money,
            maintenance=here.maintenance,
        )
    )
