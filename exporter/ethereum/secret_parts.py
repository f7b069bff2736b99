"""What of a node's URL nobody may see, also not when the node itself tells it."""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

NOTHING: Final = re.compile(r"(?!)")
"""Hides nothing."""
_SHORTEST: Final = 6
"""Characters; shorter parts, such as `v2`, are no keys."""


def secret_parts(url: str) -> re.Pattern[str]:
    """Finds in a text whatever of the URL may be a key or tell whose node it is."""
    try:
        split = urlsplit(url)
    except ValueError:
        return NOTHING
    raw = [split.netloc, *re.split("[.:@]", split.netloc), *split.path.split("/"), split.query]
    raw += [value for _, value in parse_qsl(split.query)]
    parts = {form for part in raw for form in (part, unquote(part)) if len(form) >= _SHORTEST}
    if not parts:
        return NOTHING
    longest_first = sorted(parts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
