"""`targets`: what would be tested, from which source, and what is offered besides."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.exit_code import FAILED, USAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.model import LaneKind, Offer, SourceState, Supply
    from exporter.probing.scheduling.expected_cost import ExpectedCost
    from exporter.probing.scheduling.spending import Spending
    from exporter.settings import Settings

_UNKNOWN = "-"

Row = tuple[str, ...]

_FACTS_HEAD: Row = ("orchestrator", "pipeline", "model", "warm", "free", "wei/unit")
_TESTED_HEAD: Row = (*_FACTS_HEAD, "URI", "ETH/day", "from")
_OTHER_HEAD: Row = (*_FACTS_HEAD, "from", "why not tested")
_SOURCE_HEAD: Row = ("source", "offers", "skipped", "last good", "state")


@click.command(epilog="Example:  livepeer-exporter targets --config config.yaml")
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML); see docs/settings.md.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def targets(config: Path, *, as_json: bool) -> None:
    """Show what would be tested, and who says so. Asks every source once; tests nothing.

    A scout (`sources.scout`) is a gateway that only the service starts: it is not asked.

    Prices are in wei per unit of the pipeline; `free` are the slots that are advertised as free.
    What a day costs is estimated by these prices and the schedule, for lanes that may pay.

    With `sources.chain` it also shows who is registered and offers nothing that a source lists, and
    who offers something without being registered. Names are labels, and what the service knows.

    Leaderboards that are followed (`sources.follow`) are no source of targets.

    Exit codes: 0 something is known to be offered, or nobody is to be tested, 1 no source could be
    read, 2 wrong usage or settings.
    """
    import asyncio
    import os

    from exporter import log
    from exporter.settings_file import SettingsError, load

    # What sources say stands in the table.
    click.get_current_context().with_resource(log.configured("error", "text"))
    try:
        settings = load(config, os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None
    spending = _spending(settings)
    supply = asyncio.run(_discover(settings, spending))
    cost = _cost(settings, spending, supply)
    from exporter.names.book import NameBook

    names = NameBook(settings)
    if as_json:
        _print_json(supply, cost, names.name)
    else:
        _print_tables(supply, cost, spending.budget, names.name)
    if not settings.sources.tests_somebody:
        click.echo("nobody is tested: the settings only name leaderboards to follow", err=True)
    elif not supply.offers and all(source.error for source in supply.sources):
        raise SystemExit(FAILED)


def _spending(settings: "Settings") -> "Spending":
    from exporter.pipelines import registry
    from exporter.probing.scheduling.clock import Clock
    from exporter.probing.scheduling.spending import Spending

    return Spending(
        settings.spending,
        registry(settings.pipelines),
        on_chain=settings.livepeer.on_chain is not None,
        clock=Clock(),
    )


async def _discover(settings: "Settings", spending: "Spending") -> "Supply":
    from exporter.discovery.chain.opening import read_once
    from exporter.discovery.discover import Discovery
    from exporter.pipelines import registry

    tested = registry(settings.pipelines).keys()
    async with read_once(settings) as chain:
        supply = await Discovery(settings, tested_pipelines=tested, chain=chain).refresh()
    supply = _priced(settings, spending, supply)
    return _with_scout(supply) if settings.sources.scout else supply


def _with_scout(supply: "Supply") -> "Supply":
    import msgspec

    from exporter.discovery.scout import NAME
    from exporter.model import SourceState

    said = "is asked only while the service runs; its offers are on the pages and in the API"
    scout = SourceState(name=NAME, offers=0, refreshed_at=None, error=said)
    return msgspec.structs.replace(supply, sources=(*supply.sources, scout))


def _with_lanes(
    settings: "Settings", offers: "Iterable[Offer]"
) -> "list[tuple[Offer, LaneKind | None]]":
    """Each offer with the kind of the lane that is named for it; `None` where there is none."""
    from exporter.model import LaneKind

    named = {lane.orchestrator: LaneKind(lane.kind) for lane in reversed(settings.lanes)}
    everyone = named.get(None)
    return [(offer, named.get(offer.target.orchestrator, everyone)) for offer in offers]


def _cost(settings: "Settings", spending: "Spending", supply: "Supply") -> "ExpectedCost":
    from exporter.cli.cost_view import expected

    return expected(settings, spending, _with_lanes(settings, supply.tested))


def _priced(settings: "Settings", spending: "Spending", supply: "Supply") -> "Supply":
    """The same supply, in which what is too dear is not tested."""
    import msgspec

    def priced(offer: "Offer", kind: "LaneKind | None") -> "Offer":
        if offer.not_tested is not None or kind is None:
            return offer
        reason = spending.reason_to_skip(offer, kind)
        return msgspec.structs.replace(offer, not_tested=reason)

    offers = tuple(priced(offer, kind) for offer, kind in _with_lanes(settings, supply.offers))
    return msgspec.structs.replace(supply, offers=offers)


def _print_json(
    supply: "Supply", cost: "ExpectedCost", name: "Callable[[str], str | None]"
) -> None:
    import msgspec

    from exporter.cli import states_view
    from exporter.cli.cost_view import document as cost_document

    document = {
        "tested": supply.tested,
        "offered_not_tested": tuple(offer for offer in supply.offers if offer.not_tested),
        "sources": supply.sources,
        "chain": supply.chain,
        "orchestrators": states_view.document(supply, name),
        "taken_at": supply.taken_at,
        "cost": cost_document(cost),
    }
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _print_tables(
    supply: "Supply",
    cost: "ExpectedCost",
    budget: int | None,
    name: "Callable[[str], str | None]",
) -> None:
    from exporter.cli.cost_view import total
    from exporter.cli.states_view import print_states
    from exporter.cli.tables import print_table

    tested = [_tested_row(offer, cost) for offer in supply.tested]
    others = [_other_row(offer) for offer in supply.offers if offer.not_tested is not None]
    sources = [_source_row(source, supply.taken_at) for source in supply.sources]
    orchestrators = len({offer.target.orchestrator for offer in supply.tested})
    print_table(f"Tested: {len(tested)} on {orchestrators} orchestrators", _TESTED_HEAD, tested)
    if others:
        print_table(f"Offered, not tested: {len(others)}", _OTHER_HEAD, others)
    if supply.chain is not None:
        print_states(supply, name)
    print_table("Sources", _SOURCE_HEAD, sources)
    if tested:
        click.echo(total(cost, budget))


def _tested_row(offer: "Offer", cost: "ExpectedCost") -> Row:
    from exporter.cli.cost_view import eth_per_day

    where, sources = offer.service_uri or _UNKNOWN, ", ".join(offer.sources)
    return (*_facts(offer), where, eth_per_day(cost, offer), sources)


def _other_row(offer: "Offer") -> Row:
    return (*_facts(offer), ", ".join(offer.sources), offer.not_tested or "")


def _facts(offer: "Offer") -> Row:
    warm = {True: "yes", False: "no", None: _UNKNOWN}[offer.warm]
    price = _UNKNOWN if offer.price_per_unit is None else f"{offer.price_per_unit:.10g}"
    free = _UNKNOWN if offer.capacity is None else str(offer.capacity)
    target = offer.target
    from exporter.leaderboard.display import shown

    return (shown(target.orchestrator), target.pipeline, target.model, warm, free, price)


def _source_row(source: "SourceState", now: int) -> Row:
    age = _UNKNOWN
    if source.refreshed_at is not None:
        age = f"{max(0, now - source.refreshed_at) // 1_000_000_000} s ago"
    state = source.error or source.remark or "ok"
    return (source.name, str(source.offers), str(source.skipped), age, state)
