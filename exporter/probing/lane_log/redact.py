"""Takes secrets out of a gateway's log before anything else sees it."""

import re
from collections.abc import Collection, Iterable
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "[hidden]"

_SHORT = 4
"""A secret of fewer characters is only hidden where it stands alone."""
_PART = 8
"""Characters of a secret that show it at the end or the start of a line that was cut."""
_KEY = 12
"""Characters from which a piece of a secret URL's path or query is taken for a key."""
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,15}://)([^\s\"'<>|]+)")
_DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
_TAIL = r"[^\s\"'<>|]*"


class Redactor:
    """Hides the given secrets, and what URLs may carry, in lines of text.

    Of a URL that is given as a secret, all after its host is hidden wherever that host appears,
    and each long piece of it wherever it stands alone. Of every other URL, user info, query and
    fragment are. Give it whole lines, before they are cut: of a secret that a cut left the
    beginning or the end of, eight characters or more are recognised at the line's edges.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        words: set[str] = set()
        hosts: set[str] = set()
        names: set[str] = set()
        for secret in secrets:
            for line in secret.splitlines():
                _collect(line.strip(), words, hosts, names)
        self._words = sorted(words, key=lambda word: (-len(word), word))
        self._pattern = _pattern(self._words)
        self._hosts = _host_pattern(hosts)
        self._signs = _signs(words, names)

    def __repr__(self) -> str:
        return f"Redactor({len(self._words)} words)"

    def __call__(self, line: str) -> str:
        """The line without secrets."""
        if not self._suspicious(line):
            return line
        if self._hosts is not None:
            line = self._hosts.sub(rf"\1/{HIDDEN}", line)
        if self._pattern is not None:
            line = self._pattern.sub(HIDDEN, line)
            line = self._edges(line)
        return _URL.sub(_plain_url, line)

    def _suspicious(self, line: str) -> bool:
        """Whether there may be something to hide: quick, since most lines hold nothing."""
        if "://" in line or self._signs is None or not line.isascii():
            return True
        lower = line.lower()
        return any(sign in lower for sign in self._signs)

    def _edges(self, line: str) -> str:
        """The line without what a cut has left of a secret at its end and at its start."""
        for word in self._words:
            end = _overlap(line[-len(word) :].lower(), word.lower())
            if end:
                line = f"{line[:-end]}{HIDDEN}"
            start = _overlap(word.lower(), line[: len(word)].lower())
            if start:
                line = f"{HIDDEN}{line[start:]}"
        return line


def _overlap(text: str, word: str) -> int:
    """How many characters at the end of `text` are the beginning of `word`, if at least a part."""
    at = text.find(word[:_PART])
    while at >= 0 and len(text) - at >= _PART:
        if word.startswith(text[at:]):
            return len(text) - at
        at = text.find(word[:_PART], at + 1)
    return 0


def _signs(words: Collection[str], names: Collection[str]) -> tuple[str, ...] | None:
    """What a plain line in lower case holds at least one of if it holds a secret, or a part of one.

    `None` where letters beyond ASCII make upper and lower case a less simple matter.
    """
    if not all(text.isascii() for text in (*words, *names)):
        return None
    parts = {part for word in words for part in (word[:_PART], word[-_PART:])}
    return tuple(sorted({part.lower() for part in (*parts, *names)}))


def _collect(secret: str, words: set[str], hosts: set[str], names: set[str]) -> None:
    """Take in one secret with every spelling in which a log may show it."""
    try:
        parts = urlsplit(secret)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or "://" not in secret:
        _spell(secret, words)
        return
    if parts.path.strip("/"):
        shown = f"[{host}]" if ":" in host else host
        names.add(shown)
        default = _DEFAULT_PORTS.get(parts.scheme, "")
        hosts.add(rf"{re.escape(shown)}:{port}" if port else rf"{re.escape(shown)}(?::{default})?")
    for piece in (parts.username, parts.password):
        _spell(piece or "", words)
    for piece in re.split(r"[/?&=#;]", f"{parts.path}/{parts.query}/{parts.fragment}"):
        if len(piece) >= _KEY:
            _spell(piece, words)


def _spell(word: str, words: set[str]) -> None:
    quoted = word.replace("\\", "\\\\").replace('"', '\\"')
    words |= {one for one in (word, quoted, quote(word, safe=""), unquote(word)) if one}


def _pattern(words: list[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    spelled = (
        re.escape(word) if len(word) >= _SHORT else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in words
    )
    return re.compile("|".join(spelled), re.IGNORECASE)


def _host_pattern(hosts: set[str]) -> re.Pattern[str] | None:
    if not hosts:
        return None
    return re.compile(rf"((?<![\w.-])(?:{'|'.join(sorted(hosts))}))/{_TAIL}", re.IGNORECASE)


def _plain_url(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    end = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
    authority, tail = rest[:end], rest[end:]
    _, at, host = authority.rpartition("@")
    cut = next((index for index, char in enumerate(tail) if char in "?#"), None)
    if not at and cut is None:
        return found[0]
    shown = tail if cut is None else f"{tail[:cut]}{tail[cut]}{HIDDEN}"
    return f"{scheme}{HIDDEN + '@' if at else ''}{host}{shown}"
