import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.parameters import BadParameterError, Parameters, raw_query, split_query

NOW = 1_790_000_000_000_000_000


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "1"}),
        ("a=&a=2", {"a": ""}),
        ("a", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=Text+to%20image", {"a": "Text to image"}),
        ("a=%zz&b=2", {"b": "2"}),
        ("a=%", {}),
        ("a=1;b=2&c=3", {"c": "3"}),
        ("&&=x&", {"": "x"}),
        ("A=1&a=2", {"A": "1", "a": "2"}),
        ("a=%ff", {"a": "\ufffd"}),
        ("a=a/b:c", {"a": "a/b:c"}),
    ],
)
def test_a_query_is_split_as_in_the_original(raw: str, found: dict[str, str]) -> None:
    assert split_query(raw) == found


@pytest.mark.parametrize(
    ("target", "query"),
    [("/a", ""), ("/a?b=1", "b=1"), ("/a?b=1?c", "b=1?c"), ("/a?b#c", "b"), ("/a#b?c", "")],
)
def test_the_query_is_what_follows_the_first_question_mark(target: str, query: str) -> None:
    assert raw_query(target) == query


@given(st.text())
def test_no_query_breaks_the_splitting(raw: str) -> None:
    assert all(isinstance(value, str) for value in split_query(raw).values())


def test_an_unknown_parameter_is_told_with_the_known_ones() -> None:
    with pytest.raises(BadParameterError, match="unknown parameter 'modle'; known here: model"):
        Parameters("modle=x", ["model"])


def test_empty_means_absent_and_long_is_refused() -> None:
    parameters = Parameters("a=&b=" + "x" * 301, ["a", "b"])
    assert parameters.text("a") is None
    with pytest.raises(BadParameterError, match="b: at most 300"):
        parameters.text("b")


@pytest.mark.parametrize("value", ["0", "11", "-1", "1.5", "x", "٣", "1e1"])
def test_numbers_have_bounds(value: str) -> None:
    with pytest.raises(BadParameterError, match="n: a whole number from 1 to 10 is expected"):
        Parameters(f"n={value}", ["n"]).number("n", default=5, least=1, most=10)


def test_numbers_and_choices_are_read() -> None:
    parameters = Parameters("n=7&c=red", ["n", "c", "m"])
    assert parameters.number("n", default=5, least=1, most=10) == 7
    assert parameters.number("m", default=5, least=1, most=10) == 5
    assert parameters.choice("c", ["red", "blue"]) == "red"
    with pytest.raises(BadParameterError, match="c: one of blue is expected"):
        parameters.choice("c", ["blue"])


@pytest.mark.parametrize(
    ("value", "ago"),
    [("90s", 90.0), ("30m", 1800.0), ("24h", 86400.0), ("7d", 604800.0)],
)
def test_a_moment_may_be_a_time_ago(value: str, ago: float) -> None:
    moment = Parameters(f"since={value}", ["since"]).moment("since", now=NOW)
    assert moment == NOW - int(ago * 1e9)


def test_a_moment_may_be_unix_seconds_exactly() -> None:
    parameters = Parameters("since=1789999999.123456789", ["since"])
    assert parameters.moment("since", now=NOW) == 1_789_999_999_123_456_789
    assert Parameters("", ["since"]).moment("since", now=NOW) is None


@pytest.mark.parametrize("value", ["0", "93d", "1790000001", "999999d", "-5", "nan", "1e9", "5w"])
def test_moments_beyond_the_bounds_are_refused(value: str) -> None:
    with pytest.raises(BadParameterError, match="since: "):
        Parameters(f"since={value}", ["since"]).moment("since", now=NOW)
