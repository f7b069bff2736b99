"""`llm`: a language model must answer with a code that was made for this job alone."""

import hashlib
import random
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.model import Artefact, Outcome, Tokens
from exporter.pipelines import prompts
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidResponse,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.response import decode, excerpt, record
from exporter.pipelines.token_stream import Message, TokenStream, Usage, completion

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import Llm as LlmSettings

NAME: Final = "llm"
UNIT: Final = "token"
BROKE_OFF: Final = "the token stream broke off"


class TextExpectation(Expectation, frozen=True, kw_only=True):
    """What the text must hold."""

    nonce: str
    question: str
    stream: bool
    max_tokens: int


class _Choice(msgspec.Struct):
    message: Message | None = None
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


class _Said(msgspec.Struct):
    text: str
    finish_reason: str | None
    usage: int | None
    chunks: int
    size: int
    broke_off: bool = False
    """Whether it is a stream that did not tell its end."""


class Llm:
    """Makes `llm` jobs with the parameters of the settings."""

    name: Final = NAME

    def __init__(self, settings: "LlmSettings") -> None:
        self._settings = settings

    def prepare(self, model: str, rng: random.Random) -> Prepared:
        """Make a job: a new code and a new wording."""
        settings = self._settings
        nonce = prompts.code(rng)
        question = prompts.question(rng, nonce)
        body = msgspec.json.encode(
            {
                "model": model,
                "messages": [{"role": "user", "content": question}],
                "stream": settings.stream,
                "max_tokens": settings.max_tokens,
                "temperature": settings.temperature,
            }
        )
        accept = "text/event-stream" if settings.stream else "application/json"
        return Prepared(
            request=Request(
                path=f"/{NAME}",
                headers={"Content-Type": "application/json", "Accept": accept},
                body=body,
                summary=body.decode(),
                stream=settings.stream,
            ),
            unit=UNIT,
            units=None,
            expectation=TextExpectation(
                nonce=nonce,
                question=question,
                stream=settings.stream,
                max_tokens=settings.max_tokens,
            ),
        )

    def fee_units(self, model: str) -> float:  # noqa: ARG002 - the same for every model
        """Tokens that the answer may have: they are paid whether they come or not."""
        return float(self._settings.max_tokens)

    def media_urls(self, body: bytes) -> list[str]:  # noqa: ARG002 - a text has no media
        """None: a text has no media. What is wrong with it, the proof says."""
        return []


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the text."""
    if not isinstance(expectation, TextExpectation):
        raise TypeError("an llm job expects a text")
    try:
        said = _said(expectation, answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:2048].decode("utf-8", "replace")}),
        )
    return _judge(expectation, said)


def _said(expectation: TextExpectation, body: bytes) -> _Said:
    said = _streamed(body) if expectation.stream else _plain(body)
    if not said.text.strip() and not said.broke_off:
        raise InvalidResponse("the model's answer is an empty text")
    return said


def _streamed(body: bytes) -> _Said:
    if not body.strip():
        raise InvalidResponse("the answer is empty")
    stream = TokenStream()
    stream.feed(body, 0)
    stream.finish(0)
    if stream.problem is not None:
        raise InvalidResponse(stream.problem)
    if stream.events == 0:
        raise InvalidResponse(
            f"an event stream was asked for, the answer is none; it begins {excerpt(body)}"
        )
    return _Said(
        stream.text,
        stream.finish_reason,
        stream.usage,
        stream.chunks,
        stream.size,
        stream.broke_off,
    )


def _plain(body: bytes) -> _Said:
    answer = decode(body, _Completion)
    if bytes(answer.error) not in (b"null", b""):
        raise InvalidResponse(f"the answer carries an error: {excerpt(bytes(answer.error))}")
    if not answer.choices:
        raise InvalidResponse("the answer has no choices")
    choice = answer.choices[0]
    if choice.message is None:
        raise InvalidResponse("the answer's choice has no message")
    text = choice.message.content or ""
    size = len(text.encode()) + len((choice.message.reasoning_content or "").encode())
    usage = answer.usage.completion_tokens if answer.usage else None
    return _Said(text, choice.finish_reason, usage, 0, size)


def _judge(expectation: TextExpectation, said: _Said) -> Verdict:
    squeezed = prompts.squeeze(said.text)
    held = prompts.squeeze(expectation.nonce) in squeezed
    echo = prompts.squeeze(expectation.question) in squeezed
    complaint, outcome = None, Outcome.WRONG_ANSWER
    if said.broke_off and not held:
        complaint, outcome = BROKE_OFF, Outcome.DOWNLOAD_FAILED
    elif not held:
        complaint = f"the answer does not hold the code {expectation.nonce} that was asked for"
    elif echo:
        complaint = "the answer repeats the question word for word"
    count, source = completion(said.usage, said.chunks, said.size, expectation.max_tokens)
    data = said.text.encode()
    return Verdict(
        outcome=outcome if complaint else Outcome.OK,
        message=complaint or "",
        evidence=_evidence(said, complaint),
        artefacts=(
            Artefact(kind="text", bytes=len(data), sha256=hashlib.sha256(data).hexdigest()),
        ),
        proof={"code": float(held), "own_words": float(not echo)},
        units=None if count is None else float(count),
        tokens=Tokens(completion=count, counted_from=source),
        response=record(
            {"text": said.text, "finish_reason": said.finish_reason, "usage": said.usage}
        ),
    )


def _evidence(said: _Said, complaint: str | None) -> tuple[str, ...]:
    reason = excerpt(said.finish_reason, 40) if said.finish_reason else "not given"
    evidence = [f"finish_reason: {reason}"]
    if said.broke_off and complaint is None:
        evidence.append("the token stream did not tell its end, but what was asked for is in it")
    if complaint:
        evidence.append(f"the answer begins {excerpt(said.text)}")
    return tuple(evidence)
