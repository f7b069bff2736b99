"""With whom a gateway works, by its session pools."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.normal_url import normal_url
from exporter.probing.session_pools import BODY_LIMIT, PinCheck, check_pin

PINNED = "https://gpu.example.net:8935"
OTHER = "https://elsewhere.example.org:8935"


def pool(
    warm: list[str] | None = None, cold: list[str] | None = None, suspended: list[str] | None = None
) -> dict[str, Any]:
    def sessions(urls: list[str] | None) -> dict[str, Any]:
        found = [{"url": url, "latency_score": 0.1, "in_flight": 0} for url in urls or ()]
        return {"size": len(found), "in_use": 0, "orchestrators": found or None}

    return {
        "warm": sessions(warm),
        "cold": sessions(cold),
        "last_refresh": "2031-02-03T04:05:06Z",
        "suspended": {"list": dict.fromkeys(suspended or (), 4), "current_count": 1},
    }


def check(pools: object, pinned: str = PINNED) -> PinCheck:
    return check_pin(json.dumps(pools).encode(), pinned=pinned)


def test_a_gateway_that_was_asked_for_nothing_yet_works_with_nobody() -> None:
    assert check({}) == PinCheck(readable=True)


def test_empty_pools_are_fine() -> None:
    assert check({"27_acme/paint": pool()}) == PinCheck(readable=True)


@pytest.mark.parametrize("place", ["warm", "cold"])
def test_the_pinned_one_alone_is_fine(place: str) -> None:
    found = check({"27_acme/paint": pool(**{place: [PINNED]})})
    assert found == PinCheck(readable=True, seen=True)


@pytest.mark.parametrize("place", ["warm", "cold", "suspended"])
def test_another_one_is_found_wherever_it_stands(place: str) -> None:
    found = check({"27_a": pool(warm=[PINNED]), "33_b": pool(**{place: [OTHER]})})
    assert found.others == (OTHER,)
    assert found.seen


def test_another_one_is_named_once() -> None:
    found = check({"27_a": pool(warm=[OTHER, PINNED]), "33_b": pool(suspended=[f"{OTHER}/"])})
    assert len(found.others) == 1


def test_the_pinned_one_can_be_suspended_for_some_models_only() -> None:
    pools = {"27_acme/paint_xl": pool(suspended=[PINNED]), "33_acme/talk": pool(warm=[PINNED])}
    found = check(pools)
    assert (found.suspended, found.seen, found.others) == (True, True, ())
    assert found.suspended_for == ((27, "acme/paint_xl"),)
    assert found.is_suspended_for(27, "acme/paint_xl")
    assert not found.is_suspended_for(33, "acme/talk")


@pytest.mark.parametrize("key", ["", "27", "x_model", "_model", "9999999999_model"])
def test_a_pool_with_an_odd_name_counts_all_the_same(key: str) -> None:
    found = check({key: pool(warm=[OTHER], suspended=[PINNED])})
    assert (found.others, found.suspended, found.suspended_for) == ((OTHER,), True, ())


@pytest.mark.parametrize(
    "spelling",
    [
        "https://gpu.example.net:8935/",
        "HTTPS://GPU.Example.NET:8935",
        "https://gpu.example.net.:8935",
        " https://gpu.example.net:8935 ",
    ],
)
def test_one_place_has_many_spellings(spelling: str) -> None:
    assert check({"27_a": pool(warm=[spelling])}).others == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example", "https://a.example:443/", True),
        ("http://a.example:80", "http://a.example", True),
        ("https://a.example:80", "https://a.example", False),
        ("http://a.example:8935", "https://a.example:8935", False),
        ("https://a.example:1", "https://a.example:2", False),
        ("https://[2001:DB8::7]:5", "https://[2001:db8:0:0::7]:5", True),
        ("https://localhost:5", "https://127.0.0.1:5", False),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://a.example/x?1", "https://a.example/x?2", False),
        ("https://me@a.example", "https://a.example", False),
        ("a.example:8935", "a.example:8935", True),
        ("http://a:99999", "http://a:99999", True),
    ],
)
def test_places_are_compared_without_looking_names_up(one: str, other: str, same: bool) -> None:
    assert (normal_url(one) == normal_url(other)) is same


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"network capabilities not available\n{}",
        b'{"27_a": []}',
        b'{"27_a": {"warm": {"orchestrators": [{"url": 5}]}}}',
        b'{"27_a": {"warm": "x"}}',
        b'{"27_a": {"suspended": {"list": ["x"]}}}',
        b'{"\xff": {}}',
        b"[" * 100_000,
        b'{"27_a": ' * 5_000,
        b" " * (BODY_LIMIT + 1) + b"{}",
    ],
)
def test_what_is_no_answer_is_unreadable_and_says_nothing(body: bytes) -> None:
    assert check_pin(body, pinned=PINNED) == PinCheck(readable=False)


@pytest.mark.parametrize("body", [b'{"27_a": {}}', b'{"27_a": {"warm": null, "cold": {}}}'])
def test_what_a_pool_leaves_out_is_empty(body: bytes) -> None:
    assert check_pin(body, pinned=PINNED) == PinCheck(readable=True)


def test_many_and_long_urls_are_bounded() -> None:
    found = check({"27_a": pool(warm=[f"https://x{n}.example/{'y' * 999}\n" for n in range(99)])})
    assert len(found.others) == 20
    assert all(len(url) <= 200 and url.isprintable() for url in found.others)


@given(st.binary(max_size=200) | st.text().map(str.encode), st.text(max_size=80))
def test_no_body_and_no_url_raises(body: bytes, pinned: str) -> None:
    check_pin(body, pinned=pinned)


@given(st.dictionaries(st.text(max_size=9), st.just(pool(warm=[OTHER], suspended=[PINNED]))))
def test_a_stranger_is_found_in_pools_of_any_name(pools: dict[str, Any]) -> None:
    found = check(pools)
    assert found.others == ((OTHER,) if pools else ())
    assert found.suspended is bool(pools)
