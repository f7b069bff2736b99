import pytest

from exporter.stores import Where
from exporter.web.legacy_query import LegacyQuery, LegacyQueryError, read_query

NOW = 1_790_000_000_123_456_789


def read(raw: str) -> LegacyQuery:
    return read_query(raw, now=NOW, look_back=86400.0)


def test_without_parameters_it_is_transcoding_of_the_last_day() -> None:
    query = read("")
    second = NOW // 10**9 * 10**9
    assert query.window.since == second - 86400 * 10**9, "whole seconds are quicker to answer"
    assert query.window.until == second + 10**9 - 1
    assert not query.ai
    assert query.where_orchestrator == Where(addresses_only=True)


def test_names_become_what_the_store_knows() -> None:
    query = read("pipeline=Text+to+image&model=a/B&region=fra&orchestrator=0xAB")
    assert query.ai
    assert query.where_orchestrator == Where(
        addresses_only=True,
        orchestrator="0xab",
        region="FRA",
        pipeline="text-to-image",
        model="a/B",
    )
    assert query.where.orchestrator is None
    assert read("pipeline=text-to-image&model=m").where.pipeline == ("text-to-image")


@pytest.mark.parametrize(
    ("raw", "ai"),
    [
        ("job_type=ai", True),
        ("job_type=transcoding&pipeline=p&model=m", False),
        ("job_type=AI&pipeline=p&model=m", True),
        ("job_type=x", False),
    ],
)
def test_the_job_type_follows_from_the_parameters(raw: str, ai: bool) -> None:
    assert read(raw).ai is ai


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("since=x&until=y&model=m", 'strconv.ParseFloat: parsing "x": invalid syntax'),
        ("since=1&until=y&model=m", 'strconv.ParseFloat: parsing "y": invalid syntax'),
        ("since=+5", 'strconv.ParseFloat: parsing " 5": invalid syntax'),
        ("model=m", "pipeline required"),
        ("pipeline=p", "model required"),
        ("pipeline=p&model=", "model required"),
    ],
)
def test_the_first_mistake_is_told(raw: str, message: str) -> None:
    with pytest.raises(LegacyQueryError) as refused:
        read(raw)
    assert str(refused.value) == message


def test_both_ends_belong_to_the_window_at_whole_microseconds() -> None:
    query = read("since=1790000000.5&until=1790000000.5")
    assert query.window.since == 1_790_000_000_500_000_000
    assert query.window.until == 1_790_000_000_500_000_999


def test_until_alone_leaves_since_at_its_default() -> None:
    query = read("until=1000")
    assert query.window.since > query.window.until


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-inf", "1e300", "-1e300", "9.3e9", "1e18", "-99999999999"]
)
def test_moments_beyond_all_bounds_stay_within_64_bits(number: str) -> None:
    query = read(f"since={number}&until={number}")
    assert -(2**63) <= query.window.since <= query.window.until < 2**63
