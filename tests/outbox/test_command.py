"""`livepeer-exporter outbox …`, beside a process that has the outbox open and without one."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli import cli
from exporter.cli.outbox import outbox as outbox_command
from exporter.model import encode
from exporter.outbox import Letter, Outbox, dead_letters
from exporter.outbox.file import VERSION
from tests.measurements import failed, good

NOW = 1_790_000_000_000_000_000
FIRST = NOW // 1000 + 1
HOUR = 3600 * 10**9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
async def outbox(data: Path) -> AsyncIterator[Outbox]:
    """Three measurements, of which the store has one, and three dead letters; it stays open."""
    outbox = Outbox.open(
        data / "outbox.sqlite", max_bytes=2**24, keep_delivered=9, clock=lambda: NOW
    )
    hour_ago = time.time_ns() - HOUR
    await outbox.put(good("delivered"))
    await outbox.put(failed("waiting", started_at=hour_ago, model="evil\x1b[2Jmodel"))
    await outbox.put(good("waiting too"))
    await outbox.advance("store", FIRST)
    letters = [Letter(n, f"dead{n}", encode(good(f"dead{n}")), "too old") for n in (1, 2)]
    await outbox.set_aside("store", [*letters, Letter(3, "dead3", b"\x1b{", "no \x1bdecoding")])
    yield outbox
    await outbox.close()


def run(command: str, data: Path, *more: str, answer: str | None = None) -> Result:
    arguments = ["outbox", command, "--data", str(data), *more]
    return CliRunner().invoke(cli, arguments, input=answer, prog_name="livepeer-exporter")


def document(command: str, data: Path, *more: str) -> Any:
    result = run(command, data, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_status_tells_all_in_one_document(outbox: Outbox, data: Path) -> None:
    status = document("status", data)
    assert 3600 <= status.pop("oldest_undelivered_age") < 3700
    assert status.pop("bytes") == await outbox.size()
    assert status == {
        "outbox": str(data / "outbox.sqlite"),
        "id": outbox.id,
        "measurements": 3,
        "first": FIRST,
        "last": FIRST + 2,
        "undelivered": 2,
        "consumers": [{"consumer": "store", "position": FIRST, "lag": 2}],
        "dead_letters": [
            {"consumer": "store", "reason": "too old", "dead_letters": 2, "to_retry": 0},
            {"consumer": "store", "reason": "no \x1bdecoding", "dead_letters": 1, "to_retry": 0},
        ],
        "lost": {
            "measurements": 0,
            "last": None,
            "since": None,
            "lately": 0,
            "dead_letters": 0,
        },
    }


@pytest.mark.usefixtures("outbox")
async def test_status_is_a_text_for_people(data: Path) -> None:
    text = run("status", data).stdout
    assert f"measurements   3, numbers {FIRST} to {FIRST + 2}" in text
    assert "not delivered  2, the oldest from a job 60 min ago" in text
    assert "lost           none" in text
    assert "Dead letters: 3" in text
    assert "\x1b" not in text


async def test_status_tells_what_was_lost(data: Path) -> None:
    outbox = Outbox.open(
        data / "outbox.sqlite", max_bytes=2**20, keep_delivered=0, clock=lambda: NOW
    )
    for n in range(30):
        await outbox.put(good(f"m{n}", response="x" * 50_000))
    lost = (await outbox.losses()).measurements
    await outbox.close()
    assert document("status", data)["lost"]["measurements"] == lost > 0
    text = run("status", data).stdout
    assert (
        f"lost           {lost} for want of room (`outbox.max_bytes`); {lost} of them from" in text
    )
    assert "none has taken anything yet" in text


@pytest.mark.usefixtures("outbox")
async def test_what_waits_is_shown_oldest_first_and_at_most_so_many(data: Path) -> None:
    found = document("inspect", data)["measurements"]
    assert [(one["id"], one["seq"], one["state"]) for one in found] == [
        ("waiting", FIRST + 1, "waiting"),
        ("waiting too", FIRST + 2, "waiting"),
    ]
    assert found[1]["measurement"]["phases"]["round_trip"] == 2 * 10**9
    (first,) = document("inspect", data, "--limit", "1")["measurements"]
    assert first["id"] == "waiting"
    text = run("inspect", data).stdout
    assert "waiting too" in text
    assert "evil\ufffd[2Jmodel" in text


@pytest.mark.usefixtures("outbox")
async def test_dead_letters_are_shown_with_the_reason(data: Path) -> None:
    found = document("inspect", data, "--dead")["measurements"]
    assert [(one["id"], one["reason"]) for one in found] == [
        ("dead3", "no \x1bdecoding"),
        ("dead2", "too old"),
        ("dead1", "too old"),
    ]
    assert found[0]["measurement"] is None
    assert found[0]["payload"] == "\x1b{"
    text = run("inspect", data, "--dead").stdout
    assert "too old" in text
    assert "\x1b" not in text


@pytest.mark.usefixtures("outbox")
async def test_one_is_shown_with_all_about_it(data: Path) -> None:
    assert "delivered, and still kept" in run("inspect", data, "--id", "delivered").stdout
    text = run("inspect", data, "--id", "waiting").stdout
    assert "not delivered yet" in text
    assert "inference_timeout" in text
    dead = run("inspect", data, "--id", "dead1").stdout
    assert "dead letter of store" in dead
    assert "reason: too old" in dead
    assert "round trip" in dead
    assert "\x1b" not in run("inspect", data, "--id", "dead3").stdout
    missing = run("inspect", data, "--id", "nowhere")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "no measurement with this id" in missing.stderr
    assert run("inspect", data, "--dead", "--id", "waiting").exit_code == 1


async def test_retry_has_letters_offered_again(outbox: Outbox, data: Path) -> None:
    result = run("retry", data, "dead2", "nowhere", "dead1")
    assert result.exit_code == 1
    assert "2 dead letters will be offered again" in result.stdout
    assert "no dead letter with the id nowhere" in result.stderr
    assert [one.id for one in await outbox.to_retry("store", 0, 10)] == ["dead1", "dead2"]
    assert document("inspect", data, "--id", "dead2")["measurements"][0]["to_be_offered_again"]
    assert run("retry", data, "--all").exit_code == 0
    assert await outbox.count_to_retry("store", 0) == 3


async def test_drop_asks_first_and_deletes(outbox: Outbox, data: Path) -> None:
    refused = run("drop", data, "--all", answer="n\n")
    assert refused.exit_code == 1
    assert "Delete 3 dead letters for good?" in refused.stdout
    assert await outbox.dead_letters() == {"store": 3}
    assert run("drop", data, "dead1", answer="y\n").exit_code == 0
    assert await outbox.dead_letters() == {"store": 2}
    assert "2 dead letters deleted" in run("drop", data, "--all", "--yes").stdout
    assert await outbox.dead_letters() == {}
    assert await outbox.pending(0) == 3


async def test_where_nothing_is_to_be_shown_it_says_so(tmp_path: Path) -> None:
    empty = Outbox.open(tmp_path / "outbox.sqlite", max_bytes=2**24, keep_delivered=2)
    await empty.close()
    assert run("inspect", tmp_path).stdout == "nothing waits: all is delivered\n"
    assert run("inspect", tmp_path, "--dead").stdout == "no dead letters\n"


async def test_it_works_without_a_running_service_and_leaves_only_the_file(
    outbox: Outbox, data: Path
) -> None:
    await outbox.close()
    assert document("status", data)["measurements"] == 3
    assert run("retry", data, "dead1").exit_code == 0
    assert os.listdir(data) == ["outbox.sqlite"]  # noqa: PTH208 - only names


@pytest.mark.usefixtures("outbox")
async def test_the_settings_name_the_folder(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"region: FRA\ndata: {data}\nsources: {{gateway: [{{url: 'http://g:1'}}]}}\n")
    result = CliRunner().invoke(cli, ["outbox", "status", "--config", str(config)])
    assert result.exit_code == 0, result.output
    assert "not delivered  2" in result.stdout
    config.write_text("regio: FRA\n")
    assert CliRunner().invoke(cli, ["outbox", "status", "--config", str(config)]).exit_code == 2


@pytest.mark.parametrize("command", ["status", "inspect", "retry", "drop"])
@pytest.mark.parametrize("content", [None, b""])
def test_where_there_is_none_it_says_so_and_makes_none(
    data: Path, command: str, content: bytes | None
) -> None:
    if content is not None:
        (data / "outbox.sqlite").write_bytes(content)
    before = list(data.iterdir())
    more = ["--all"] if command in ("retry", "drop") else []
    result = run(command, data, *more)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "there is no outbox" in result.stderr
    assert list(data.iterdir()) == before
    assert all(file.stat().st_size == 0 for file in before)
    assert run(command, data / "no" / "folder", *more).exit_code == 3


@pytest.mark.parametrize(
    ("sabotage", "words"),
    [
        (f"PRAGMA user_version = {VERSION + 1}", "newer version"),
        ("PRAGMA user_version = 1", "the service upgrades it when it starts"),
        ("PRAGMA application_id = 1", "another program"),
        ("DROP TABLE dead_letter", "cannot be used"),
    ],
)
async def test_a_file_that_it_cannot_use_is_named_and_left_alone(
    outbox: Outbox, data: Path, sabotage: str, words: str
) -> None:
    await outbox.close()
    file = data / "outbox.sqlite"
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(sabotage)
    before = file.read_bytes()
    result = run("status", data)
    assert result.exit_code == 3
    assert words in result.stderr
    assert file.read_bytes() == before


async def test_a_damaged_file_is_said_to_be(outbox: Outbox, data: Path) -> None:
    await outbox.close()
    file = data / "outbox.sqlite"
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    file.write_bytes(content)
    result = run("status", data)
    assert result.exit_code == 3
    assert "damaged" in result.stderr
    file.write_bytes(b"hello " * 9000)
    assert "some other file" in run("status", data).stderr
    file.unlink()
    shutil.copytree(data, file)
    assert "is not a file" in run("status", data).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--data", "a", "--config", "b"],
        ["retry", "--data", "a"],
        ["drop", "--data", "a", "--all", "an-id"],
        ["inspect", "--data", "a", "--limit", "0"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, ["outbox", *arguments]).exit_code == 2


DOCS = (Path(__file__).parents[2] / "docs" / "outbox.md").read_text(encoding="utf-8")


def test_every_command_and_option_is_described() -> None:
    assert set(outbox_command.commands) == {"status", "inspect", "retry", "drop"}
    for name, command in outbox_command.commands.items():
        assert f"`livepeer-exporter outbox {name}`" in DOCS
        options = {word for parameter in command.params for word in parameter.opts}
        assert [one for one in options if one.startswith("--") and one not in DOCS] == []


def test_the_most_that_is_kept_is_what_the_docs_say() -> None:
    assert f"At most {dead_letters.MOST:,} are kept" in DOCS
