"""What a managed lane costs the probe process in memory, apart from the gateway itself.

Run with `python -m benchmarks.lane_memory`; takes about a minute. Each time the probe process tests
the same 32 orchestrators once, over direct lanes or over so many gateways of its own, which are
started anew for each and idle at the end. Before it listens, each gateway writes more to its log
than is kept of it: plain text, or signs that take most room. The bound is 2 MB of ours a lane.
"""

import asyncio
import shlex
import sys
import tempfile
from pathlib import Path

import httpx
import psutil

from benchmarks._processes import answer, process, until, write_config
from benchmarks._table import Cell, print_table
from exporter.probing.managed.output import BYTES, LINES
from exporter.simulation.network import LaneMode, SimulatedNetwork
from exporter.simulation.population import Profile

ORCHESTRATORS = 32
LANES = (4, 16)
LIMIT = 2
"""Megabytes a lane, by the project's own bound."""
MEGABYTE = 1e6
LOOKS = 20
SIGNS = {"plain text": "x", "widest signs": "\N{HAMMER AND WRENCH}"}

# Half as many lines again as are kept, so long that their number is not what bounds them.
_FLOOD = f"""\
import sys
if {{"-version", "-help"}}.isdisjoint(sys.argv):
    for number in range({LINES * 3 // 2}):
        sys.stderr.write(f"{{number:010}} " + sys.argv[1] * {BYTES // LINES - 11} + chr(10))
"""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = await measure(Path(folder))
    print_table(
        f"Probe process with idle managed lanes whose logs are full (bound: {LIMIT} MB a lane)",
        ["log", "lanes", "probe RSS MB", "MB a lane"],
        rows,
    )


async def measure(folder: Path) -> list[list[Cell]]:
    without = await resident(folder / "direct", 0, "")
    rows: list[list[Cell]] = [["", 0, without, ""]]
    for name, sign in SIGNS.items():
        for lanes in LANES:
            found = await resident(folder / f"{lanes} {sign}", lanes, sign)
            rows.append([name, lanes, found, (found - without) / lanes])
    return rows


async def resident(folder: Path, lanes: int, sign: str) -> float:
    """Megabytes of the probe process when its lanes idle after one round; 0 lanes: direct ones."""
    mode: LaneMode = "managed" if lanes else "mixed"
    async with SimulatedNetwork(ORCHESTRATORS, profiles=[Profile.FAST], lanes=mode) as network:
        plain = write_config(
            network,
            folder,
            schedule={"interval": 3600, "max_parallel": ORCHESTRATORS},
            filter={"include": {"pipelines": ["llm"]}},
            lanes=[{"kind": "managed" if lanes else "direct"}],
            livepeer={"lanes": lanes} if lanes else {},
        )
        if lanes:
            flood(Path(plain["livepeer"]["binary"]), sign)
        url = f"http://{plain['probe']['listen']}"
        arguments = ("probe-process", "--together", "--config", str(folder / "config.yaml"))
        async with (
            process(*arguments, log=folder / "log") as probe,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            await until(lambda: answer(client, f"{url}/readyz"), "the probe is ready")
            await until(lambda: is_over(client, url), "the round is over")
            return await settled(probe)


def flood(binary: Path, sign: str) -> None:
    """Have the program fill its log before it becomes what it was."""
    first, _, rest = binary.read_text(encoding="utf-8").partition("\n")
    words = shlex.join([sys.executable, "-c", _FLOOD, sign])
    binary.write_text(f'{first}\nPYTHONIOENCODING=utf-8 {words} "$@"\n{rest}', encoding="utf-8")


async def is_over(client: httpx.AsyncClient, url: str) -> bool:
    status = await answer(client, f"{url}/status")
    counted = status.json()["round"] if status is not None else None
    return bool(counted and counted["expected"] and counted["left"] == 0)


async def settled(probe: psutil.Process) -> float:
    """Its memory once it does not change any more, or after a while."""
    before = -1.0
    for _ in range(LOOKS):
        if (now := probe.memory_info().rss / MEGABYTE) == before:
            break
        before = now
        await asyncio.sleep(1)
    return before


if __name__ == "__main__":
    asyncio.run(main())
