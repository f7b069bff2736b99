"""Servers that tests of faults may kill."""

from collections.abc import Iterator

import pytest

from exporter.alerting import Scope
from tests.services.grafana_worlds import Ask, Fired, World, fired_on
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


@pytest.fixture
def fired(server: InfluxServer, request: pytest.FixtureRequest) -> Ask:
    """Which of Grafana's rules fire in a world, asked in a bucket of the test's own."""

    def ask(world: World, scope: Scope | None = None) -> Fired:
        return fired_on(server, request.node.name[:100], world, scope)

    return ask
