"""Reading what a gateway writes: a flood costs little, and is noticed."""

import asyncio
import time

import pytest

from exporter.probing.managed.intake import Intake
from exporter.probing.managed.output import Output


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


async def read(intake: Intake, *chunks: bytes) -> None:
    """Let it read these chunks to the end."""
    pipe = asyncio.StreamReader()
    for chunk in chunks:
        pipe.feed_data(chunk)
    pipe.feed_eof()
    await intake.read(pipe)


async def second(intake: Intake, clock: Clock, data: bytes) -> None:
    await read(intake, data)
    clock.time += 1


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"x" * 100 + b"\n"])
async def test_over_the_budget_of_lines_they_are_counted_and_left_out(line: bytes) -> None:
    clock, output = Clock(), Output(str)
    intake = Intake(output, lines=500, now=clock)
    mark = output.mark()
    await second(intake, clock, line * 2_000)
    assert len(output.since(mark)) == 600, "whole slices of 200"
    assert output.dropped_since(mark)
    assert output.mark() == 2_000
    mark = output.mark()
    await second(intake, clock, b"after\n")
    assert [one.text for one in output.since(mark)] == ["after"]
    assert not output.dropped_since(mark)


async def test_over_the_budget_of_bytes_lines_are_left_out_too() -> None:
    output = Output(str)
    intake = Intake(output, size=100_000, now=Clock())
    await read(intake, *[b"x" * 9_999 + b"\n"] * 20)
    assert 0 < len(output.since(0)) < 11
    assert output.mark() == 20


async def test_a_line_without_end_is_over_the_budget_too() -> None:
    clock, output = Clock(), Output(str)
    intake = Intake(output, size=100_000, flood=3.0, now=clock)
    for _ in range(5):
        await second(intake, clock, b"x" * 1_000_000)
    assert intake.flooding


async def test_others_run_while_a_flood_is_read() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await read(Intake(Output(str), now=Clock()), b"\n" * 65_536)
    task.cancel()
    assert turns >= 20


async def test_no_more_than_a_bound_is_read_in_a_second() -> None:
    began = time.monotonic()
    intake = Intake(Output(str), size=1_000, most=100_000, window=0.2)
    await read(intake, b"x\n" * 200_000)
    assert time.monotonic() - began > 0.4


@pytest.mark.parametrize(("calm", "flooding"), [(None, True), (5, False), (9, False)])
async def test_it_is_a_flood_when_it_lasts(calm: int | None, flooding: bool) -> None:
    clock = Clock()
    intake = Intake(Output(str), lines=400, flood=10.0, now=clock)
    for number in range(11):
        assert not intake.flooding or number == 10
        await second(intake, clock, b"x\n" * (10 if number == calm else 1_000))
    assert intake.flooding is flooding


async def test_a_pause_ends_a_flood() -> None:
    clock = Clock()
    intake = Intake(Output(str), lines=400, flood=10.0, now=clock)
    for _ in range(8):
        await second(intake, clock, b"x\n" * 1_000)
    clock.time += 2
    for _ in range(8):
        await second(intake, clock, b"x\n" * 1_000)
    assert not intake.flooding
