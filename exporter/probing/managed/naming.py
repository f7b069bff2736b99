"""What a start that failed is to be looked for under: a setting, a file, an orchestrator."""

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.settings.livepeer import Livepeer


def named(failure: StartFailure, settings: Livepeer, uri: str | None) -> StartFailure:
    """The failure of a gateway, with what it hangs on before its own words.

    `uri` is the service URI that it was to be pinned to. Failures of checks that we make ourselves
    name their file already.
    """
    reason, place = str(failure), _place(failure.fault, settings, uri)
    if place is None or reason.startswith(place):
        return failure
    return StartFailure(failure.fault, f"{place}: {reason}")


def _place(fault: Fault, settings: Livepeer, uri: str | None) -> str | None:
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
            Fault.RPC: "livepeer.on_chain.rpc",
            Fault.KEYSTORE: str(on_chain.keystore),
            Fault.PASSPHRASE: str(on_chain.passphrase_file),
            Fault.PRICE_LIMITS: str(on_chain.price_limits or "livepeer.on_chain.price_limits"),
        }
    return places.get(fault)
