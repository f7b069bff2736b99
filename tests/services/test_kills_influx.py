"""A process that is killed loses no job that was done, and stores none twice: InfluxDB."""

from pathlib import Path

import pytest

from tests.services.influx_server import InfluxServer, section
from tests.system.killing import LONGEST, kill_and_count

pytestmark = pytest.mark.system


@pytest.mark.timeout(LONGEST)
async def test_kill_9_of_either_process_in_mid_round_loses_no_job_and_doubles_none(
    influx: InfluxServer, tmp_path: Path
) -> None:
    influx.bucket("kills")
    await kill_and_count(tmp_path, {"kind": "influxdb", "influxdb": section(influx, "kills")})
