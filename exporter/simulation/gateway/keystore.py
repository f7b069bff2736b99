"""The account of an on-chain gateway: key files in a folder, as go-ethereum writes them."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak

_FILE_BYTES: Final = 64 * 1024
_COST: Final = 4096
_KEY_BYTES: Final = 32
_MEMORY: Final = 512 * 2**20
_FILES: Final = 10_000


class AccountRefused(Exception):
    """The account cannot be used; the text is Go's."""


class Keystore:
    """Key files of a folder. New ones are cheap to unlock and hold no usable key."""

    def __init__(self, folder: Path, rng: Random) -> None:
        self._folder = folder
        self._rng = rng

    def find(self, address: str) -> tuple[str, Path] | None:
        """The file of an address, or the first one where no address is given."""
        for path, key in self._files():
            found = to_checksum_address("0x" + str(key["address"]).removeprefix("0x"))
            if not address or found.lower() == address.lower():
                return found, path
        return None

    def create(self, password: str) -> tuple[str, Path]:
        """Write a new key file, encrypted with the text as it stands; its address and path.

        Raises `AccountRefused` for an empty one, since nobody is there to be asked, and `OSError`.
        """
        if not password:
            raise AccountRefused("EOF")
        address, secret = self._rng.randbytes(20), self._rng.randbytes(32)
        salt, vector = self._rng.randbytes(32), self._rng.randbytes(16)
        derived = _derive(password, salt, (_COST, 8, 1))
        text = bytes(a ^ b for a, b in zip(secret, keccak(derived[:16] + vector), strict=True))
        key = {
            "address": address.hex(),
            "crypto": {
                "cipher": "aes-128-ctr",
                "ciphertext": text.hex(),
                "cipherparams": {"iv": vector.hex()},
                "kdf": "scrypt",
                "kdfparams": {"dklen": _KEY_BYTES, "n": _COST, "p": 1, "r": 8, "salt": salt.hex()},
                "mac": keccak(derived[16:32] + text).hex(),
            },
            "id": str(UUID(bytes=self._rng.randbytes(16), version=4)),
            "version": 3,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%f}000Z"
        path = self._folder / f"UTC--{stamp}--{address.hex()}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(key, file)
        return to_checksum_address(address), path

    def unlock(self, path: Path, password: str) -> None:
        """Try a password. Raises `AccountRefused`."""
        key = _read(path)
        try:
            crypto = key["crypto"]
            params = crypto["kdfparams"]
            salt, text = bytes.fromhex(params["salt"]), bytes.fromhex(crypto["ciphertext"])
            cost = int(params["n"]), int(params["r"]), int(params["p"])
            derived = _derive(password, salt, cost)
            right = keccak(derived[16:32] + text).hex() == crypto["mac"]
        except (KeyError, TypeError, ValueError) as error:
            raise AccountRefused("could not decrypt key with given password") from error
        if not right:
            raise AccountRefused("could not decrypt key with given password")

    def _files(self) -> list[tuple[Path, dict[str, Any]]]:
        if not self._folder.is_dir():
            return []
        found = []
        for path in sorted(self._folder.iterdir())[:_FILES]:
            key = _read(path) if path.is_file() else {}
            if is_address("0x" + str(key.get("address", "")).removeprefix("0x")):
                found.append((path, key))
        return found


def password_of(text: str) -> str:
    """The password of `-ethPassword`: the file of that path, if there is one, else the text.

    Raises `AccountRefused` for an empty one, since nobody is there to be asked.
    """
    path = Path(text) if text else None
    if path is not None and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")[:_FILE_BYTES].rstrip("\r\n")
    if not text:
        raise AccountRefused("EOF")
    return text


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            key = json.loads(file.read(_FILE_BYTES))
    except (OSError, ValueError):
        return {}
    return key if isinstance(key, dict) else {}


def _derive(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=_KEY_BYTES
    )
