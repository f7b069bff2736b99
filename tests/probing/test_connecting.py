"""The one way to connect on a stranger's word, and that there is no other."""

import ast
import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter
from exporter.probing.connecting import connect, place
from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard
from tests.probing.kit import raw_server
from tests.probing.test_guard_fuzz import NAMESPACE, why_no_namespace

OPENS = {
    "open_connection",
    "create_connection",
    "create_datagram_endpoint",
    "open_unix_connection",
    "sock_connect",
    "connect",
    "connect_ex",
    "urlopen",
    "urlretrieve",
    "getaddrinfo",
    "gethostbyname",
    "Client",
    "AsyncClient",
    "ClientSession",
    "HTTPConnection",
    "HTTPSConnection",
    "HTTPProvider",
    "AsyncHTTPProvider",
    "Session",
    "PoolManager",
    "ProxyManager",
    "AsyncConnectionPool",
    "AsyncHTTPTransport",
}
"""Names under which libraries open connections or look names up."""
FREE = {
    "probing/connecting.py": "the one place",
    "probing/resolve.py": "looks names up, and connects to nobody",
    "probing/addresses.py": "asks the kernel for its own address; sends nothing",
    "probing/backend.py": "asks the kernel for its routes; calls `connecting`",
    "probing/handshake.py": "calls `connecting`, and speaks TLS on the socket that it gave",
    "probing/transport.py": "a pool on `backend`",
    "probing/job.py": "a client on `transport`",
    "probing/evidence.py": "CLI ports and gateways that the settings name, or our own ones",
    "probing/managed/process.py": "our own gateway, on loopback",
    "probing/managed/cli_port.py": "our own gateway, on loopback",
    "discovery/fetch.py": "gateways that the settings name",
    "ethereum/upstream.py": "nodes that the settings name",
}
"""Who may, and why that is no connection on a stranger's word unless the guard was asked."""

MEASURING = ("discovery", "ethereum", "following", "pipelines", "probing", "names", "chain")
ROOT = Path(exporter.__file__).parent


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """Names of OPENS that a module calls, or hands to somebody who may, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            for word in (node.func, *node.args):
                name = getattr(word, "attr", getattr(word, "id", None))
                if name in OPENS:
                    yield name, node.lineno


def openers() -> dict[str, list[tuple[str, int]]]:
    """By module, all that opens connections in the parts that deal with strangers."""
    files = [file for part in MEASURING for file in sorted((ROOT / part).rglob("*.py"))]
    found = {file.relative_to(ROOT).as_posix(): list(calls(file)) for file in files}
    return {module: names for module, names in found.items() if names}


def test_nobody_else_opens_connections() -> None:
    strange = {
        module: names
        for module, names in openers().items()
        if not any(module == free or module.startswith(f"{free}/") for free in FREE)
    }
    assert strange == {}, "open it with `probing.connecting`, or say in FREE whose word it is on"


def test_the_search_finds_what_there_is() -> None:
    found = openers()
    for module in ("probing/connecting.py", "probing/resolve.py", "discovery/fetch.py"):
        assert found.get(module), module
    for free in FREE:
        if free.endswith(".py"):
            assert (ROOT / free).exists(), f"{free} is gone: take it out of FREE"


def test_no_client_takes_proxies_from_the_environment_or_follows_redirects() -> None:
    clients = 0
    for file in sorted(ROOT.rglob("*.py")):
        if "simulation" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "httpx.AsyncClient":
                clients += 1
                said = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert said.get("trust_env") == "False", (file, node.lineno)
                assert said.get("follow_redirects", "False") == "False", (file, node.lineno)
    assert clients > 5


@pytest.mark.parametrize("port", [0, -1, 65536, 10**30])
def test_there_is_no_such_port(port: int) -> None:
    for guard in (Guard(), None):
        with pytest.raises(ForbiddenAddressError, match="port"):
            place("8.8.8.8", port, guard)


@pytest.mark.parametrize(
    "address", ["localhost", "127.1", "::1%\ud800", "::1%a b", "::1%", "", "1" * 60, "8.8.8.8\0"]
)
def test_what_is_no_ip_address_is_no_place(address: str) -> None:
    for guard in (Guard(["0.0.0.0/0", "::/0"]), None):
        with pytest.raises(ForbiddenAddressError):
            place(address, 80, guard)


async def test_what_was_looked_at_is_connected_to_without_asking_any_resolver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("a name was looked up")

    async with raw_server(handle) as (_, port):
        monkeypatch.setattr(socket, "getaddrinfo", asked)
        where = place("::FFFF:127.0.0.1", port, Guard(["127.0.0.0/8"]))
        sock, _ = await connect(where)
        assert sock.getpeername()[1] == port
        sock.close()


async def test_a_peer_that_is_another_than_meant_is_left_at_once() -> None:
    """As if an address led elsewhere than it says: the guard changes its mind in between."""
    allowed = iter([True, False])

    class Fickle(Guard):
        def check_address(self, address: str) -> None:
            if not next(allowed):
                super().check_address(address)

    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())
        writer.close()

    async with raw_server(handle) as (host, port):
        with pytest.raises(ForbiddenAddressError, match="loopback"):
            await connect(place(host, port, Fickle()))
    assert got in ([], [b""])


def test_a_public_address_of_this_machine_is_known_as_such() -> None:
    if why := why_no_namespace():
        pytest.skip(f"no network namespace can be made here: {why}")
    program = (
        "ip link set lo up && ip addr add 8.8.8.8/32 dev lo && ip addr add 2606:4700::1/128 dev lo"
        f" && exec {sys.executable} -c '"
        "from exporter.probing.addresses import is_our_own as own;"
        'print([own(a) for a in ("8.8.8.8", "2606:4700::1", "8.8.4.4", "2606:4700::2")])'
        "'"
    )
    run = subprocess.run(
        [*NAMESPACE, shutil.which("sh") or "sh", "-c", program],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "[True, True, False, False]", run.stderr
