"""What Go writes for characters that it does not show as they are."""

from typing import Final

ESCAPES: Final = {
    "\\": r"\\",
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
}
"""Without the quotation mark, which is the one that stands around the text."""
