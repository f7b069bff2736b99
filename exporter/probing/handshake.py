"""Handshakes apart from any job: the round-trip time of the path, and whether it is there."""

import asyncio
import os
import socket
import ssl
import statistics
import time
from urllib.parse import urlsplit

import msgspec

from exporter.model import Outcome
from exporter.probing.backend import no_route
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.resolve import Resolver, literal
from exporter.probing.trust import unverified_tls

HANDSHAKES = 3

_ALERTS = ("SSLV3_", "TLSV1_", "TLSV13_")
"""How OpenSSL's names for alerts begin: what the peer said, not what we found wrong. Python has
no names for the newer ones, but their texts say "alert"."""


class Reach(msgspec.Struct, frozen=True):
    """What a few handshakes to one host and port showed."""

    rtt: int | None
    """Median of the handshakes in nanoseconds; `None` if none came about."""
    error: str | None = None
    says_nothing: bool = False
    """The guard forbade to ask, our own machine could not, or the answer may mean anything."""
    silent: bool = False
    """It took the connection, and then let the TLS handshake time out or cut it off."""
    address: str | None = None
    """The address, without port, that was connected to, or tried last."""

    @property
    def reached(self) -> bool | None:
        """Whether the host answered; `None` if that could not be found out."""
        return None if self.says_nothing else self.rtt is not None and not self.silent


async def reach(
    host: str,
    port: int,
    *,
    resolver: Resolver,
    guard: Guard | None,
    timeout: float,
    handshakes: int = HANDSHAKES,
    tls: ssl.SSLContext | None = None,
) -> Reach:
    """Do a few TCP handshakes, one after the other, to the host's first address that answers.

    With `tls` (see `greeting_tls`) a TLS handshake follows: whoever takes connections and says
    nothing is not there; whoever refuses with an alert is. `guard` is `None` for what stands in the
    operator's own settings. The host was reached if any handshake came about; the median is over
    those that did. What our own resolver or machine could not do says nothing about the host, nor
    does what is no TLS at all.
    """
    try:
        async with asyncio.timeout(timeout):
            address = literal(host)
            addresses = [address] if address else (await resolver.resolve(host, port))[0]
    except TransportFailure as error:
        ours = error.doubtful or error.outcome is Outcome.TESTER_ERROR
        return Reach(None, error.message, says_nothing=ours)
    except TimeoutError:
        return Reach(None, f"{host} was not resolved within {timeout:g} s", says_nothing=True)
    found, started = Reach(None, "the name has no address"), time.monotonic()
    for address in addresses:
        if time.monotonic() - started > timeout:
            break
        if guard is not None:
            try:
                guard.check_address(address)
            except TransportFailure as error:
                found = Reach(None, error.message, says_nothing=True, address=address)
                continue
        took, failure = await _several(address, port, timeout, handshakes)
        if took:
            found = Reach(round(statistics.median(took)), address=address)
            return found if tls is None else await _greet(found, port, host, tls, timeout)
        found = Reach(None, failure, says_nothing=no_route(address, port), address=address)
    return found


def greeting_tls() -> ssl.SSLContext:
    """TLS that takes any certificate and speaks whatever an orchestrator's port may speak."""
    context = unverified_tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def _several(
    address: str, port: int, timeout: float, handshakes: int
) -> tuple[list[int], str]:
    """What the handshakes took, and why the last one failed; two failures in a row are enough."""
    took: list[int] = []
    error, failures = "", 0
    for _ in range(handshakes):
        try:
            took.append(await _handshake(address, port, timeout))
            failures = 0
        except (OSError, TimeoutError) as failure:
            slow = isinstance(failure, TimeoutError)
            why = f"no connection within {timeout:g} s" if slow else _reason(failure)
            error, failures = f"{address} port {port}: {why}", failures + 1
            if failures > 1 or handshakes == 1:
                break
    return took, error


def _reason(failure: OSError) -> str:
    """The kernel's words: asyncio puts its own into the error."""
    return os.strerror(failure.errno) if failure.errno else str(failure)


async def _greet(found: Reach, port: int, host: str, tls: ssl.SSLContext, timeout: float) -> Reach:
    """One TLS handshake with whoever took our connections."""
    where = f"{found.address} port {port}"
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(
                found.address, port, ssl=tls, server_hostname=host
            )
    except TimeoutError:
        error = f"{where}: no TLS handshake within {timeout:g} s"
        return msgspec.structs.replace(found, error=error, silent=True)
    except (OSError, ValueError) as failure:
        why = str(failure) or "the connection was closed"
        error = f"{where}: the TLS handshake failed: {why}"[:300]
        cut_off = _cuts_off(failure)
        unclear = not cut_off and not _is_alert(failure)
        return msgspec.structs.replace(found, error=error, silent=cut_off, says_nothing=unclear)
    writer.transport.abort()
    return found


def _cuts_off(failure: Exception) -> bool:
    if isinstance(failure, ssl.SSLError):
        return isinstance(failure, ssl.SSLEOFError)
    return isinstance(failure, ConnectionError)


def _is_alert(failure: Exception) -> bool:
    """Whether the peer itself refused, in TLS: then its port and its TLS are alive."""
    if not isinstance(failure, ssl.SSLError):
        return False
    return (failure.reason or "").startswith(_ALERTS) or " alert " in str(failure)


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of a base URL, with the scheme's own port as default."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _handshake(address: str, port: int, timeout: float) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        started = time.monotonic_ns()
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return time.monotonic_ns() - started
