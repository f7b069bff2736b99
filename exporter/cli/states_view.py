"""What `targets` shows of chain and sources together: who is in which state."""

from collections.abc import Callable

from exporter.cli.tables import print_table
from exporter.leaderboard.display import shown
from exporter.model import Supply
from exporter.orchestrators import IN_WORDS, Orchestrator, State, orchestrators

Row = tuple[str, ...]
Name = Callable[[str], str | None]

UNKNOWN = "-"
_COUNT_HEAD: Row = ("orchestrators", "state")
_UNKNOWN_HEAD: Row = ("orchestrator", "name", "stake, LPT", "active", "AI service URI")
_STRANGERS_HEAD: Row = ("orchestrator", "name", "offers", "from")


def document(supply: Supply, name: Name) -> list[dict[str, object]]:
    """Everybody, for JSON."""
    return [
        {
            "orchestrator": one.orchestrator,
            "name": name(one.orchestrator),
            "state": one.state,
            "offers": len(one.offers),
            "tested": one.tested,
            "registration": one.registration,
        }
        for one in orchestrators(supply)
    ]


def print_states(supply: Supply, name: Name) -> None:
    """How many are in which state, and who those are of whom chain or sources know nothing."""
    everybody = orchestrators(supply)
    by_state = {state: [one for one in everybody if one.state is state] for state in State}
    counts = [(str(len(ones)), IN_WORDS[state]) for state, ones in by_state.items() if ones]
    print_table(f"Orchestrators: {len(everybody)}", _COUNT_HEAD, counts)
    if unknown := by_state[State.OFFERS_UNKNOWN]:
        rows = [_unknown(one, name) for one in unknown]
        print_table(f"Registered, offers unknown: {len(rows)}", _UNKNOWN_HEAD, rows)
    if strangers := by_state[State.NOT_REGISTERED]:
        rows = [_stranger(one, name) for one in strangers]
        print_table(f"Offered, not registered: {len(rows)}", _STRANGERS_HEAD, rows)


def _unknown(one: Orchestrator, name: Name) -> Row:
    known = one.registration
    who = (shown(one.orchestrator), name(one.orchestrator) or UNKNOWN)
    if known is None:
        return (*who, UNKNOWN, UNKNOWN, UNKNOWN)
    uri = known.ai_service_uri or known.ai_uri_refused or "none"
    return (*who, f"{known.stake:.10g}", "yes" if known.active else "no", uri)


def _stranger(one: Orchestrator, name: Name) -> Row:
    sources = dict.fromkeys(source for offer in one.offers for source in offer.sources)
    who = (shown(one.orchestrator), name(one.orchestrator) or UNKNOWN)
    return (*who, str(len(one.offers)), ", ".join(sources))
