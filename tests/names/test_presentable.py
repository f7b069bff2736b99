import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.names.presentable import LENGTH, flaw, presentable


@pytest.mark.parametrize(
    "name",
    ["alice.eth", "Our first node", "Zoë", "東京.eth", "🦄.eth", "אליס", "a\u0301b", "0xdead.eth"],
)
def test_names_of_people_are_shown(name: str) -> None:
    assert presentable(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a\nb", "U+000A"),
        ("a\x1b[31mb", "U+001B"),
        ("abc\u202edef", "U+202E"),
        ("a\u200bb", "U+200B"),
        ("a\u2066b", "U+2066"),
        ("\u3164", "U+3164"),
        ("a\ufe0fb", "U+FE0F"),
        ("a\u00a0b", "U+00A0"),
        ("a\u2028b", "U+2028"),
        ("a\ud800b", "U+D800"),
        ("a\U000e0041b", "U+E0041"),
        ("\ue000", "U+E000"),
        ("a" + "\u0316" * 3, "more than 2 marks"),
        ("0x" + "Ab" * 20, "looks like an address"),
        ("0x" + "ab" * 20 + ".eth", "looks like an address"),
    ],
)
def test_what_hides_or_disguises_something_is_not_shown(name: str, why: str) -> None:
    assert why in (flaw(name) or "")
    assert presentable(name) is None


def test_of_a_long_name_the_end_is_shown() -> None:
    shown = presentable("a" * 100 + ".mallory.eth")
    assert shown is not None
    assert (len(shown), shown[0], shown[-12:]) == (LENGTH, "\u2026", ".mallory.eth")


def test_a_text_of_any_length_is_judged_at_once() -> None:
    assert presentable("a" * 10_000_000) is None


@given(st.text(max_size=200))
def test_whatever_is_shown_is_bounded_visible_and_shown_alike_again(text: str) -> None:
    shown = presentable(text)
    if shown is None:
        return
    assert 0 < len(shown) <= LENGTH
    assert shown.isprintable()
    assert shown == shown.strip()
    assert {unicodedata.category(one) for one in shown}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn"})
    assert presentable(shown) == shown
