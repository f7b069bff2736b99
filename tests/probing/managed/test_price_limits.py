"""The file of price limits: where go-livepeer would silently pay any price, we refuse."""

import json
from pathlib import Path

import pytest

from exporter.probing.managed.faults import Fault, StartFailure
from exporter.probing.managed.price_limits import checked

ENTRY = {"pipeline": "text-to-image", "model_id": "a/b", "price_per_unit": 7}


def limits(path: Path, *entries: object) -> Path:
    path.write_text(json.dumps({"capabilities_prices": entries}))
    return path


def test_a_good_file_is_given_to_the_gateway_with_every_entry_whole(tmp_path: Path) -> None:
    path = limits(
        tmp_path / "limits.json",
        ENTRY | {"pixels_per_unit": 3, "currency": "wei"},
        {"pipeline": "llm", "price_per_unit": 0.25},
    )
    assert json.loads(checked(path)) == {
        "capabilities_prices": [
            ENTRY | {"pixels_per_unit": 3},
            {
                "pipeline": "llm",
                "model_id": "default",
                "price_per_unit": 0.25,
                "pixels_per_unit": 1,
            },
        ]
    }


def test_no_digit_of_a_price_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    price = "12345678901234567890.123456789012345678"
    path.write_text(f'{{"capabilities_prices":[{{"pipeline":"llm","price_per_unit":{price}}}]}}')
    assert f'"price_per_unit":{price},' in checked(path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"pipeline": "Text to image"}, 'entry 2: "pipeline": expected one of audio-to-text'),
        ({"pipeline": "text-to-imag"}, 'entry 2: "pipeline": expected one of'),
        ({"pipeline": None}, 'entry 2: "pipeline"'),
        ({"model_id": ""}, 'entry 2: "model_id"'),
        ({"model_id": 5}, 'entry 2: "model_id"'),
        ({"price_per_unit": 0}, 'entry 2: "price_per_unit": expected a number above 0'),
        ({"price_per_unit": -1}, 'entry 2: "price_per_unit"'),
        ({"price_per_unit": "7"}, "not in quotes"),
        ({"price_per_unit": None}, 'entry 2: "price_per_unit"'),
        ({"price_per_unit": True}, 'entry 2: "price_per_unit"'),
        ({"pixels_per_unit": 0}, 'entry 2: "pixels_per_unit"'),
        ({"currency": "USD"}, 'entry 2: "currency": expected "wei"'),
        ({"price_per_unt": 1}, '"price_per_unt" is not known'),
        ({"Model_id": "x"}, '"Model_id" is not known'),
        ({"model_id": "a/b"}, "entry 2: the same pipeline and model as entry 1"),
    ],
)
def test_a_mistake_in_an_entry_is_refused(
    tmp_path: Path, entry: dict[str, object], message: str
) -> None:
    second = ENTRY | {"model_id": "c/d"} | entry
    path = limits(tmp_path / "limits.json", ENTRY, second)
    with pytest.raises(StartFailure) as caught:
        checked(path)
    assert caught.value.fault == Fault.PRICE_LIMITS
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_an_entry_without_a_price_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartFailure, match='entry 1: "price_per_unit"'):
        checked(limits(tmp_path / "limits.json", {"pipeline": "llm"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: not JSON"),
        ('{"capabilities_prices":\n[{]}', "line 2: not JSON"),
        ("[]", 'expected an object with "capabilities_prices" and nothing else'),
        ('{"capability_prices":[]}', "expected an object with"),
        ('{"capabilities_prices":[],"x":1}', "expected an object with"),
        ('{"capabilities_prices":[]}', "expected a list of 1 to 10000 entries"),
        ('{"capabilities_prices":{}}', "expected a list"),
        ('{"capabilities_prices":[7]}', "entry 1: expected an object"),
        ('{"capabilities_prices":[{"pipeline":"llm","pipeline":"x"}]}', '"pipeline" stands twice'),
        ('{"capabilities_prices":[{"price_per_unit":NaN}]}', "NaN is no number"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "limits.json").write_text(text)
    with pytest.raises(StartFailure) as caught:
        checked(tmp_path / "limits.json")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartFailure, match="there is no such file of price limits"):
        checked(tmp_path / "none.json")
