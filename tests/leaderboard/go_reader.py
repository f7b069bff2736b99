"""The program in `go_reader/`, which reads bodies with Go's own `encoding/json`."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from exporter.leaderboard.go_json_reader import GoJsonError, PostedError, PostedStat, read_stat
from tests.missing import missing

SOURCE: Final = Path(__file__).with_name("go_reader")
_FLOATS: Final = {
    "success_rate",
    "round_trip_time",
    "seg_duration",
    "upload_time",
    "download_time",
    "transcode_time",
}
_INTEGERS: Final = {"timestamp", "segments_sent", "segments_received"}


def build_go_reader(folder: Path) -> Path:
    """Compile it; skips the test without Go, and fails it where CI is true."""
    go = shutil.which("go")
    if go is None:
        why = "needs Go >= 1.19: https://go.dev/dl, or apt-get install golang-go"
        missing(why)
    program = folder / "go_reader"
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    command = [go, "build", "-buildvcs=false", "-o", str(program), "."]
    subprocess.run(command, check=True, cwd=SOURCE, env=environment, timeout=110)
    return program


def read_in_go(program: Path, bodies: Iterable[bytes]) -> list[str]:
    """For each body the stat, or Go's error; both as `read_here` shows them."""
    lines = b"".join(base64.b64encode(body) + b"\n" for body in bodies)
    done = subprocess.run([program], input=lines, check=True, capture_output=True, timeout=100)
    return [_shown(line) for line in done.stdout.decode().splitlines()]


def read_here(body: bytes) -> str:
    """What our own reader makes of a body."""
    try:
        return repr(read_stat(body))
    except GoJsonError as error:
        return f"refused: {error}"


def _shown(line: str) -> str:
    found = json.loads(line[1:], parse_int=str, parse_float=str)
    return f"refused: {found}" if line[0] == "!" else repr(_stat(found))


def _stat(found: dict[str, Any]) -> PostedStat:
    """The stat that Go wrote; numbers are texts still, as `-0` is no integer."""
    for name in _FLOATS:
        found[name] = float(found[name])
    for name in _INTEGERS:
        found[name] = int(found[name])
    if found["errors"] is not None:
        found["errors"] = tuple(
            PostedError(**{**error, "count": int(error["count"])}) for error in found["errors"]
        )
    return PostedStat(**found)
