"""A real InfluxDB with a day of a network that was made by hand."""

from collections.abc import Iterator

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.query_api import QueryApi

from tests.dashboards import made_changes, made_network, made_tester
from tests.dashboards.answers import BUCKET, EMPTY
from tests.dashboards.both import Both, both_filled
from tests.services.influx_server import ORG, influx_server

_PART = 5000


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryApi]:
    """Asks the server."""
    lines = [*made_network.lines(), *made_tester.lines(), *made_changes.lines()]
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        for bucket in (BUCKET, EMPTY):
            server.bucket(bucket)
        for first in range(0, len(lines), _PART):
            server.write(BUCKET, lines[first : first + _PART])
        with InfluxDBClient(server.url, server.token, org=ORG, timeout=60_000) as client:
            yield client.query_api()


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A Prometheus and an InfluxDB that were filled with the known network."""
    with both_filled(tmp_path_factory.mktemp("both")) as filled:
        yield filled
