"""The operator's go-livepeer program: whether it is one, which version, and what it understands."""

import asyncio
import contextlib
import os
import re
import signal
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import msgspec

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.shim import NOT_EXECUTED, spawn
from exporter.probing.managed.small_file import Identity, identity

ASK_TIMEOUT: Final = 20.0
"""Seconds until it must have told its version or its flags."""
OUTPUT_LIMIT: Final = 512 * 1024

_FLAG: Final = re.compile(r"^\s{1,8}-([A-Za-z][A-Za-z0-9_.-]{0,60})\b", re.MULTILINE)
_VERSION: Final = re.compile(r"Livepeer Node Version: ([!-~]{1,80})")
_ENOUGH_FLAGS: Final = 3
_EXCERPT: Final = 200


class Binary(msgspec.Struct, frozen=True):
    """A program that was checked, as it was then."""

    path: Path
    identity: Identity
    version: str


async def check(
    path: Path,
    *,
    needed: Collection[str],
    own: Collection[str],
    environment: Mapping[str, str],
    folder: Path,
) -> Binary:
    """Look at the file, and ask it for its version and its flags.

    `needed` are the flags that we set ourselves, `own` those of the operator. The environment is
    that of a lane, with the operator's flags, so that a value which it refuses shows here.

    Raises `StartFailure`.
    """
    found = _look(path)
    answers = await asyncio.gather(
        _ask(path, "-help", environment, folder),
        _ask(path, "-version", environment, folder),
        return_exceptions=True,
    )
    flags, version = (_answer(answer) for answer in answers)
    known = set(_FLAG.findall(flags.text))
    if len(known) < _ENOUGH_FLAGS:
        raise _not_livepeer(path, "its -help lists no flags", flags.text)
    if missing := sorted(set(needed) - known):
        raise StartFailure(
            Fault.BINARY,
            f"{path}: this go-livepeer is too old or not whole: it does not know "
            f"{_dashed(missing)}; use a newer one",
        )
    if unknown := sorted(set(own) - known):
        raise StartFailure(
            Fault.FLAGS,
            f"livepeer.flags: {path} does not know {_dashed(unknown)}{_meant(unknown, known)}",
        )
    told = _VERSION.search(version.text)
    if told is None or version.code != 0:
        if "Error parsing config" in version.text or "invalid" in version.text:
            raise StartFailure(
                Fault.FLAGS, f"livepeer.flags: {path} refuses them: {_excerpt(version.text)}"
            )
        raise _not_livepeer(path, "its -version tells no version", version.text)
    return Binary(path, found, told[1])


def _look(path: Path) -> Identity:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StartFailure(Fault.BINARY, f"{path}: there is no such file") from None
    except OSError as error:
        message = f"{path}: cannot be looked at ({error.strerror})"
        raise StartFailure(Fault.BINARY, message) from None
    if stat.S_ISDIR(mode):
        raise StartFailure(Fault.BINARY, f"{path}: is a folder; name the program in it")
    if not stat.S_ISREG(mode):
        raise StartFailure(Fault.BINARY, f"{path}: is not a plain file")
    if not os.access(path, os.X_OK):
        raise StartFailure(
            Fault.BINARY, f"{path}: is not executable for this user; chmod +x would make it so"
        )
    return identity(path)


class _Answer(msgspec.Struct, frozen=True):
    text: str
    code: int | None


async def _ask(path: Path, question: str, environment: Mapping[str, str], folder: Path) -> _Answer:
    try:
        process, text, pipe = await spawn(path, [question], environment=environment, folder=folder)
    except OSError as error:
        message = f"{path}: cannot be executed ({error.strerror})"
        raise StartFailure(Fault.BINARY, message) from None
    try:
        async with asyncio.timeout(ASK_TIMEOUT):
            output = bytearray()
            while piece := await text.read(65536):
                output += piece
                if len(output) > OUTPUT_LIMIT:
                    raise _not_livepeer(path, f"its answer to {question} does not end", "")
            code = await process.wait()
    except TimeoutError:
        raise StartFailure(
            Fault.TIMEOUT, f"{path}: does not answer {question} within {ASK_TIMEOUT:g} s"
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        pipe.close()
    said = output.decode("utf-8", "replace")
    if code == NOT_EXECUTED:
        raise StartFailure(Fault.BINARY, f"{path}: {_excerpt(said)}")
    return _Answer(said, code)


def _answer(answer: _Answer | BaseException) -> _Answer:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _not_livepeer(path: Path, why: str, said: str) -> StartFailure:
    excerpt = f" (it said: {_excerpt(said)})" if said.strip() else ""
    return StartFailure(Fault.BINARY, f"{path}: does not seem to be go-livepeer: {why}{excerpt}")


def _excerpt(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = next((line for line in lines if not line.startswith(("|", "*"))), "")
    return "".join(char if char.isprintable() else "?" for char in line[:_EXCERPT])


def _dashed(names: Collection[str]) -> str:
    return ", ".join(f"-{name}" for name in names)


def _meant(unknown: Collection[str], known: Collection[str]) -> str:
    """Flags are case-sensitive, which is easily forgotten."""
    spelt = {name.lower(): name for name in known}
    meant = [spelt[name.lower()] for name in unknown if name.lower() in spelt]
    return f"; did you mean {_dashed(meant)}?" if meant else ""
