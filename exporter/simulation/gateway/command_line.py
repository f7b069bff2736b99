"""Flags as Go's flag package and its helper for the environment and files read them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from exporter.simulation.gateway.durations import parse_duration
from exporter.simulation.gateway.flag_table import BY_NAME, FLAGS, Flag, Value

_USAGE: Final = 2
_CONFIG: Final = 1
_BITS: Final = 63
_CONFIG_BYTES: Final = 2**20
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class FlagError(Exception):
    """The command line is refused; `text` is what the binary prints, `exit_code` how it ends."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.text = text
        self.exit_code = exit_code


def read(argv: Sequence[str], environ: Mapping[str, str]) -> dict[str, Value]:
    """The flags that were given, by name. Raises `FlagError`."""
    values = _command_line(argv)
    _from_environment(values, environ)
    _from_file(values)
    return values


def usage() -> str:
    """The list of flags that an unknown one is answered with."""
    lines = ["Usage of livepeer:"]
    for flag in sorted(FLAGS, key=lambda one: one.name):
        kinds = {"text": " string", "whole": " int", "real": " float", "time": " duration"}
        lines.append(f"  -{flag.name}{kinds.get(flag.kind, '')}")
    return "\n".join(lines) + "\n"


def _command_line(argv: Sequence[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    rest = list(argv)
    while rest:
        word = rest[0]
        if len(word) < 2 or not word.startswith("-"):  # noqa: PLR2004 - a dash and a letter
            break
        del rest[0]
        if word == "--":
            break
        name, equals, text = word.removeprefix("-").removeprefix("-").partition("=")
        if not name or name.startswith("-"):
            raise _refused(f"bad flag syntax: {word}")
        if name in ("h", "help"):
            raise FlagError(usage(), 0)
        flag = BY_NAME.get(name)
        if flag is None:
            raise _refused(f"flag provided but not defined: -{name}")
        if not equals and flag.kind == "truth":
            text = "true"
        elif not equals:
            if not rest:
                raise _refused(f"flag needs an argument: -{name}")
            text = rest.pop(0)
        try:
            values[name] = _value(flag, text)
        except ValueError as error:
            what = "boolean value" if flag.kind == "truth" else "value"
            kind = "for" if flag.kind == "truth" else "for flag"
            raise _refused(f'invalid {what} "{text}" {kind} -{name}: {error}') from None
    return values


def _from_environment(values: dict[str, Value], environ: Mapping[str, str]) -> None:
    for flag in FLAGS:
        variable = "LP_" + flag.name.upper()
        text = environ.get(variable, "")
        if not text or flag.name in values:
            continue
        try:
            values[flag.name] = _value(flag, text)
        except ValueError as error:
            message = f'error setting flag "{flag.name}" from env var "{variable}": {error}'
            raise unreadable(message) from None


def _from_file(values: dict[str, Value]) -> None:
    path = str(values.get("config", ""))
    if not path:
        return
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_CONFIG_BYTES).splitlines()
    except OSError as error:
        raise unreadable(f"open {path}: {(error.strerror or 'failed').lower()}") from None
    given = frozenset(values)
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, _, text = stripped.partition(" ")
        text = text.partition(" #")[0].strip() or "true"
        flag = BY_NAME.get(name)
        if flag is None:
            raise unreadable(f'config file flag "{name}" undefined in flag set')
        if name in given:
            continue
        try:
            values[name] = _value(flag, text)
        except ValueError as error:
            message = f'error setting flag "{name}" from config file: {error}'
            raise unreadable(message) from None


def _value(flag: Flag, text: str) -> Value:
    """Raises `ValueError` with Go's words."""
    if flag.kind == "text":
        return text
    if flag.kind == "truth":
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise ValueError("parse error")
    try:
        if flag.kind == "time":
            return parse_duration(text)
        number = int(text, 0) if flag.kind == "whole" else float(text)
    except ValueError:
        raise ValueError("parse error") from None
    if isinstance(number, int) and number.bit_length() > _BITS:
        raise ValueError("value out of range")
    return number


def _refused(message: str) -> FlagError:
    return FlagError(f"{message}\n{usage()}", _USAGE)


def unreadable(message: str) -> FlagError:
    """A setting outside the command line that cannot be used."""
    return FlagError(f"Error parsing config: {message}\n", _CONFIG)
