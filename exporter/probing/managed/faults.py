"""Why a gateway does not start, and whose matter that is."""

from enum import StrEnum


class Fault(StrEnum):
    """What keeps a gateway from starting; a label of the metrics."""

    BINARY = "binary"
    """The program is missing, is no program, is too old, or changed into one of these."""
    FLAGS = "flags"
    """The program refuses one of the operator's flags."""
    KEYSTORE = "keystore"
    """The folder does not hold exactly the key of the account, or the account must not pay."""
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a fault
    """The passphrase file is not usable, or the passphrase is not that of the key."""
    PRICE_LIMITS = "price_limits"
    """The file of price limits has a mistake, with which go-livepeer would pay any price."""
    RPC = "rpc"
    """The Ethereum node does not answer, or is of another network."""
    PORTS = "ports"
    """Ports were taken again and again."""
    FOLDER = "folder"
    """The lane's folder cannot be made or written; the disk may be full."""
    URI = "uri"
    """The orchestrator's service URI cannot be given to a gateway."""
    TIMEOUT = "timeout"
    """It did not listen in time."""
    ENDED = "ended"
    """It ended before it listened, for no reason that is known."""
    CLOSED = "closed"
    """The pool is being closed."""


OF_FILES = frozenset(
    {Fault.BINARY, Fault.FLAGS, Fault.KEYSTORE, Fault.PASSPHRASE, Fault.PRICE_LIMITS}
)
"""Faults that stay until a file or setting changes: no gateway is started before that."""
OF_EVERYONE = frozenset({Fault.RPC, Fault.FOLDER, Fault.PORTS})
"""Faults that hit every gateway alike, but may pass by themselves."""


class StartFailure(Exception):
    """A gateway did not start; the message says why and what to do, without any secret."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


class LaneStartError(Exception):
    """No lane can be had right now; the message is the reason, `fault` its kind."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault
