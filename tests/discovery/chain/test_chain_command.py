"""`chain`, and what `targets` and `check-config --online` say of the chain."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli.chain import chain
from exporter.cli.check_config import check_config
from exporter.cli.targets import targets
from tests.discovery.chain.chains import ai_uri, populate, uri
from tests.ethereum import faults
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import Livepeer, who
from tests.probing.kit import free_port

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.cli.chain.PATIENCE", 0.0)


def config(folder: Path, *urls: str, **more: Any) -> Path:
    document = {
        "region": "FRA",
        "data": str(folder / "data"),
        "ethereum": {"rpc": [{"url": url} for url in urls]} | more.pop("ethereum", {}),
        "sources": {"chain": {}},
    }
    file = folder / "config.yaml"
    file.write_text(json.dumps(document | more))
    return file


def run(command: Any, *arguments: object) -> Result:
    """Run it; `chain` without a look at service URIs, of which most lead nowhere here."""
    looking = ["--no-reach"] if command is chain else []
    return CliRunner().invoke(command, [*looking, *(str(one) for one in arguments)])


def test_it_looks_whether_service_uris_can_be_reached(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 3))
    file = config(tmp_path, node_url, guard={"allow": ["127.0.0.0/8"]})
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        up, down = listener.getsockname()[1], free_port()
        livepeer.set_ai_uri(who(1), f"http://127.0.0.1:{up}")
        livepeer.set_uri(who(1), f"http://127.0.0.1:{down}")
        livepeer.set_ai_uri(who(2), f"http://127.0.0.2:{up}")
        livepeer.set_uri(who(2), "http://10.0.0.1")
        arguments = ["--config", str(file), "--json"]
        result = CliRunner().invoke(chain, arguments)
    assert result.exit_code == 0, result.output
    one, two = (entry["reachability"] for entry in json.loads(result.stdout)["orchestrators"])
    assert [look["reached"] for look in one] == [True, None], "nobody vouches for his own host"
    assert one[0]["rtt"] > 0
    assert [(look["reached"], look["stage"]) for look in two] == [(False, "tcp"), (None, "guard")]


def test_it_shows_who_is_registered_with_the_most_stake_first(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.set_ai_uri(who(2), "https://me:\x1b[31mpw@h.example")
    livepeer.set_ai_uri(who(1), "")
    result = run(chain, "--config", config(tmp_path, node_url))
    assert result.exit_code == 0, result.output
    title, head, *rows = result.stdout.strip().splitlines()
    assert title.startswith(f"Chain 42161, block {livepeer.evm.height} of 2")
    assert title.endswith(
        "UTC: round 3501; 3 active, 3 of 100 in the pool for the next round, 6 LPT active"
    )
    assert head.split()[:4] == ["orchestrator", "name", "stake,", "LPT"]
    third, second, first = rows
    assert third.split() == [
        "0xAA" + "0" * 37 + "3" if third.split()[0].startswith("0xAA") else third.split()[0],
        *("-", "3", "50.00", "%", "yes", "3501", "-", ai_uri(3), uri(3), "-", "-"),
    ]
    assert third.split()[0].lower() == who(3)
    assert "refused: it holds blanks" in second
    assert first.split()[8:10] == ["-", uri(1)]
    assert "\x1b" not in result.output
    assert not (tmp_path / "data").exists()


def test_json_is_one_document(livepeer: Livepeer, node_url: str, tmp_path: Path) -> None:
    populate(livepeer, range(1, 4))
    result = run(chain, "--config", config(tmp_path, node_url), "--json")
    document = json.loads(result.stdout)
    assert document["chain"]["round"] == 3501
    assert [one["orchestrator"] for one in document["orchestrators"]] == [who(n) for n in (1, 2, 3)]
    assert (document["notes"], document["unexpected_contracts"], document["error"]) == (
        [],
        {},
        None,
    )


def test_it_reads_although_the_chain_is_no_source(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    sources = {"gateway": [{"url": "http://127.0.0.1:1"}]}
    result = run(chain, "--config", config(tmp_path, node_url, sources=sources))
    assert result.exit_code == 0
    assert who(3)[-8:] in result.stdout


def test_it_says_which_contract_is_elsewhere(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    livepeer.set_contract("ServiceRegistry", "0x04c0b249740175999e5bf5c9ac1da92431ef34c5")
    result = run(chain, "--config", config(tmp_path, node_url))
    assert result.exit_code == 0
    assert "note: the Controller says that ServiceRegistry is at 0x04c0b2" in result.stdout


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.other_chain(1), "it is a node of chain 1; expected 42161 (`ethereum.chain_id`)"),
        (faults.web_page, "a web page: this is no JSON-RPC URL"),
        (faults.status(401), "it refuses the key in its URL"),
        (faults.status(403), "it refuses the key in its URL"),
        (faults.empty_pool, "the pool is empty, which is not believed"),
        (faults.garbage, "something that is no JSON"),
    ],
)
def test_what_cannot_be_read_is_told_with_exit_code_1(
    livepeer: Livepeer, proxy: FaultProxy, tmp_path: Path, fault: Any, words: str
) -> None:
    populate(livepeer, range(1, 4))
    proxy.always(fault)
    file = config(tmp_path, proxy.url)
    for command, arguments in ((chain, ["--config", file]), (targets, ["--config", file])):
        result = run(command, *arguments)
        assert result.exit_code == 1, result.output
        assert words in result.output
        assert proxy.key not in result.output
    result = run(check_config, "--online", file)
    assert result.exit_code == 3
    assert "but Ethereum nodes cannot be asked:" in result.stderr
    assert words in result.stderr
    assert proxy.key not in result.output


@pytest.mark.parametrize(
    ("ethereum", "words"),
    [
        ({"controller": who(1)}, "see `ethereum.controller` and `ethereum.chain_id`"),
        ({"ai_registry": who(1)}, "see `ethereum.ai_registry` and `ethereum.chain_id`"),
        ({"chain_id": 1}, "it is a node of chain 42161; expected 1 (`ethereum.chain_id`)"),
    ],
)
def test_a_wrong_setting_is_named(
    livepeer: Livepeer, node_url: str, tmp_path: Path, ethereum: dict[str, Any], words: str
) -> None:
    populate(livepeer, range(1, 4))
    file = config(tmp_path, node_url, ethereum=ethereum)
    result = run(chain, "--config", file)
    assert result.exit_code == 1
    assert words in result.stderr
    assert words in run(check_config, "--online", file).stderr


def test_settings_without_nodes_are_wrong_usage(tmp_path: Path) -> None:
    sources = {"gateway": [{"url": "http://127.0.0.1:1"}]}
    result = run(chain, "--config", config(tmp_path, sources=sources))
    assert result.exit_code == 2
    assert "`ethereum.rpc` names no node that could be asked" in result.stderr
    file = tmp_path / "config.yaml"
    file.write_text("regoin: FRA")
    assert run(chain, "--config", file).exit_code == 2


def test_check_config_says_what_each_node_knows(
    livepeer: Livepeer, node_url: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    file = config(tmp_path, node_url, proxy.url)
    result = run(check_config, "--online", file)
    assert result.exit_code == 0, result.output
    height = livepeer.evm.height
    known = f"chain 42161, block {height}, round 3501, 3 orchestrators in the pool"
    assert f"rpc-1: {known}" in result.stdout
    assert f"rpc-2: {known}" in result.stdout
    proxy.always(faults.status(401))
    result = run(check_config, "--online", file)
    assert result.exit_code == 3
    assert "  no Ethereum node answers: rpc-2: HTTP 401" in result.stderr


def test_targets_tells_how_the_chain_does(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    result = run(targets, "--config", config(tmp_path, node_url))
    assert result.exit_code == 0, result.output
    line = next(one for one in result.stdout.splitlines() if one.startswith("  chain "))
    assert line.split()[:3] == ["chain", "0", "0"]
    assert line.endswith("ok")


def test_a_node_that_fails_while_another_answers_is_named_with_its_reason(
    livepeer: Livepeer, node_url: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    proxy.always(faults.status(401))
    result = run(chain, "--config", config(tmp_path, proxy.url, node_url))
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert line.endswith(
        "an Ethereum node fails node=rpc-1 reason=HTTP 401: it refuses the key in its URL"
    )
