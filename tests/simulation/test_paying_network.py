"""A network with a chain: who is registered, what the tester is given, and who dies when."""

import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.model import Blame, LaneKind, Outcome
from exporter.settings import Settings
from exporter.simulation.gateway.keystore import Keystore
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import PRICE_LIMIT, Profile
from tests.waiting import eventually


def a_paying_network(*profiles: Profile, **more: Any) -> SimulatedNetwork:
    return SimulatedNetwork(
        len(profiles), seed=5, speed=10, profiles=profiles, lanes="managed", on_chain=True, **more
    )


@pytest.mark.parametrize("more", [{"on_chain": True}, {"lanes": "managed", "impostor": True}])
def test_only_managed_lanes_pay_and_only_a_chain_has_an_impostor(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only managed lanes pay"):
        SimulatedNetwork(1, **more)


async def test_everybody_is_registered_with_his_gateway_door() -> None:
    profiles = (Profile.FAST, Profile.DEAD, Profile.MISREPORTING)
    async with a_paying_network(*profiles) as network:
        assert network.chain is not None
        state = network.chain.node.chain.state
        known = dict(state.ai_uris)
        for one in network.orchestrators:
            assert state.is_active(one.member.address)
            assert known.pop(one.member.address) == one.gateway_url
        assert set(known) < set(network.chain.bystanders.addresses.values())
        assert network.orchestrators[2].node.reported_uri == network.orchestrators[0].gateway_url
        assert network.impostor is None


async def test_the_settings_hold_a_key_that_opens_and_a_scout_instead_of_a_gateway(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    async with a_paying_network(Profile.FAST) as network:
        plain = network.settings(data, 0)
        again = network.settings(data, 0)
        assert network.chain is not None
        secrets = network.chain.key, network.chain.passphrase
        url = network.chain.node.url
    settings = Settings.model_validate(plain)
    assert (settings.sources.scout, settings.sources.gateway) == (True, [])
    paying = settings.livepeer.on_chain
    assert paying is not None
    assert paying.rpc is None, "gateways ask through the relay"
    (rpc,) = settings.ethereum.rpc
    assert rpc.url.get_secret_value() == url
    assert url.endswith(f"/{secrets[0]}")
    assert paying.max_price_per_unit == PRICE_LIMIT
    (file,) = paying.keystore.iterdir()
    assert file.name.endswith(paying.account.removeprefix("0x"))
    Keystore(paying.keystore, None).unlock(file, secrets[1])  # type: ignore[arg-type]  # draws nothing
    assert paying.passphrase_file.read_text() == secrets[1] + "\n"
    modes = [
        stat.S_IMODE(p.stat().st_mode) for p in (paying.keystore, file, paying.passphrase_file)
    ]
    assert modes == [0o700, 0o600, 0o600]
    assert again["livepeer"]["on_chain"] == plain["livepeer"]["on_chain"]
    script = (data / "livepeer").read_text()
    assert "-maxPricePerUnit" not in script
    assert not [secret for secret in secrets if secret in script]


async def test_who_is_dead_dies_once_he_was_listed() -> None:
    async with a_paying_network(Profile.DEAD) as network:
        (dead,) = network.orchestrators
        question = f"{dead.gateway_url}/net.Orchestrator/GetOrchestrator"
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:
            model = {"capability": 27, "model": "some/model"}
            for _ in range(2):
                assert (await client.post(question, json=model)).status_code == 200
            told = (await client.post(question, json={})).json()
            assert told["ticket_params"]["recipient"].lower() == dead.member.address

            async def refuses() -> bool:
                try:
                    await client.post(question, json={})
                except httpx.ConnectError:
                    return True
                except httpx.TransportError:
                    return False
                return False

            await eventually(refuses)


async def test_an_impostor_is_registered_with_the_service_uri_of_a_fast_one(
    tmp_path: Path,
) -> None:
    async with a_paying_network(Profile.SLOW, Profile.FAST, impostor=True) as network:
        victim = network.orchestrators[1]
        impostor = network.impostor
        assert network.chain is not None
        assert impostor is not None
        uris = network.chain.node.chain.state.ai_uris
        assert uris[impostor.address] == uris[victim.member.address] == victim.gateway_url
        assert impostor not in network.members
        his = [target for target in network.targets if target.orchestrator == impostor.address]
        assert len(his) == len(victim.member.models)
        for target in his:
            verdicts = network.expected(target, lane=LaneKind.MANAGED)
            assert verdicts == {(Outcome.WRONG_ORCHESTRATOR, Blame.TESTER)}
        settings = Settings.model_validate(network.settings(tmp_path, 0))
    (named,) = settings.sources.static
    assert (named.orchestrator, named.uri) == (impostor.address, victim.gateway_url)
    assert all(model.price_per_unit for model in named.models)
    assert {target.model for target in his} == {model.model for model in named.models}
