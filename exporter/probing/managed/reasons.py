"""Why a gateway ended before it was ready, read from the last lines of its log."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from exporter.probing.managed.faults import Fault

_REASON_LIMIT: Final = 300
_HEADER: Final = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \S+:\d+\] ")


class _Known(NamedTuple):
    pattern: re.Pattern[str]
    fault: Fault
    words: str


def _known(pattern: str, fault: Fault, words: str = "") -> _Known:
    return _Known(re.compile(pattern), fault, words)


_TABLE: Final = (
    _known("bind: address already in use", Fault.PORTS, "a port was taken"),
    _known(
        "could not decrypt key with given password",
        Fault.PASSPHRASE,
        "the passphrase is not that of the key",
    ),
    _known(
        "Creating a new account|Please create a new ETH account",
        Fault.KEYSTORE,
        "the gateway found no key of the account and made a new one",
    ),
    _known("Error (unlocking|creating) Ethereum account", Fault.KEYSTORE),
    _known("were both provided, but ethAcctAddr does not match", Fault.KEYSTORE),
    _known("flag provided but not defined", Fault.FLAGS),
    _known(r"invalid (boolean )?value .* for (flag )?-", Fault.FLAGS),
    _known("Error parsing config", Fault.FLAGS),
    _known("in 'maxPricePerCapability' config is not valid capability", Fault.PRICE_LIMITS),
    _known("model prices could not be parsed", Fault.PRICE_LIMITS),
    _known(
        "node does not support chainID|expecting chainID|no contract code at given address",
        Fault.RPC,
        "the Ethereum node is of another network",
    ),
    _known(
        "Failed to connect to Ethereum client|failed to get chain ID|gas price monitor"
        "|Livepeer Ethereum [Cc]lient|blockwatch client|roundswatcher|unbonding watcher"
        "|senderwatcher|orchestrator watcher|service registry watcher|price feed watcher"
        "|broadcaster on-chain info|Failed to backfill|block watcher error"
        "|orchestrator pool with DB cache",
        Fault.RPC,
        "the Ethereum node did not answer as it should",
    ),
    _known("error while loading shared libraries|cannot be executed:", Fault.BINARY),
    _known(
        "(?i)disk is full|no space left on device|Error opening DB",
        Fault.FOLDER,
        "it cannot write to its folder: is the disk full?",
    ),
)


def why_it_ended(lines: Sequence[str], code: int | None) -> tuple[Fault, str]:
    """The kind of failure, and a sentence that holds the gateway's own words."""
    for known in _TABLE:
        line = next((line for line in lines if known.pattern.search(line)), None)
        if line is not None:
            said = _said(line)
            return known.fault, f"{known.words} ({said})" if known.words else said
    if code is not None and code < 0:
        return Fault.ENDED, f"it was ended by signal {-code}{_crash(lines)}"
    words = _telling(lines)
    said = _crash(lines) or (f": {words}" if words else " and told nothing of why")
    return Fault.ENDED, f"it ended with exit code {code}{said}"


def last_words(lines: Sequence[str]) -> str | None:
    """The last line that says something; the frame and rows of the start table do not."""
    line = next((line for line in reversed(lines) if line.strip() and line[0] not in "*|"), None)
    return None if line is None else _said(line)


def _crash(lines: Sequence[str]) -> str:
    """The line that tells of a crash, with a colon before it."""
    line = next((line for line in lines if line.startswith(("panic: ", "fatal error: "))), None)
    return f": {_said(line)}" if line else ""


def _telling(lines: Sequence[str]) -> str | None:
    """The last error, else the last line of all."""
    for line in reversed(lines):
        if line[:1] in ("E", "F") and _HEADER.match(line):
            return _said(line)
    return last_words(lines)


def _said(line: str) -> str:
    text = _HEADER.sub("", line, count=1).strip()[:_REASON_LIMIT]
    return "".join(char if char.isprintable() else "?" for char in text)
