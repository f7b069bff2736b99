"""Takes the parts of an RPC URL out of what its node says: it may quote what it was sent."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote, urlsplit

HIDDEN: Final = "…"
SHORTEST: Final = 8
"""Characters; a shorter part may be any word."""
_SPLIT: Final = "/?&=;,"


class Hiding:
    """Hides the key of one URL, wherever in the URL it stands, and the host."""

    def __init__(self, url: str) -> None:
        found = {spelling for part in _parts(url) for spelling in _spellings(part)}
        self._parts = sorted((part for part in found if len(part) >= SHORTEST), key=len)[::-1]

    def __call__(self, text: str) -> str:
        """The text without them."""
        for part in self._parts:
            text = text.replace(part, HIDDEN)
        return text

    def __repr__(self) -> str:
        """Without what it hides."""
        return "Hiding()"


def _parts(url: str) -> Iterator[str]:
    _, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, _, place = authority.rpartition("@")
    yield from (url, rest, slash + path, path, authority, place, *user.split(":"))
    host = urlsplit(url).hostname or ""
    # Some providers have the key in the host's name.
    yield from (host, host.partition(".")[0])
    for letter in _SPLIT:
        path = path.replace(letter, "/")
    yield from path.split("/")


def _spellings(part: str) -> tuple[str, ...]:
    return part, unquote(part), quote(unquote(part), safe=""), part.lower(), part.upper()
