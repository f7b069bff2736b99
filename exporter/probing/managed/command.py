"""The command line, environment and files of one gateway."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from exporter.probing.managed.environment import environment
from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.ports import LOOPBACK, Ports
from exporter.probing.managed.price_limits import checked
from exporter.settings.livepeer import Livepeer, OnChain

OFF_CHAIN: Final = "offchain"
URI_LIMIT: Final = 2048
_NEXT_TO_NOTHING: Final = ("1", "1000000000")
"""Wei and units of the general limit where the operator gave none: only what is free is below it.
Without it, go-livepeer pays any price for a model that the file of limits does not name."""
_VARIABLES: Final = "LP_"
_AI_REGISTRY: Final = "aiServiceRegistry"


class Command(msgspec.Struct, frozen=True):
    """How one gateway is started. Secrets are in the environment only, which is not shown."""

    arguments: tuple[str, ...]
    environment: dict[str, str]

    def __repr__(self) -> str:
        """Without the environment."""
        return f"Command({' '.join(self.arguments)})"


def command(
    settings: Livepeer, *, uri: str | None, ports: Ports, folder: Path, mark: str
) -> Command:
    """The command for a gateway pinned to `uri`, or unpinned; writes its files into `folder`.

    The RPC URL and the operator's own flags go by `LP_…` variables: a command line can be read by
    every user of the machine, the environment of a process only by its own user (and by root), as
    a file of mode 0600. But a file would stay behind when the machine goes down, a comma or `#` in
    a value means nothing in a variable, and the program's order of precedence leaves our own flags
    on the command line the last word.

    Raises `StartFailure`.
    """
    data = folder / "data"
    try:
        data.mkdir(mode=0o700)
    except OSError as error:
        raise StartFailure(Fault.FOLDER, f"{data}: cannot be made ({error.strerror})") from error
    arguments = [
        "-gateway",
        "-network",
        settings.on_chain.network if settings.on_chain else OFF_CHAIN,
        "-httpAddr",
        f"{LOOPBACK}:{ports.http}",
        "-cliAddr",
        f"{LOOPBACK}:{ports.cli}",
        "-rtmpAddr",
        f"{LOOPBACK}:{ports.rtmp}",
        "-dataDir",
        str(data),
        "-v",
        "5",
        "-aiProcessingRetryTimeout",
        _duration(settings.attempt_timeout),
    ]
    if uri is not None:
        arguments += ["-orchAddr", _checked_uri(uri)]
    elif _has_ai_registry(settings) and not _is_own(settings, _AI_REGISTRY):
        # Without it an unpinned gateway finds only who is registered for transcoding.
        arguments.append(f"-{_AI_REGISTRY}")
    if settings.on_chain is not None:
        arguments += _paying(settings.on_chain, folder)
    arguments += [f"-{flag.name}=" for flag in settings.flags if not flag.value]
    variables = environment(folder, mark) | own_flags(settings)
    if settings.on_chain is not None and settings.on_chain.rpc is not None:
        variables[f"{_VARIABLES}ETHURL"] = settings.on_chain.rpc.get_secret_value()
    return Command(tuple(arguments), variables)


def own_flags(settings: Livepeer) -> dict[str, str]:
    """The variables that hold the operator's own flags."""
    return {_VARIABLES + flag.name.upper(): flag.value for flag in settings.flags if flag.value}


def needed_flags(settings: Livepeer) -> frozenset[str]:
    """The flags that we set and that the program therefore has to know."""
    names = {
        "gateway",
        "network",
        "httpAddr",
        "cliAddr",
        "rtmpAddr",
        "dataDir",
        "v",
        "aiProcessingRetryTimeout",
        "orchAddr",
    }
    on_chain = settings.on_chain
    if on_chain is not None:
        names |= {
            "ethUrl",
            "ethAcctAddr",
            "ethKeystorePath",
            "ethPassword",
            "reward",
            "maxTicketEV",
            "maxTotalEV",
            "depositMultiplier",
            "maxPricePerUnit",
            "pixelsPerUnit",
        }
        if on_chain.price_limits is not None:
            names.add("maxPricePerCapability")
    if _has_ai_registry(settings):
        names.add(_AI_REGISTRY)
    return frozenset(names)


def _has_ai_registry(settings: Livepeer) -> bool:
    """Whether go-livepeer knows where the AI registry of the network is: of this one only."""
    return settings.on_chain is not None and settings.on_chain.network == "arbitrum-one-mainnet"


def _is_own(settings: Livepeer, name: str) -> bool:
    return any(flag.name.lower() == name.lower() for flag in settings.flags)


def secrets(settings: Livepeer) -> list[str]:
    """What must not be read anywhere: the RPC URL, and what may be a secret of the own flags."""
    found = []
    if settings.on_chain is not None and settings.on_chain.rpc is not None:
        found.append(settings.on_chain.rpc.get_secret_value())
    found += [flag.value for flag in settings.flags if _is_secret(flag.name, flag.value)]
    return [text for text in found if text]


def _is_secret(name: str, value: str) -> bool:
    words = ("password", "secret", "key", "token")
    return any(word in name.lower() for word in words) or "://" in value


def _paying(on_chain: OnChain, folder: Path) -> list[str]:
    price, units = _NEXT_TO_NOTHING
    if on_chain.max_price_per_unit is not None:
        price, units = str(on_chain.max_price_per_unit), "1"
    arguments = [
        "-ethAcctAddr",
        on_chain.account,
        "-ethKeystorePath",
        str(on_chain.keystore.absolute()),
        "-ethPassword",
        str(on_chain.passphrase_file.absolute()),
        "-reward=false",
        "-maxTicketEV",
        str(on_chain.max_ticket_ev),
        "-maxTotalEV",
        str(on_chain.max_total_ev),
        "-depositMultiplier",
        str(on_chain.deposit_multiplier),
        "-maxPricePerUnit",
        price,
        "-pixelsPerUnit",
        units,
    ]
    if on_chain.price_limits is not None:
        # A copy: what was checked is what the gateway reads, whenever the file changes.
        copy = folder / "price-limits.json"
        text = checked(on_chain.price_limits)
        try:
            copy.write_text(text, encoding="utf-8")
        except OSError as error:
            message = f"{copy}: cannot be written ({error.strerror})"
            raise StartFailure(Fault.FOLDER, message) from error
        arguments += ["-maxPricePerCapability", str(copy)]
    return arguments


def _checked_uri(uri: str) -> str:
    """The URI, if a gateway takes it for exactly one orchestrator: it splits at commas."""
    plain = uri.isascii() and uri.isprintable() and len(uri) <= URI_LIMIT
    if plain and not any(char in uri for char in " ,\\\"'") and _has_host(uri):
        return uri
    raise StartFailure(
        Fault.URI, "its service URI cannot be given to a gateway: expected http(s)://HOST:PORT"
    )


def _has_host(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _duration(seconds: float) -> str:
    """As Go reads durations, exact to the microsecond."""
    micros = round(seconds * 1_000_000)
    return f"{micros}us" if micros % 1000 else f"{micros // 1000}ms"
