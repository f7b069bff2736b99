import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.data_folder import DataFolder, DataFolderError
from tests.filesystems import lock_up, read_only_folder, small_disk

ROOT = Path(__file__).parents[1]

HOLD = """
import sys
from pathlib import Path
from exporter.data_folder import DataFolder
folder = DataFolder.open(Path(sys.argv[1]), "probe")
print("open", flush=True)
sys.stdin.readline()
"""

FORK = """
import os, sys
from pathlib import Path
from exporter.data_folder import DataFolder
folder = DataFolder.open(Path(sys.argv[1]), "probe")
if os.fork() == 0:
    print(os.getpid(), flush=True)
    sys.stdin.readline()
    os._exit(0)
sys.stdin.readline()
"""


def start(script: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_new_folder_is_for_this_user_only(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path / "new" / "data", "probe") as folder:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert folder.outbox == tmp_path / "new" / "data" / "outbox.sqlite"
        assert folder.store == tmp_path / "new" / "data" / "store.duckdb"


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with DataFolder.open(tmp_path, "probe"):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_each_role_has_its_own_lock_with_a_note_who_holds_it(tmp_path: Path) -> None:
    with (
        DataFolder.open(tmp_path, "probe", clock=lambda: 1_790_000_000.5),
        DataFolder.open(tmp_path, "station"),
    ):
        note = (tmp_path / "probe.lock").read_text()
        assert note == f"pid {os.getpid()}, since 2026-09-21T14:13:20+00:00\n"
        assert (tmp_path / "station.lock").exists()


def test_a_role_that_is_taken_is_refused_until_it_is_given_back(tmp_path: Path) -> None:
    folder = DataFolder.open(tmp_path, "probe")
    with pytest.raises(DataFolderError, match=f"another probe works .*pid {os.getpid()}, since"):
        DataFolder.open(tmp_path, "probe")
    folder.close()
    folder.close()
    DataFolder.open(tmp_path, "probe").close()


def test_another_process_is_named_and_its_lock_goes_when_it_is_killed(tmp_path: Path) -> None:
    with start(HOLD, tmp_path) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        with pytest.raises(DataFolderError, match=f"pid {process.pid},"):
            DataFolder.open(tmp_path, "probe")
        process.kill()
        process.wait()
        DataFolder.open(tmp_path, "probe").close()


def test_a_forked_worker_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    with start(FORK, tmp_path) as parent:
        assert parent.stdout
        assert int(parent.stdout.readline())
        with pytest.raises(DataFolderError, match=f"pid {parent.pid},"):
            DataFolder.open(tmp_path, "probe")
        parent.kill()
        parent.wait()
        DataFolder.open(tmp_path, "probe").close()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError, match="is not a folder"):
        DataFolder.open(tmp_path / "file", "probe")
    with pytest.raises(DataFolderError, match="lies below a file"):
        DataFolder.open(tmp_path / "file" / "data", "probe")


def test_a_read_only_folder_is_refused() -> None:
    with read_only_folder() as folder:
        lock_up(folder)
        with pytest.raises(DataFolderError, match=r"cannot be written .*write access"):
            DataFolder.open(folder, "probe")
        with pytest.raises(DataFolderError, match=r"cannot be made .*write access"):
            DataFolder.open(folder / "new", "probe")


def test_a_folder_on_a_full_disk_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=4):
        (tmp_path / "filler").write_bytes(b"x" * 4096)
        with pytest.raises(DataFolderError, match="make room"):
            DataFolder.open(tmp_path, "probe")
