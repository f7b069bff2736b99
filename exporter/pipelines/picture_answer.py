"""Answers of the form `{"images": [{"url", "seed", "nsfw"}]}` with one picture or film."""

from collections.abc import Callable

import msgspec

from exporter.model import Outcome
from exporter.pipelines.job import Answer, InvalidResponse, Media, Verdict
from exporter.pipelines.one_file import checked_url, of_another_form, of_its_file, shown_url
from exporter.pipelines.response import decode, record


class ImageAnswer(msgspec.Struct):
    """The one entry of the answer's list."""

    url: str
    seed: int | None = None
    nsfw: bool | None = None


class _Images(msgspec.Struct):
    images: list[ImageAnswer] | None


def read_image(body: bytes) -> ImageAnswer:
    """Read the answer; raises `InvalidResponse` for any other form, and for several entries."""
    images = decode(body, _Images).images
    if not images:
        raise InvalidResponse("the answer has no image")
    if len(images) > 1:
        raise InvalidResponse(f"one image was asked for, the answer has {len(images)}")
    image = images[0]
    checked_url(image.url, "image")
    return image


def media_urls(body: bytes) -> list[str]:
    """The media's URL, perhaps relative or a `data:` URL; none if it was withheld."""
    image = read_image(body)
    return [] if image.nsfw else [image.url]


def judged(answer: Answer, seed: int | None, judge: Callable[[Media], Verdict]) -> Verdict:
    """The verdict on an answer: that of its form, or what `judge` finds of its one media file.

    `seed` is the one that was asked for; another one in the answer is evidence.
    """
    try:
        image = read_image(answer.body)
    except InvalidResponse as error:
        return of_another_form(answer, error)
    response = _response(image)
    if image.nsfw:
        return Verdict(
            outcome=Outcome.NSFW_FILTERED,
            message="the picture was withheld as not safe for work",
            response=response,
        )

    def with_its_seed(media: Media) -> Verdict:
        verdict = judge(media)
        evidence = verdict.evidence + _seed_evidence(seed, image)
        return msgspec.structs.replace(verdict, evidence=evidence)

    return of_its_file(answer, with_its_seed, response)


def _seed_evidence(asked: int | None, image: ImageAnswer) -> tuple[str, ...]:
    if asked is None or image.seed in (None, asked):
        return ()
    return (f"the answer names the seed {str(image.seed)[:20]}, {asked} was asked for",)


def _response(image: ImageAnswer) -> str:
    shown = {"url": shown_url(image.url), "seed": image.seed, "nsfw": image.nsfw}
    return record({"images": [shown]})
