"""What a job is paid by, what the gateway adds to it, and how it scores an orchestrator."""

import json
import math
import re
from typing import Any, Final

from exporter.simulation.gateway.requests import Job, picture_size
from exporter.simulation.gateway.sound import seconds_of

AUDIO_FAILED: Final = "audio duration calculation failed"
_FRAMES: Final = 25
_STEPS: Final = {"text-to-image": 50, "image-to-image": 100, "image-to-video": 25, "upscale": 75}
_LIGHTNING: Final = "ByteDance/SDXL-Lightning"
_LIGHTNING_STEPS: Final = re.compile(r"(\d+)step", re.IGNORECASE)


class Unmeasurable(Exception):
    """The input cannot be read; the text is that of the log."""


def measured(job: Job) -> tuple[int, dict[str, Any]]:
    """The units that are paid for, and the fields that are added. Raises `Unmeasurable`."""
    match job.pipeline.name:
        case "text-to-image":
            number = max(1, job.whole("num_images_per_prompt", 1))
            width, height = job.whole("width", 512), job.whole("height", 512)
            added = {"width": width, "height": height, "num_images_per_prompt": number}
            units = width * height * number
        case "image-to-video":
            units, added = job.whole("width", 1024) * job.whole("height", 576) * _FRAMES, {}
        case "audio-to-text":
            return _measured_sound(job)
        case "text-to-speech":
            units, added = 1000 * len(str(job.fields.get("text") or "")), {}
        case "llm":
            units, added = job.whole("max_tokens", 256), {}
        case _:
            return _measured_picture(job)
    return units, added


def _measured_sound(job: Job) -> tuple[int, dict[str, Any]]:
    length = seconds_of(job.file.data)
    if length is None or length < 1:
        raise Unmeasurable(AUDIO_FAILED)
    metadata = json.dumps({"duration": str(int(length))}, separators=(",", ":"))
    return int(length) * 1000, {"metadata": metadata}


def _measured_picture(job: Job) -> tuple[int, dict[str, Any]]:
    size = picture_size(job.file.data)
    if size is None:
        raise Unmeasurable("image: unknown format")
    if job.pipeline.name != "image-to-image":
        return size[0] * size[1], {}
    number = max(1, job.whole("num_images_per_prompt", 1))
    return size[0] * size[1] * number, {"num_images_per_prompt": number}


def steps(job: Job) -> float:
    """The inference steps that a latency score is divided by."""
    if job.model.startswith(_LIGHTNING):
        found = _LIGHTNING_STEPS.search(job.model)
        return max(1.0, float(found[1])) if found else 8.0
    return max(1.0, math.fabs(job.whole("num_inference_steps", _STEPS.get(job.pipeline.name, 1))))
