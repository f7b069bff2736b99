"""What a language model said, read from an answer that came whole or as a token stream."""

import re
from typing import Final

import msgspec

from exporter.pipelines.job import InvalidResponse
from exporter.pipelines.response import decode, excerpt
from exporter.pipelines.token_stream import TEXT_LIMIT, Message, TokenStream, Usage

CUT: Final = frozenset({"length", "max_tokens", "max_length", "model_length"})
"""Finish reasons that mean: the answer had as many tokens as it was allowed."""
ENDED: Final = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_word"})
"""Finish reasons that mean: the model had no more to say."""

_THINKING: Final = "think|thinking|thought|reasoning"
_OPENS: Final = re.compile(rf"<(?:{_THINKING})>", re.IGNORECASE)
_CLOSES: Final = re.compile(rf"</(?:{_THINKING})>", re.IGNORECASE)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as far as it came."""

    text: str
    thoughts: str = ""
    """What came before the answer, where that is told apart from it."""
    finish_reason: str | None
    usage: int | None
    """Completion tokens as the answer says; `None` if it does not, or says 0."""
    chunks: int = 0
    """Parts with content, of a stream."""
    parts: int = 0
    """Parts altogether, of a stream."""
    size: int
    """Bytes of text and thoughts."""
    broke_off: bool = False
    """Whether it is a stream that did not tell its end."""
    others: bool = False
    """Whether there were more choices than the one that was asked for."""

    def spent(self, max_tokens: int) -> bool:
        """Whether the answer may have been cut at `max_tokens`.

        Many runners say `stop` whatever the end was, and a gateway leaves out thoughts that stand
        in a field of their own, so the number of tokens tells as well.
        """
        told = (self.finish_reason or "").lower() in CUT
        return told or max(self.usage or 0, self.parts) >= max_tokens


def streamed(body: bytes) -> Said:
    """Read a token stream. Raises `InvalidResponse` for what is none."""
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
    thoughts, text = _apart(stream.text)
    return Said(
        text=text,
        thoughts=stream.thoughts + thoughts,
        finish_reason=stream.finish_reason,
        usage=stream.usage,
        chunks=stream.chunks,
        parts=stream.parts,
        size=stream.size,
        broke_off=stream.broke_off,
        others=stream.others,
    )


class _Choice(msgspec.Struct):
    message: Message | None = None
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


def whole(body: bytes) -> Said:
    """Read an answer that came whole. Raises `InvalidResponse`."""
    answer = decode(body, _Completion)
    if bytes(answer.error) not in (b"null", b""):
        raise InvalidResponse(f"the answer carries an error: {excerpt(bytes(answer.error))}")
    if not answer.choices:
        raise InvalidResponse("the answer has no choices")
    choice = answer.choices[0]
    if choice.message is None:
        raise InvalidResponse("the answer's choice has no message")
    content = (choice.message.content or "")[:TEXT_LIMIT]
    reasoning = choice.message.thoughts[:TEXT_LIMIT]
    thoughts, text = _apart(content)
    usage = answer.usage.completion_tokens if answer.usage else None
    return Said(
        text=text,
        thoughts=reasoning + thoughts,
        finish_reason=choice.finish_reason,
        usage=usage or None,
        size=len(content.encode()) + len(reasoning.encode()),
        others=len(answer.choices) > 1,
    )


def _apart(content: str) -> tuple[str, str]:
    """Thoughts and text of what was said, where tags tell them apart.

    Some templates open the thoughts before the model begins, so the closing tag may stand alone.
    """
    closings = list(_CLOSES.finditer(content))
    if closings:
        return content[: closings[-1].start()], content[closings[-1].end() :]
    opening = _OPENS.search(content)
    if opening is not None:
        return content[opening.end() :], content[: opening.start()]
    return "", content
