"""From which value on a panel has which colour, in words for its description."""

from typing import Final

from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.panel import Panel

_WORDS: Final = {GOOD: "blue", WARNING: "orange", BAD: "vermillion", UNKNOWN: "grey"}
_SPANS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def in_words(panel: Panel) -> str:
    """Such as `Blue, orange from 1, vermillion from 3.`; nothing where values have words.

    On curves they are lines.
    """
    if not panel.steps[1:] or panel.values:
        return ""
    lines = panel.kind == "curves"
    said = [
        word if value is None else f"{word} {'at' if lines else 'from'} {_value(value, panel.unit)}"
        for value, colour in panel.steps[lines:]
        if (word := _WORDS.get(colour)) is not None
    ]
    text = ", ".join(said)
    return f"Dashed lines: {text}." if lines else f"{text.capitalize()}."


def _value(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:g} %"
    if unit == "s":
        size, name = next((one for one in _SPANS if value and value % one[0] == 0), (1, "s"))
        return f"{value / size:g} {name}"
    return f"{value:g} {unit.removeprefix('suffix:').strip()}" if ":" in unit else f"{value:g}"
