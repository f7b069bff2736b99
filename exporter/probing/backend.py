"""The network under the transport: it resolves, chooses, connects, sends while it reads, stamps.

httpcore hands over plain bytes and names; everything about time, addresses and the kernel is
done here, on non-blocking sockets of asyncio.
"""

import asyncio
import errno
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import httpcore

from exporter.model import Outcome
from exporter.probing.beginning import Beginning
from exporter.probing.connecting import Place, connect, place
from exporter.probing.failure import ForbiddenAddressError, TransportFailure
from exporter.probing.resolve import Resolver, literal
from exporter.probing.trust import ANY_CERTIFICATE, Trust, fingerprint_of
from exporter.probing.wire import Wire

READ_SIZE = 16384
QUEUE_POLL = (0.0001, 0.002)
"""Shortest and longest pause, seconds, between two looks at the kernel's send queue."""

Origin = tuple[str, int]
"""Host as written in the URL, and port."""


_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)
"""Errors of a machine that has no more sockets to give."""
_OUR_ROUTES = (
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EACCES,
    errno.EPERM,
    errno.EAFNOSUPPORT,
)
"""Errors that our own machine or router gives, whoever it is that we want to reach."""


class TimedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of one job.

    `trusted` names the origins that stand in the operator's settings or were typed: the guard is
    not asked about these. `trust` has what is asked of an origin's certificate; of others nothing
    is.
    """

    def __init__(
        self,
        wire: Wire,
        resolver: Resolver,
        trusted: frozenset[Origin],
        trust: Mapping[Origin, Trust] = MappingProxyType({}),
    ) -> None:
        self._wire = wire
        self._resolver = resolver
        self._trusted = trusted
        self._trust = trust
        self.latest: TimedStream | None = None
        """The connection that was opened last."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's interface; the wire has the limits
        local_address: str | None = None,  # noqa: ARG002 - httpcore's interface
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's interface
    ) -> "TimedStream":
        """Resolve the host, ask the guard, connect to the first address that answers."""
        wire = self._wire
        wire.book("tester")
        addresses = await self._addresses(host, port)
        guard = None if (host, port) in self._trusted else wire.guard
        failure: TransportFailure | None = None
        for address in addresses:
            try:
                where = place(address, port, guard)
                wire.book("tester")
                wire.enter("connect")
                sock = await self._connect(where)
            except TransportFailure as error:
                wire.timeline.note(f"{address} port {port}: {error.message}")
                if failure is None or _says_less(failure, error):
                    failure = error
                if address != addresses[-1]:
                    wire.book("tester")
                continue
            trust = self._trust.get((host, port), ANY_CERTIFICATE)
            self.latest = TimedStream(sock, wire, trust)
            return self.latest
        raise failure or wire.lost("the name has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: the tester speaks TCP only."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Pause; httpcore uses it between retries, of which there are none."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        address = literal(host)
        if address is not None:
            return [address]
        wire = self._wire
        wire.enter("dns")
        try:
            async with asyncio.timeout(wire.remaining()):
                addresses, at = await self._resolver.resolve(host, port)
        except TimeoutError as error:
            slow = wire.timed_out()
            raise TransportFailure(slow.outcome, slow.message, doubtful=True) from error
        wire.book("dns", at)
        wire.timeline.note(f"{host} is {', '.join(addresses)}", at)
        return addresses

    async def _connect(self, where: Place) -> socket.socket:
        wire = self._wire
        try:
            async with asyncio.timeout(wire.remaining()):
                sock, at = await connect(where, wire.timeline.clock)
        except TimeoutError as error:
            raise wire.timed_out() from error
        except OSError as error:
            raise _connect_failure(error, where) from error
        at = wire.book("connect", at)
        wire.peer = wire.peer or str(where)
        wire.connections += 1
        wire.timeline.note(f"connected to {where}", at)
        return sock


def _says_less(before: TransportFailure, now: TransportFailure) -> bool:
    """Whether the earlier address' failure says less than the next one's."""
    forbidden = isinstance(before, ForbiddenAddressError)
    return before.doubtful or (forbidden and not isinstance(now, ForbiddenAddressError))


def _connect_failure(error: OSError, where: Place) -> TransportFailure:
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno == errno.ETIMEDOUT:
        return TransportFailure(Outcome.CONNECT_TIMEOUT, reason)
    if error.errno in _EXHAUSTED:
        return TransportFailure(Outcome.TESTER_ERROR, f"the tester cannot connect: {reason}")
    return TransportFailure(
        Outcome.CONNECT_REFUSED,
        f"no connection: {reason.lower()}",
        doubtful=error.errno in _OUR_ROUTES and no_route(where),
    )


def no_route(where: Place) -> bool:
    """Whether our own machine knows no way to the place; sends nothing.

    A far router may say "unreachable", too, and that is no fault of ours: only our own tables are
    asked here.
    """
    try:
        with socket.socket(where.family, socket.SOCK_DGRAM) as sock:
            sock.connect((where.address, where.port))
    except OSError:
        return True
    return False


class TimedStream(httpcore.AsyncNetworkStream):
    """One TCP connection, with or without TLS.

    What arrives goes through one inbox of application bytes, whether it was waited for or came
    while the request was still being sent. Only application bytes are stamped: the session
    tickets that a TLS server sends of its own accord are no response.
    """

    def __init__(self, sock: socket.socket, wire: Wire, trust: Trust = ANY_CERTIFICATE) -> None:
        self._sock = sock
        self._wire = wire
        self._trust = trust
        self._loop = asyncio.get_running_loop()
        self._beginning = Beginning()
        self._reading = False
        self._inbox = bytearray()
        self._ended = False
        self._abandoned = False
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's interface; the wire has the limits
    ) -> bytes:
        """Give the next bytes of the response; none at its end."""
        self._reading = True
        while not self._inbox and not self._ended:
            self._absorb(await self._receive())
            await self._flush_tls()
        data = bytes(self._inbox[:max_bytes])
        del self._inbox[:max_bytes]
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's interface; the wire has the limits
    ) -> None:
        """Send all of it, taking in whatever the peer says meanwhile."""
        if not buffer or self._abandoned:
            return
        if self._reading:
            self._beginning, self._reading = Beginning(), False
        wire = self._wire
        if wire.sent_bytes == 0:
            wire.book("tester")
            wire.enter("upload")
            wire.timeline.note("sending the request")
        wire.sent(len(buffer))
        if self._tls is not None:
            self._tls.write(buffer)
            buffer = self._outgoing.read()
        await self._send(buffer)

    async def acknowledged(self) -> None:
        """Wait until the peer's TCP has all that was sent, or the response begins."""
        wire = self._wire
        if wire.upload_end is not None or wire.stage == "media":
            return
        pause, longest = QUEUE_POLL
        while not self._answered and not self._ended:
            queued = _send_queue(self._sock)
            if queued is None:
                wire.timeline.note("the kernel does not tell its send queue: upload end is a guess")
            if not queued:
                break
            if await self._readable(min(pause, wire.remaining())):
                self._absorb(await self._receive())
            pause = min(pause * 1.5, longest)
        wire.acknowledged(wire.timeline.clock() if wire.first_byte is None else wire.first_byte)
        wire.timeline.note("request acknowledged", wire.upload_end)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's interface; the wire has the limits
    ) -> "TimedStream":
        """Do the TLS handshake on this connection, and look at the peer's certificate.

        Of an origin with a `Trust` of its own nothing is sent to a peer that does not meet it.
        """
        wire = self._wire
        wire.book("tester")
        wire.enter("tls")
        context = self._trust.context or ssl_context
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        try:
            await self._handshake(tls)
            fingerprint = fingerprint_of(tls)
            self._trust.check(fingerprint)
        except ssl.SSLCertVerificationError as error:
            await self.aclose()
            raise self._trust.refusal(error) from error
        except ssl.SSLError as error:
            await self.aclose()
            raise wire.lost(error.reason or str(error)) from error
        except BaseException:
            await self.aclose()
            raise
        self._tls = tls
        at = wire.book("tls")
        wire.timeline.note(f"TLS established: {tls.version()}, SHA-256 {fingerprint}", at)
        return self

    async def aclose(self) -> None:
        """Close the connection; nothing is waited for."""
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's interface
        """What httpcore asks about a connection."""
        if info == "ssl_object":
            return self._tls
        if info == "socket":
            return self._sock
        if info == "is_readable":
            # To httpcore this means that no further request can go this way.
            return self._abandoned or self._ended or bool(self._inbox) or self._readable_now()
        return None

    async def _receive(self) -> bytes:
        """Raw bytes from the socket; none at its end."""
        wire = self._wire
        try:
            async with asyncio.timeout(wire.remaining()):
                return await self._loop.sock_recv(self._sock, READ_SIZE)
        except TimeoutError as error:
            raise wire.timed_out() from error
        except OSError as error:
            raise wire.lost(_reason(error)) from error

    def _absorb(self, raw: bytes) -> None:
        """Put what arrived into the inbox, decrypted; nothing means that the peer is done."""
        at = self._wire.timeline.clock()
        if self._tls is None:
            self._ended = not raw
            data = raw
        else:
            if raw:
                self._incoming.write(raw)
            else:
                self._incoming.write_eof()
            data = self._decrypt()
        if data:
            self._wire.received(len(data), at)
        self._inbox += self._beginning.take(data, at, ended=self._ended)
        if self._beginning.at is not None:
            self._wire.began(self._beginning.at)
        elif self._beginning.endless:
            raise TransportFailure(
                Outcome.INVALID_RESPONSE, "interim answers (status 1xx) without a response"
            )

    @property
    def _answered(self) -> bool:
        """Whether the response has begun; interim answers do not count."""
        return self._beginning.at is not None

    def _decrypt(self) -> bytes:
        assert self._tls is not None  # noqa: S101 - for the type checker
        parts = []
        try:
            while part := self._tls.read(READ_SIZE):
                parts.append(part)
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._ended = True
        except ssl.SSLError as error:
            raise self._wire.lost(error.reason or "TLS error") from error
        return b"".join(parts)

    async def _handshake(self, tls: ssl.SSLObject) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush_tls()
                raw = await self._receive()
                if raw:
                    self._incoming.write(raw)
                else:
                    self._incoming.write_eof()
            else:
                return await self._flush_tls()

    async def _flush_tls(self) -> None:
        pending = self._outgoing.read()
        if pending:
            await self._send(pending)

    async def _send(self, data: bytes) -> None:
        """Send all, watching for an answer that comes before its question is done.

        A peer that answers early and takes no more will never read the rest: then the rest is
        left unsent and the answer is read.
        """
        view = memoryview(data)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except BlockingIOError:
                if self._answered or self._ended:
                    break
                await self._wait_for_room()
            except OSError as error:
                if not self._answered:
                    self._take_last_words()
                if not self._answered:
                    raise self._wire.lost(_reason(error)) from error
                break
        if view:
            if not self._answered:
                raise self._wire.lost("the peer closed the connection")
            self._abandoned = True
            self._wire.timeline.note("the peer answered before it took the whole request")

    def _take_last_words(self) -> None:
        """Take what the peer said before it broke the connection, if anything."""
        try:
            self._absorb(self._sock.recv(READ_SIZE))
        except OSError:
            return

    async def _wait_for_room(self) -> None:
        """Wait until more can be sent; what arrives meanwhile is taken in."""
        loop, fd = self._loop, self._sock.fileno()
        event = asyncio.Event()
        loop.add_writer(fd, event.set)
        loop.add_reader(fd, event.set)
        try:
            async with asyncio.timeout(self._wire.remaining()):
                await event.wait()
        except TimeoutError as error:
            raise self._wire.timed_out() from error
        finally:
            loop.remove_writer(fd)
            loop.remove_reader(fd)
        if self._readable_now():
            self._absorb(await self._receive())

    async def _readable(self, seconds: float) -> bool:
        """Whether something arrives within so many seconds."""
        if self._readable_now():
            return True
        loop, fd = self._loop, self._sock.fileno()
        event = asyncio.Event()
        loop.add_reader(fd, event.set)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(fd)
        return True

    def _readable_now(self) -> bool:
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _send_queue(sock: socket.socket) -> int | None:
    """Bytes that the peer has not acknowledged (Linux SIOCOUTQ); `None` where nobody tells."""
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    except OSError:
        return None
    return int(struct.unpack("i", answer)[0])


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
