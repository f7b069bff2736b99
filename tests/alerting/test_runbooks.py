"""What a runbook tells to do at night can be done: what it names is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dashboards.boards import BOARDS
from exporter.cli import cli
from exporter.delivery.metric_list import METRICS
from exporter.model import Outcome
from exporter.probe_server import METRICS as PROBE_METRICS

DOCS = Path(__file__).parent.parent.parent / "docs"
RUNBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in DOCS.glob("runbooks/*.md")}
SHOWN = {
    9877: [metric.name for metric in METRICS],
    9878: [name for name, *_ in PROBE_METRICS],
}
COMMAND = re.compile(r"livepeer-exporter ((?:[\w./:#=-]+\s?)+)")


@pytest.fixture(params=sorted(RUNBOOKS))
def runbook(request: pytest.FixtureRequest) -> str:
    return RUNBOOKS[request.param]


def commands(text: str) -> Iterator[list[str]]:
    """What stands behind the program's name, in code."""
    code = re.findall(r"```sh\n(.*?)```|`([^`]+)`", text, re.DOTALL)
    for piece in ("".join(found) for found in code):
        yield from (match.group(1).split() for match in COMMAND.finditer(piece))


def options(words: list[str]) -> set[str]:
    """Those that the command has; fails where there is no such command."""
    command: click.Command = cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.get_command(click.Context(command), word)
        assert found is not None, words
        command = found
    return {name for one in command.params for name in one.opts} | {"--help"}


def test_every_command_is_there_with_its_options(runbook: str) -> None:
    for words in commands(runbook):
        asked = {word for word in words if word.startswith("--")}
        assert asked <= options(words), words


def test_what_is_looked_for_is_shown_at_that_port(runbook: str) -> None:
    found = re.findall(r":(\d+)/metrics \| grep ([\w -]+)", runbook)
    for port, patterns in found:
        for pattern in patterns.replace("-e", "").split():
            assert any(pattern in name for name in SHOWN[int(port)]), (port, pattern)


def test_panels_that_are_named_stand_on_that_dashboard(runbook: str) -> None:
    named = re.findall(r'dashboard\s+\*(\w+)\*,([^.`]*"[^.`]*)', " ".join(runbook.split()))
    for title, words in named:
        board = next(one for one in BOARDS if one.title.endswith(title))
        titles = [panel.title for panel in board.panels] + [row.title for row in board.rows]
        there = {one.partition(" (")[0] for one in titles}
        for quoted in re.findall('"([^"]+)"', words):
            assert quoted in there, (title, quoted)


def test_every_outcome_that_can_be_an_orchestrators_doing_is_explained() -> None:
    """`response_too_large` and the like are by their nature somebody else's, or nobody's."""
    never = {
        *(Outcome.OK, Outcome.PAYMENT_REFUSED, Outcome.INSUFFICIENT_FUNDS, Outcome.CANCELLED),
        *(Outcome.PRICE_ABOVE_LIMIT, Outcome.GATEWAY_ERROR, Outcome.WRONG_ORCHESTRATOR),
        *(Outcome.LANE_FAILED, Outcome.TESTER_ERROR, Outcome.RESPONSE_TOO_LARGE),
        *(Outcome.NSFW_FILTERED, Outcome.UNAUTHORIZED, Outcome.BAD_REQUEST),
    }
    text = RUNBOOKS["LivepeerAiConsecutiveFailures"]
    assert {one for one in Outcome if f"`{one.value}`" not in text} == never


def test_places_within_other_texts_are_there(runbook: str) -> None:
    for path, place in re.findall(r"\]\(\.\./(\w+\.md)#([\w-]+)\)", runbook):
        heads = re.findall("^#+ (.*)$", (DOCS / path).read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
        assert place in anchors, (path, place)
