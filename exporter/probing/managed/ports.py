"""Ports on loopback: free ones for a new gateway, and whether it is the one that listens there."""

import contextlib
import os
import socket
from collections.abc import Collection
from contextlib import ExitStack
from typing import Final, NamedTuple

import psutil

LOOPBACK: Final = "127.0.0.1"


class Ports(NamedTuple):
    """The three ports that a gateway listens on."""

    http: int
    cli: int
    rtmp: int


def free_ports() -> Ports:
    """Three ports that nobody listens on now. Somebody may take one before the gateway does.

    Raises `OSError` when there are none.
    """
    with ExitStack() as stack:
        found = []
        for _ in Ports._fields:
            place = stack.enter_context(socket.socket())
            place.bind((LOOPBACK, 0))
            found.append(place.getsockname()[1])
        return Ports(*found)


def listens(group: int, ports: Collection[int]) -> bool | None:
    """Whether processes of this group are the ones that listen on all these ports.

    `None` where the system does not tell.
    """
    missing = set(ports)
    try:
        for pid in members(group):
            with contextlib.suppress(psutil.NoSuchProcess):
                for connection in psutil.Process(pid).net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN and connection.laddr:
                        missing.discard(connection.laddr.port)
    except (psutil.Error, OSError):
        return None
    return not missing


def members(group: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if os.getpgid(pid) == group:
                found.append(pid)
    return found
