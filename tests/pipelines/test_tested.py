import random
from typing import get_args

import pytest

from exporter.pipelines import registry
from exporter.pipelines.job import CannotMakeError
from exporter.pipelines.kinds import KINDS, make
from exporter.settings import Pipelines
from exporter.settings.jobs import PRICED

NOT_BATCH = {"live-video-to-video", "byoc"}


def test_every_kind_is_a_pipeline_of_the_network_with_settings_of_its_own() -> None:
    pipelines = registry(Pipelines())
    assert set(pipelines) <= set(PRICED) - NOT_BATCH
    assert {name: pipeline.name for name, pipeline in pipelines.items()} == {
        name: name for name in pipelines
    }


@pytest.mark.parametrize("name", KINDS)
def test_the_settings_can_exempt_from_each_check_and_from_nothing_else(name: str) -> None:
    section = getattr(Pipelines(), name.replace("-", "_"))
    (choices,) = get_args(type(section.defaults).model_fields["exempt"].annotation)
    assert set(get_args(choices)) == set(KINDS[name].checks)


@pytest.mark.parametrize("name", KINDS)
def test_a_job_follows_from_its_order_and_two_orders_differ(name: str) -> None:
    pipeline = registry(Pipelines())[name]
    rng = random.Random(7)
    first, second = pipeline.order("maker/model", rng), pipeline.order("maker/model", rng)
    once, again, other = make(first), make(first), make(second)
    assert once == again
    assert once.request.body != other.request.body
    assert b"maker/model" in once.request.body
    assert once.request.path == f"/{name}"
    assert len(once.request.summary) < 4096


@pytest.mark.parametrize("name", KINDS)
def test_overrides_hold_for_the_models_that_they_match_the_later_one_wins(name: str) -> None:
    check, other = (*KINDS[name].checks, *KINDS[name].checks)[:2]
    overrides = [
        {"models": "maker/*", "exempt": [check]},
        {"models": "*/special", "exempt": [other]},
    ]
    settings = Pipelines.model_validate({name: {"overrides": overrides}})
    pipeline = registry(settings)[name]
    rng = random.Random(1)
    exempt = {
        model: make(pipeline.order(model, rng)).expectation.exempt
        for model in ("maker/one", "maker/special", "somebody/else")
    }
    assert exempt == {"maker/one": (check,), "maker/special": (other,), "somebody/else": ()}


def test_overrides_that_contradict_each_other_are_the_testers_error() -> None:
    overrides = [{"models": "*", "max_frames": 100}, {"models": "maker/long*", "min_frames": 161}]
    settings = Pipelines.model_validate({"image-to-video": {"overrides": overrides}})
    films = registry(settings)["image-to-video"]
    assert films.order("maker/short", random.Random(1)).parameters.max_frames == 100
    with pytest.raises(CannotMakeError, match="that match maker/long-film: `min_frames` must not"):
        films.order("maker/long-film", random.Random(1))


@pytest.mark.parametrize("name", KINDS)
def test_what_a_job_is_paid_by_is_known_before_it(name: str) -> None:
    units = registry(Pipelines())[name].fee_units("maker/model")
    assert units is not None
    assert units > 0


def test_the_fee_follows_the_parameters_of_the_model() -> None:
    overrides = [{"models": "*8B*", "max_tokens": 100}]
    settings = Pipelines.model_validate({"llm": {"overrides": overrides}})
    llm = registry(settings)["llm"]
    assert llm.fee_units("maker/model-8B") == 100
    assert llm.fee_units("maker/model-70B") == settings.llm.defaults.max_tokens
