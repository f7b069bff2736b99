from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stations import Station, running_station


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with running_station(tmp_path) as running:
        yield running
