"""What a lane sends in confidence stays out of what is stored and shown."""

from collections.abc import Iterable

import msgspec
from pydantic import SecretStr

SHORTEST = 8
"""Characters; a shorter value may be any word of an answer and is no secret worth the name."""
HIDDEN = "…"


class Secrecy:
    """Takes secrets out of texts that strangers wrote: an endpoint may quote what it was sent."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        plain = {secret.get_secret_value() for secret in secrets}
        in_json = {msgspec.json.encode(value).decode()[1:-1] for value in plain}
        longest_first = sorted(plain | in_json, key=len, reverse=True)
        self._values = [value for value in longest_first if len(value) >= SHORTEST]

    def hide(self, text: str) -> str:
        """The text without the secrets."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text
