"""`dashboards export`, as an operator uses it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporter.cli.dashboards import dashboards
from exporter.grafana.boards import Edition, boards
from exporter.shipped import folder


def export(into: Path, *more: str) -> Result:
    return CliRunner().invoke(dashboards, ["export", "--dir", str(into), *more])


def test_the_files_are_those_that_come_with_the_program(tmp_path: Path) -> None:
    done = export(tmp_path / "new" / "folder")
    assert done.exit_code == 0
    written = {path.name: path.read_text() for path in (tmp_path / "new" / "folder").iterdir()}
    shipped = {
        f"{board.uid}.json": path.read_text()
        for edition in Edition
        for board, path in zip(
            boards(edition), sorted((folder("dashboards") / edition).glob("*.json")), strict=True
        )
    }
    assert written == shipped


def test_a_data_source_and_a_bucket_are_chosen_at_first(tmp_path: Path) -> None:
    chosen = ("--edition", "influxdb", "--datasource-uid", "abc", "--bucket", "my 'own'")
    assert export(tmp_path, *chosen).exit_code == 0
    for path in tmp_path.iterdir():
        source, bucket, *_ = json.loads(path.read_text())["templating"]["list"]
        assert source["current"] == {"selected": True, "text": "abc", "value": "abc"}
        assert bucket["query"] == bucket["current"]["value"] == "my 'own'"


def test_a_data_source_is_of_one_edition(tmp_path: Path) -> None:
    done = export(tmp_path / "none", "--datasource-uid", "abc")
    assert done.exit_code == 2
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--datasource-uid", ""),
        ("--datasource-uid", "a b"),
        ("--datasource-uid", "x" * 41),
        ("--bucket", ""),
        ("--bucket", 'my "own"'),
        ("--bucket", "a\\b"),
        ("--bucket", "${datasource}"),
    ],
)
def test_what_grafana_could_not_ask_is_refused(tmp_path: Path, option: str, value: str) -> None:
    done = export(tmp_path / "none", "--edition", "influxdb", option, value)
    assert done.exit_code == 2
    assert "expected" in done.output
    assert not (tmp_path / "none").exists()


def test_repeating_it_changes_nothing(tmp_path: Path) -> None:
    export(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    done = export(tmp_path)
    assert done.exit_code == 0
    assert done.output.count("there") == len(before)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_nothing_that_differs_is_replaced_without_force(tmp_path: Path) -> None:
    mine = tmp_path / "livepeer-ai-orchestrator.json"
    mine.write_text("mine")
    done = export(tmp_path, "--edition", "prometheus")
    assert done.exit_code == 1
    assert f"{mine}  it is there and differs" in done.output
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    assert mine.read_text() == "mine"
    done = export(tmp_path, "--edition", "prometheus", "--force")
    assert done.exit_code == 0
    assert json.loads(mine.read_text())["uid"] == "livepeer-ai-orchestrator"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = export(tmp_path / "file" / "folder")
    assert done.exit_code == 3
    assert "Not a directory" in done.output


def test_who_stops_reading_gets_all_files_and_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = (sys.executable, "-m", "exporter", "dashboards", "export", "--dir", str(tmp_path))
    with os.fdopen(write, "wb") as output:
        ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=False)
    assert ended.stderr == b""
    assert len(list(tmp_path.iterdir())) == 10
