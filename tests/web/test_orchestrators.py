from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.leaderboard.display import shown
from exporter.model import SourceState, Supply
from exporter.web.job_document import iso_time
from tests.chain_supply import DAVE, EVE, chain_supply
from tests.measurements import SECOND, good
from tests.stations import ALICE, BOB, CAROL, NOW, Station, offer, running_station


async def give(station: Station, supply: Supply) -> None:
    await station.outbox.publish("supply", msgspec.json.encode(supply))
    await station.here.watch.look()


async def listed(station: Station, query: str = "") -> dict[str, Any]:
    document = await station.json(f"/api/v1/orchestrators{query}")
    return {one["orchestrator"]: one for one in document["orchestrators"]}


async def test_everybody_who_is_registered_or_offers_something_is_listed(station: Station) -> None:
    await give(station, chain_supply())
    found = await listed(station)
    assert {who: one["state"] for who, one in found.items()} == {
        BOB: "offers_unknown",
        ALICE: "offered",
        DAVE: "no_longer_listed",
        CAROL: "not_registered",
        "own-runner": "not_on_chain",
    }
    alice = found[ALICE]
    assert (alice["stake"], alice["share"], alice["reward_cut"]) == (4502.5, 0.45025, 0.1)
    assert (alice["offers"], alice["tested"], alice["active"]) == (2, 1, True)
    assert alice["ai_service_uri"] == "https://ai.example:8935"
    (look,) = alice["reachability"]
    assert (look["reached"], look["rtt"], look["at"]) == (True, 0.02, NOW / SECOND)
    assert look["certificate"]["not_after"] == NOW / SECOND + 86400
    assert found[BOB]["ai_uri_refused"].startswith("service URI is not usable")
    assert found[BOB]["reachability"][0]["stage"] == "tcp"
    assert found[DAVE]["unlisted_since"] == NOW / SECOND - 3600
    assert found[DAVE]["deactivation_round"] == 3502
    carol = found[CAROL]
    assert (carol["stake"], carol["active"], carol["reachability"]) == (None, None, [])


async def test_it_says_at_which_block_the_chain_was_read_and_how_old_that_is(
    station: Station,
) -> None:
    await give(station, chain_supply())
    chain = (await station.json("/api/v1/orchestrators"))["chain"]
    assert (chain["block"], chain["age"]) == (300_000_000, 60.0)
    assert (chain["block_time"], chain["read_at"]) == (NOW / SECOND - 60, NOW / SECOND - 59)
    assert (chain["round"], chain["pool_size"], chain["pool_limit"]) == (3501, 3, 100)


async def test_without_a_chain_nobody_is_called_unregistered(station: Station) -> None:
    assert (await station.json("/api/v1/orchestrators"))["orchestrators"] == []
    await station.supplied(offer(ALICE))
    document = await station.json("/api/v1/orchestrators")
    assert document["chain"] is None
    assert document["orchestrators"][0]["state"] == "not_on_chain"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=offers_unknown", [BOB]),
        ("?active=yes", [ALICE, DAVE]),
        ("?active=no", [BOB, CAROL, "own-runner"]),
        (f"?orchestrator={ALICE.upper().replace('X', 'x')}", [ALICE]),
        ("?orchestrator=own-runner&state=offered", []),
    ],
)
async def test_it_is_filtered(station: Station, query: str, expected: list[str]) -> None:
    await give(station, chain_supply())
    assert list(await listed(station, query)) == expected


@pytest.mark.parametrize("query", ["state=idle", "active=maybe", "pipeline=llm"])
async def test_a_wrong_question_is_refused(station: Station, query: str) -> None:
    answer = await station.json(f"/api/v1/orchestrators?{query}", status=400)
    assert query.partition("=")[0] in answer["error"]


async def test_targets_and_the_ranking_tell_stake_and_registration(station: Station) -> None:
    await give(station, chain_supply())
    await station.give(good("a"), good("b", orchestrator=CAROL))
    targets = (await station.json("/api/v1/targets"))["targets"]
    assert {(one["orchestrator"], one["registered"], one["stake"]) for one in targets} == {
        (ALICE, True, 4502.5),
        (CAROL, False, None),
        (DAVE, True, 100.0),
        ("own-runner", None, None),
    }
    assert [one["unlisted_since"] for one in targets if one["orchestrator"] == DAVE] == [
        NOW / SECOND - 3600
    ]
    ranked = (await station.json("/api/v1/leaderboard"))["entries"]
    stakes = {entry["orchestrator"]: entry["stake"] for entry in ranked}
    assert (stakes[ALICE], stakes[CAROL]) == (4502.5, None)


HOSTILE = "<i>Mallory</i> &"


