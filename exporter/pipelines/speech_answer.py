"""Answers of the form `{"audio": {"url"}}` with one sound file."""

from collections.abc import Callable
from typing import Final

import msgspec

from exporter.model import Outcome
from exporter.pipelines.data_url import is_data_url
from exporter.pipelines.job import Answer, InvalidResponse, Media, Verdict
from exporter.pipelines.response import decode, excerpt, record

URL_LIMIT: Final = 2048


class _Audio(msgspec.Struct):
    url: str


class _Speech(msgspec.Struct):
    audio: _Audio | None


def read_url(body: bytes) -> str:
    """The sound's URL. Raises `InvalidResponse` for an answer of any other form."""
    audio = decode(body, _Speech).audio
    if audio is None:
        raise InvalidResponse("the answer has no audio")
    if not audio.url.strip():
        raise InvalidResponse("the audio has an empty URL")
    if len(audio.url) > URL_LIMIT and not is_data_url(audio.url):
        raise InvalidResponse(
            f"the audio's URL is longer than {URL_LIMIT} characters; it begins {excerpt(audio.url)}"
        )
    return audio.url


def media_urls(body: bytes) -> list[str]:
    """The sound's URL, perhaps relative or a `data:` URL."""
    return [read_url(body)]


def judged(answer: Answer, judge: Callable[[Media], Verdict]) -> Verdict:
    """The verdict on an answer: that of its form, or what `judge` finds of its one sound file."""
    try:
        url = read_url(answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:1024].decode("utf-8", "replace")}),
        )
    response = record({"audio": {"url": url[:64] + "…" if is_data_url(url) else url}})
    if len(answer.media) != 1:
        return Verdict(
            outcome=Outcome.TESTER_ERROR,
            message=f"one file was to be fetched, {len(answer.media)} were handed to the proof",
            response=response,
        )
    return msgspec.structs.replace(judge(answer.media[0]), response=response)
