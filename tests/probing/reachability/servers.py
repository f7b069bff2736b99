"""Servers to be looked at, all on loopback: each with one thing about it."""

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trustme

from exporter.probing.connectivity import Connectivity
from exporter.probing.guard import Guard
from exporter.probing.reachability.looking import Looker
from exporter.probing.resolve import Found, Resolver
from exporter.settings import Connectivity as ConnectivitySettings
from tests.probing.certificates import server_tls
from tests.probing.kit import raw_server

TIMEOUT = 0.6
LOOPBACK = "127.0.0.0/8"


async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection and says nothing, until the other side goes."""
    await asyncio.sleep(3600)
    writer.close()


async def polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Waits for a request, and goes when none comes."""
    await reader.read(1)
    writer.close()


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks HTTP, whatever it is asked."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def slamming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes the connection when it is spoken to."""
    await reader.read(1)
    writer.close()


def issued(*names: str, expires: dt.datetime | None = None) -> trustme.LeafCert:
    """A certificate of an authority that nobody knows."""
    return trustme.CA(organization_name="Nobody").issue_cert(*names, not_after=expires)


@asynccontextmanager
async def tls_server(
    certificate: trustme.LeafCert, version: ssl.TLSVersion | None = None
) -> AsyncIterator[int]:
    """A server with this certificate; gives its port."""
    async with raw_server(polite, ssl=server_tls(certificate, version)) as (_, port):
        yield port


def names(**addresses: str) -> Resolver:
    """A resolver that knows these names, with `_` for dots, and no others."""

    def look_up(host: str, _port: int) -> Found:
        import socket

        found = addresses.get(host.replace(".", "_"))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found.split(), time.monotonic_ns()

    return Resolver(look_up=look_up)


def looker(
    *witnesses: str, resolver: Resolver | None = None, allow: tuple[str, ...] = (LOOPBACK,)
) -> Looker:
    """One that may look on loopback; `witnesses` are HOST:PORT pairs that should be up."""
    resolver, guard = resolver or Resolver(), Guard(allow)
    settings = ConnectivitySettings(check=list(witnesses), timeout=TIMEOUT)
    connectivity = Connectivity(settings, resolver=resolver, guard=guard)
    return Looker(resolver=resolver, guard=guard, connectivity=connectivity, timeout=TIMEOUT)
