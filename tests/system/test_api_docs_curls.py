"""Every command of docs/api.md, run word for word against the demo."""

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from exporter.web.app import build_app
from tests.missing import missing
from tests.stations import running_station
from tests.system.service import POLL, environment, running, station_of_demo, until_answered

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
BASE = "STATION=http://localhost:9877"
BLOCK = re.compile(
    r"^```sh\n(?P<command>.*?)\n```\n(?:\n```(?P<kind>\w+)\n(?P<output>.*?)\n```\n)?",
    re.MULTILINE | re.DOTALL,
)
POSTED = "0x00000000000000000000000000000000000000aa"
PATIENCE = 90.0


class Example(NamedTuple):
    """A command of the docs, and what it is said to print."""

    command: str
    kind: str | None
    output: str


def examples() -> list[Example]:
    found = [Example(m["command"], m["kind"], m["output"] or "") for m in BLOCK.finditer(TEXT)]
    assert found[0] == Example(BASE, None, "")
    return found[1:]


def shortened(example: str) -> Any:
    """The JSON of an example, without the ellipses for what was left out."""
    text = re.sub(r",\s*…(?=\s*[}\]])", "", example)
    return json.loads(re.sub(r"(?<=[{\[])\s*…(?=\s*[}\]])", "", text))


def misfits(example: Any, found: Any, at: str = "$") -> Iterator[str]:
    """Where an answer lacks what the example has; a null of the example stands for anything."""
    if isinstance(example, dict) and isinstance(found, dict):
        for key, value in example.items():
            if key in found:
                yield from misfits(value, found[key], f"{at}.{key}")
            else:
                yield f"{at}.{key} is missing"
    elif isinstance(example, list) and isinstance(found, list):
        for index, value in enumerate(example):
            if not any(not list(misfits(value, one)) for one in found):
                yield f"{at}[{index}]: nothing is like it"
    elif isinstance(example, bool):
        if example is not found:
            yield f"{at} is {found}"
    elif isinstance(example, int | float):
        if isinstance(found, bool) or not isinstance(found, int | float):
            yield f"{at} is no number"
    elif example is not None and type(example) is not type(found):
        yield f"{at} is {type(found).__name__}"


def missing_lines(example: str, found: str) -> Iterator[str]:
    """Lines of the example that were not printed; one that ends with an ellipsis may go on."""
    lines = found.splitlines()
    for line in example.splitlines():
        start, ellipsis, _ = line.partition("…")
        if not any(one.startswith(start) if ellipsis else one == line for one in lines):
            yield f"not printed: {line}"


def complaints(example: Example, printed: str) -> list[str]:
    if example.kind != "json":
        return list(missing_lines(example.output, printed))
    try:
        found = json.loads(printed)
    except ValueError:
        return [f"no JSON: {printed[:200]!r}"]
    return list(misfits(shortened(example.output), found))


async def run(command: str, station: str, folder: Path) -> tuple[int, str]:
    """Give the exit code, and what was printed, errors included."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command),
        cwd=folder,
        env=environment(STATION=station, no_proxy="*"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode(errors="replace")


async def until_it_holds(url: str, words: str) -> None:
    """Ask until the answer has the words."""
    answer = ""
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            async with asyncio.timeout(PATIENCE):
                while words not in answer:
                    await asyncio.sleep(POLL)
                    answer = (await client.get(url)).text
        except TimeoutError:
            raise AssertionError(f"{url} never had {words!r}, but {answer[:500]}") from None


def need(*programs: str) -> None:
    wanting = [program for program in programs if shutil.which(program) is None]
    if wanting:
        hint = f"{', '.join(wanting)}: not installed, and the commands of docs/api.md need it"
        missing(hint)


@pytest.mark.system
@pytest.mark.timeout(300)
async def test_each_command_of_the_docs_prints_what_they_say(tmp_path: Path) -> None:
    need("bash", "curl", "openssl", "sed", "grep")
    arguments = ("demo", "--port", "0", "--data", str(tmp_path / "data"))
    async with running(*arguments, log=tmp_path / "err"):
        station = await station_of_demo(tmp_path / "err")
        await until_answered(f"{station}/readyz")
        await until_it_holds(f"{station}/api/v1/rounds", '"left":0')
        top = "/api/top_ai_score?orchestrator=0x4c1cab89a4f0941889eaf1457eed60e087898e0e"
        await until_it_holds(f"{station}{top}", '"model":"glm-4.7-flash"')
        wrong = {}
        for example in examples():
            code, printed = await run(example.command, station, tmp_path)
            if found := [f"exit code {code}"] * (code != 0) + complaints(example, printed):
                wrong[example.command] = found
        assert wrong == {}
        await until_it_holds(f"{station}/api/raw_stats?job_type=ai&orchestrator={POSTED}", POSTED)


async def test_each_route_has_a_command(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        routes = build_app(station.here).router.resources()
        paths = {resource.canonical for resource in routes}
    commands = "\n".join(example.command for example in examples())
    shown = re.findall(r'curl [^\n]*"\$STATION([^?"]*)', commands)
    assert {path.replace("$JOB", "{id}") for path in shown} == paths


def test_every_shell_block_is_an_example_with_its_output() -> None:
    assert len(examples()) == TEXT.count("```sh\n") - 1
    assert [example for example in examples() if example.kind not in ("json", "text")] == []


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        (Example("", "json", '{"a": 1, …}'), '{"b": 1}'),
        (Example("", "json", '{"a": [{"b": "x"}, …]}'), '{"a": [{"b": 1}]}'),
        (Example("", "json", '{"a": [1]}'), '{"a": []}'),
        (Example("", "json", '{"a": true}'), '{"a": false}'),
        (Example("", "json", '{"a": 1}'), '{"a": true}'),
        (Example("", "json", '{"a": {…}}'), '{"a": []}'),
        (Example("", "json", "{}"), "404 page not found"),
        (Example("", "text", "ok"), "okay"),
        (Example("", "text", "x{…"), "y"),
    ],
)
def test_what_is_not_as_the_docs_say_is_found(example: Example, printed: str) -> None:
    assert complaints(example, printed) != []
