"""The page about who is registered on the chain and who offers something."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from exporter.maintenance import Maintenance, Open
from exporter.model import ChainState, Reachability, Registration
from exporter.orchestrators import IN_WORDS, Orchestrator, State
from exporter.web.job_document import iso_time
from exporter.web.pages.layout import (
    UNKNOWN,
    Page,
    ago,
    cell,
    facts,
    heading,
    named_orchestrator,
    page,
    table,
)
from exporter.web.pages.maintenance import in_words
from exporter.web.pages.markup import Markup, element, join

MOST_ROWS: Final = 1000
Name = Callable[[str], str | None]

_HEAD: Final = (
    heading("orchestrator"),
    heading("state"),
    heading("stake, LPT", number=True),
    heading("active"),
    heading("keeps, gives on", number=True),
    heading("models", number=True),
    heading("AI service URI"),
)
_TONE: Final = {
    State.OFFERED: "ok",
    State.NO_LONGER_LISTED: "warn",
    State.NOT_REGISTERED: "warn",
}


def orchestrators_page(
    entries: Sequence[Orchestrator],
    chain: ChainState | None,
    *,
    name: Name,
    now: int,
    maintenance: Maintenance,
) -> Page:
    """The page; `now` is Unix nanoseconds."""
    rows = [
        _row(entry, chain, name(entry.orchestrator), maintenance.of(entry.orchestrator), now)
        for entry in entries[:MOST_ROWS]
    ]
    return page(
        "Orchestrators",
        element("h1", "Orchestrators"),
        element("p", _summary(entries), class_="soft"),
        table(_HEAD, rows) if rows else element("p", "Nobody is known yet."),
        *([element("p", _REMARK, class_="soft")] if chain else []),
        element("h2", "The chain"),
        facts(chain_facts(chain, now)),
    )


_REMARK: Final = (
    "Stake is an orchestrator's own and what is delegated to it; the share is of all active stake. "
    "It keeps the first part of its rewards, and gives on the second part of its fees. Whoever "
    "offers nothing to AI gateways may well be there for transcoding alone."
)


def chain_facts(chain: ChainState | None, now: int) -> list[tuple[str, str | None]]:
    """When the chain was read, and what it is at."""
    if chain is None:
        return [("Read", "no chain is read (sources.chain), or it could not be read yet")]
    begun = "" if chain.round_initialized else ", which nobody has initialized yet"
    return [
        ("Block", f"{chain.block} of chain {chain.chain_id}, {ago(now, chain.block_time)}"),
        ("Round", f"{chain.round}{begun}"),
        ("Pool", f"{chain.pool_size} of {chain.pool_limit} places taken"),
        ("Active stake", f"{chain.total_active_stake:,.0f} LPT"),
    ]


def counted(entries: Sequence[Orchestrator]) -> str:
    """How many there are in which state, in words."""
    counts = Counter(entry.state for entry in entries)
    return " · ".join(f"{counts[state]} {IN_WORDS[state]}" for state in State if counts[state])


def _summary(entries: Sequence[Orchestrator]) -> str:
    more = f" · the first {MOST_ROWS} are shown" if len(entries) > MOST_ROWS else ""
    return (counted(entries) or "none") + more


def _row(
    entry: Orchestrator,
    chain: ChainState | None,
    name: str | None,
    maintenance: Open | None,
    now: int,
) -> Markup:
    known = entry.registration
    return element(
        "tr",
        cell(named_orchestrator(entry.orchestrator, name), kind="nowrap"),
        cell(*_state(entry, maintenance), kind="nowrap"),
        cell(*_stake(known), kind="num"),
        cell(UNKNOWN if known is None else _active(known, chain), kind="nowrap"),
        cell(*_cuts(known), kind="num"),
        cell(*_models(entry), kind="num"),
        cell(_uri(entry), _reached(known, now), kind="text"),
    )


def _state(entry: Orchestrator, maintenance: Open | None) -> tuple[str, ...]:
    badge = element("span", IN_WORDS[entry.state], class_=f"badge {_TONE.get(entry.state, 'soft')}")
    under: list[str] = []
    if entry.unlisted_since is not None:
        since = iso_time(entry.unlisted_since)[:16].replace("T", " ")
        under.append(_under(f"since {since} UTC"))
    if maintenance is not None:
        under.append(_under(f"maintenance {in_words(maintenance)}"))
    return badge, *under


def _stake(known: Registration | None) -> tuple[str, ...]:
    if known is None:
        return (UNKNOWN,)
    return f"{known.stake:,.0f}", _under("" if known.share is None else _percent(known.share))


def _models(entry: Orchestrator) -> tuple[str, ...]:
    if not entry.offers:
        return (UNKNOWN,)
    return str(len(entry.offers)), _under(f"{entry.tested} tested")


def _under(text: str) -> Markup:
    return element("div", text, class_="soft")


def _active(known: Registration, chain: ChainState | None) -> str:
    if known.active:
        end = known.deactivation_round
        return "yes" if end is None else f"until round {end}"
    if known.activation_round is not None and known.in_pool:
        waits = chain is None or known.activation_round > chain.round
        return f"from round {known.activation_round}" if waits else "no"
    return "no"


def _cuts(known: Registration | None) -> tuple[str, ...]:
    if known is None or (known.reward_cut is None and known.fee_share is None):
        return (UNKNOWN,)
    return _percent(known.reward_cut), _under(_percent(known.fee_share))


def _uri(entry: Orchestrator) -> str:
    known = entry.registration
    if known is None:
        uris = sorted({offer.service_uri for offer in entry.offers if offer.service_uri})
        return ", ".join(uris[:3]) or UNKNOWN
    return known.ai_service_uri or known.ai_uri_refused or "none"


def _reached(known: Registration | None, now: int) -> Markup:
    """What a look at each URI showed, that of the AI registry first, another one by its name."""
    if known is None:
        return Markup()
    looks = sorted(known.reachability, key=lambda look: look.uri != known.ai_service_uri)
    return join(
        element("div", *_look(look, now, named=look.uri != known.ai_service_uri), class_="soft")
        for look in looks
    )


def _look(look: Reachability, now: int, *, named: bool) -> tuple[str, ...]:
    where = f"{look.uri}: " if named else ""
    if look.reached is None:
        return where, "not found out whether it can be reached"
    if not look.reached:
        why = ": ".join(part for part in (look.stage, look.error) if part)
        return where, element("span", "not reached", class_="bad"), f" {ago(now, look.at)}, {why}"
    found = look.certificate
    until = None if found is None or found.not_after is None else iso_time(found.not_after)[:10]
    certificate = "" if until is None else f", certificate until {until}"
    return where, element("span", "reached", class_="ok"), f" {ago(now, look.at)}{certificate}"


def _percent(part: float | None) -> str:
    return UNKNOWN if part is None else f"{part * 100:.4g} %"
