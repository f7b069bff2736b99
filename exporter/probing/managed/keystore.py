"""The folder with the key of the paying account: looked at before every start, never written to."""

import os
import stat
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.small_file import UnreadableError, read

KEY_LIMIT: Final = 64 * 1024
PASSPHRASE_LIMIT: Final = 4096
ENTRIES_LIMIT: Final = 1000
_OTHERS: Final = stat.S_IRWXO
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH
_ONE_KEY: Final = "go-livepeer makes a new account in a folder without the right key"


class _KeyFile(msgspec.Struct):
    address: str
    crypto: msgspec.Raw
    version: int


def check(
    folder: Path, passphrase_file: Path, account: str, orchestrators: Collection[str] = ()
) -> frozenset[str]:
    """Whether a lane may be started with this key; gives the names of what the folder holds.

    `account` and `orchestrators` are lower-case ETH addresses. Raises `StartFailure`.
    """
    if account in orchestrators:
        raise _keystore(
            folder,
            f"the account {account} is an orchestrator: its own jobs would be paid to itself, and "
            "a lane could act for it; use an account of its own for testing",
        )
    names = entries(folder)
    keys = sorted(name for name in names if not _is_skipped(name))
    if not keys:
        raise _keystore(folder, f"holds no key file; put that of {account} there ({_ONE_KEY})")
    if len(keys) > 1:
        raise _keystore(
            folder,
            f"holds {len(keys)} files where exactly the key file of {account} is expected: "
            f"{', '.join(_shown(name) for name in keys[:5])}",
        )
    address = _address(folder / keys[0])
    if address != account:
        raise _keystore(
            folder, f"{_shown(keys[0])} is the key of {address}, not of {account} ({_ONE_KEY})"
        )
    _check_passphrase(passphrase_file)
    return names


def entries(folder: Path) -> frozenset[str]:
    """The names of all that the folder holds. Raises `StartFailure`."""
    try:
        with os.scandir(folder) as found:
            names = frozenset(entry.name for entry in islice(found, ENTRIES_LIMIT + 1))
    except FileNotFoundError:
        raise _keystore(folder, "there is no such folder") from None
    except NotADirectoryError:
        raise _keystore(
            folder,
            "is a file; name the folder it lies in: of a file go-livepeer takes the "
            "address only, and looks for the key elsewhere",
        ) from None
    except OSError as error:
        raise _keystore(folder, f"cannot be read ({error.strerror})") from None
    if len(names) > ENTRIES_LIMIT:
        raise _keystore(folder, f"holds more than {ENTRIES_LIMIT} files: is it the right one?")
    return names


def appeared(folder: Path, before: Collection[str]) -> list[str]:
    """What is new in the folder since then; a lane that does this made an account of its own."""
    try:
        return sorted(entries(folder) - frozenset(before))
    except StartFailure:
        return []


def _is_skipped(name: str) -> bool:
    """What go-livepeer's keystore does not look at either."""
    return name.startswith(".") or name.endswith("~")


def _address(path: Path) -> str:
    try:
        linked = path.is_symlink()
    except OSError as error:
        raise _keystore(path, f"cannot be looked at ({error.strerror})") from None
    if linked:
        raise _keystore(
            path, "is a link, which go-livepeer's keystore does not follow; put the file there"
        )
    try:
        text, mode = read(path, limit=KEY_LIMIT, what="key file")
    except UnreadableError as error:
        raise _keystore(path, str(error)) from None
    if mode & _WRITABLE:
        raise _keystore(path, "other users can change the key file; chmod 600 it")
    try:
        key = msgspec.json.decode(text, type=_KeyFile)
    except msgspec.DecodeError:
        raise _keystore(path, "is not a key file (JSON with address, crypto and version)") from None
    digits = key.address.lower().removeprefix("0x")
    if len(digits) != 40 or set(digits) - set("0123456789abcdef"):  # noqa: PLR2004 - an address
        raise _keystore(path, 'is not a key file: "address" is not an ETH address')
    return f"0x{digits}"


def _check_passphrase(path: Path) -> None:
    try:
        text, mode = read(path, limit=PASSPHRASE_LIMIT, what="passphrase file")
    except UnreadableError as error:
        raise _passphrase(path, str(error)) from None
    if mode & (_OTHERS | _WRITABLE):
        raise _passphrase(path, "other users can read or change the file; chmod 600 it")
    if not text.strip():
        raise _passphrase(path, "the passphrase is empty; go-livepeer would ask for it")


def _keystore(path: Path, what: str) -> StartFailure:
    return StartFailure(Fault.KEYSTORE, f"{path}: {what}")


def _passphrase(path: Path, what: str) -> StartFailure:
    return StartFailure(Fault.PASSPHRASE, f"{path}: {what}")


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:80])
