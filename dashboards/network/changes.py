"""What is not as it was when the chosen time began: by default, this time yesterday.

Where nothing is known of then, or of now, nothing is said to have come or gone.
"""

from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.network.glance import OFFER
from dashboards.panel import Panel, Query, Row

_THEN: Final = "offset $__range"
_SINCE: Final = (
    "Between the beginning and the end of the chosen time: with the last 24 hours, since yesterday."
)
_OFFER_LABELS: Final = ("orchestrator_address", "pipeline", "model_name")
_CAME: Final = ((-1, "gone", BAD), (1, "new", GOOD))
_SHOWN: Final = 20


def _two(name: str, by: str, match: str = "") -> tuple[str, str]:
    """A metric now and then, the greatest by labels."""
    metric = f"livepeer_ai_{name}{{{match}}}" if match else f"livepeer_ai_{name}"
    return f"max by ({by}) ({metric})", f"max by ({by}) ({metric} {_THEN})"


def _both(name: str, by: tuple[str, ...], tags: tuple[str, ...], condition: str) -> str:
    """Flux: rows with the columns `later` and `earlier`, where both moments are known at all."""

    def at(moment: str) -> str:
        kept = flux.listed((*by, "_value"))
        return f"{moment}{flux.group(*by)}\n    |> max()\n    |> keep(columns: [{kept}])"

    return f"""\
import "date"

ending = () => {at(flux.now(name, *tags))}

beginning = () => {at(flux.before(name, *tags))}

any = (tables=<-) =>
    length(arr: tables |> group() |> findColumn(fn: (key) => true, column: "_value")) > 0
known = any(tables: ending()) and any(tables: beginning())

union(
    tables: [
        ending() |> set(key: "is", value: "later"),
        beginning() |> set(key: "is", value: "earlier"),
    ],
)
    |> group()
    |> pivot(rowKey: [{flux.listed(by)}], columnKey: ["is"], valueColumn: "_value")
    |> filter(fn: (r) => known and {condition})"""


def _value(what: str) -> str:
    return f"\n    |> map(fn: (r) => ({{r with _value: {what}}}))"


_ONE_SIDE: Final = "(not exists r.earlier or not exists r.later)"
_DIFFERENT: Final = "exists r.earlier and exists r.later and r.earlier != r.later"


def _came_and_went(by: tuple[str, ...], tags: tuple[str, ...]) -> Query:
    now, then = _two("tester_offer_tested", ", ".join(by), promql.SUPPLY)
    return Query(
        name="Change",
        promql=f"((0 * {now} + 1) unless {then}) and on () group({then}) "
        f"or ((0 * {then} - 1) unless {now}) and on () group({now})",
        by=by,
        flux=_both("tester_offer_tested", tags, flux.SUPPLY, _ONE_SIDE)
        + _value("if exists r.later then 1.0 else -1.0"),
        values=_CAME,
    )


def _how_many(name: str, there: str, gone: str, condition: str, flux_of: str) -> Query:
    """How many of those that are `there` were not at the other moment; 0 if none."""
    return Query(
        name=name,
        promql=f"(count({there} unless {gone}) or 0 * count({there})) and on () group({gone})",
        flux=_both("tester_offer_tested", flux.OFFER, flux.SUPPLY, condition)
        + _value(flux_of)
        + "\n    |> sum()",
    )


_NOW, _BEFORE = _two("tester_offer_tested", OFFER, promql.SUPPLY)
_WARM, _WAS_WARM = _two("tester_offer_warm", OFFER, promql.SUPPLY)
_RANK, _WAS_RANK = _two("orchestrator_rank", "orchestrator_address")


def _turned(name: str, sign: str) -> Query:
    return Query(
        name=name,
        promql=f"sum({_WARM} {sign} bool {_WAS_WARM})",
        flux=_both(
            "tester_offer_warm", flux.OFFER, flux.SUPPLY, "exists r.earlier and exists r.later"
        )
        + _value(f"if r.later {sign} r.earlier then 1.0 else 0.0")
        + "\n    |> sum()",
    )


_COUNTS: Final = Panel(
    title="Offers: new, gone, warm, cold",
    description=f"How many offers came and went, and how many became warm and cold. {_SINCE}",
    kind="stat",
    unit="none",
    width=24,
    height=4,
    decimals=0,
    queries=(
        _how_many("new", _NOW, _BEFORE, "exists r.later", "if exists r.earlier then 0.0 else 1.0"),
        _how_many("gone", _BEFORE, _NOW, "exists r.earlier", "if exists r.later then 0.0 else 1.0"),
        _turned("became warm", ">"),
        _turned("became cold", "<"),
    ),
)
_OFFERS: Final = Panel(
    title="Offers that came or went",
    description=f"Who offers a model that it did not offer, or no longer offers one. {_SINCE}",
    kind="table",
    unit="none",
    width=14,
    sort_by="Change",
    links_to="orchestrator",
    no_value="none",
    queries=(_came_and_went(_OFFER_LABELS, flux.OFFER),),
)
_WHO: Final = Panel(
    title="Who came, who vanished",
    description="Orchestrators that offer any of the chosen models and offered none, or the "
    f"reverse. {_SINCE}",
    kind="table",
    unit="none",
    width=10,
    sort_by="Change",
    links_to="orchestrator",
    no_value="nobody",
    queries=(_came_and_went(("orchestrator_address",), ("orchestrator",)),),
)
_WARMTH: Final = Panel(
    title="Models that became warm or cold",
    description=f"Offers whose orchestrator says otherwise than it did. {_SINCE}",
    kind="table",
    unit="none",
    width=14,
    sort_by="Now",
    links_to="orchestrator",
    no_value="none",
    queries=(
        Query(
            name="Now",
            promql=f"{_WARM} != {_WAS_WARM}",
            by=_OFFER_LABELS,
            flux=_both("tester_offer_warm", flux.OFFER, flux.SUPPLY, _DIFFERENT)
            + _value("r.later"),
            values=((0, "cold", UNKNOWN), (1, "warm", GOOD)),
        ),
    ),
)
_MOVED: Final = f"({_WAS_RANK} - {_RANK}) != 0"
_MOST: Final = f"topk({_SHOWN}, abs({_MOVED}))"
_MOVED_FLUX: Final = (
    _both("orchestrator_rank", ("orchestrator",), (), _DIFFERENT)
    + "\n    |> map(fn: (r) => ({r with up: r.earlier - r.later}))"
    + "\n    |> map(fn: (r) => ({r with far: if r.up < 0.0 then 0.0 - r.up else r.up}))"
    + f'\n    |> top(n: {_SHOWN}, columns: ["far"])'
)
_RANKS: Final = Panel(
    title="Ranks that changed",
    description=f"Places won (above 0) and lost on this station's leaderboard; the {_SHOWN} that "
    f"moved most. The rank is that of its usual window. {_SINCE}",
    kind="table",
    unit="none",
    width=10,
    sort_by="-Places",
    links_to="orchestrator",
    no_value="none",
    queries=(
        Query(
            name="Places",
            promql=f"({_MOVED}) and on (orchestrator_address) {_MOST}",
            by=("orchestrator_address",),
            flux=_MOVED_FLUX + _value("r.up"),
            steps=((None, WARNING), (0, GOOD)),
        ),
        Query(
            name="Rank",
            promql=f"{_RANK} and on (orchestrator_address) {_MOST}",
            by=("orchestrator_address",),
            flux=_MOVED_FLUX + _value("r.later"),
        ),
    ),
)

ROW: Final = Row(title="What changed?", panels=(_COUNTS, _OFFERS, _WHO, _WARMTH, _RANKS))
