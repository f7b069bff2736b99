import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli.targets import targets
from tests.discovery.fake_gateway import FakeGateway
from tests.discovery.network import WARM, A, entry, network

NEWER = "/getNetworkCapabilities"


def run(tmp_path: Path, settings: str, *options: str) -> Result:
    config = tmp_path / "config.yaml"
    config.write_text(settings)
    return CliRunner().invoke(targets, ["--config", str(config), *options])


def with_gateway(gateway: FakeGateway) -> str:
    return f"region: FRA\nsources: {{gateway: [{{url: '{gateway.url}'}}]}}\n"


def test_it_prints_what_would_be_tested_what_not_and_how_the_sources_do(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    prices = [{"capability": 27, "constraint": "m", "pricePerUnit": 4668371, "pixelsPerUnit": 1}]
    gateway.says(
        NEWER,
        network(
            entry(capabilities={"27": {"m": WARM}, "35": {"v": {}}}, capabilities_prices=prices)
        ),
    )
    result = run(tmp_path, with_gateway(gateway))
    assert result.exit_code == 0
    tested, other, sources = result.stdout.split("\n\n")[:3]
    row = tested.splitlines()[2].split()
    assert tested.startswith("Tested: 1 on 1 orchestrators")
    assert row[0].lower() == A.lower()
    assert row[0] != A.lower()
    assert row[1:7] == ["text-to-image", "m", "yes", "2", "4668371", "https://orch.example:8935"]
    assert other.startswith("Offered, not tested: 1")
    assert "pipeline is not tested by this version" in other
    assert f"gateway {gateway.url}" in sources
    assert sources.endswith("ok")


def test_json_is_one_document(gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.says(NEWER, network(entry(capabilities={"27": {"m": WARM}, "35": {"v": {}}})))
    document = json.loads(run(tmp_path, with_gateway(gateway), "--json").stdout)
    assert [offer["target"]["model"] for offer in document["tested"]] == ["m"]
    assert [offer["target"]["model"] for offer in document["offered_not_tested"]] == ["v"]
    assert document["sources"][0]["error"] is None


def test_a_scout_is_named_though_only_the_service_asks_it(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.says(NEWER, network(entry(capabilities={"27": {"m": WARM}})))
    on_chain = {"rpc": "https://rpc.example", "account": A, "keystore": "k"}
    paying = on_chain | {"passphrase_file": "p", "max_price_per_unit": 1}
    scout: dict[str, Any] = {
        "region": "FRA",
        "sources": {"scout": True, "gateway": [{"url": gateway.url}]},
        "livepeer": {"binary": "livepeer", "on_chain": paying},
    }
    both = run(tmp_path, json.dumps(scout))
    assert both.exit_code == 0
    assert "is asked only while the service runs" in both.stdout
    del scout["sources"]["gateway"]
    alone = run(tmp_path, json.dumps(scout), "--json")
    assert alone.exit_code == 1
    assert [source["name"] for source in json.loads(alone.stdout)["sources"]] == ["scout"]


def test_exit_code_1_when_no_source_can_be_read(gateway: FakeGateway, tmp_path: Path) -> None:
    result = run(tmp_path, with_gateway(gateway))
    assert result.exit_code == 1
    assert "is it the CLI port of a gateway?" in result.stdout


@pytest.mark.parametrize("settings", ["region: FRA\n", "regoin: FRA\n", ": :"])
def test_exit_code_2_for_wrong_settings(tmp_path: Path, settings: str) -> None:
    result = run(tmp_path, settings)
    assert result.exit_code == 2
    assert "config.yaml" in result.stderr


@pytest.mark.parametrize(("kind", "tested"), [("pinned", 0), ("direct", 1)])
def test_what_is_too_dear_on_a_lane_that_may_pay_is_shown_as_not_tested(
    gateway: FakeGateway, tmp_path: Path, kind: str, tested: int
) -> None:
    prices = [{"capability": 27, "constraint": "m", "pricePerUnit": 500, "pixelsPerUnit": 1}]
    gateway.says(
        NEWER, network(entry(capabilities={"27": {"m": WARM}}, capabilities_prices=prices))
    )
    lane = f"lanes: [{{kind: {kind}, orchestrator: '{A}', url: 'http://127.0.0.1:1'}}]\n"
    ceiling = "spending: {max_price: [{pipeline: text-to-image, wei_per_unit: 499}]}\n"
    result = run(tmp_path, with_gateway(gateway) + lane + ceiling)
    assert result.stdout.startswith(f"Tested: {tested} on")
    assert ("not tested at our price: above spending.max_price" in result.stdout) == (not tested)


def priced_gateway(gateway: FakeGateway, price: int) -> str:
    """A gateway that lists one warm model with a price and one without."""
    prices = [{"capability": 27, "constraint": "m", "pricePerUnit": price, "pixelsPerUnit": 1}]
    models = {"27": {"m": WARM, "n": WARM}}
    gateway.says(NEWER, network(entry(capabilities=models, capabilities_prices=prices)))
    return with_gateway(gateway)


def test_it_says_what_a_day_costs_for_each_target_and_for_all(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    settings = priced_gateway(gateway, 1_000_000) + "schedule: {interval: 8640}\n"
    settings += f"lanes: [{{kind: pinned, orchestrator: '{A}', url: 'http://127.0.0.1:1'}}]\n"
    wei = 10 * 512 * 512 * 1_000_000
    shown = run(tmp_path, settings).stdout
    rows = [line.split() for line in shown.splitlines()[2:4]]
    assert {row[2]: row[7] for row in rows} == {"m": "0.00000262144", "n": "-"}
    assert shown.endswith(
        "Cost: 0.00000262144 ETH a day at these prices and this schedule; 1 targets of unknown "
        "price not counted\n"
    )
    cost = json.loads(run(tmp_path, settings, "--json").stdout)["cost"]
    assert (cost["wei_per_day"], cost["unpriced"]) == (wei, 1)
    by_model = {entry["target"]["model"]: entry["wei_per_day"] for entry in cost["targets"]}
    assert by_model == {"m": wei, "n": None}
    bounded = run(tmp_path, settings + f"spending: {{max_per_day: {wei // 2}}}\n").stdout
    assert "bounded to 0.00000131072 ETH by `spending.max_per_day`" in bounded


def test_over_direct_lanes_nothing_is_paid(gateway: FakeGateway, tmp_path: Path) -> None:
    shown = run(tmp_path, priced_gateway(gateway, 10**9)).stdout
    assert shown.endswith("Cost: nothing is paid for these tests\n")
    assert [line.split()[7] for line in shown.splitlines()[2:4]] == ["0", "0"]
