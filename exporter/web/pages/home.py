"""The home page: the ranking, and how the station is doing."""

from collections.abc import Sequence
from typing import Final, Protocol
from urllib.parse import urlencode

from exporter.delivery.station_numbers import OutboxNumbers, StationNumbers
from exporter.funds.report import Report
from exporter.leaderboard.display import shown
from exporter.leaderboard.ranking import Ranked
from exporter.maintenance import Maintenance
from exporter.model import CHAIN_SOURCE, NANOSECONDS, Offer, SourceState, Supply
from exporter.orchestrators import orchestrators
from exporter.stores import Where, Window
from exporter.web.pages.layout import (
    UNKNOWN,
    Page,
    beside,
    cell,
    duration,
    facts,
    heading,
    named_orchestrator,
    page,
    table,
)
from exporter.web.pages.maintenance import maintenance_facts
from exporter.web.pages.markup import Markup, element, join
from exporter.web.pages.money import money_facts
from exporter.web.pages.orchestrators import Name, chain_facts, counted
from exporter.web.pages.rounds import RoundReport, rounds_section

MOST_ROWS: Final = 500

_HEAD: Final = (
    heading("#", number=True),
    heading("orchestrator"),
    heading("score", number=True),
    heading("success rate", number=True),
    heading("speed", number=True),
    heading("round trip", number=True),
    heading("jobs", number=True),
    heading("models", number=True),
)
_UNTESTED_HEAD: Final = (
    heading("orchestrator"),
    heading("pipeline"),
    heading("model"),
    heading("warm"),
    heading("price, wei", number=True),
    heading("why not"),
)


class Ranking(Protocol):
    """A ranking with what it is about."""

    @property
    def window(self) -> Window:
        """The window of time."""
        ...

    @property
    def where(self) -> Where:
        """What it was asked for."""
        ...

    @property
    def entries(self) -> list[Ranked]:
        """The entries, best first."""
        ...


def home_page(
    ranking: Ranking,
    numbers: StationNumbers,
    supply: Supply | None,
    *,
    region: str,
    tester: str,
    now: int,
    rounds: Sequence[RoundReport] = (),
    trouble: Sequence[str] = (),
    name: Name = lambda _: None,
    warnings: Sequence[str] = (),
    money: Report | None = None,
    maintenance: Maintenance,
) -> Page:
    """The page; `now` is Unix nanoseconds.

    `rounds` are in the order of their end, `trouble` is why the probe cannot test, `warnings` what
    soon will be in its way, `name` gives the name of an orchestrator.
    """
    hours = round((ranking.window.until - ranking.window.since) / NANOSECONDS / 3600, 2)
    rows = [_row(entry, name(entry.orchestrator)) for entry in ranking.entries[:MOST_ROWS]]
    return page(
        "Leaderboard",
        element("h1", "Leaderboard"),
        element("p", f"{_about(ranking.where)} · last {hours:g} h", class_="soft"),
        table(_HEAD, rows) if rows else element("p", "No data yet: nothing has been tested."),
        _remark(len(ranking.entries)),
        _untested(supply, name),
        rounds_section(rounds),
        element("h2", "This station"),
        facts(
            [
                *_strong("Cannot test", trouble),
                *_strong("Warning", warnings),
                *maintenance_facts(maintenance),
                *_station(numbers, supply, region=region, tester=tester, now=now),
                *money_facts(money, now),
            ]
        ),
    )


def _about(where: Where) -> str:
    named = [value for value in (where.pipeline, where.model, where.region) if value is not None]
    return ", ".join(named) if named else "All pipelines, models and regions"


