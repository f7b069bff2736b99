"""Whether this machine has what the settings name: the program, the keystore, the authorities."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from exporter.settings import Settings
from exporter.settings.livepeer import Livepeer

_MARK = "check-config"


def missing(settings: Settings) -> list[str]:
    """What the settings name and this machine does not have as it should be, by key path.

    The program that managed lanes and the scout run is asked for its version and its flags, in a
    folder that is removed afterwards; that takes 20 s at most. No gateway is started.
    """
    from exporter.probing.trust import untrustworthy

    return [*untrustworthy(settings.lanes), *_of_gateways(settings)]


def runs_gateways(settings: Settings) -> bool:
    """Whether the settings have gateways of our own."""
    return settings.sources.scout or any(lane.kind == "managed" for lane in settings.lanes)


def _of_gateways(settings: Settings) -> Iterator[str]:
    from exporter.probing.managed import keystore, price_limits
    from exporter.probing.managed.faults import StartFailure

    livepeer, on_chain = settings.livepeer, settings.livepeer.on_chain
    if not runs_gateways(settings):
        return
    yield from _of_program(livepeer)
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


def _of_program(livepeer: Livepeer) -> Iterator[str]:
    from exporter.probing.managed.binary import check
    from exporter.probing.managed.cleaning import cleaner
    from exporter.probing.managed.command import needed_flags, own_flags
    from exporter.probing.managed.environment import environment
    from exporter.probing.managed.faults import Fault, StartFailure

    if livepeer.binary is None:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="livepeer-exporter-") as name:
            folder = Path(name)
            asyncio.run(
                check(
                    livepeer.binary.absolute(),
                    needed=needed_flags(livepeer),
                    own=[flag.name for flag in livepeer.flags],
                    environment=environment(folder, _MARK) | own_flags(livepeer),
                    folder=folder,
                )
            )
    except StartFailure as failure:
        said = cleaner(livepeer)(str(failure))
        yield said if failure.fault is Fault.FLAGS else f"livepeer.binary: {said}"
    except OSError as error:
        yield f"livepeer.binary: cannot be asked, as there is no temporary folder: {error}"
