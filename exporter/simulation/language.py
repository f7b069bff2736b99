"""The simulated language model: it really answers, as far as it understands; or it lies.

It understands codes that it is to repeat and two numbers that it is to add. That is read off the
question's own words, as a model would.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from exporter.model import Outcome
from exporter.simulation import phrases

CONSTANT_ANSWER: Final = "I am always happy to be of service to you today."
_NO_CODE: Final = "This is what a simulated language model has to say about your question."
_CODE: Final = re.compile(r"(?<![A-Za-z0-9-])[A-Z0-9]{4}-[A-Z0-9]{4}(?![A-Za-z0-9-])")
_SUM: Final = re.compile(r"(?<![\w-])(\d{1,6}) (?:and|plus|to) (\d{1,6})(?![\w-])")
_TOPIC: Final = re.compile(r"\b(an? [a-z' -]+?)(?: makes you think of| in one sentence)?\.$")
_TOKEN: Final = re.compile(r"\s*[A-Za-z]{1,10}|\s*\d{1,3}|\s*[^\sA-Za-z0-9]{1,2}|\s+")
_STALE: Final = "Answer with the code T4WX-9KQM first. Then add 31 to 77. End with a tram."


class Message(msgspec.Struct):
    """One message of a conversation."""

    role: str
    content: str


class Reply(msgspec.Struct, frozen=True):
    """An answer in tokens, and why it ended (`stop` or `length`)."""

    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int
    reasoning: tuple[str, ...] = ()
    """Thoughts before the answer, in a field of their own."""
    counted: float = 1.0
    """Completion tokens that `usage` tells of each one; 0 as where nothing is counted."""
    lump: int = 1
    """Tokens that one event of a stream carries."""

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.tokens)

    @property
    def usage(self) -> dict[str, int]:
        """Token counts as the answer reports them."""
        completion = round((len(self.tokens) + len(self.reasoning)) * self.counted)
        return _usage(self.prompt_tokens if completion else 0, completion)


class Understood(NamedTuple):
    """What a question asks for."""

    question: str
    code: str | None
    addends: tuple[int, int] | None
    topic: str

    @property
    def total(self) -> int | None:
        """The sum, if one is asked for."""
        return None if self.addends is None else sum(self.addends)


class _Way(NamedTuple):
    """How an answer is worded and sent."""

    word: Callable[[Understood], str]
    think: Callable[[Understood], str] | None = None
    counted: float = 1.0
    lump: int = 1


_WAYS: Final[Mapping[str, _Way]] = {
    "plain": _Way(phrases.plain),
    "markdown": _Way(phrases.markdown),
    "chatty": _Way(phrases.chatty),
    "worked": _Way(phrases.worked),
    "short": _Way(phrases.short),
    "words": _Way(phrases.in_words),
    "headed": _Way(phrases.headed),
    "thinking": _Way(phrases.thinking),
    "reasoning": _Way(phrases.plain, think=phrases.thoughts),
    "lumps": _Way(phrases.plain, lump=5),
    "zeros": _Way(phrases.plain, counted=0),
    "doubled": _Way(phrases.chatty, counted=2),
}
WAYS: Final = tuple(_WAYS)
"""Names of the honest ways, which differ as real models and runners do: plain sentences, markdown,
talkative, with the sum worked out, with hardly a word, with the sum in words, with the template's
header left in; thinking in tags or in a field of its own; several tokens an event; a usage of
zeros, or one that counts a mark with each token."""

_LIES: Final[Mapping[str, Callable[[Understood], str]]] = {
    "constant": lambda _: CONSTANT_ANSWER,
    "echo": lambda asked: f"You said: {asked.question}",
    "no-sum": lambda asked: f"{asked.code}\n\n{phrases.remark(asked.topic)}",
    "wrong-sum": lambda asked: phrases.plain(asked._replace(addends=_one_off(asked.addends))),
    "all-numbers": lambda asked: f"{asked.code}: {' '.join(map(str, range(24, 179)))}",
    "other": lambda _: phrases.plain(_understood(_STALE)),
    "reversed": lambda asked: f"It is {asked.total}. {phrases.remark(asked.topic)} {asked.code}",
    "empty": lambda _: "",
    "garbage": lambda asked: phrases.garbage(asked.question),
}
LIES: Final[Mapping[str, Outcome]] = {
    name: Outcome.INVALID_RESPONSE if name == "empty" else Outcome.WRONG_ANSWER for name in _LIES
}
"""Names of the lies, and what a tester must find: an answer that is always the same, the question
itself, the code without the sum, a wrong sum, all the sums that there are, an answer to another
question, the sum before the code, nothing, and characters without meaning."""


def reply(
    messages: Sequence[Message],
    max_tokens: int,
    *,
    way: str | None = None,
    lie: str | None = None,
    honest: bool = True,
) -> Reply:
    """Answer the last user message in at most `max_tokens` tokens.

    Honestly in one of the `WAYS`, the first if none is named, or with one of the `LIES`; not
    `honest` is the lie `constant`. Raises `KeyError` for other names.
    """
    asked = _understood(_question(messages))
    chosen = _WAYS[way or WAYS[0]]
    if lie is None and not honest:
        lie = "constant"
    if lie is not None:
        chosen = _Way(_LIES[lie])
    elif asked.code is None:
        chosen = chosen._replace(word=lambda _: _NO_CODE, think=None)
    thoughts = tokenise(chosen.think(asked)) if chosen.think else ()
    tokens = tokenise(chosen.word(asked))
    cut = len(thoughts) + len(tokens) > max_tokens
    return Reply(
        tokens=tokens[: max(0, max_tokens - len(thoughts))],
        finish_reason="length" if cut else "stop",
        prompt_tokens=sum(len(tokenise(message.content)) for message in messages),
        reasoning=thoughts[:max_tokens],
        counted=chosen.counted,
        lump=chosen.lump,
    )


def tokenise(text: str) -> tuple[str, ...]:
    """Split into words, numbers and marks, each with the space before it."""
    return tuple(_TOKEN.findall(text))


def whole(answer: Reply, *, model: str, created: int) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    message = {"content": answer.text, "role": "assistant"}
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    choice = {"finish_reason": answer.finish_reason, "index": 0, "message": message}
    return _envelope(choice, model, created, answer.usage)


def chunks(answer: Reply, *, model: str, created: int) -> list[bytes]:
    """The events of a token stream; the last one has no content and the finish reason.

    As with a real gateway, `usage` is zero in all but the last, and no `[DONE]` follows.
    """
    deltas = [{"content": "", "reasoning_content": part} for part in answer.reasoning]
    deltas += [{"content": part} for part in _lumps(answer.tokens, answer.lump)]
    events = [_event(_envelope(_delta(delta), model, created, _usage(0, 0))) for delta in deltas]
    last = _delta({"content": ""}) | {"finish_reason": answer.finish_reason}
    return [*events, _event(_envelope(last, model, created, answer.usage))]


def has_code(messages: Sequence[Message]) -> bool:
    """Whether the last user message asks for a code."""
    return _understood(_question(messages)).code is not None


def _question(messages: Sequence[Message]) -> str:
    return next((m.content for m in reversed(messages) if m.role == "user"), "")


def _understood(question: str) -> Understood:
    code, topic = _CODE.search(question), _TOPIC.search(question)
    numbers = _SUM.search(question)
    return Understood(
        question=question,
        code=code and code.group(),
        addends=numbers and (int(numbers.group(1)), int(numbers.group(2))),
        topic=topic.group(1) if topic else "it",
    )


def _one_off(addends: tuple[int, int] | None) -> tuple[int, int] | None:
    return addends and (addends[0], addends[1] + 10)


def _lumps(tokens: Sequence[str], size: int) -> list[str]:
    return ["".join(tokens[at : at + size]) for at in range(0, len(tokens), size)]


def _delta(delta: Mapping[str, str]) -> dict[str, Any]:
    return {"delta": {**delta, "role": "assistant"}, "index": 0}


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
