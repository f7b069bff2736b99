"""Real servers: one a test session (and test process), and fresh ones for tests that break them."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.exit_code import OK
from tests.services.influx_commands import FILES, Operator
from tests.services.influx_server import InfluxServer, influx_server

# Programs are started hundreds of times; a quarter of a start would go into compiling our modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SLOW = (
    "system/test_demo.py",
    "system/test_paying_lanes.py",
    "system/test_following.py",
    "system/test_chain.py",
    "services/test_throttled.py",
    "probing/test_guard_fuzz.py",
    "following/test_schedules.py",
    "stores/test_schema.py",
    "discovery/chain/test_histories.py",
    "system/test_api_docs_curls.py",
    "alerting/test_blame_law.py",
    "services/test_rollup_tasks.py",
    "system/test_stopping.py",
    "simulation/chain/test_conformance.py",
    "system/test_managed_lanes.py",
    "services/test_rollups.py",
    "conformance/test_store_populations.py",
    "services/test_kills_influx.py",
    "services/test_program_faults.py",
    "services/test_faults.py",
    "system/test_kills.py",
)
"""Files with tests that take 12 s and more, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have slow files begin, so that none runs alone at the end; each stays in one piece."""
    here = Path(__file__).parent
    turn = {here / name: place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: turn.get(item.path, len(turn)))


def pytest_collection_finish() -> None:
    """No import of a test may take away what keeps parsers from running out of the stack."""
    assert sys.getrecursionlimit() == 1000, "see exporter.ethereum.kept_limit"


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        yield server


@pytest.fixture
def operator(
    influx: InfluxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Operator]:
    """Somebody who sets the server up; whatever was said and logged held no token."""
    caplog.set_level(logging.DEBUG)
    someone = Operator(influx, tmp_path)
    yield someone
    secret = [influx.token]
    secret += [someone.token(name) for name in FILES if (tmp_path / name).exists()]
    heard = "\n".join([*someone.said, caplog.text])
    assert not any(token in heard for token in secret), "a token was told"


@pytest.fixture
def ready(operator: Operator) -> Operator:
    assert operator.setup().exit_code == OK
    return operator
