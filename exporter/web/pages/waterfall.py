"""The phases of a job as a waterfall: an SVG without styles of its own or scripts."""

from typing import Final

import msgspec

from exporter.model import NANOSECONDS, Phases
from exporter.web.pages.layout import duration
from exporter.web.pages.markup import Markup, element

_WIDTH: Final = 960
_LEFT: Final = 110
_RIGHT: Final = 90
_ROW: Final = 28
_BAR: Final = 16
_THINNEST: Final = 1.5


def waterfall(phases: Phases) -> Markup | None:
    """The picture; `None` if no phase happened. Phases follow one another without a gap."""
    spans = _spans(phases)
    total = sum(length for _, length in spans)
    if not spans or total <= 0:
        return None
    scale = (_WIDTH - _LEFT - _RIGHT) / total
    rows: list[Markup] = []
    start = 0
    for number, (name, length) in enumerate(spans):
        rows += _row(number, name, start * scale, length, scale)
        start += length
    height = len(spans) * _ROW + 4
    label = "Waterfall of phases: " + ", ".join(
        f"{name} {duration(length / NANOSECONDS)}" for name, length in spans
    )
    return element(
        "svg", *rows, viewBox=f"0 0 {_WIDTH} {height}", role="img", **{"aria-label": label}
    )


def _spans(phases: Phases) -> list[tuple[str, int]]:
    return [
        (name, length)
        for name, length in msgspec.structs.asdict(phases).items()
        if length is not None and name != "round_trip"
    ]


def _row(number: int, name: str, offset: float, length: int, scale: float) -> list[Markup]:
    top = number * _ROW
    middle = top + _ROW / 2 + 5
    width = max(length * scale, _THINNEST)
    left = _LEFT + offset
    return [
        element("text", name, x=0, y=middle),
        element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=top + _ROW, y2=top + _ROW, class_="axis"),
        element(
            "rect",
            x=round(left, 2),
            y=top + (_ROW - _BAR) / 2,
            width=round(width, 2),
            height=_BAR,
            rx=2,
            class_=name,
        ),
        element(
            "text",
            duration(length / NANOSECONDS),
            x=round(left + width + 8, 2),
            y=middle,
            class_="soft",
        ),
    ]
