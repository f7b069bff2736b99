"""The last good reading on disk, so that a restart while every node is down begins with it."""

import logging
from pathlib import Path
from typing import Final

import msgspec

from exporter import whole_file
from exporter.discovery.chain.reading import Reading
from exporter.model import ChainState, Registration
from exporter.settings.ethereum import Ethereum

FILE: Final = "chain.json"
VERSION: Final = 1
BYTES_LIMIT: Final = 64 * 2**20

log = logging.getLogger(__name__)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    controller: str
    ai_registry: str
    state: ChainState
    registered: tuple[Registration, ...]


class LastGood:
    """The file `chain.json` in a data folder, for the chain and contracts of the settings."""

    def __init__(self, folder: Path, settings: Ethereum) -> None:
        self._file = folder / FILE
        self._settings = settings

    def load(self) -> Reading | None:
        """The reading; `None`, and the log says why, if there is none that can be used."""
        try:
            kept = self._load()
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            log.warning(
                "the last good reading of the chain cannot be used",
                extra={"file": str(self._file), "reason": str(error)[:200]},
            )
            return None
        return Reading(state=kept.state, registered=kept.registered)

    def _load(self) -> _Kept:
        """Raises `OSError`, or `ValueError` for a file that is no reading of this chain."""
        with self._file.open("rb") as stream:
            body = stream.read(BYTES_LIMIT + 1)
        if len(body) > BYTES_LIMIT:
            raise ValueError(f"it is larger than {BYTES_LIMIT} bytes")
        kept = msgspec.json.decode(body, type=_Kept)
        if kept.version != VERSION:
            raise ValueError(f"it is of version {kept.version}; expected {VERSION}")
        if self._of(kept) != (
            self._settings.chain_id,
            self._settings.controller,
            self._settings.ai_registry,
        ):
            raise ValueError("it is of another chain, or of other contracts")
        if not kept.registered:
            raise ValueError("nobody is registered in it")
        return kept

    def _of(self, kept: _Kept) -> tuple[int, str, str]:
        return kept.state.chain_id, kept.controller, kept.ai_registry

    def save(self, reading: Reading) -> None:
        """Replace the file, at once or not at all. Raises `OSError`."""
        body = msgspec.json.encode(
            _Kept(
                version=VERSION,
                controller=self._settings.controller,
                ai_registry=self._settings.ai_registry,
                state=reading.state,
                registered=reading.registered,
            )
        )
        whole_file.replace(self._file, body)
