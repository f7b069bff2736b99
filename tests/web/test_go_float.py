import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.go_float import GoFloatError, parse_float


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("-1", -1.0),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1_0", 10.0),
        ("1_000.5_0", 1000.5),
        ("0x10p0", 16.0),
        ("0X1.8p1", 3.0),
        ("-0x_1p-1", -0.5),
        ("0x1_0.8_0p1_0", 16.5 * 1024),
        ("0x.8p1", 1.0),
        ("0x0p99999999999999999999", 0.0),
        ("0x1p-99999999999999999999", 0.0),
        ("1e1_0", 1e10),
        ("1763000000.123456", 1763000000.123456),
        ("1e-400", 0.0),
    ],
)
def test_numbers_are_read_as_in_the_original(text: str, number: float) -> None:
    assert parse_float(text) == number


@pytest.mark.parametrize("text", ["inf", "+Inf", "INFINITY", "-infinity"])
def test_infinity_has_several_names(text: str) -> None:
    assert math.isinf(parse_float(text))


@pytest.mark.parametrize("text", ["nan", "NaN", "NAN"])
def test_nan_is_a_number_here(text: str) -> None:
    assert math.isnan(parse_float(text))


@pytest.mark.parametrize(
    "text",
    [
        " 5",
        "5 ",
        "abc",
        "1__0",
        "_1",
        "1_",
        "0x10",
        "0xp1",
        "1e",
        "+nan",
        "--1",
        "٣",
        "1,5",
        ".",
        "0x1._8p0",
        "0x1_.8p0",
        "0x.p1",
        "0x1p_1",
        "1e_1",
    ],
)
def test_anything_else_is_refused_in_the_originals_words(text: str) -> None:
    with pytest.raises(GoFloatError) as refused:
        parse_float(text)
    assert str(refused.value) == f'strconv.ParseFloat: parsing "{text}": invalid syntax'


@pytest.mark.parametrize("text", ["1e400", "-1e400", "0x1p99999", "9" * 400])
def test_an_overflow_is_no_infinity(text: str) -> None:
    with pytest.raises(GoFloatError, match="value out of range"):
        parse_float(text)


def test_what_is_quoted_back_shows_what_cannot_be_seen() -> None:
    with pytest.raises(GoFloatError) as refused:
        parse_float('"\\\n\x00\x7f\u202e\U000e0001\udcff')
    assert r'"\"\\\n\x00\x7f\u202e\U000e0001\xff"' in str(refused.value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_is_written_is_read_back(number: float) -> None:
    assert parse_float(repr(number)) == number
    assert parse_float(number.hex()) == number


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    with suppress(GoFloatError):
        assert isinstance(parse_float(text), float)
