"""What was otherwise before the day of the made network, and what the chain tells of it."""

from typing import Final

from exporter.stores.influx_lines import tags_of
from tests.dashboards.made_network import MODELS, ORCHESTRATORS, REGIONS, START, STOP, TESTER
from tests.measurements import SECOND

GONE: Final = "0x09" + "ab" * 19
"""Offered the first model, and offers nothing now."""
FIRST, SECOND_ONE, NEW = ORCHESTRATORS
NAMES: Final = {FIRST: "first.eth", SECOND_ONE: "", NEW: "third"}
_WAS: Final = (
    # The first one's models were warm and cold the other way round.
    (FIRST, MODELS[0], 0),
    (FIRST, MODELS[1], 1),
    (SECOND_ONE, MODELS[0], 1),
    (GONE, MODELS[0], 1),
)
_RANKS: Final = {FIRST: 2, SECOND_ONE: 1, NEW: 3}


def lines() -> list[str]:
    """In line protocol."""
    before = START - 300
    made = [
        _line(
            {"orchestrator": who, "pipeline": pipeline, "model": model},
            f"tester_offer_tested=1,tester_offer_warm={warm}",
            before,
        )
        for who, (pipeline, model), warm in _WAS
    ]
    for who, place in _RANKS.items():
        made.append(_line({"orchestrator": who}, f"orchestrator_rank={place}", before))
    for who, name in NAMES.items():
        fields = f'orchestrator_name="{name}",orchestrator_state="offered"'
        made.append(_line({"orchestrator": who}, fields, STOP - 300))
    return made


def _line(tags: dict[str, str], fields: str, moment: int) -> str:
    everything = tags_of({**tags, "region": REGIONS[0], "tester": TESTER})
    return f"ai_metric,{everything} {fields} {moment * SECOND}"
