"""A short name for everything that is set, so that a change of the settings can be seen."""

import hashlib
import json
from typing import Final

from exporter.settings.whole import Settings

LENGTH: Final = 12
"""Hexadecimal digits, 48 bits: enough to tell one configuration from the next."""


def digest(settings: Settings) -> str:
    """The first digits of a SHA-256 of all settings, those that were not given at their defaults.

    Secrets are left out, so it neither changes with one nor tells anything about one. So are
    maintenance windows: they change nothing of what is measured, and have metrics of their own.
    """
    plain = settings.model_dump(mode="json", by_alias=True, exclude={"maintenance"})
    # Secrets are asterisks in it.
    written = json.dumps(plain, sort_keys=True).encode()
    return hashlib.sha256(written).hexdigest()[:LENGTH]
