"""The simulated language model: it repeats codes that it is asked for, token by token."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

CONSTANT_ANSWER: Final = "I am always happy to be of service to you today."
_NO_CODE: Final = "This is what a simulated language model has to say about your question."
_CODE: Final = re.compile(r"(?<![A-Za-z0-9-])[A-Z0-9]{4}-[A-Z0-9]{4}(?![A-Za-z0-9-])")
_TOKEN: Final = re.compile(r"\s?[A-Za-z0-9']+|\s?[^\sA-Za-z0-9]")


class Message(msgspec.Struct):
    """One message of a conversation."""

    role: str
    content: str


class Reply(msgspec.Struct, frozen=True):
    """An answer in tokens, and why it ended (`stop` or `length`)."""

    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.tokens)

    @property
    def usage(self) -> dict[str, int]:
        """Token counts as the answer reports them."""
        return _usage(self.prompt_tokens, len(self.tokens))


def reply(messages: Sequence[Message], max_tokens: int, *, honest: bool = True) -> Reply:
    """Answer the last user message in at most `max_tokens` tokens.

    Codes such as `K7Q2-M9XD` in that message stand in the answer, unless it is not `honest`.
    """
    tokens = tokenise(_answer(_question(messages)) if honest else CONSTANT_ANSWER)
    prompt_tokens = sum(len(tokenise(message.content)) for message in messages)
    if len(tokens) > max_tokens:
        return Reply(tokens[:max_tokens], "length", prompt_tokens)
    return Reply(tokens, "stop", prompt_tokens)


def tokenise(text: str) -> tuple[str, ...]:
    """Split into words and marks, each with the space before it."""
    return tuple(_TOKEN.findall(text))


def whole(answer: Reply, *, model: str, created: int) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    message = {"content": answer.text, "role": "assistant"}
    choice = {"finish_reason": answer.finish_reason, "index": 0, "message": message}
    return _envelope(choice, model, created, answer.usage)


def chunks(answer: Reply, *, model: str, created: int) -> list[bytes]:
    """The events of a token stream; the last one has no content and the finish reason.

    As with a real gateway, `usage` is zero in all but the last, and no `[DONE]` follows.
    """
    events = [
        _event(_envelope(_delta(token), model, created, _usage(0, 0))) for token in answer.tokens
    ]
    last = _delta("") | {"finish_reason": answer.finish_reason}
    return [*events, _event(_envelope(last, model, created, answer.usage))]


def has_code(messages: Sequence[Message]) -> bool:
    """Whether the last user message asks for a code."""
    return _CODE.search(_question(messages)) is not None


def _question(messages: Sequence[Message]) -> str:
    return next((m.content for m in reversed(messages) if m.role == "user"), "")


def _answer(question: str) -> str:
    codes = list(dict.fromkeys(_CODE.findall(question)))
    if not codes:
        return _NO_CODE
    return f"Of course, the code is {' and '.join(codes)}."


def _delta(content: str) -> dict[str, Any]:
    return {"delta": {"content": content, "role": "assistant"}, "index": 0}


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "completion_tokens": completion,
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
    }


def _envelope(
    choice: dict[str, Any], model: str, created: int, usage: dict[str, int]
) -> dict[str, Any]:
    return {
        "choices": [choice],
        "created": created,
        "id": "chatcmpl-simulated",
        "model": model,
        "usage": usage,
    }


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
