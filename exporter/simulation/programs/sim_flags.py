"""Flags that only the simulation has: taken out of a command line, the rest is left as it is.

Each can also come from the environment: `-simDieAfterJobs` as `SIMULATION_DIE_AFTER_JOBS`, or as
`LP_SIMDIEAFTERJOBS`, the way in which go-livepeer's own flags come from there.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

Value = bool | int | float | str
Kind = Literal["switch", "whole", "real", "text"]

_WORDS: Final = re.compile("[A-Z][a-z]*")
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_EXPECTED: Final[Mapping[Kind, str]] = {
    "switch": "true or false",
    "whole": "a whole number from 0",
    "real": "a number above 0",
    "text": "a text",
}


class SimFlag(NamedTuple):
    """One flag: its name without the dash, what its value is, and what it does."""

    name: str
    kind: Kind
    help: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that can hold its value."""
        go = f"LP_{self.name.upper()}"
        if not self.name.startswith("sim"):
            return (go,)
        return go, "_".join(["SIMULATION", *_WORDS.findall(self.name)]).upper()


class SimFlagError(Exception):
    """A flag of the simulation cannot be understood."""


def take(
    argv: Sequence[str], environ: Mapping[str, str], flags: Sequence[SimFlag]
) -> tuple[dict[str, Value], list[str]]:
    """The values that are set, by name, and the rest of the command line.

    The command line wins over the environment. Raises `SimFlagError`.
    """
    known = {flag.name: flag for flag in flags}
    values: dict[str, Value] = {}
    for flag in flags:
        for variable in flag.variables:
            if environ.get(variable):
                values[flag.name] = _value(flag, environ[variable], variable)
                break
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        name, equals, text = word.removeprefix("-").removeprefix("-").partition("=")
        if not word.startswith("-") or name not in known:
            if word.startswith("-") and name.startswith("sim"):
                raise SimFlagError(
                    f"there is no flag -{name}; --help lists those of the simulation"
                )
            rest.append(word)
            continue
        flag = known[name]
        if not equals:
            text = "true" if flag.kind == "switch" else next(words, "")
        values[name] = _value(flag, text, f"-{name}")
    return values, rest


def table(flags: Sequence[SimFlag]) -> str:
    """The flags and what they do, for `--help`."""
    width = max(len(_shown(flag)) for flag in flags)
    return "\n".join(f"  {_shown(flag):<{width}}  {flag.help}" for flag in flags) + "\n"


def usage(flags: Sequence[SimFlag]) -> str:
    """The flags in the form of Go's list of flags."""
    return "".join(f"  -{flag.name}{_TYPE[flag.kind]}\n" for flag in flags)


_TYPE: Final[Mapping[Kind, str]] = {
    "switch": "",
    "whole": " int",
    "real": " float",
    "text": " string",
}


def _shown(flag: SimFlag) -> str:
    return f"-{flag.name}{_TYPE[flag.kind].upper()}"


def _value(flag: SimFlag, text: str, where: str) -> Value:
    try:
        match flag.kind:
            case "switch" if text in _TRUE | _FALSE:
                return text in _TRUE
            case "whole" if int(text) >= 0:
                return int(text)
            case "real" if 0 < float(text) < float("inf"):
                return float(text)
            case "text" if text:
                return text
    except ValueError:
        pass
    raise SimFlagError(f"{where}: expected {_EXPECTED[flag.kind]}, found {text[:80]!r}")
