"""When what is known of an offer was read from its source."""

from exporter.model import Offer, Supply


class Adverts:
    """The moments at which the sources of a supply were read, in Unix nanoseconds."""

    def __init__(self, supply: Supply | None = None) -> None:
        self._taken_at = None if supply is None else supply.taken_at
        states = () if supply is None else supply.sources
        self._refreshed = {state.name: state.refreshed_at for state in states}

    def read_at(self, offer: Offer) -> int | None:
        """When an offer was read; the earliest moment, where several sources give it.

        A source that fails goes on with what it gave before: then that is old. `None` if it is not
        known.
        """
        moments = [self._refreshed.get(name, self._taken_at) for name in offer.sources]
        moments = moments or [self._taken_at]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else None
