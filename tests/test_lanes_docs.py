"""The explanation of lanes: its settings can be read as they stand there."""

import re
from pathlib import Path

import pytest
import yaml

from exporter.probing.managed.faults import Fault
from exporter.settings import Lane
from exporter.settings_file import load

TEXT = (Path(__file__).parent.parent / "docs" / "lanes.md").read_text(encoding="utf-8")
BLOCKS = [
    "\n".join(line.removeprefix(indent) for line in block.split("\n"))
    for indent, block in re.findall(r"^( *)```yaml\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE)
]
NAMED_FILES = ("runner-token", "runner-ca.pem", "rpc-url", "passphrase", "price-limits.json")


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_can_be_read(block: str, tmp_path: Path) -> None:
    for name in NAMED_FILES:
        (tmp_path / name).write_text("https://rpc.example/key")
        (tmp_path / name).chmod(0o600)
    plain = {"region": "FRA", "sources": {"gateway": [{"url": "http://127.0.0.1:5935"}]}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(plain | yaml.load(block, yaml.BaseLoader)))
    load(path, {})


def test_every_kind_has_an_example() -> None:
    kinds = Lane.model_fields["kind"].annotation
    for kind in kinds.__args__ if kinds is not None else ():
        assert any(f"kind: {kind}" in block for block in BLOCKS), kind


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.CLOSED}))
def test_every_fault_is_explained(fault: Fault) -> None:
    assert f"| `{fault}` |" in TEXT
