"""When the prepared answers are prepared anew."""

import pytest

from exporter.leaderboard.preparing import OLDEST, pauses


def test_the_store_is_left_alone_for_nine_times_as_long_as_a_reading_took() -> None:
    assert pauses(5.0, 0.1) == (5.0, 60.0)
    assert pauses(5.0, 10.0) == (90.0, 60.0)


@pytest.mark.parametrize("interval", [5.0, 300.0, 86400.0])
@pytest.mark.parametrize("took", [0.1, 400.0, 1000.0])
def test_no_snapshot_is_too_old_before_there_is_another(interval: float, took: float) -> None:
    rest, at_latest = pauses(interval, took)
    assert max(took + rest, at_latest) + took < OLDEST
