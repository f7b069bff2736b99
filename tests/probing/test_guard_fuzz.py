"""A hundred thousand hostile URIs, and not one connection to where the tester must not go.

Not the guard's own word counts but what listeners get: in a network namespace in which every
address of the world is this machine's own.
"""

import asyncio
import functools
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.probing.guard_fuzz import Listeners, Loopback, Summary, fuzz
from tests.probing.hostile_uris import Grammar, is_public
from tests.probing.kit import free_port

COUNT = 100_000
ROOT = Path(__file__).parents[2]
LOOPBACK = ("127.0.0.1", "127.0.0.2", "127.9.9.9", "::1")
NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")


@pytest.fixture(scope="module")
def seed() -> int:
    """Another one each time; `GUARD_SEED` repeats a run."""
    return int(os.environ.get("GUARD_SEED") or random.SystemRandom().randrange(2**32))


@functools.cache
def why_no_namespace() -> str | None:
    """Why this machine lets us make no network of our own; `None` if it does."""
    if not all(map(shutil.which, ("unshare", "ip"))):
        return "needs the programs unshare and ip"
    program = [*NAMESPACE, "ip", "link", "set", "lo", "up"]
    made = subprocess.run(program, capture_output=True, check=False)
    return None if made.returncode == 0 else made.stderr.decode("utf-8", "replace")[:200]


def let_loose(seed: int, count: int, *options: str) -> Summary:
    if why := why_no_namespace():
        pytest.skip(f"no network namespace can be made here: {why}")
    program = [sys.executable, "-m", "tests.probing.guard_fuzz", str(seed), str(count), *options]
    run = subprocess.run([*NAMESPACE, *program], cwd=ROOT, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode("utf-8", "replace")
    return msgspec.json.decode(run.stdout, type=Summary)


@pytest.mark.timeout(900)
def test_no_hostile_uri_leads_anywhere_forbidden(seed: int) -> None:
    seen = let_loose(seed, COUNT)
    print(seen)  # noqa: T201 - the seed
    assert seen.attempts == COUNT
    assert seen.forbidden == {}, f"GUARD_SEED={seed}"
    assert seen.public > COUNT // 100, "what is allowed is connected to, or this proves nothing"
    assert seen.let_through > 0
    assert min(seen.ways.values()) > COUNT // 200, "every way is tried"


def test_without_the_guard_the_same_uris_lead_everywhere(seed: int) -> None:
    seen = let_loose(seed, COUNT // 25, "--off")
    for kind in ("127.", "10.", "169.254.", "192.168.", "::1", "f", "2001:", "64:ff9b:", "2002:"):
        assert any(address.startswith(kind) for address in seen.forbidden), (kind, seed)
    assert sum(seen.forbidden.values()) > COUNT // 250, f"GUARD_SEED={seed}"


def on_loopback(seed: int, count: int, *, off: bool) -> tuple[Summary, list[str]]:
    """What listeners on loopback got, and to which further addresses it would have gone."""
    ports = [free_port() for _ in range(3)]
    listeners = Listeners(Grammar(seed + 1, ports))
    with asyncio.Runner(loop_factory=Loopback) as runner:
        run = fuzz(seed, count, off=off, hosts=LOOPBACK, ports=ports, listeners=listeners)
        summary = runner.run(run)
        loop = runner.get_loop()
        assert isinstance(loop, Loopback)
        return summary, [address for address in loop.aimed if not is_public(address)]


def test_nothing_leads_to_loopback_where_no_namespace_can_be_made(seed: int) -> None:
    seen, aimed = on_loopback(seed, 2000, off=False)
    assert seen.forbidden == {}, f"GUARD_SEED={seed}"
    assert aimed == []
    unguarded, elsewhere = on_loopback(seed, 2000, off=True)
    assert {"127.0.0.1", "::1"} <= set(unguarded.forbidden)
    assert len(elsewhere) > 10


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("2606:4700::5efe:a00:1", False),
        ("2606:4700::200:5efe:a00:1", False),
        ("fe80::1%lo", False),
        ("fd00::1", False),
        ("255.255.255.255", False),
    ],
)
def test_the_fuzz_has_a_judgement_of_its_own(address: str, public: bool) -> None:
    assert is_public(address) is public
