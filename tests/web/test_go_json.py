import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.go_json import dumps


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.0, "0"),
        (-0.0, "-0"),
        (0.9299999999999999, "0.9299999999999999"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"),
        (0.0000001, "1e-7"),
        (-2.5e-9, "-2.5e-9"),
        (123456789.125, "123456789.125"),
        (True, "true"),
        (None, "null"),
        (10**18, "1000000000000000000"),
        ("<a&b>", '"\\u003ca\\u0026b\\u003e"'),
        ("\u2028", '"\\u2028"'),
        ('"\\\n\t\x01é', '"\\"\\\\\\n\\t\\u0001é"'),
        ({"b": 1, "a": [1.5, {}]}, '{"b":1,"a":[1.5,{}]}'),
    ],
)
def test_values_are_written_as_in_the_original(value: Any, text: str) -> None:
    assert dumps(value).decode() == text


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="unsupported value"):
        dumps({"a": number})


def test_a_type_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError):
        dumps(object())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc<"), inner),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    assert json.loads(dumps(value), parse_int=float) == value
