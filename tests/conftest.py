"""Real servers: one a test session (and test process), and fresh ones for tests that break them."""

from collections.abc import Iterator

import pytest

from tests.services.influx_server import InfluxServer, influx_server


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        yield server
