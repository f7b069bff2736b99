"""The grammar of JSON as patterns, for text of any size: nothing in them goes back.

A body is read as text whose invalid bytes are lone surrogates (`surrogateescape`).
"""

from typing import Final


def many(pattern: str) -> str:
    """As often as it comes, or never.

    Before Python 3.11.5, a possessive group goes on from where its last try failed; so this is an
    atomic one. It repeats in portions, as each repetition takes memory until its portion ends.
    """
    return f"(?>(?:(?>(?:{pattern}){{1,1000}}))*)"


def _listed(pattern: str) -> str:
    """One or more with commas in between, or none."""
    return f"(?>(?:{pattern}{many(f',{pattern}')})?)"


SPACE: Final = r"[ \t\r\n]*+"
_PLAIN: Final = r'[^"\\\x00-\x1f]*+'
_ESCAPED: Final = many(rf'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN}')
UNBROKEN: Final = f'"{_PLAIN}{_ESCAPED}'
"""A string up to what may not stand in it, or to its end."""
TEXT: Final = f'{_PLAIN}(?:(?=")|{_ESCAPED})'
"""What stands between quotes; mostly there is no escape in it, which is quick to see."""
STRING: Final = f'"{TEXT}"'
INTEGER: Final = r"-?(?:0|[1-9][0-9]*+)"
NUMBER: Final = INTEGER + r"(?:\.[0-9]++|(?!\.))(?:[eE][+-]?[0-9]++|(?![eE]))"
"""A number; `1.` and `1e` are none, while of `01` it is the zero."""
SCALAR: Final = f"(?:{STRING}|{NUMBER}|true|false|null)"
KEY: Final = f"{SPACE}{STRING}{SPACE}:{SPACE}"
FLAT: Final = (
    f"(?:{SCALAR}"
    rf"|\{{{SPACE}{_listed(f'{KEY}{SCALAR}{SPACE}')}\}}"
    rf"|\[{SPACE}{_listed(f'{SPACE}{SCALAR}{SPACE}')}\])"
)
"""A scalar, or an object or array of nothing but scalars."""
