"""The grammar of JSON as patterns, for text of any size: nothing in them backtracks.

A body is read as text whose invalid bytes are lone surrogates (`surrogateescape`).
"""

from typing import Final

SPACE: Final = r"[ \t\r\n]*+"
UNBROKEN: Final = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+'
"""A string up to what may not stand in it, or to its end."""
STRING: Final = UNBROKEN + '"'
INTEGER: Final = r"-?(?:0|[1-9][0-9]*+)"
NUMBER: Final = INTEGER + r"(?:\.[0-9]++|(?!\.))(?:[eE][+-]?[0-9]++|(?![eE]))"
"""A number; `1.` and `1e` are none, while of `01` it is the zero."""
SCALAR: Final = f"(?:{STRING}|{NUMBER}|true|false|null)"

KEY: Final = f"{SPACE}{STRING}{SPACE}:{SPACE}"
_MEMBER: Final = f"{KEY}{SCALAR}{SPACE}"
_ELEMENT: Final = f"{SPACE}{SCALAR}{SPACE}"
FLAT: Final = (
    f"(?:{SCALAR}"
    rf"|\{{{SPACE}(?:{_MEMBER}(?:,{_MEMBER})*+)?+\}}"
    rf"|\[{SPACE}(?:{_ELEMENT}(?:,{_ELEMENT})*+)?+\])"
)
"""A scalar, or an object or array of nothing but scalars."""
