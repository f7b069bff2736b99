"""What a gateway may be given on a stranger's word."""

import socket
import time

import pytest

from exporter.model import Offer, Target
from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard
from exporter.probing.lanes import FORBIDDEN, Lanes, LaneUnavailableError
from exporter.probing.permit import permit
from exporter.probing.resolve import Found, Resolver
from exporter.probing.webhook import WebhookDesk
from exporter.settings import Lane


def answering(*answers: list[str] | Exception) -> Resolver:
    """A resolver that gives these answers one after the other, the last one for ever."""
    left = list(answers)

    def look_up(_host: str, _port: int) -> Found:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer, time.monotonic_ns()

    return Resolver(look_up=look_up)


async def asked(uri: str, resolver: Resolver, *allow: str) -> None:
    await permit(uri, guard=Guard(allow), resolver=resolver, patience=0.2)


async def test_a_public_address_may_be_handed_on() -> None:
    await asked("https://orch.example:8935", answering(["8.8.8.8"]))
    await asked("https://9.9.9.9:8935", answering(["127.0.0.1"]))


@pytest.mark.parametrize(
    "uri",
    ["https://127.0.0.1:8935", "https://[::1]:8935", "http://2130706433", "ftp://orch.example"],
)
async def test_a_forbidden_uri_may_not(uri: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        await asked(uri, answering(["8.8.8.8"]))


async def test_one_forbidden_address_among_public_ones_is_enough() -> None:
    with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.1"):
        await asked("https://orch.example:8935", answering(["8.8.8.8", "10.0.0.1"]))
    await asked("https://orch.example:8935", answering(["8.8.8.8", "10.0.0.1"]), "10.0.0.0/8")


async def test_a_name_that_nobody_knows_blames_nobody_and_is_handed_on() -> None:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    await asked("https://orch.example:8935", answering(unknown))


async def test_a_name_that_hangs_is_not_waited_for_longer_than_patience() -> None:
    def look_up(_host: str, _port: int) -> Found:
        time.sleep(2)
        return ["127.0.0.1"], time.monotonic_ns()

    started = time.monotonic()
    await asked("https://orch.example:8935", Resolver(look_up=look_up))
    assert time.monotonic() - started < 1.5


async def test_a_name_that_turns_to_loopback_before_its_turn_is_not_handed_on() -> None:
    lane = Lane(kind="webhook", name="hook", url="http://127.0.0.1:1")
    desk = WebhookDesk(["hook"])
    lanes = Lanes([lane], desk=desk, guard=Guard(), resolver=answering(["8.8.8.8"], ["127.0.0.1"]))
    offer = Offer(
        target=Target("0x" + "a" * 40, "llm", "m"), service_uri="https://orch.example:8935"
    )
    route = lanes.route(offer)
    assert route is not None
    with pytest.raises(LaneUnavailableError) as caught:
        async with lanes.lease(route):
            raise AssertionError
    assert caught.value.reason == FORBIDDEN
    assert desk.answer("hook") == []
