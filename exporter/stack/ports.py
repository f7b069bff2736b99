"""Which ports of loopback the stack listens on."""

import errno
import secrets
import socket
from typing import Final

HOST: Final = "127.0.0.1"
STATION: Final = 9877
"""The probe has the next one."""
INFLUXDB: Final = 8086
PROMETHEUS: Final = 9090
ALERTMANAGER: Final = 9093
GRAFANA: Final = 3000
_FREE: Final = range(20000, 32000)
"""Below those that Linux gives to connections, which could take one before we listen on it."""
_TRIES: Final = 1000


class Ports:
    """Gives ports out: the usual one, or a free one where that is taken or none is usual."""

    def __init__(self, *, usual: bool) -> None:
        self._usual = usual
        self._given: set[int] = set()
        self.missed: list[int] = []
        """Usual ports that others have."""

    def take(self, port: int, count: int = 1) -> int:
        """The first of so many ports in a row that nobody listens on. Raises `OSError`."""
        first = port
        if not (self._usual and self._are_free(first, count)):
            usual = range(first, first + count) if self._usual else ()
            self.missed += [one for one in usual if not is_free(one)]
            first = self._free(count)
        self._given.update(range(first, first + count))
        return first

    def _free(self, count: int) -> int:
        for _ in range(_TRIES):
            first = _FREE.start + secrets.randbelow(len(_FREE) - count)
            if self._are_free(first, count):
                return first
        raise OSError(errno.EADDRINUSE, f"no {count} free ports from {_FREE.start} on")

    def _are_free(self, first: int, count: int) -> bool:
        return all(
            port not in self._given and is_free(port) for port in range(first, first + count)
        )


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of loopback."""
    with socket.socket() as place:
        # As servers do: a port that only old connections hold is free.
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True
