"""The table of known messages."""

import re
import time

import pytest

from exporter.probing.lane_log import startup, table
from exporter.probing.lane_log.line import LINE_LIMIT, read
from exporter.probing.lane_log.table import Kind, known
from tests.probing.lane_log.lines import GatewayLog

BLOCKS_FAIL = "blockwatch.Watcher error encountered - trying again on next polling interval "


def kind(log: GatewayLog, version: str = "0.9.1") -> Kind | None:
    found = known(log.read()[-1], version)
    return found.kind if found else None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Orchestrator 0xAb is above max price 1200.000, price=3400.250", Kind.ABOVE_LIMIT),
        ('Could not create payment err="no sender deposit"', Kind.NOT_PAID),
        ("Missing ticket params orch=https://gpu.example.net:8935", Kind.NOT_PAYABLE),
        ('Error getting HTTP uri=https://a.example/x.png err="EOF"', Kind.FETCH_FAILED),
        ("Non-200 response for status=404 Not Found uri=https://a.example/x", Kind.FETCH_FAILED),
        ("Auth token expired, refreshing for orch=https://a.example", Kind.SESSION_RENEWED),
        ("something that nobody ever wrote", None),
    ],
)
def test_a_message_about_a_job_is_looked_up_by_its_words(
    message: str, expected: Kind | None
) -> None:
    assert kind(GatewayLog().job(message)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Livepeer Node version: 0.9.1", Kind.VERSION),
        ("CLI server listening on 127.0.0.1:7935", Kind.LISTENING),
        ("HTTP Server listening on http://127.0.0.1:8935", Kind.LISTENING),
        ("listen tcp 127.0.0.1:7935: bind: address already in use", Kind.PORT_TAKEN),
        ("Error unlocking Ethereum account: could not decrypt key with given", Kind.START_FAILED),
        (
            "expecting chainID of 0, but got 42161. Did you change networks without changing",
            Kind.START_FAILED,
        ),
        ("Failed to setup senderwatcher: 429 Too Many Requests", Kind.START_FAILED),
        ("Please create a new ETH account", Kind.NEW_ACCOUNT),
        ("Exiting Livepeer: terminated", Kind.STOPPING),
        ("Cached gas price: 100000000", Kind.NOISE),
        (f'{BLOCKS_FAIL}err="Post \\"https://rpc.example\\": EOF"', Kind.NOISE),
        (f'{BLOCKS_FAIL}err="EOF" and more', None),
        ("error getting gas price: EOF", None),
    ],
)
def test_a_message_about_the_process_is_looked_up_by_its_words(
    text: str, expected: Kind | None
) -> None:
    assert kind(GatewayLog().process(text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*-----*-------*", Kind.START_TABLE),
        ("| HttpAddr | 127.0.0.1:8935 |", Kind.START_TABLE),
        ("2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: runtime error: x", Kind.PANIC),
        ("goroutine 17 [chan receive, 4 minutes]:", Kind.STACK),
        ("\t/src/server/file.go:158 +0xad", Kind.STACK),
        ("net/http.(*conn).serve(0xc0001, {0x1, 0x2})", Kind.STACK),
        ("created by net/http.(*Server).Serve in goroutine 1", Kind.STACK),
        ("well, what is this?", None),
    ],
)
def test_a_line_without_a_header_is_looked_up_as_it_is(text: str, expected: Kind | None) -> None:
    assert kind(GatewayLog().raw(text)) is expected


def test_a_row_holds_for_its_versions_only() -> None:
    crashed = GatewayLog().done(source="panic.go")
    assert kind(crashed, "0.9.1") is Kind.CRASHED
    assert kind(crashed, "0.8.6") is Kind.PROCESSED
    row = table.Row(Kind.NOISE, table.Seen.SOURCE, re.compile("x"), until=(0, 8, 9))
    assert row.holds((0, 8, 9))
    assert not row.holds((0, 9, 0))


@pytest.mark.parametrize("piece", ["a.", "(", "a.a(", "took=", "| a ", ": ", "x" * 8, "a=b "])
def test_no_text_makes_the_table_slow(piece: str) -> None:
    text = (piece * LINE_LIMIT)[: LINE_LIMIT - 200]
    started = time.process_time()
    for line in (GatewayLog().job(text), GatewayLog().process(text), GatewayLog().raw(text)):
        known(line.read()[0], "0.9.1")
    assert time.process_time() - started < 0.5


def test_a_start_names_what_went_wrong() -> None:
    log = GatewayLog().process("CLI server listening on 127.0.0.1:7935")
    log.process("Livepeer Node version: 0.9.1-own")
    log.process("LPMS Server Error: listen tcp 127.0.0.1:8935: bind: address already in use.  Q")
    log.process("Error from media server: listen tcp 127.0.0.1:8935: bind: address already in use")
    found = startup.problems(log.read(), "0.9.1")
    assert len(found) == 2
    assert all(one.startswith("a port is taken: ") for one in found)
    assert startup.node_version(log.read()) == "0.9.1-own"


def test_a_good_start_names_nothing() -> None:
    log = GatewayLog().process("***Livepeer Running in Gateway Mode***")
    assert startup.problems(log.read(), "0.9.1") == ()
    assert startup.node_version([read("x")]) is None
