"""What a lane sends in confidence stays out of what is stored and shown."""

import json
import time
from collections.abc import Iterable
from urllib.parse import quote

import msgspec
from pydantic import SecretStr

SHORTEST = 8
"""Characters; a shorter value may be any word of an answer and is no secret worth the name."""
HIDDEN = "…"
_AT_ONCE = 256 * 1024


class Secrecy:
    """Takes secrets out of texts that strangers wrote: an endpoint may quote what it was sent."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        plain = {secret.get_secret_value() for secret in secrets}
        spelt = {spelling for value in plain for spelling in _spellings(value)}
        longest_first = sorted(spelt, key=len, reverse=True)
        self._values = [value for value in longest_first if len(value) >= SHORTEST]

    def hide(self, text: str) -> str:
        """The text without the secrets."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text

    def hide_in_bytes(self, data: bytes) -> bytes:
        """The bytes without the secrets; the very same object if there are none in it.

        It takes its time over large ones, and is meant for a thread beside the event loop.
        """
        for value in self._values:
            secret = value.encode()
            if _stands_in(secret, data):
                data = data.replace(secret, HIDDEN.encode())
        return data


def _spellings(value: str) -> tuple[str, ...]:
    """A secret as programs quote it: as it is, in JSON of three kinds, and in a URL."""
    in_json = msgspec.json.encode(value).decode()[1:-1]
    ascii_only = json.dumps(value)[1:-1]
    return value, in_json, in_json.replace("/", "\\/"), ascii_only, quote(value, safe="")


def _stands_in(secret: bytes, data: bytes) -> bool:
    for start in range(0, len(data), _AT_ONCE):
        if data.find(secret, start, start + _AT_ONCE + len(secret) - 1) >= 0:
            return True
        time.sleep(0)  # lets the event loop run
    return False
