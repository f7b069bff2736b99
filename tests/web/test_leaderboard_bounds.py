"""What the leaderboard API says where one of its bounds is reached: what to do about it."""

import hmac
from pathlib import Path

import pytest

from tests.measurements import good
from tests.stations import ALICE, running_station

SECRETS = [{"name": "friend", "secret": "hunter2"}]


async def test_more_stats_than_one_answer_holds_are_to_be_asked_for_by_less_time(
    tmp_path: Path,
) -> None:
    async with running_station(tmp_path, leaderboard={"max_rows": 2}) as station:
        await station.give(good("1"), good("2"), good("3"))
        response = await station.client.get(f"/api/raw_stats?orchestrator={ALICE}&job_type=ai")
        assert response.status == 503
        said = "503 3 stats are more than one answer holds (2): ask for less time\n"
        assert await response.text() == said
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("size", [1025, 100_000])
async def test_a_post_that_is_too_large_is_told_the_limit(tmp_path: Path, size: int) -> None:
    limits = {"secrets": SECRETS, "post_limit": 1024}
    async with running_station(tmp_path, leaderboard=limits) as station:
        body = b" " * size
        signature = hmac.new(b"hunter2", body, "sha256").hexdigest()
        response = await station.client.post(
            "/api/post_stats", data=body, headers={"Authorization": signature}
        )
        assert response.status == 413
        assert await response.text() == '{"error":"a post may have at most 1024 bytes"}\n'
