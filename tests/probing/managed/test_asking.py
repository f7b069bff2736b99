"""Asking gateways whether they answer: everyone in turn, few at once."""

import asyncio
from typing import Any
from weakref import ref

from exporter.probing.managed.asking import AT_ONCE, Asking
from tests.waiting import until


class Gateway:
    """Takes its time to answer."""

    stopping = False

    def __init__(self, asks: list["Gateway"], takes: float = 0.0) -> None:
        self.asks = asks
        self.takes = takes
        self.when = 0.0
        self.now = 0

    running = 0
    most = 0

    async def alive(self) -> bool:
        self.asks.append(self)
        self.when = asyncio.get_running_loop().time()
        Gateway.running += 1
        Gateway.most = max(Gateway.most, Gateway.running)
        await asyncio.sleep(self.takes)
        Gateway.running -= 1
        return True


def gateways(count: int, takes: float = 0.0) -> tuple[list[Any], list[Gateway]]:
    asks: list[Gateway] = []
    return [Gateway(asks, takes) for _ in range(count)], asks


async def test_those_that_are_held_are_asked_once_in_a_round_spread_over_it() -> None:
    held, asks = gateways(10)
    await Asking(0.5).round(held, [])
    assert asks == held
    assert asks[-1].when - asks[0].when > 0.3


async def test_no_more_than_a_few_are_asked_at_once_however_slow_they_are() -> None:
    Gateway.most = 0
    held, asks = gateways(40, takes=0.05)
    await Asking(0.01).round(held, [])
    assert len(asks) == 40
    assert Gateway.most == AT_ONCE


async def test_those_that_nobody_holds_are_asked_seldom() -> None:
    idle, asks = gateways(3)
    asking = Asking(0.001, seldom=4)
    for number in range(1, 10):
        await asking.round([], idle)
        assert len(asks) == 3 * ((number - 1) // 4)


async def test_one_that_is_on_its_way_out_is_left_alone() -> None:
    held, asks = gateways(2)
    held[0].stopping = True
    await Asking(0.01).round(held, [])
    assert asks == held[1:]


async def test_a_round_does_not_keep_those_that_are_ended_meanwhile() -> None:
    held, asks = gateways(3)
    last = ref(held[-1])
    asking = asyncio.create_task(Asking(0.4).round(iter(held), []))
    await until(lambda: bool(asks))
    held.clear()
    assert last() is None
    await asking
    assert len(asks) < 3
