"""The network that tries everything."""

from collections import Counter

import pytest

from exporter.model import Blame, LaneKind, Outcome
from exporter.simulation.craft import CRAFTS
from exporter.simulation.craft.product import REPLAYED
from exporter.simulation.deserved import deserved
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.profiles import Act
from exporter.simulation.repertoire import behaviour, repertoire


@pytest.mark.parametrize("pipeline", CRAFTS)
def test_each_way_and_each_lie_is_served_once_and_a_replay_takes_two_models(pipeline: str) -> None:
    served = Counter(
        behaviour(model) for member in repertoire(1, [pipeline]) for model in member.models
    )
    craft = CRAFTS[pipeline]
    expected = Counter([*craft.honest, *(f"lie: {lie}" for lie in craft.all_lies)])
    if REPLAYED in craft.all_lies:
        expected[f"lie: {REPLAYED}"] = 2
    assert served == expected


def test_every_target_can_be_told_from_every_other() -> None:
    targets = [target for member in repertoire(1) for target in member.targets]
    assert len(set(targets)) == len(targets)
    assert {target.pipeline for target in targets} == set(CRAFTS)


def test_what_a_lie_deserves_is_said_by_its_craft_on_every_lane() -> None:
    for member in repertoire(1):
        for model in member.models:
            found = deserved(LaneKind.DIRECT, member, model)
            if model.lie is None:
                assert found == {(Outcome.OK, None)}
            elif model.lie == REPLAYED:
                assert (Outcome.OK, None) in found
                assert len(found) == 2
            else:
                outcome = CRAFTS[model.pipeline].lies[model.lie].outcome
                assert found == {(outcome, Blame.ORCHESTRATOR)}
                assert found == deserved(LaneKind.MANAGED, member, model)
                assert found <= deserved(LaneKind.PINNED, member, model)


async def test_a_network_of_it_expects_a_replay_only_where_one_was_seen() -> None:
    members = repertoire(1, ["upscale"])
    network = SimulatedNetwork(members=members)
    (target, _) = next(
        (target, model)
        for member in members
        for target, model in zip(member.targets, member.models, strict=True)
        if model.lie == REPLAYED
    )
    replayed = CRAFTS["upscale"].outcome(REPLAYED)
    assert network.expected(target, acts=[Act.ANSWER]) == {(Outcome.OK, None)}
    assert network.expected(target, acts=[Act.REPLAY]) == {(replayed, Blame.ORCHESTRATOR)}
