"""The InfluxDB of the stack: its words, its first set-up, and what the exporter is told of it."""

import asyncio
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from exporter.exit_code import OK
from exporter.settings_file.schema import PREFIX
from exporter.stack.failure import StackError
from exporter.stack.folder import Folder
from exporter.stack.ports import HOST
from exporter.stack.server import Server
from exporter.stores.influx_token_files import NoPlaceError, Place

ORG: Final = "livepeer"
BUCKET: Final = "livepeer_ai"
ROLLUP_BUCKET: Final = "livepeer_ai_rollup"
USER: Final = "admin"
GRAFANA_TOKEN: Final = "influx-grafana-token"  # noqa: S105 - a file's name
_PASSWORD: Final = "influxdb-password"  # noqa: S105 - a file's name
_TOKENS: Final = {
    "TOKEN": "influx-write-token",
    "READ_TOKEN": "influx-read-token",
    "ROLLUP_TOKEN": "influx-rollup-token",
}
_LIMITS: Final = (
    "--query-concurrency=8",
    "--query-queue-size=50",
    "--query-memory-bytes=268435456",
    "--query-max-memory-bytes=2147483648",
)


def words(influxd: str, data: Path, port: int) -> list[str]:
    """The command that starts the server, with limits that suit a small machine."""
    return [
        influxd,
        f"--bolt-path={data / 'influxd.bolt'}",
        f"--engine-path={data / 'engine'}",
        f"--sqlite-path={data / 'influxd.sqlite'}",
        f"--http-bind-address={HOST}:{port}",
        "--reporting-disabled",
        *_LIMITS,
    ]


def store_variables(url: str, folder: Folder, *, made: bool = True) -> dict[str, str]:
    """What is laid over settings so that they store here; the tokens may be `made` later."""
    section = f"{PREFIX}STORE__INFLUXDB__"
    found = {
        f"{PREFIX}STORE__KIND": "influxdb",
        f"{section}URL": url,
        f"{section}ORG": ORG,
        f"{section}BUCKET": BUCKET,
        f"{section}ROLLUP_BUCKET": ROLLUP_BUCKET,
    }
    for name, file in _TOKENS.items():
        if made:
            found[f"{section}{name}_FILE"] = str(folder.secrets / file)
        else:
            found[f"{section}{name}"] = "not-made-yet"
    return found


async def set_up(config: Path, url: str, folder: Folder, environment: Mapping[str, str]) -> None:
    """Make user, buckets, tasks and tokens where they are missing. Raises `StackError`."""
    log = folder.log("influx-setup")
    command = [
        *(sys.executable, "-m", "exporter", "influx", "setup"),
        *("--config", str(config)),
        *("--username", USER),
        *("--password-file", str(password(folder))),
        *("--tokens-to", str(folder.secrets)),
        # All of them are of this stack alone: one that got lost is replaced.
        "--new-tokens",
    ]
    setup = await Server.start(
        *("influx-setup", command),
        folder=None,
        log=log,
        environment={**environment, **store_variables(url, folder)},
    )
    try:
        await asyncio.wait([setup.ended])
    finally:
        await asyncio.shield(setup.stop())
    if setup.ended.result() != OK:
        told = log.read_text(errors="replace").rstrip()
        raise StackError(
            f"InfluxDB cannot be set up:\n{told}\n"
            f"without {folder.path / 'influxdb'} it begins anew, and forgets its measurements"
        )


def password(folder: Folder) -> Path:
    """The file of the first user's password, which is made once. Raises `StackError`."""
    path = folder.secrets / _PASSWORD
    if not path.exists() or path.stat().st_size == 0:
        try:
            with Place(path, replace=True) as place:
                place.fill(SecretStr(secrets.token_hex(24)))
        except NoPlaceError as error:
            raise StackError(str(error)) from error
    return path
