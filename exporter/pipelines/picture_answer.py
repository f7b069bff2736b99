"""Answers of the form `{"images": [{"url", "seed", "nsfw"}]}` with one picture or film."""

from collections.abc import Callable

import msgspec

from exporter.model import Outcome
from exporter.pipelines.data_url import is_data_url
from exporter.pipelines.job import Answer, InvalidResponse, Media, Verdict
from exporter.pipelines.response import decode, excerpt, record

URL_LIMIT = 2048


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
    if not image.url.strip():
        raise InvalidResponse("the image has an empty URL")
    if len(image.url) > URL_LIMIT and not is_data_url(image.url):
        raise InvalidResponse(
            f"the image's URL is longer than {URL_LIMIT} characters; it begins {excerpt(image.url)}"
        )
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
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:1024].decode("utf-8", "replace")}),
        )
    response = _response(image)
    if image.nsfw:
        return Verdict(
            outcome=Outcome.NSFW_FILTERED,
            message="the picture was withheld as not safe for work",
            response=response,
        )
    if len(answer.media) != 1:
        return Verdict(
            outcome=Outcome.TESTER_ERROR,
            message=f"one file was to be fetched, {len(answer.media)} were handed to the proof",
            response=response,
        )
    verdict = judge(answer.media[0])
    evidence = verdict.evidence + _seed_evidence(seed, image)
    return msgspec.structs.replace(verdict, response=response, evidence=evidence)


def _seed_evidence(asked: int | None, image: ImageAnswer) -> tuple[str, ...]:
    if asked is None or image.seed in (None, asked):
        return ()
    return (f"the answer names the seed {str(image.seed)[:20]}, {asked} was asked for",)


def _response(image: ImageAnswer) -> str:
    url = image.url[:64] + "…" if is_data_url(image.url) else image.url
    return record({"images": [{"url": url, "seed": image.seed, "nsfw": image.nsfw}]})
