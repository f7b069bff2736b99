from pathlib import Path

import pytest

from exporter.simulation.gateway.flags import VERSION_TEXT, FlagError, parse
from exporter.simulation.gateway.startup import start_table

LANE = (
    "-gateway -network offchain -httpAddr 127.0.0.1:18601 -httpIngest -cliAddr 127.0.0.1:18801 "
    "-rtmpAddr 127.0.0.1:19001 -dataDir /data/lane -v 5 -orchAddr https://127.0.0.1:18935 "
    "-aiProcessingRetryTimeout 1ms"
)


def test_a_lanes_command_line_is_read() -> None:
    flags = parse(LANE.split())
    assert flags.gateway
    assert (flags.http_addr, flags.cli_addr) == ("127.0.0.1:18601", "127.0.0.1:18801")
    assert flags.orch_addr == "https://127.0.0.1:18935"
    assert (flags.verbosity, flags.retry_timeout) == (5, 1_000_000)
    assert not flags.on_chain


@pytest.mark.parametrize(
    "argv",
    [
        ["-gateway", "-v", "5"],
        ["--gateway", "--v", "5"],
        ["-gateway=true", "-v=5"],
        ["--gateway=1", "--v=5"],
        ["-gateway", "-v", "5", "--", "-nonsense"],
        ["-gateway", "-v", "5", "rest", "-nonsense"],
    ],
)
def test_flags_have_one_dash_or_two_and_a_space_or_an_equals_sign(argv: list[str]) -> None:
    flags = parse(argv)
    assert (flags.gateway, flags.verbosity) == (True, 5)


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["-nonsense"], "flag provided but not defined: -nonsense"),
        (
            ["-webhookRefreshInterval", "0"],
            "flag provided but not defined: -webhookRefreshInterval",
        ),
        (["-v"], "flag needs an argument: -v"),
        (["---v"], "bad flag syntax: ---v"),
        (["-=5"], "bad flag syntax: -=5"),
        (["-gateway=yes"], 'invalid boolean value "yes" for -gateway: parse error'),
        (
            ["-aiProcessingRetryTimeout", "1"],
            'invalid value "1" for flag -aiProcessingRetryTimeout: parse error',
        ),
        (["-maxAttempts", "x"], 'invalid value "x" for flag -maxAttempts: parse error'),
        (
            ["-maxAttempts", "9" * 30],
            f'invalid value "{"9" * 30}" for flag -maxAttempts: value out of range',
        ),
    ],
)
def test_a_wrong_flag_is_refused_as_go_does_it(argv: list[str], line: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse(argv)
    first, usage, *_ = caught.value.text.splitlines()
    assert (first, usage, caught.value.exit_code) == (line, "Usage of livepeer:", 2)


def test_help_is_the_usage_and_no_error() -> None:
    with pytest.raises(FlagError) as caught:
        parse(["-help"])
    assert caught.value.exit_code == 0
    assert "  -orchAddr string" in caught.value.text


def test_the_version_is_asked_for_by_a_flag() -> None:
    assert parse(["-version"]).version
    assert VERSION_TEXT.startswith("Livepeer Node Version: 0.9.1\n")


def test_the_environment_gives_what_the_command_line_leaves_open() -> None:
    environ = {"LP_ORCHADDR": "https://a.example:8935", "LP_V": "6", "LP_MONITOR": "true"}
    flags = parse(["-v", "5"], environ)
    assert (flags.orch_addr, flags.verbosity, flags.monitor) == ("https://a.example:8935", 5, True)


def test_a_config_file_gives_what_is_still_open(tmp_path: Path) -> None:
    path = tmp_path / "lane.conf"
    path.write_text(
        "# a lane\ngateway\norchAddr https://b.example:8935\n\nv 6\nregion FRA # near\n"
    )
    flags = parse(["-config", str(path), "-v", "5"], {"LP_REGION": "MDW"})
    assert (flags.gateway, flags.orch_addr) == (True, "https://b.example:8935")
    assert flags.verbosity == 5
    assert ("Region", "MDW") in flags.set_flags


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense 1\n", 'config file flag "nonsense" undefined in flag set'),
        ("maxAttempts x\n", 'error setting flag "maxAttempts" from config file: parse error'),
        (None, "no such file or directory"),
    ],
)
def test_a_config_file_that_cannot_be_read_ends_the_process(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "lane.conf"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FlagError) as caught:
        parse(["-config", str(path)])
    assert message in caught.value.text
    assert caught.value.exit_code == 1


def test_a_wrong_variable_ends_the_process() -> None:
    with pytest.raises(FlagError, match='from env var "LP_MAXATTEMPTS"'):
        parse([], {"LP_MAXATTEMPTS": "x"})


def test_the_start_table_shows_what_differs_in_the_order_of_the_real_one() -> None:
    table = start_table(parse(LANE.split())).splitlines()
    assert table == [
        "*--------------------------*-------------------------*",
        "| RtmpAddr                 | 127.0.0.1:19001         |",
        "| CliAddr                  | 127.0.0.1:18801         |",
        "| HttpAddr                 | 127.0.0.1:18601         |",
        "| OrchAddr                 | https://127.0.0.1:18935 |",
        "| Gateway                  | true                    |",
        "| Datadir                  | /data/lane              |",
        "| AIProcessingRetryTimeout | 1ms                     |",
        "*--------------------------*-------------------------*",
    ]


def test_the_start_table_masks_a_password_and_not_the_nodes_url() -> None:
    argv = ["-gateway", "-ethPassword", "letmein", "-ethUrl", "https://node.example/s3cret"]
    table = start_table(parse(argv))
    assert "letmein" not in table
    assert "| EthPassword | ***" in table
    assert "| EthUrl      | https://node.example/s3cret |" in table


def test_addresses_get_their_usual_hosts_and_ports() -> None:
    flags = parse(["-gateway", "-httpAddr", ":8080", "-cliAddr", "127.0.0.2"])
    assert (flags.http_addr, flags.cli_addr) == ("127.0.0.1:8080", "127.0.0.2:5935")
    assert flags.rtmp_addr == "127.0.0.1:1935"


def test_amounts_that_are_none_are_refused() -> None:
    with pytest.raises(FlagError, match="-maxTotalEV must be a valid integer, but lots provided"):
        parse(["-maxTotalEV", "lots"])
