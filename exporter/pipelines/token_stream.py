"""A language model's token stream: what it says, and when.

The prober feeds it with the bytes as they arrive and their stamps; the proof feeds it with the
whole body. Nothing raises for what the stream holds: `problem` says what was wrong with it.
"""

from typing import Any, Final

import msgspec

from exporter.model import NANOSECONDS, Tokens
from exporter.pipelines.response import excerpt
from exporter.pipelines.sse import Event, EventParser

TEXT_LIMIT: Final = 256 * 1024
"""Characters of the answer that are kept."""

BYTES_PER_TOKEN: Final = 2.5
"""Least bytes that a token of a longer text has on the average. English has four or more, a code or
a sum one; counters that add a mark to each token count twice as many as there are."""
_SPARE_TOKENS = 8


class Usage(msgspec.Struct):
    """The token counts that an answer gives; 0 counts as not given."""

    completion_tokens: int | None = None


class Message(msgspec.Struct):
    """What a model says, or a part of it."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    """Another name of the same; elsewhere it may be anything."""

    @property
    def thoughts(self) -> str:
        """What it thought before it spoke."""
        return self.reasoning_content or (self.reasoning if isinstance(self.reasoning, str) else "")


class _Choice(msgspec.Struct):
    delta: Message | None = None
    finish_reason: str | None = None
    index: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


class TokenStream:
    """Reads one stream. What it finds does not depend on how the bytes are split."""

    def __init__(self) -> None:
        self._parser = EventParser()
        self._decoder = msgspec.json.Decoder(_Chunk)
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._room = TEXT_LIMIT
        self._room_for_thoughts = TEXT_LIMIT
        self._ended = False
        self._at_end = False
        self._begun = False
        self.events = 0
        """Events seen."""
        self.chunks = 0
        """Events with content."""
        self.parts = 0
        """Events with a part of the answer, be it empty: thoughts that are left out are such."""
        self.size = 0
        """Bytes of content and reasoning, in UTF-8."""
        self.first_content: int | None = None
        """Stamp of the first non-empty content."""
        self.last_content: int | None = None
        """Stamp of the last non-empty content."""
        self.finish_reason: str | None = None
        self.usage: int | None = None
        """Completion tokens as the stream says; `None` if it does not, or says 0."""
        self.problem: str | None = None
        """The first thing that was wrong with the stream; `None` if nothing was."""
        self.complete = False
        """Whether it told its end: a finish reason, or `[DONE]`."""
        self.others = False
        """Whether it carried other choices than the one that was asked for."""

    @property
    def text(self) -> str:
        """The answer, cut to `TEXT_LIMIT` characters."""
        return "".join(self._texts)

    @property
    def thoughts(self) -> str:
        """What the model thought before it spoke, where that is told apart; cut likewise."""
        return "".join(self._thoughts)

    @property
    def broke_off(self) -> bool:
        """Whether an answer began, in good order, and did not come to an end that it told."""
        return self._begun and not self.complete and self.problem is None

    def feed(self, data: bytes, stamp: int) -> None:
        """Take the next bytes, which arrived at `stamp` (nanoseconds of one clock)."""
        if not self._ended:
            self._take_all(self._parser.feed(data, stamp))

    def finish(self, stamp: int) -> None:
        """The stream has ended, maybe in the middle of an event."""
        if not self._ended:
            self._at_end = True
            self._take_all(self._parser.finish(stamp))
        self._ended = True

    def tokens(self, sent_at: int, counted: Tokens | None = None) -> Tokens:
        """Count and times of the tokens, for a request that was sent at `sent_at`.

        The count is that of the proof (`Verdict.tokens`) where there is one. `time_to_first` is
        from the request to the first content, `inter_token` the mean time between tokens after
        it, `per_second` all tokens over the time from the request to the last one.
        """
        if counted is None:
            count, source = completion(self.usage, self.chunks, self.size)
        else:
            count, source = counted.completion, counted.counted_from
        if self.first_content is None or self.last_content is None:
            return Tokens(completion=count, counted_from=source)
        whole = self.last_content - sent_at
        # Tokens of reasoning came before the first content, so they are not between the others.
        spoken = self.chunks if self._thoughts else count
        gaps = (spoken or 0) - 1
        return Tokens(
            completion=count,
            counted_from=source,
            time_to_first=self.first_content - sent_at,
            inter_token=(self.last_content - self.first_content) / gaps if gaps > 0 else None,
            per_second=count * NANOSECONDS / whole if count and whole > 0 else None,
        )

    def _take_all(self, events: list[Event]) -> None:
        for event in events:
            self._take(event)
        if self._parser.error is not None and not self._ended:
            self._fail(self._parser.error)
            self._ended = True

    def _take(self, event: Event) -> None:
        if self._ended:
            return
        self.events += 1
        data = event.data.strip()
        if data == "[DONE]":
            self.complete = self._ended = True
            return
        if event.kind == "error":
            self._fail(f"the stream carried an error: {excerpt(data)}")
            return
        chunk = self._decode(data)
        if chunk is None:
            return
        if bytes(chunk.error) not in (b"null", b""):
            self._fail(f"the stream carried an error: {excerpt(bytes(chunk.error))}")
            return
        self._take_chunk(chunk, event.stamp)

    def _decode(self, data: str) -> _Chunk | None:
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            self._fail(f"event {self.events} of the stream has not the promised form: {error}")
        except RecursionError:
            self._fail(f"event {self.events} of the stream is nested too deeply")
        except (msgspec.DecodeError, UnicodeError):
            # One is told; a stream of nothing else must be cheap. What breaks off may do so in the
            # middle of an event.
            if self.problem is None and not (self._at_end and self._begun):
                self._fail(f"event {self.events} of the stream is not JSON: {excerpt(data)}")
        return None

    def _take_chunk(self, chunk: _Chunk, stamp: int) -> None:
        if chunk.usage and (chunk.usage.completion_tokens or 0) > 0:
            self.usage = chunk.usage.completion_tokens
        for choice in chunk.choices or ():
            if not first_choice(choice.index):
                self.others = True
                continue
            self._begun = True
            self.parts += 1
            if choice.finish_reason:
                self.finish_reason = choice.finish_reason
                self.complete = True
            if choice.delta is None:
                continue
            if choice.delta.thoughts:
                self._take_thoughts(choice.delta.thoughts)
            if choice.delta.content:
                self._take_content(choice.delta.content, stamp)

    def _take_content(self, content: str, stamp: int) -> None:
        self.chunks += 1
        self.size += len(content.encode())
        if self.first_content is None:
            self.first_content = stamp
        self.last_content = stamp
        if self._room > 0:
            self._texts.append(content[: self._room])
            self._room -= len(content)

    def _take_thoughts(self, thoughts: str) -> None:
        self.size += len(thoughts.encode())
        if self._room_for_thoughts > 0:
            self._thoughts.append(thoughts[: self._room_for_thoughts])
            self._room_for_thoughts -= len(thoughts)

    def _fail(self, problem: str) -> None:
        if self.problem is None:
            self.problem = problem


def first_choice(index: object) -> bool:
    """Whether a choice of this index is the one that was asked for; no index is as good as 0."""
    return not isinstance(index, int) or index == 0


def plausible(usage: int, size: int, max_tokens: int | None = None) -> bool:
    """Whether an answer of `size` bytes of text can have taken so many completion tokens."""
    allowed = usage if max_tokens is None else max_tokens
    return 0 < usage <= min(allowed, size / BYTES_PER_TOKEN + _SPARE_TOKENS)


def completion(
    usage: int | None, chunks: int, size: int, max_tokens: int | None = None
) -> tuple[int | None, str | None]:
    """Completion tokens and where the number comes from: `usage`, `chunks`, or neither.

    The answer's own number is used if it can be true.
    """
    if usage is not None and plausible(usage, size, max_tokens):
        return usage, "usage"
    return (chunks, "chunks") if chunks else (None, None)
