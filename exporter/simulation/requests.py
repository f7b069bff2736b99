"""Job requests as the runner's API defines them, checked as it checks them."""

from typing import Annotated

import msgspec
from aiohttp import web

from exporter.simulation.language import Message
from exporter.simulation.serving import json_answer

_Pixels = Annotated[int, msgspec.Meta(ge=16, le=2048)]


class PictureRequest(msgspec.Struct, kw_only=True):
    """`POST /text-to-image`."""

    prompt: str
    model_id: str = ""
    width: _Pixels = 1024
    height: _Pixels = 576
    seed: int | None = None
    num_images_per_prompt: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1


class LanguageRequest(msgspec.Struct, kw_only=True):
    """`POST /llm`."""

    messages: list[Message]
    model: str = ""
    stream: bool = False
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 256


class Refusal(Exception):
    """The request is not one of this API's; `answer` says so to the client."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def unknown_model(model: str) -> Refusal:
    """The refusal of a model that is not served here."""
    return Refusal(runner_error(400, f"model {model[:200]!r} is not served here"))


def runner_error(status: int, message: str) -> web.Response:
    """An error in the form of the runner's API."""
    return json_answer({"detail": {"msg": message}}, status)
