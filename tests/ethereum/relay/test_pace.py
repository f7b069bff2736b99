import pytest

from exporter.ethereum.relay import pace
from exporter.ethereum.relay.pace import Pace, TooManyCallsError


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WAITING", 0)
    slow = Pace(1.0)
    await slow.turn()
    with pytest.raises(TooManyCallsError):
        await slow.turn()
