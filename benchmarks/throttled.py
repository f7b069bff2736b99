"""Whether a slow store disturbs measuring: phase errors with InfluxDB direct and throttled.

Run with `python -m benchmarks.throttled`; takes two minutes and needs the server that
`make services` builds. The whole program tests a simulated network, whose journal says how long
each job really took, with a real InfluxDB behind it: directly, and behind a proxy that lets 20 kB
a second pass, 100 ms late, and nothing at all in two of five seconds. Both run at the same time, so
that what else the machine does falls on both, and test one job at a time each, since the networks
are on this machine and would disturb themselves. The bound is that the p99 of each error differs by
at most 1 ms, on a machine that does nothing else: what the tail of an error is on a busy one, the
machine decides.
"""

import asyncio
import tempfile
from pathlib import Path

from benchmarks._table import print_table
from tests.services.influx_server import InfluxServer, influx_server, section
from tests.services.throttle import throttled
from tests.services.truth import PHASES, brisk_network, phase_errors, quantile

JOBS = 500
WAYS = ("direct", "throttled")


def main() -> None:
    """Run both ways at once and print the errors side by side."""
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name)))
    rows: list[list[str | int | float]] = []
    for phase in PHASES:
        each = [found[way][phase] for way in WAYS]
        tails = [quantile(values, 0.99) for values in each]
        rows.append(
            [
                phase,
                *(len(values) for values in each),
                *(quantile(values, 0.5) for values in each),
                *(quantile(values, 0.9) for values in each),
                *tails,
                tails[1] - tails[0],
            ]
        )
    numbers = ("jobs", "p50", "p90", "p99")
    print_table(
        "Absolute phase error, ms, with the store direct and throttled",
        ["phase", *(f"{number} {way}" for number in numbers for way in WAYS), "p99 difference"],
        rows,
    )


async def measure(folder: Path) -> dict[str, dict[str, list[float]]]:
    """The errors by way and phase."""
    with influx_server(folder / "influx") as server:
        found = await asyncio.gather(*(one_way(server, folder / way, way) for way in WAYS))
    return dict(zip(WAYS, found, strict=True))


async def one_way(server: InfluxServer, folder: Path, way: str) -> dict[str, list[float]]:
    """Networks of the same seed."""
    server.bucket(way)
    async with brisk_network() as network, throttled(server.port) as port:
        slow = {"url": f"http://127.0.0.1:{port}"} if way == "throttled" else {}
        store = {"kind": "influxdb", "influxdb": section(server, way, **slow)}
        return await phase_errors(network, folder, store, JOBS)


if __name__ == "__main__":
    main()
