"""Names to addresses, in threads of its own so that a slow resolver holds up nobody else."""

import asyncio
import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from exporter.model import Outcome
from exporter.probing.failure import TransportFailure

ADDRESS_LIMIT = 8
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
"""The answers that are about the name; others say that the resolver itself does not work."""


class Resolver:
    """The system's resolver (`getaddrinfo`), with at most `threads` look-ups at once.

    Of several addresses IPv4 comes first: that is what the network's gateways reach. Within one
    family the resolver's own order stays.
    """

    def __init__(self, threads: int = 32) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int) -> tuple[list[str], int]:
        """The host's addresses, and the stamp (monotonic ns) when they were known.

        Raises `TransportFailure` (`dns_failed`) when the name leads nowhere.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, _look_up, host, port)
        except (OSError, UnicodeError) as error:
            ours = isinstance(error, OSError) and error.errno not in _NO_SUCH_NAME
            raise TransportFailure(
                Outcome.DNS_FAILED, f"{host}: {_plain(error)}", doubtful=ours
            ) from error

    def close(self) -> None:
        """Let the threads end; a look-up under way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def literal(host: str) -> str | None:
    """The address, if the host is one already (brackets of IPv6 are taken off)."""
    bare = host.strip("[]")
    try:
        ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return bare


def _look_up(host: str, port: int) -> tuple[list[str], int]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    addresses.sort(key=lambda address: ":" in address)
    return addresses[:ADDRESS_LIMIT], time.monotonic_ns()


def _plain(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return error.strerror or "the name does not resolve"
    return "not a valid host name"
