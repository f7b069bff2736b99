"""A slow store disturbs no measurement. `benchmarks/throttled.py` measures it exactly."""

import statistics
from pathlib import Path

import pytest

from tests.services.influx_server import InfluxServer, section
from tests.services.throttle import throttled
from tests.services.truth import PHASES, brisk_network, phase_errors

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

JOBS = 30
BOUND = 50.0
"""Milliseconds: what a delay of the store, of 100 ms at least, would exceed, and a busy machine
does not, in the median."""


async def test_a_slow_store_makes_no_phase_longer(influx: InfluxServer, tmp_path: Path) -> None:
    found = {}
    async with throttled(influx.port) as port:
        for way, url in (("direct", influx.url), ("slow", f"http://127.0.0.1:{port}")):
            bucket = f"throttled {way}"
            influx.bucket(bucket)
            store = {"kind": "influxdb", "influxdb": section(influx, bucket, url=url)}
            async with brisk_network() as network:
                found[way] = await phase_errors(network, tmp_path / way, store, JOBS)
    for phase in PHASES:
        direct, slow = (statistics.median(found[way][phase]) for way in ("direct", "slow"))
        assert len(found["slow"][phase]) >= JOBS
        assert slow < direct + BOUND, phase
