"""A process that is killed loses no job that was done, and stores none twice: embedded store."""

from pathlib import Path

import pytest

from tests.system.killing import LONGEST, kill_and_count

pytestmark = pytest.mark.system


@pytest.mark.timeout(LONGEST)
async def test_kill_9_of_either_process_in_mid_round_loses_no_job_and_doubles_none(
    tmp_path: Path,
) -> None:
    await kill_and_count(tmp_path, {"kind": "embedded"})
