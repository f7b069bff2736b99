"""Whatever happens on the chain, what is read equals a model of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import eth  # noqa: F401 - it raises the recursion limit, which is not to happen within a test
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.discovery.chain.reading import Reading
from tests.discovery.chain.chains import of, reader
from tests.ethereum.livepeer import FIRST_ROUND, LPT, Livepeer, who
from tests.ethereum.rpc_node import RpcNode

PEOPLE = range(1, 7)
PLACES = 3

Step = tuple[str, int, int]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["bond", "bond", "leave", "ai_uri", "uri", "reward", "round", "read"]),
        st.sampled_from(PEOPLE),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=16,
)


@dataclass
class Somebody:
    stake: int = 0
    counts: int = 0
    """Stake that counts in this round."""
    in_pool: bool = False
    begins: int = 0
    ends: int = 0
    uri: str = ""
    ai_uri: str = ""


@dataclass
class Model:
    """Who is where, by the rules in words: the pool holds the most staked, for the next round."""

    round: int = FIRST_ROUND
    people: dict[int, Somebody] = field(
        default_factory=lambda: {number: Somebody() for number in PEOPLE}
    )

    def active(self, one: Somebody) -> bool:
        return one.begins <= self.round < one.ends

    @property
    def pool(self) -> list[Somebody]:
        return [one for one in self.people.values() if one.in_pool]

    def more(self, one: Somebody, amount: int) -> None:
        one.stake += amount
        if one.in_pool:
            return
        if len(self.pool) == PLACES:
            last = min(self.pool, key=lambda other: other.stake)
            if one.stake < last.stake:
                return
            self.leave(last)
        one.in_pool, one.begins, one.ends = True, self.round + 1, 2**256 - 1

    def leave(self, one: Somebody) -> None:
        if one.in_pool:
            one.in_pool, one.ends = False, self.round + 1

    def new_round(self) -> None:
        self.round += 1
        for one in self.people.values():
            one.counts = one.stake if one.in_pool else 0


def bond(livepeer: Livepeer, model: Model, number: int, amount: int) -> None:
    one = model.people[number]
    wei = (amount + 1) * LPT + (0 if one.stake else number)  # no two are ever equal
    livepeer.bond(who(number), wei)
    model.more(one, wei)


def leave(livepeer: Livepeer, model: Model, number: int, _: int) -> None:
    one = model.people[number]
    if one.stake:
        livepeer.unbond(who(number), one.stake)
        model.leave(one)
        one.stake = 0


def reward(livepeer: Livepeer, model: Model, number: int, amount: int) -> None:
    one = model.people[number]
    if one.in_pool and amount:
        livepeer.reward(who(number), amount * LPT)
        one.stake += amount * LPT


def uri(livepeer: Livepeer, model: Model, number: int, port: int) -> None:
    model.people[number].uri = f"https://o{number}.example:{port}" if port else ""
    livepeer.set_uri(who(number), model.people[number].uri)


def ai_uri(livepeer: Livepeer, model: Model, number: int, port: int) -> None:
    model.people[number].ai_uri = f"https://ai{number}.example:{port}" if port else ""
    livepeer.set_ai_uri(who(number), model.people[number].ai_uri)


def new_round(livepeer: Livepeer, model: Model, *_: int) -> None:
    livepeer.new_round()
    model.new_round()


ACTS: dict[str, Callable[[Livepeer, Model, int, int], None]] = {
    "bond": bond,
    "leave": leave,
    "reward": reward,
    "uri": uri,
    "ai_uri": ai_uri,
    "round": new_round,
}


def check(model: Model, found: Reading) -> None:
    listed = {
        who(number): one for number, one in model.people.items() if model.active(one) or one.in_pool
    }
    assert [one.orchestrator for one in found.registered] == sorted(listed)
    assert (found.state.round, found.state.pool_size) == (model.round, len(model.pool))
    bonded = sum(one.counts for one in model.people.values())
    for number, one in model.people.items():
        if who(number) not in listed:
            continue
        read = of(found, number)
        assert (read.active, read.in_pool) == (model.active(one), one.in_pool)
        assert read.stake == one.stake / LPT
        assert (read.ai_service_uri or "", read.service_uri or "") == (one.ai_uri, one.uri)
        if model.active(one):
            assert read.share == pytest.approx(one.counts / bonded)
        else:
            assert read.share is None


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
async def test_what_is_read_equals_the_model(steps: list[Step]) -> None:
    livepeer, model = Livepeer(pool_size=PLACES), Model()
    with RpcNode(livepeer.evm).served() as url:
        async with reader(url) as someone:
            before: Reading | None = None
            for step, number, amount in [*steps, ("read", 1, 0)]:
                if step != "read":
                    ACTS[step](livepeer, model, number, amount)
                elif model.pool:
                    before = await someone.read(before)
                    check(model, before)
