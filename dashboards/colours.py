"""Colours that people with any kind of colour vision can tell apart.

Those of Okabe and Ito, "Color Universal Design" (2008). Red and green never stand for bad and good:
good is blue, a warning orange, bad vermillion.
"""

from typing import Final

BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
ORANGE: Final = "#E69F00"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#999999"

GOOD: Final = BLUE
WARNING: Final = ORANGE
BAD: Final = VERMILLION
UNKNOWN: Final = GREY

BLAME: Final = {
    "orchestrator": VERMILLION,
    "gateway": PURPLE,
    "network": SKY,
    "tester": YELLOW,
    "unknown": GREY,
    "none": BLUE,
}
"""Whose doing a failure is."""

PHASES: Final = {"upload": SKY, "inference": BLUE, "download": ORANGE}
"""Phases of a job, as they follow each other."""
