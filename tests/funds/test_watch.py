"""What is known of the account while nodes come and go, and over restarts."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from exporter.ethereum.contracts import IS_REGISTERED
from exporter.ethereum.upstreams import Upstreams
from exporter.funds.watch import Watch
from exporter.settings.ethereum import ARBITRUM_ONE, CONTROLLER
from tests.ethereum import faults
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import Livepeer, who
from tests.waiting import until

PAYER = who(7)


def watch(node: Upstreams | None, address: str = PAYER) -> Watch:
    moments = iter(range(1, 1000))
    return Watch(
        node,
        address,
        chain_id=ARBITRUM_ONE,
        controller=CONTROLLER,
        now=lambda: next(moments),
        why_not="there is no node",
        interval=0.01,
        again=0.01,
    )


def held(made: Watch) -> tuple[int, int]:
    assert made.account is not None
    return made.account.deposit, made.account.reserve


async def test_a_node_that_fails_leaves_the_last_known_amounts_with_their_age(
    livepeer: Livepeer, proxy: FaultProxy, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    made = watch(upstreams)
    await made.look()
    assert (held(made), made.error) == ((10, 100), None)
    livepeer.fund(PAYER, 5)
    proxy.always(faults.status(500))
    await made.look()
    assert held(made) == (10, 100)
    assert made.account is not None
    assert made.account.read_at == 1
    assert made.error is not None
    assert proxy.key not in made.error


async def test_what_was_never_read_is_unknown_and_not_zero(
    proxy: FaultProxy, upstreams: Upstreams
) -> None:
    proxy.always(faults.closed)
    made = watch(upstreams)
    await made.look()
    assert made.account is None
    assert made.error is not None
    assert made.changed() is None


async def test_it_is_read_again_and_again_and_told_each_time(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    told: list[int] = []
    made = watch(upstreams)
    running = asyncio.create_task(made.run(lambda: told.append(held(made)[0])))
    await until(lambda: bool(told))
    livepeer.fund(PAYER, 10, 100)
    await until(lambda: told[-1] == 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_a_node_it_says_why_it_is_not_read() -> None:
    made = watch(None)
    await made.look()
    assert (made.account, made.error) == (None, "there is no node")


async def test_what_was_read_survives_a_restart(livepeer: Livepeer, upstreams: Upstreams) -> None:
    livepeer.fund(PAYER, 10**25, 100)
    first = watch(upstreams)
    await first.look()
    payload = first.changed()
    first.published()
    assert payload is not None
    assert first.changed() is None
    second = watch(None)
    second.restore(payload)
    assert second.account == first.account
    assert second.changed() is None
    other = watch(None, who(8))
    other.restore(payload)
    assert other.account is None


@pytest.mark.parametrize("payload", [None, b"", b"{}", b"[]", b"\xff"])
def test_what_cannot_be_read_of_the_time_before_is_dropped(payload: bytes | None) -> None:
    made = watch(None)
    made.restore(payload)
    assert made.account is None


async def test_an_orchestrator_that_pays_is_among_the_known_ones(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    made = watch(upstreams)
    assert made.orchestrators() == frozenset()
    livepeer.join(PAYER, 5)
    await made.look()
    assert made.orchestrators() == {PAYER}


async def test_where_a_node_is_not_believed_the_next_is_read(
    livepeer: Livepeer, proxy: FaultProxy, make_proxy: Callable[[str], FaultProxy]
) -> None:
    livepeer.fund(PAYER, 10, 100)
    other = make_proxy("an0ther-key")
    proxy.always(faults.empty_code)
    nodes = [("rpc-1", proxy.url), ("rpc-2", other.url)]
    async with Upstreams(nodes, chain_id=ARBITRUM_ONE) as both:
        made = watch(both)
        await made.look()
        assert (held(made), made.error) == ((10, 100), None)
        assert str(both.states[0].error).startswith("it is not believed: there is no Controller")
        other.always(faults.empty_code)
        await made.look()
        assert "there is no Controller" in str(made.error)
        assert held(made) == (10, 100)


async def test_who_is_known_as_an_orchestrator_stays_one_while_a_node_does_not_tell(
    livepeer: Livepeer, proxy: FaultProxy, upstreams: Upstreams
) -> None:
    livepeer.join(PAYER, 5)
    made = watch(upstreams)
    await made.look()
    livepeer.fund(PAYER, 10, 100)
    asked = IS_REGISTERED.selector.hex()

    def silent(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if asked not in str(call["params"]):
            return answer
        return {"id": call["id"], "error": {"code": -32000, "message": "not today"}}

    proxy.always(faults.changed(silent))
    await made.look()
    assert (held(made), made.error) == ((10, 100), None)
    assert made.orchestrators() == {PAYER}
