"""What a start that failed is to be looked for under: a setting, a file, an orchestrator."""

from typing import Final

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.settings.livepeer import Livepeer

ON_CHAIN_RPC: Final = "livepeer.on_chain.rpc"
"""The setting that names the Ethereum node, where gateways ask one by themselves."""


def named(
    failure: StartFailure, settings: Livepeer, uri: str | None, *, node: str = ON_CHAIN_RPC
) -> StartFailure:
    """The failure of a gateway, with what it hangs on before its own words.

    `uri` is the service URI that it was to be pinned to, `node` the setting that says which
    Ethereum node it asks. Failures of checks that we make ourselves
    name their file already.
    """
    reason, place = str(failure), _place(failure.fault, settings, uri, node)
    if place is None or reason.startswith(place):
        return failure
    return StartFailure(failure.fault, f"{place}: {reason}")


def _place(fault: Fault, settings: Livepeer, uri: str | None, node: str) -> str | None:
    program, on_chain = str(settings.binary), settings.on_chain
    places = {
        Fault.FLAGS: "livepeer.flags",
        Fault.BINARY: program,
        Fault.PORTS: program,
        Fault.TIMEOUT: f"{program} for {uri}" if uri else program,
        Fault.ENDED: f"{program} for {uri}" if uri else program,
    }
    if on_chain is not None:
        places |= {
            Fault.RPC: node,
            Fault.KEYSTORE: str(on_chain.keystore),
            Fault.PASSPHRASE: str(on_chain.passphrase_file),
            Fault.PRICE_LIMITS: str(on_chain.price_limits or "livepeer.on_chain.price_limits"),
        }
    return places.get(fault)