async def test_names_stand_beside_addresses_and_are_escaped(tmp_path: Path) -> None:
    labels = tmp_path / "labels.yaml"
    labels.write_text(f'{ALICE}: "{HOSTILE}"\n{CAROL}: אליס\n', encoding="utf-8")
    async with running_station(tmp_path, names={"labels": labels}) as station:
        await give(station, chain_supply())
        await station.give(good("a"))
        found = await listed(station)
        assert (found[ALICE]["name"], found[BOB]["name"]) == (HOSTILE, None)
        entries = (await station.json("/api/v1/leaderboard"))["entries"]
        assert entries[0]["name"] == HOSTILE
        targets = (await station.json("/api/v1/targets"))["targets"]
        assert {one["name"] for one in targets if one["orchestrator"] == ALICE} == {HOSTILE}
        for path in ("/", "/orchestrators"):
            page = await station.page(path)
            assert "<i>" not in page
            assert "<bdi>&lt;i&gt;Mallory&lt;/i&gt; &amp;</bdi>" in page
        metrics = await (await station.client.get("/metrics")).text()
        lines = [line for line in metrics.splitlines() if HOSTILE in line]
        assert len(lines) == 1
        assert lines[0].startswith("livepeer_ai_orchestrator_info{")


async def test_the_page_shows_states_stake_and_who_can_be_reached(station: Station) -> None:
    page = await station.page("/orchestrators")
    assert "Nobody is known yet." in page
    await give(station, chain_supply())
    page = await station.page("/orchestrators")
    for words in (
        "registered, offers unknown",
        "offered, not registered",
        "registered, no longer listed",
        "4,502",
        "45.02 %",
        "from round 3502",
        "until round 3502",
        "not reached</span> 0 s ago, tcp: connection refused",
        "&lt;b&gt;its&lt;/b&gt; scheme",
        "300000000 of chain 42161",
        "3 of 100 places taken",
    ):
        assert words in page
    assert "<b>its" not in page
    only = await station.page("/orchestrators?state=offers_unknown")
    assert "4,502" not in only


async def test_the_home_page_counts_the_states(station: Station) -> None:
    await give(station, chain_supply())
    page = await station.page("/")
    assert "1 registered, offers unknown" in page
    assert "1 offered, not registered" in page


async def test_the_home_page_says_how_many_the_chain_has_registered(station: Station) -> None:
    source = SourceState(name="chain", offers=0, refreshed_at=NOW)
    supply = chain_supply()
    await give(station, msgspec.structs.replace(supply, sources=(*supply.sources, source)))
    page = await station.page("/")
    assert f"{len(supply.registered)} orchestrators registered" in page
    assert "0 offers" not in page


# Maintenance

WINDOW = {"from": iso_time(NOW - SECOND), "until": iso_time(NOW + 3600 * SECOND)}


async def test_maintenance_is_shown_of_whom_it_is_and_of_nobody_else(tmp_path: Path) -> None:
    window = {**WINDOW, "orchestrators": [ALICE], "reason": "new <GPUs>"}
    over = {**window, "until": iso_time(NOW), "reason": "long ago"}
    words = f"maintenance until {iso_time(NOW + 3600 * SECOND)[:16].replace('T', ' ')} UTC"
    async with running_station(tmp_path, maintenance=[window, over]) as station:
        await give(station, chain_supply())
        found = await listed(station)
        page = await station.page("/orchestrators")
    assert found[ALICE]["maintenance"] == {"until": NOW / SECOND + 3600, "reason": "new <GPUs>"}
    assert [who for who, one in found.items() if one["maintenance"]] == [ALICE]
    assert page.count("maintenance until") == 1
    assert f"{words}, new &lt;GPUs&gt;" in page


async def test_maintenance_of_the_tester_is_everybodys(tmp_path: Path) -> None:
    async with running_station(tmp_path, maintenance=[WINDOW]) as station:
        await give(station, chain_supply())
        found = await listed(station)
        home = await station.page("/")
        metrics = await (await station.client.get("/metrics")).text()
    assert all(one["maintenance"]["reason"] == "" for one in found.values())
    assert "of this tester until" in home
    assert "livepeer_ai_tester_maintenance 1.0" in metrics
    assert "livepeer_ai_orchestrator_maintenance{" not in metrics


async def test_maintenance_of_who_is_tested_by_nobody_shows_all_the_same(tmp_path: Path) -> None:
    many = [EVE, *(f"0x{number:040x}" for number in range(1, 15))]
    async with running_station(
        tmp_path, maintenance=[{**WINDOW, "orchestrators": many}]
    ) as station:
        home = await station.page("/")
        metrics = await (await station.client.get("/metrics")).text()
    assert f'livepeer_ai_orchestrator_maintenance{{orchestrator_address="{shown(EVE)}"}} 1.0' in (
        metrics.splitlines()
    )
    assert metrics.count("livepeer_ai_orchestrator_maintenance{") == 15
    assert "and 5 more until" in home
