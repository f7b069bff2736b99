"""What the tests of managed lanes share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.probing.managed.home import LaneHome


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[LaneHome]:
    home = await LaneHome.open(tmp_path / "lanes")
    yield home
    left = [entry.name for entry in home.path.iterdir() if entry.name != "id"]
    assert left == [], "folders of lanes were left"
