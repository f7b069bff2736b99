"""Answers of the form `{"audio": {"url"}}` with one sound file."""

from collections.abc import Callable

import msgspec

from exporter.pipelines.job import Answer, InvalidResponse, Media, Verdict
from exporter.pipelines.one_file import checked_url, of_another_form, of_its_file, shown_url
from exporter.pipelines.response import decode, record


class _Audio(msgspec.Struct):
    url: str


class _Speech(msgspec.Struct):
    audio: _Audio | None


def read_url(body: bytes) -> str:
    """The sound's URL. Raises `InvalidResponse` for an answer of any other form."""
    audio = decode(body, _Speech).audio
    if audio is None:
        raise InvalidResponse("the answer has no audio")
    return checked_url(audio.url, "audio")


def media_urls(body: bytes) -> list[str]:
    """The sound's URL, perhaps relative or a `data:` URL."""
    return [read_url(body)]


def judged(answer: Answer, judge: Callable[[Media], Verdict]) -> Verdict:
    """The verdict on an answer: that of its form, or what `judge` finds of its one sound file."""
    try:
        url = read_url(answer.body)
    except InvalidResponse as error:
        return of_another_form(answer, error)
    return of_its_file(answer, judge, record({"audio": {"url": shown_url(url)}}))
