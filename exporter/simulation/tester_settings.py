"""The settings of a tester for a simulated network, and the program that its lanes run."""

import shlex
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.simulation.pinned import FASTEST
from exporter.simulation.population import PRICE_LIMIT
from exporter.simulation.serving import HOST, LOOPBACK

if TYPE_CHECKING:
    from exporter.simulation.chain.node import ChainNode
    from exporter.simulation.network import SimulatedNetwork
    from exporter.simulation.scout import Scout

_INFERENCE_LIMIT: Final = 8.0
_LEAST_INFERENCE_LIMIT: Final = 3.0
_LANES: Final = 4


def tester_settings(network: "SimulatedNetwork", data: Path, port: int) -> dict[str, Any]:
    """Settings as plain data; see `SimulatedNetwork.settings`."""
    station, probe = (port, port + 1) if port else free_ports()
    return {
        "region": "DEMO",
        "tester": "demo",
        "data": str(data),
        "sources": {**_sources(network), "refresh_interval": 60.0},
        **({} if network.chain is None else network.chain.reading(data)),
        "lanes": _lanes(network),
        **({"livepeer": _livepeer(network, data)} if network.lanes == "managed" else {}),
        "schedule": {
            "interval": 60.0,
            "cold_interval": 60.0,
            "drain": 10.0,
            "busy_pause": 1.0,
        },
        "limits": {
            "connect": 3.0,
            "upload": 10.0,
            "inference": max(_LEAST_INFERENCE_LIMIT, _INFERENCE_LIMIT / network.speed),
            "download": 10.0,
        },
        "connectivity": {"check": [f"{HOST}:{_server(network).port}"]},
        "guard": {"allow": [LOOPBACK]},
        "probe": {"listen": f"{HOST}:{probe}"},
        "station": {"listen": f"{HOST}:{station}"},
        "leaderboard": {"regions": [{"id": "DEMO", "name": "Demo"}]},
    }


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as first, socket.socket() as second:
        first.bind((HOST, 0))
        second.bind((HOST, 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


def merged(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with sections replaced key by key, at any depth."""
    found = dict(settings)
    for key, value in overrides.items():
        old = found.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            found[key] = merged(old, value)
        else:
            found[key] = value
    return found


def _sources(network: "SimulatedNetwork") -> dict[str, Any]:
    """The gateway of others that knows the network or, where lanes pay, a scout; and the chain."""
    chain = network.chain
    found: dict[str, Any] = {} if chain is None else {"chain": chain.source()}
    if chain is None or not network.pays:
        return found | {"gateway": [{"url": network.scout.url}]}
    static = chain.static()
    return found | {"scout": True, **({"static": static} if static else {})}


def _server(network: "SimulatedNetwork") -> "Scout | ChainNode":
    """What stands for the rest of the internet."""
    return network.chain.node if network.chain is not None and network.pays else network.scout


def _lanes(network: "SimulatedNetwork") -> list[dict[str, Any]]:
    pinned = [
        {"kind": "pinned", "orchestrator": gateway.orchestrator.member.address, "url": gateway.url}
        for gateway in network.gateways
    ]
    return [*pinned, {"kind": "direct" if network.lanes == "mixed" else "managed"}]


def _livepeer(network: "SimulatedNetwork", data: Path) -> dict[str, Any]:
    """Write the stand-in for the operator's go-livepeer: a script that runs `simulate gateway`."""
    data.mkdir(parents=True, exist_ok=True)
    binary = data / "livepeer"
    pays = network.chain is not None and network.pays
    flags: dict[str, object] = {"-simSpeed": min(network.speed, FASTEST)}
    if not pays:
        flags["-maxPricePerUnit"] = PRICE_LIMIT
    words = [sys.executable, "-m", "exporter", "simulate", "gateway"]
    words += [str(word) for pair in flags.items() for word in pair]
    root = shlex.quote(str(Path(__file__).resolve().parents[2]))
    binary.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {shlex.join(words)} "$@"\n')
    binary.chmod(0o700)
    plain: dict[str, Any] = {"binary": str(binary.absolute()), "lanes": _LANES}
    if network.chain is not None and pays:
        plain["on_chain"] = network.chain.paying(data)
    return plain
