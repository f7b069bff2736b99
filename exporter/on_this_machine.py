"""Whether this machine has what the settings name: the program, the keystore, the authorities."""

import os
from collections.abc import Iterator

from exporter.settings import Settings


def missing(settings: Settings) -> list[str]:
    """What the settings name and this machine does not have as it should be, by key path.

    Nothing is started and nothing is written; a program of the right kind is asked for its version
    only when gateways are started.
    """
    from exporter.probing.trust import untrustworthy

    return [*untrustworthy(settings.lanes), *_of_gateways(settings)]


def _of_gateways(settings: Settings) -> Iterator[str]:
    from exporter.probing.managed import keystore, price_limits
    from exporter.probing.managed.faults import StartFailure

    livepeer = settings.livepeer
    if not settings.sources.scout and all(lane.kind != "managed" for lane in settings.lanes):
        return
    binary, on_chain = livepeer.binary, livepeer.on_chain
    if binary is not None and not binary.is_file():
        yield f"livepeer.binary: there is no such program: {binary}"
    elif binary is not None and not os.access(binary, os.X_OK):
        yield f"livepeer.binary: {binary} may not be executed by this user (chmod +x)"
    if on_chain is None:
        return
    account = on_chain.account
    named = {lane.orchestrator for lane in settings.lanes if lane.orchestrator is not None}
    try:
        keystore.check(on_chain.keystore, on_chain.passphrase_file, account, named)
    except StartFailure as failure:
        yield f"livepeer.on_chain: {failure}"
    if on_chain.price_limits is not None:
        try:
            price_limits.checked(on_chain.price_limits)
        except StartFailure as failure:
            yield f"livepeer.on_chain.price_limits: {failure}"
