"""Whatever happened on the chain, what is read of it is what is there."""

import asyncio
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.discovery.chain.reader import Reader
from exporter.discovery.chain.reading import EMPTY_POOL, Reading
from exporter.ethereum.contracts import FIRST_IN_POOL, NEXT_IN_POOL, NOBODY, TOTAL_BONDED
from exporter.ethereum.node import EthereumError
from exporter.ethereum.upstreams import Upstreams
from exporter.model import Registration
from exporter.settings.ethereum import MULTICALL, Ethereum
from tests.discovery.chain.ledger import ENTRIES, Ledger
from tests.ethereum.livepeer import FIRST_ROUND, LPT, ROUND_LENGTH, Livepeer, who
from tests.ethereum.rpc_node import RpcNode

POOL_LIMIT = 3
ORCHESTRATORS = [who(number) for number in range(1, 5)]
DELEGATORS = [who(number) for number in range(11, 13)]


class Step(msgspec.Struct, frozen=True):
    """Something that somebody does."""

    does: str
    arguments: tuple[object, ...] = ()

    def __repr__(self) -> str:
        shown = (repr(one)[:60] for one in self.arguments)
        return f"{self.does}({', '.join(shown)})"


def step(does: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.builds(lambda *given: Step(does, given), *arguments)


orchestrators = st.sampled_from(ORCHESTRATORS)
amounts = st.integers(1, 9)
parts = st.integers(0, 1_000_000)
entries = st.sampled_from(list(ENTRIES))

STEPS = st.one_of(
    step("join", orchestrators, amounts),
    step("join", orchestrators, amounts),
    step("delegate", st.sampled_from(DELEGATORS), amounts, orchestrators),
    step("unbond", st.sampled_from(ORCHESTRATORS + DELEGATORS), amounts),
    step("leave", orchestrators),
    step("leave", orchestrators),
    step("set_cuts", orchestrators, parts, parts),
    step("reward", orchestrators, amounts),
    step("set_uri", orchestrators, entries),
    step("set_ai_uri", orchestrators, entries),
    step("new_round"),
    step("new_round"),
    step("pass_round"),
    step("initialize_round"),
    step("read"),
    step("read"),
    step("newcomer_reads"),
)
BEGINNINGS = st.lists(step("join", orchestrators, amounts), max_size=4).map(
    lambda joins: [*joins, Step("new_round")]
)


class Both:
    """The contracts and the ledger, to which the same is done; what the ledger refuses is not."""

    def __init__(self) -> None:
        self.livepeer = Livepeer(POOL_LIMIT)
        self.ledger = Ledger(FIRST_ROUND, POOL_LIMIT)
        self._due: list[Callable[[], None]] = []

    def do(self, one: Step) -> None:
        getattr(self, one.does)(*one.arguments)

    def settle(self) -> None:
        """Let it all happen in one block; afterwards both are alike."""
        with self.livepeer.together():
            for act in self._due:
                act()
        self._due.clear()
        assert self._pool() == self.ledger.pool, "the contracts and the ledger differ"
        total = self.livepeer.ask("BondingManager", TOTAL_BONDED)
        assert total == LPT * sum(self.ledger.round_stakes.values())

    def _pool(self) -> list[str]:
        found = [self.livepeer.ask("BondingManager", FIRST_IN_POOL)]
        while found[-1] != NOBODY:
            found.append(self.livepeer.ask("BondingManager", NEXT_IN_POOL, found[-1]))
        return found[:-1]

    def _act(self, accepted: bool, act: Callable[..., None], *arguments: object) -> None:
        if accepted:
            self._due.append(lambda: act(*arguments))

    def join(self, orchestrator: str, amount: int) -> None:
        self.delegate(orchestrator, amount, orchestrator)

    def delegate(self, delegator: str, amount: int, to: str) -> None:
        accepted = self.ledger.bond(delegator, amount, to)
        self._act(accepted, self.livepeer.bond, delegator, amount * LPT, to)

    def unbond(self, delegator: str, amount: int) -> None:
        accepted = self.ledger.unbond(delegator, amount)
        self._act(accepted, self.livepeer.unbond, delegator, amount * LPT)

    def leave(self, orchestrator: str) -> None:
        _, bonded = self.ledger.bonds.get(orchestrator, ("", 0))
        self.unbond(orchestrator, bonded or 1)

    def set_cuts(self, orchestrator: str, reward_cut: int, fee_share: int) -> None:
        accepted = self.ledger.set_cuts(orchestrator, reward_cut, fee_share)
        self._act(accepted, self.livepeer.set_cuts, orchestrator, reward_cut, fee_share)

    def reward(self, orchestrator: str, amount: int) -> None:
        accepted = self.ledger.reward(orchestrator, amount)
        self._act(accepted, self.livepeer.reward, orchestrator, amount * LPT)

    def set_uri(self, orchestrator: str, entry: str) -> None:
        self.ledger.uris[orchestrator] = entry
        self._act(True, self.livepeer.set_uri, orchestrator, entry)

    def set_ai_uri(self, orchestrator: str, entry: str) -> None:
        self.ledger.ai_uris[orchestrator] = entry
        self._act(True, self.livepeer.set_ai_uri, orchestrator, entry)

    def new_round(self) -> None:
        self.pass_round()
        self.initialize_round()

    def pass_round(self) -> None:
        self._act(self.ledger.pass_round(), self.livepeer.pass_l1_blocks, ROUND_LENGTH)

    def initialize_round(self) -> None:
        self._act(self.ledger.initialize_round(), self.livepeer.initialize_round)


def expected(ledger: Ledger) -> list[Registration]:
    """What the ledger says of everybody who is in the pool or active."""
    listed = [one for one in ORCHESTRATORS if one in ledger.pool or ledger.active(one)]
    total = sum(ledger.round_stakes.values())
    found = []
    for one in listed:
        reward_cut, fee_share = ledger.cuts.get(one, (0, 0))
        uri, refused = ENTRIES[ledger.uris.get(one, "")]
        ai_uri, ai_refused = ENTRIES[ledger.ai_uris.get(one, "")]
        shared = ledger.initialized and ledger.active(one)
        found.append(
            Registration(
                orchestrator=one,
                active=ledger.active(one),
                in_pool=one in ledger.pool,
                stake=float(ledger.stake(one)),
                share=ledger.round_stakes[one] / total if shared else None,
                reward_cut=reward_cut / 1_000_000,
                fee_share=fee_share / 1_000_000,
                activation_round=ledger.terms[one].begins,
                deactivation_round=ledger.terms[one].ends,
                last_reward_round=ledger.rewarded.get(one),
                service_uri=uri,
                ai_service_uri=ai_uri,
                uri_refused="why" if refused else None,
                ai_uri_refused="why" if ai_refused else None,
            )
        )
    return found


def shown(found: Reading) -> list[Registration]:
    """What was read, with the reason of each refusal made short."""
    return [
        msgspec.structs.replace(
            one,
            uri_refused=one.uri_refused and "why",
            ai_uri_refused=one.ai_uri_refused and "why",
        )
        for one in found.registered
    ]


def check(ledger: Ledger, livepeer: Livepeer, found: Reading) -> None:
    assert shown(found) == expected(ledger)
    state = found.state
    assert (state.round, state.round_initialized) == (ledger.round, ledger.initialized)
    assert (state.pool_size, state.pool_limit) == (len(ledger.pool), POOL_LIMIT)
    assert state.total_active_stake == sum(ledger.round_stakes.values())
    assert state.block == livepeer.evm.height
    # Who left in this round and came back is not active, and part of the stake is still its own.
    missing = [one for one in ledger.round_stakes if not ledger.active(one)]
    assert bool(found.notes) == (ledger.initialized and bool(missing))


async def read(both: Both, someone: Reader, before: Reading | None) -> Reading | None:
    """Read and compare; an empty pool is never believed, and what was read before stays."""
    both.settle()
    if both.ledger.pool:
        before = await someone.read(before)
        check(both.ledger, both.livepeer, before)
    else:
        with pytest.raises(EthereumError, match=EMPTY_POOL[:20]):
            await someone.read(before)
    return before


async def replay(node: RpcNode, url: str, steps: list[Step], multicall: str | None) -> None:
    """Do these things; where they say so and at last, somebody reads what is there by then."""
    both = Both()
    node.evm = both.livepeer.evm
    chosen = Ethereum.model_validate({"rpc": [{"url": url}], "multicall": multicall})
    async with Upstreams.of(chosen) as upstreams:
        staying = Reader(upstreams, chosen, members=100)
        before = None
        for one in [*steps, Step("read"), Step("newcomer_reads")]:
            if one.does == "read":
                before = await read(both, staying, before)
            elif one.does == "newcomer_reads":
                await read(both, Reader(upstreams, chosen, members=100), None)
            else:
                both.do(one)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[RpcNode, str]]:
    node = RpcNode(Livepeer().evm)
    with node.served() as url:
        yield node, url


