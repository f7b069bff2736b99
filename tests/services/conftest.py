"""Servers that tests of faults may kill."""

from collections.abc import Iterator

import pytest

from tests.services.influx_server import InfluxServer, influx_server


@pytest.fixture(scope="module")
def a_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("fragile")) as server:
        yield server


@pytest.fixture
def server(a_server: InfluxServer) -> Iterator[InfluxServer]:
    """A server that may be killed; the next test finds it running."""
    yield a_server
    if a_server.process is None:
        a_server.start()
