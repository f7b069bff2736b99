"""Names to addresses, in threads of its own so that a slow resolver holds up nobody else."""

import asyncio
import contextlib
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable

from exporter.model import Outcome
from exporter.probing.failure import TransportFailure

ADDRESS_LIMIT = 8
PATIENCE = 6.0
"""Seconds after which a look-up hangs: no other waits for its thread from then on."""
HANGING_LIMIT = 200
"""Look-ups that may hang at the same time, each in a thread of its own."""
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
"""The answers that are about the name; others say that the resolver itself does not work."""

Found = tuple[list[str], int]
"""Addresses, and the stamp (monotonic ns) when they were known."""
LookUp = Callable[[str, int], Found]


class Resolver:
    """The system's resolver (`getaddrinfo`), with at most `threads` look-ups at once.

    Nobody can stop a look-up, and the servers of a hostile name can make it last for minutes. One
    that takes longer than `patience` seconds no longer counts among those at once; whoever asks
    for its name meanwhile waits for it, and starts no other. Neither it nor its thread is waited
    for at the end.

    Of several addresses IPv4 comes first: that is what the network's gateways reach. Within one
    family the resolver's own order stays.
    """

    def __init__(
        self,
        threads: int = 32,
        *,
        patience: float = PATIENCE,
        hanging_limit: int = HANGING_LIMIT,
        look_up: LookUp | None = None,
    ) -> None:
        self._places = asyncio.Semaphore(threads)
        self._patience = patience
        self._hanging_limit = hanging_limit
        self._hanging: dict[tuple[str, int], asyncio.Future[Found]] = {}
        self._late: set[asyncio.Future[Found]] = set()
        self._threads = _Threads(look_up or _look_up)

    async def resolve(self, host: str, port: int) -> Found:
        """The host's addresses, and the stamp (monotonic ns) when they were known.

        Raises `TransportFailure` (`dns_failed`) when the name leads nowhere. How long to wait is
        the caller's to say.
        """
        under_way = self._hanging.get((host, port))
        if under_way is None:
            if len(self._late) >= self._hanging_limit:
                raise TransportFailure(
                    Outcome.DNS_FAILED,
                    f"{host}: not looked up, since {len(self._late)} other look-ups hang",
                    doubtful=True,
                )
            await self._places.acquire()
            under_way = self._begin(host, port)
        try:
            return await asyncio.shield(under_way)
        except (OSError, ValueError) as error:
            ours = isinstance(error, OSError) and error.errno not in _NO_SUCH_NAME
            raise TransportFailure(
                Outcome.DNS_FAILED, f"{host}: {_plain(error)}", doubtful=ours
            ) from error

    def close(self) -> None:
        """Let the threads end; a look-up under way is not waited for."""
        self._threads.close()

    def _begin(self, host: str, port: int) -> "asyncio.Future[Found]":
        future = self._threads.submit(host, port)
        place = contextlib.ExitStack()
        place.callback(self._places.release)

        def hangs() -> None:
            place.close()
            self._late.add(future)
            self._hanging.setdefault((host, port), future)

        timer = asyncio.get_running_loop().call_later(self._patience, hangs)

        def ended(_: object) -> None:
            timer.cancel()
            place.close()
            self._late.discard(future)
            if self._hanging.get((host, port)) is future:
                del self._hanging[(host, port)]
            if not future.cancelled():
                future.exception()  # Whoever asked may have gone.

        future.add_done_callback(ended)
        return future


class _Threads:
    """As many threads as there are look-ups under way at most; nobody waits for their end.

    The executors of the standard library join theirs when the program exits, however long that
    takes.
    """

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._started = 0
        self._under_way = 0

    def submit(self, host: str, port: int) -> "asyncio.Future[Found]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Found] = loop.create_future()
        future.add_done_callback(self._one_less)
        self._under_way += 1
        if self._under_way > self._started:
            self._started += 1
            threading.Thread(
                target=self._serve, name=f"resolve-{self._started}", daemon=True
            ).start()
        self._work.put((loop, future, host, port))
        return future

    def close(self) -> None:
        for _ in range(self._started):
            self._work.put(None)

    def _one_less(self, _: object) -> None:
        self._under_way -= 1

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            loop, future, host, port = work
            try:
                found: Found | Exception = self._look_up(host, port)
            except Exception as error:  # noqa: BLE001 - to be raised where it is waited for
                found = error
            with contextlib.suppress(RuntimeError):  # The loop may have been closed meanwhile.
                loop.call_soon_threadsafe(_settle, future, found)


_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Found]", str, int]


def _settle(future: "asyncio.Future[Found]", found: Found | Exception) -> None:
    if future.done():
        return
    if isinstance(found, Exception):
        future.set_exception(found)
    else:
        future.set_result(found)


def literal(host: str) -> str | None:
    """The address, if the host is one already (brackets of IPv6 are taken off)."""
    bare = host.strip("[]")
    try:
        ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return bare


def _look_up(host: str, port: int) -> Found:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    addresses.sort(key=lambda address: ":" in address)
    return addresses[:ADDRESS_LIMIT], time.monotonic_ns()


def _plain(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return error.strerror or "the name does not resolve"
    return "not a valid host name"