@given(
    beginning=BEGINNINGS,
    steps=st.lists(STEPS, min_size=3, max_size=15),
    multicall=st.sampled_from([MULTICALL, None]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_read_is_what_happened(
    served: tuple[RpcNode, str], beginning: list[Step], steps: list[Step], multicall: str | None
) -> None:
    asyncio.run(replay(*served, beginning + steps, multicall))


A, B, C, D = ORCHESTRATORS[:4]
TRAPS = {
    "left and came back in one round": [
        *(Step("join", (A, 3)), Step("join", (B, 2)), Step("new_round"), Step("read")),
        *(Step("leave", (A,)), Step("read"), Step("join", (A, 1)), Step("read")),
        *(Step("leave", (B,)), Step("read"), Step("new_round")),
    ],
    "pushed out, and back in the next round": [
        *(Step("join", (one, amount)) for amount, one in enumerate((A, B, C), start=1)),
        *(Step("new_round"), Step("join", (D, 9)), Step("read"), Step("join", (A, 8))),
        *(Step("read"), Step("new_round"), Step("read"), Step("new_round")),
    ],
    "left with stake of others": [
        *(Step("join", (A, 1)), Step("delegate", (DELEGATORS[0], 5, A)), Step("join", (B, 1))),
        *(Step("new_round"), Step("leave", (A,)), Step("read"), Step("new_round")),
    ],
    "a round that nobody initialized": [
        *(Step("join", (A, 1)), Step("pass_round"), Step("read"), Step("pass_round")),
        *(Step("initialize_round"), Step("read"), Step("reward", (A, 2))),
    ],
    "all left": [Step("join", (A, 1)), Step("new_round"), Step("read"), Step("leave", (A,))],
}


@pytest.mark.parametrize("multicall", [MULTICALL, None], ids=["multicall", "batches"])
@pytest.mark.parametrize("name", TRAPS)
async def test_what_is_read_is_what_happened_where_it_is_hard(
    served: tuple[RpcNode, str], name: str, multicall: str | None
) -> None:
    await replay(*served, TRAPS[name], multicall)
