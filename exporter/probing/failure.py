"""The one exception of the transport: what every library error is mapped to."""

from exporter.model import Outcome


class TransportFailure(Exception):
    """An exchange did not come to its end.

    `outcome` says in which way, the message tells a person what was seen. `doubtful` means that
    our own machine may well be the cause (its resolver, its routes): then nobody is blamed.
    """

    def __init__(self, outcome: Outcome, message: str, *, doubtful: bool = False) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message
        self.doubtful = doubtful


class ForbiddenAddressError(TransportFailure):
    """The guard refused an address: nothing was sent to it."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.TESTER_ERROR, message)
