"""web3 takes a second and 60 MB: only who asks ENS pays for it."""

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = {
    "region": "FRA",
    "sources": {"follow": [{"url": "https://lb.example", "orchestrators": ["0x" + "a1" * 20]}]},
}
ASKED = """
import sys, asyncio
import exporter.station
from exporter.names.book import NameBook
from exporter.settings import Settings
names = NameBook(Settings.model_validate({settings!r} | {{"names": {names!r}, "data": {data!r}}}))
asyncio.run(names.look_up(["0x" + "a1" * 20]))
print("web3" in sys.modules)
"""


@pytest.mark.parametrize(("ens", "loaded"), [([], "False"), (["http://127.0.0.1:1"], "True")])
def test_web3_is_loaded_only_where_ens_is_asked(
    ens: list[str], loaded: str, tmp_path: Path
) -> None:
    names = {"ens": [{"url": url} for url in ens]}
    program = ASKED.format(settings=SETTINGS, names=names, data=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == loaded
