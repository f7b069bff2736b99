"""A server starts with the limits that docs/storage.md tells, and they are found good."""

import re
from pathlib import Path

import pytest

from tests.services.influx_commands import Operator
from tests.services.influx_server import influx_server

TEXT = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")


def test_a_server_starts_with_the_limits_that_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command,) = re.findall(r"^\$ influxd (--query.*)$", TEXT, re.MULTILINE)
    flags = dict(re.findall(r"--([\w-]+) (\d+)", command))
    assert len(flags) == 4
    for name, value in flags.items():
        assert f"| `{name}` |" in TEXT
        monkeypatch.setenv(f"INFLUXD_{name.upper().replace('-', '_')}", value)
    with influx_server(tmp_path / "server") as server:
        operator = Operator(server, tmp_path)
        assert operator.setup().exit_code == 0
        told = operator.check().stdout
    most = f"at most {flags['query-concurrency']} queries at once"
    assert f"{most}, of {flags['query-memory-bytes']} bytes each" in told
