from typing import Any

import pytest

from exporter.discovery.select import select
from exporter.model import Offer, Target
from exporter.settings import Filter, Lane

ADDRESS = "0x" + "a" * 40
DIRECT = [Lane(kind="direct")]


def reason(
    filters: dict[str, Any] | None = None,
    *,
    pipeline: str = "text-to-image",
    uri: str | None = "https://one.example",
    warm: bool | None = True,
    refused: str | None = None,
    lanes: list[Lane] = DIRECT,
) -> str | None:
    offer = Offer(
        target=Target(ADDRESS, pipeline, "maker/Model-XL"),
        service_uri=uri,
        warm=warm,
        not_tested=refused,
    )
    (selected,) = select(
        [offer],
        filters=Filter.model_validate(filters or {}),
        lanes=lanes,
        tested_pipelines={"text-to-image", "llm"},
    )
    return selected.not_tested


def test_without_filters_everything_of_a_known_pipeline_is_tested() -> None:
    assert reason() is None
    assert reason(warm=False) is None


def test_unknown_pipelines_are_listed_and_not_tested() -> None:
    assert reason(pipeline="byoc") == "pipeline is not tested by this version"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"exclude": {"orchestrators": [ADDRESS.upper().replace("X", "x")]}}, "orchestrators"),
        ({"exclude": {"pipelines": ["*image"]}}, "pipelines"),
        ({"exclude": {"pipelines": ["Text to image"]}}, "pipelines"),
        ({"exclude": {"models": ["*/Model*"]}}, "models"),
    ],
)
def test_what_is_excluded_says_by_what(filters: dict[str, Any], expected: str) -> None:
    assert reason(filters) == f"excluded by filter.exclude.{expected}"


@pytest.mark.parametrize(
    "filters",
    [
        {"exclude": {"models": ["*/model*"]}},
        {"exclude": {"pipelines": ["llm"], "orchestrators": ["other"]}},
        {"include": {"models": ["maker/*"], "pipelines": ["text-*"]}},
        {"warm": "only"},
    ],
)
def test_what_no_filter_leaves_out_is_tested(filters: dict[str, Any]) -> None:
    assert reason(filters) is None


@pytest.mark.parametrize("key", ["orchestrators", "pipelines", "models"])
def test_what_is_not_included_says_by_what(key: str) -> None:
    assert reason({"include": {key: ["other"]}}) == f"not among filter.include.{key}"


@pytest.mark.parametrize("warm", [False, None])
def test_cold_models_are_left_out_on_request(warm: bool | None) -> None:
    assert "filter.warm" in (reason({"warm": "only"}, warm=warm) or "")


def test_an_offer_without_a_uri_is_tested_only_through_a_lane_of_its_own() -> None:
    pinned = Lane(kind="pinned", orchestrator=ADDRESS, url="http://127.0.0.1:8935")
    assert reason(uri=None) == "service URI is not known"
    assert reason(uri=None, refused="service URI is not usable: odd") is not None
    assert reason(uri=None, refused="service URI is not usable: odd", lanes=[pinned]) is None


def test_an_orchestrator_that_no_lane_reaches_is_not_tested() -> None:
    other = Lane(kind="direct", orchestrator="other")
    assert reason(lanes=[other]) == "no lane reaches this orchestrator (see lanes)"
    assert reason(lanes=[other, Lane(kind="direct", orchestrator=ADDRESS)]) is None
