"""What answers that point at one media file have in common, whatever else they hold."""

from collections.abc import Callable
from typing import Final

import msgspec

from exporter.model import Outcome
from exporter.pipelines.data_url import is_data_url
from exporter.pipelines.job import Answer, InvalidResponse, Media, Verdict
from exporter.pipelines.response import excerpt, record

URL_LIMIT: Final = 2048


def checked_url(url: str, what: str) -> str:
    """The URL of what an answer delivers. Raises `InvalidResponse` if it is empty or too long."""
    if not url.strip():
        raise InvalidResponse(f"the {what} has an empty URL")
    if len(url) > URL_LIMIT and not is_data_url(url):
        raise InvalidResponse(
            f"the {what}'s URL is longer than {URL_LIMIT} characters; it begins {excerpt(url)}"
        )
    return url


def shown_url(url: str) -> str:
    """The URL for the record, without what a `data:` URL carries."""
    return url[:64] + "…" if is_data_url(url) else url


def of_another_form(answer: Answer, error: InvalidResponse) -> Verdict:
    """The verdict on an answer that cannot be read, with its beginning for the record."""
    return Verdict(
        outcome=Outcome.INVALID_RESPONSE,
        message=str(error),
        response=record({"body": answer.body[:1024].decode("utf-8", "replace")}),
    )


def of_its_file(answer: Answer, judge: Callable[[Media], Verdict], response: str) -> Verdict:
    """What `judge` finds of the one file, together with the `response` for the record."""
    if len(answer.media) != 1:
        return Verdict(
            outcome=Outcome.TESTER_ERROR,
            message=f"one file was to be fetched, {len(answer.media)} were handed to the proof",
            response=response,
        )
    return msgspec.structs.replace(judge(answer.media[0]), response=response)
