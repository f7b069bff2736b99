"""A CLI port that proves nothing is warned of once, until it works again."""

import pytest

from exporter.model import LaneKind
from exporter.probing.evidence import NO_POOLS
from exporter.probing.lanes import Lane
from exporter.probing.silent_ports import SilentPorts


def lane(cli_url: str | None) -> Lane:
    return Lane(kind=LaneKind.PINNED, name="pinned:gate:8935", url="http://gate", cli_url=cli_url)


def test_it_is_said_once_for_each_port_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ports, one, other = SilentPorts(), lane("http://gate:5935"), lane("http://gate:5936")
    for _ in range(3):
        ports.after(one, ["something", NO_POOLS])
    ports.after(other, [NO_POOLS])
    assert [(r.levelname, r.__dict__["cli_url"]) for r in caplog.records] == [
        ("WARNING", "http://gate:5935"),
        ("WARNING", "http://gate:5936"),
    ]
    caplog.clear()
    ports.after(one, [])
    ports.after(one, [])
    ports.after(one, [NO_POOLS])
    assert [r.levelname for r in caplog.records] == ["INFO", "WARNING"]


def test_where_no_port_is_named_nothing_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    SilentPorts().after(lane(None), [NO_POOLS])
    assert caplog.records == []
