"""The command of one gateway: every address on loopback, every secret out of sight."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.probing.managed.command import Command, command, needed_flags, own_flags, secrets
from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.ports import Ports
from tests.probing.managed.gateways import ACCOUNT, RPC, URI, on_chain, settings

PORTS = Ports(http=1001, cli=1002, rtmp=1003)


def made(folder: Path, uri: str | None = URI, **livepeer: Any) -> Command:
    lane = folder / "lane"
    lane.mkdir(parents=True)
    found = settings(Path("livepeer"), **livepeer)
    return command(found, uri=uri, ports=PORTS, folder=lane, mark="mark")


def value(words: Command, flag: str) -> str:
    return words.arguments[words.arguments.index(f"-{flag}") + 1]


def test_an_off_chain_lane(tmp_path: Path) -> None:
    words = made(tmp_path)
    assert " ".join(words.arguments) == (
        "-gateway -network offchain -httpAddr 127.0.0.1:1001 -cliAddr 127.0.0.1:1002 "
        f"-rtmpAddr 127.0.0.1:1003 -dataDir {tmp_path}/lane/data -v 5 "
        f"-aiProcessingRetryTimeout 1ms -orchAddr {URI}"
    )
    assert not [name for name in words.environment if name.startswith("LP_")]


def test_an_unpinned_gateway_has_no_orchestrator(tmp_path: Path) -> None:
    assert "-orchAddr" not in made(tmp_path, uri=None).arguments


def test_a_scout_reads_the_ai_registry_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    paying = on_chain(tmp_path)
    scout = made(tmp_path / "a", uri=None, on_chain=paying)
    assert "-aiServiceRegistry" in scout.arguments
    assert "-aiServiceRegistry" not in made(tmp_path / "b", on_chain=paying).arguments
    own = [{"name": "aiServiceRegistry", "value": "false"}]
    other = made(tmp_path / "c", uri=None, on_chain=paying, flags=own)
    assert "-aiServiceRegistry" not in other.arguments
    assert other.environment["LP_AISERVICEREGISTRY"] == "false"


def test_a_paying_lane(tmp_path: Path) -> None:
    paying = on_chain(tmp_path, max_price_per_unit=100, max_ticket_ev=1, max_total_ev=2)
    words = made(tmp_path, on_chain=paying)
    assert " ".join(words.arguments).endswith(
        f"-orchAddr {URI} -ethAcctAddr {ACCOUNT} -ethKeystorePath {tmp_path}/keystore "
        f"-ethPassword {tmp_path}/passphrase -reward=false -maxTicketEV 1 -maxTotalEV 2 "
        "-depositMultiplier 1 -maxPricePerUnit 100 -pixelsPerUnit 1"
    )
    assert value(words, "network") == "arbitrum-one-mainnet"


def test_secrets_are_in_the_environment_and_not_in_the_command_line(tmp_path: Path) -> None:
    flags = [{"name": "kafkaPassword", "value": "HUSH"}, {"name": "monitor"}]
    words = made(tmp_path, on_chain=on_chain(tmp_path), flags=flags)
    assert words.environment["LP_ETHURL"] == RPC
    assert words.environment["LP_KAFKAPASSWORD"] == "HUSH"
    assert words.environment["LP_MONITOR"] == "true"
    for shown in (" ".join(words.arguments), repr(words)):
        assert "SECRET" not in shown
        assert "HUSH" not in shown
        assert "sesame" not in shown


def test_an_own_flag_without_a_value_is_given_as_empty(tmp_path: Path) -> None:
    assert made(tmp_path, flags=[{"name": "region", "value": ""}]).arguments[-1] == "-region="


def test_the_checked_copy_of_the_price_limits_is_what_the_gateway_reads(tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"capabilities_prices":[{"pipeline":"llm","price_per_unit":7}]}')
    words = made(tmp_path, on_chain=on_chain(tmp_path, price_limits=limits))
    copy = Path(value(words, "maxPricePerCapability"))
    assert copy.parent == tmp_path / "lane"
    assert json.loads(copy.read_text())["capabilities_prices"][0]["price_per_unit"] == 7


def test_without_a_general_limit_a_model_that_the_file_does_not_name_is_not_paid_for(
    tmp_path: Path,
) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"capabilities_prices":[{"pipeline":"llm","price_per_unit":7}]}')
    paying = on_chain(tmp_path, price_limits=limits, max_price_per_unit=None)
    words = made(tmp_path, on_chain=paying)
    assert int(value(words, "maxPricePerUnit")) / int(value(words, "pixelsPerUnit")) < 1e-6


def test_a_mistake_in_the_price_limits_stops_the_start(tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"capabilities_prices":[{"pipeline":"llm"}]}')
    with pytest.raises(StartFailure, match=r"limits\.json: entry 1") as caught:
        made(tmp_path, on_chain=on_chain(tmp_path, price_limits=limits))
    assert caught.value.fault == Fault.PRICE_LIMITS


def test_all_flags_that_are_set_are_asked_for(tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"capabilities_prices":[{"pipeline":"llm","price_per_unit":7}]}')
    paying = on_chain(tmp_path, price_limits=limits)
    words = made(tmp_path, on_chain=paying)
    words_of_a_scout = made(tmp_path / "scout", uri=None, on_chain=paying)
    arguments = (*words.arguments, *words_of_a_scout.arguments)
    given = {word[1:].partition("=")[0] for word in arguments if word.startswith("-")}
    assert given | {"ethUrl"} == needed_flags(settings(None, on_chain=paying))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.001, "1ms"), (0.0015, "1500us"), (2.0, "2000ms"), (60.0, "60000ms")]
)
def test_the_attempt_timeout_is_written_as_go_reads_it(
    tmp_path: Path, seconds: float, words: str
) -> None:
    made_words = made(tmp_path, attempt_timeout=seconds)
    assert value(made_words, "aiProcessingRetryTimeout") == words


def test_what_is_secret_of_the_settings(tmp_path: Path) -> None:
    flags = [
        {"name": "kafkaPassword", "value": "HUSH"},
        {"name": "objectStore", "value": "s3://id:key@host/bucket"},
        {"name": "region", "value": "FRA"},
    ]
    found = settings(None, on_chain=on_chain(tmp_path), flags=flags)
    assert secrets(found) == [RPC, "HUSH", "s3://id:key@host/bucket"]
    assert own_flags(found)["LP_REGION"] == "FRA"