def _row(entry: Ranked, name: str | None) -> Markup:
    link = "/jobs?" + urlencode({"orchestrator": entry.orchestrator})
    address = element("a", shown(entry.orchestrator), href=link, class_="mono")
    models = len({(group.pipeline, group.model) for group in entry.groups})
    score = "no data" if entry.score is None else f"{entry.score * 10:.2f}"
    return element(
        "tr",
        cell(UNKNOWN if entry.rank is None else str(entry.rank), kind="num"),
        cell(address, *([] if name is None else [beside(name)]), kind="text"),
        cell(element("strong", score) if entry.score is not None else score, kind="num"),
        cell(_percent(entry.success_rate), kind="num"),
        cell(_percent(entry.round_trip_score), kind="num"),
        cell(duration(entry.round_trip_time), kind="num"),
        cell(str(entry.jobs), kind="num"),
        cell(str(models) if models else UNKNOWN, kind="num"),
    )


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share * 100:.1f} %"


def _remark(entries: int) -> Markup:
    text = (
        "Score 0 to 10: 65 % success rate, 35 % round trip compared with the median of the same "
        "model (80 % at the median). Every model counts the same. Only jobs that succeeded or "
        "failed by the orchestrator's own doing count."
    )
    if entries > MOST_ROWS:
        text += f" The first {MOST_ROWS} of {entries} are shown."
    return element("p", text, class_="soft")


def _untested(supply: Supply | None, name: Name) -> Markup:
    offers = [offer for offer in supply.offers if offer.not_tested] if supply is not None else []
    if not offers:
        return Markup()
    rows = [_untested_row(offer, name(offer.target.orchestrator)) for offer in offers[:MOST_ROWS]]
    return join((element("h2", "Offered, not tested"), table(_UNTESTED_HEAD, rows)))


def _untested_row(offer: Offer, name: str | None) -> Markup:
    price = offer.price_per_unit
    return element(
        "tr",
        cell(named_orchestrator(offer.target.orchestrator, name), kind="nowrap"),
        cell(offer.target.pipeline, kind="nowrap"),
        cell(offer.target.model, kind="text"),
        cell({True: "yes", False: "no", None: UNKNOWN}[offer.warm]),
        cell(UNKNOWN if price is None else f"{price:,.10g}", kind="num"),
        cell(offer.not_tested or "", kind="text"),
    )


def _strong(name: str, texts: Sequence[str]) -> list[tuple[str, str | None]]:
    return [(name, element("strong", text, class_="bad")) for text in texts]


def _set_aside_or_lost(outbox: OutboxNumbers) -> list[tuple[str, str | None]]:
    pairs: list[tuple[str, str | None]] = [
        (f"Dead letters of {consumer}", f"{count}, see livepeer-exporter outbox")
        for consumer, count in outbox.dead_letters.items()
    ]
    if lost := outbox.losses.measurements:
        pairs.append(("Lost", f"{lost} measurements, as the outbox was full"))
    return pairs


def _chain(supply: Supply, now: int) -> list[tuple[str, str | None]]:
    if supply.chain is None:
        return []
    link = element("a", counted(orchestrators(supply)), href="/orchestrators")
    return [("Orchestrators", link), *chain_facts(supply.chain, now)[:1]]


def _listed(source: SourceState, supply: Supply) -> str:
    """The chain tells who is registered, and not what they offer."""
    if source.name == CHAIN_SOURCE:
        return f"{len(supply.registered)} orchestrators registered"
    return f"{source.offers} offers"


def _station(
    numbers: StationNumbers, supply: Supply | None, *, region: str, tester: str, now: int
) -> list[tuple[str, str | None]]:
    pairs: list[tuple[str, str | None]] = [("Region, tester", f"{region}, {tester}")]
    if supply is not None:
        pairs += _chain(supply, now)
        age = duration((now - supply.taken_at) / NANOSECONDS)
        pairs.append(("Supply", f"{len(supply.tested)} targets tested, seen {age} ago"))
        pairs += [
            (f"Source {source.name}", source.error or source.remark or _listed(source, supply))
            for source in supply.sources
        ]
    for consumer in numbers.consumers:
        lag = "unknown" if consumer.lag is None else f"{consumer.lag} to come"
        pairs.append((f"Consumer {consumer.name}", consumer.problem or lag))
    if numbers.outbox is not None:
        pairs += _set_aside_or_lost(numbers.outbox)
    pairs.append(("Version", numbers.version))
    return pairs
