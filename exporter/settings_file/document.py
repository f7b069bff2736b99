"""YAML text as a tree of what was written: every scalar stays text and knows its line.

YAML's own guesses at types (`NO` as false, `0x0c` as a number, `12:30` as seconds) never happen,
because the tree is built from the parser's events. Nesting and size are bounded, so that neither
deep nesting nor aliases of aliases can exhaust anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from exporter.settings_file.syntax import explain

DEPTH_LIMIT = 32
NODE_LIMIT = 100_000
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(Exception):
    """The text cannot be read any further; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(f"line {line}: {message}")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as the text that was written."""

    line: int
    text: str = field(repr=False)
    plain: bool = True
    """Written without quotes."""
    variable: str | None = None
    """The environment variable that it comes from, if it does not come from the file."""
    size = 1

    @property
    def empty(self) -> bool:
        """Whether it says that nothing is given: unquoted `null`, `~` or no text at all."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of YAML that has no place in a settings file."""

    line: int
    message: str
    size = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping or a list, with the line it begins on."""

    line: int
    key: "Node | None"
    """`None` in a list."""
    value: "Node"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    line: int
    entries: tuple[Entry, ...]
    size: int = 1
    """Nodes that it has when every alias is written out."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values, as often as they were written."""

    line: int
    entries: tuple[Entry, ...]
    size: int = 1
    """Nodes that it has when every alias is written out."""


Node = Scalar | Sequence | Mapping | Refused


def parse(text: str) -> tuple[Node | None, int | None]:
    """Give the tree of the first document, and the line where a second one begins.

    The tree is `None` for a text without any document. Raises `DocumentError`.
    """
    events = yaml.parse(text, Loader=_PARSER)
    root: Node | None = None
    try:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    return root, _line(event)
                root = _Tree(events).node(next(events), 1)
    except yaml.YAMLError as error:
        raise DocumentError(*explain(error, text)) from None
    return root, None


class _Tree:
    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, Node | None] = {}

    def node(self, event: Event, depth: int) -> Node:
        if depth > DEPTH_LIMIT:
            raise DocumentError(_line(event), f"nested deeper than {DEPTH_LIMIT} levels")
        if isinstance(event, AliasEvent):
            return self._alias(event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._new(event, depth)
        if getattr(event, "tag", None) is not None:
            node = Refused(
                _line(event),
                "expected a plain value, found a tag (`!`): what a value is follows from its key; "
                "text that begins with ! needs quotes",
            )
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: AliasEvent) -> Node:
        line = _line(event)
        if event.anchor not in self._anchors:
            return Refused(
                line,
                "found an alias (`*`) for which no anchor (`&`) stands before it; text that begins "
                "with * needs quotes",
            )
        return self._anchors[event.anchor] or Refused(
            line, "found an alias (`*`) inside the very value that it stands for"
        )

    def _new(self, event: Event, depth: int) -> Node:
        if isinstance(event, ScalarEvent):
            return Scalar(_line(event), event.value, plain=not event.style)
        if isinstance(event, SequenceStartEvent):
            return Sequence(_line(event), *self._entries(SequenceEndEvent, depth))
        if isinstance(event, MappingStartEvent):
            return Mapping(_line(event), *self._entries(MappingEndEvent, depth))
        raise DocumentError(_line(event), "this is not a document with settings")

    def _entries(self, end: type[Event], depth: int) -> tuple[tuple[Entry, ...], int]:
        entries: list[Entry] = []
        size = 1
        event = next(self._events)
        while not isinstance(event, end):
            line = _line(event)
            key = None
            value = self.node(event, depth + 1)
            if end is MappingEndEvent:
                key = value
                value = self.node(next(self._events), depth + 1)
            entries.append(Entry(line, key, value))
            size += value.size + (0 if key is None else key.size)
            if size > NODE_LIMIT:
                raise DocumentError(line, f"more than {NODE_LIMIT} values, aliases written out")
            event = next(self._events)
        return tuple(entries), size


def _line(event: Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1
