"""What is sent is what the runner's API takes: its fields by their names and kinds, no others."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.pipelines import registry
from exporter.pipelines.kinds import KINDS, make
from exporter.settings import Pipelines
from tests.pipelines.crafted import read

API = Path(__file__).parents[3] / "shared" / "openapi" / "ai-runner-gateway.yaml"
PICTURE = {"seed": int, "num_inference_steps": int, "safety_check": bool}
GUIDED = {"guidance_scale": float, "negative_prompt": str, "loras": str, **PICTURE}
FIELDS: dict[str, tuple[dict[str, type], dict[str, type]]] = {
    "text-to-image": (
        {"model_id": str, "prompt": str, "num_images_per_prompt": int},
        {"width": int, "height": int, **GUIDED},
    ),
    "image-to-image": (
        {"model_id": str, "prompt": str, "image": bytes},
        {"num_images_per_prompt": int, "strength": float, "image_guidance_scale": float, **GUIDED},
    ),
    "image-to-video": (
        {"model_id": str, "image": bytes, "width": int, "height": int, "fps": int},
        {"motion_bucket_id": int, "noise_aug_strength": float, **PICTURE},
    ),
    "upscale": ({"model_id": str, "prompt": str, "image": bytes}, PICTURE),
    "audio-to-text": (
        {"model_id": str, "audio": bytes, "return_timestamps": str},
        {"metadata": str},
    ),
    "segment-anything-2": (
        {"model_id": str, "image": bytes, "point_coords": str, "point_labels": str},
        {
            "box": str,
            "mask_input": str,
            "multimask_output": bool,
            "return_logits": bool,
            "normalize_coords": bool,
        },
    ),
    "llm": (
        {"model": str, "messages": list, "stream": bool, "max_tokens": int},
        {"temperature": float, "top_p": float, "top_k": int},
    ),
    "image-to-text": ({"model_id": str, "image": bytes}, {"prompt": str}),
    "text-to-speech": ({"model_id": str, "text": str}, {"description": str}),
}
"""What must be sent (`num_images_per_prompt` and all of llm's four: the gateway's facts) and what
may be, by pipeline."""

NAMES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list}


def sent(name: str) -> dict[str, Any]:
    order = registry(Pipelines())[name].order("maker/model", random.Random(3))
    fields, files = read(make(order).request)
    return {**fields, **files}


def is_a(value: object, kind: type) -> bool:
    """Whether a JSON value, or the text of a form's field, is of a kind."""
    if kind in (str, bytes, list) or not isinstance(value, str):
        wanted = (int, float) if kind is float else kind
        return isinstance(value, wanted) and (kind is bool) == isinstance(value, bool)
    if kind is bool:
        return value in ("true", "false")
    try:
        return kind(value) is not None
    except ValueError:
        return False


@pytest.mark.parametrize("name", KINDS)
def test_the_fields_are_those_of_the_api(name: str) -> None:
    must, may = FIELDS[name]
    found = sent(name)
    assert must.keys() <= found.keys() <= must.keys() | may.keys()
    wrong = {key: value for key, value in found.items() if not is_a(value, (must | may)[key])}
    assert wrong == {}
    assert found.get("num_images_per_prompt", 1) in (1, "1")


@pytest.mark.parametrize("name", KINDS)
def test_the_list_of_fields_is_that_of_the_published_api(name: str) -> None:
    if not API.exists():
        pytest.skip("the published API description is not beside the repository")
    api = yaml.safe_load(API.read_text())
    content = api["paths"][f"/{name}"]["post"]["requestBody"]["content"]
    reference = next(iter(content.values()))["schema"]["$ref"]
    schema = api["components"]["schemas"][reference.rpartition("/")[2]]
    must, may = FIELDS[name]
    for field, kind in (must | may).items():
        if field == "metadata":
            continue  # The gateway adds it.
        told = schema["properties"][field]
        assert kind is bytes or NAMES[told["type"]] is kind, field
    assert set(schema["required"]) <= must.keys() | {"model_id"}
