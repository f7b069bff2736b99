"""The files that starts depend on, and whether one of them changed."""

import contextlib
from pathlib import Path
from typing import Final

from exporter.probing.managed.small_file import Identity, identity
from exporter.settings.livepeer import Livepeer

_ENTRIES: Final = 50

State = tuple[Identity, ...]


def state(settings: Livepeer) -> State:
    """The identities of the program and of all files that the settings name for lanes."""
    paths: list[Path | None] = [settings.binary]
    if (on_chain := settings.on_chain) is not None:
        paths += [on_chain.keystore, on_chain.passphrase_file, on_chain.price_limits]
        with contextlib.suppress(OSError):
            paths += sorted(on_chain.keystore.iterdir())[:_ENTRIES]
    return tuple(identity(path) for path in paths if path is not None)
