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

# Programs are started hundreds of times; most of a start would go into compiling our modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


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
