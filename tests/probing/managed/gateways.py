"""Gateway programs for the tests, as executable files, and the settings that name them."""

import os
import sys
from pathlib import Path
from typing import Any

import psutil

from exporter.settings.livepeer import Livepeer

FAKE = Path(__file__).with_name("fake_gateway.py")
URI = "https://127.0.0.1:8935"
ACCOUNT = "0x" + "ab" * 20
RPC = "https://rpc.example.org/v2/SECRETSECRETKEY123"


def program(folder: Path, name: str = "livepeer", **faults: Any) -> Path:
    """Write the fake gateway with these faults as a file that can be executed."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{name}.new"
    new.write_text(
        f"#!{sys.executable} -IS\nFAULTS = {faults!r}\n"
        f"exec(compile(open({str(FAKE)!r}).read(), 'fake', 'exec'))\n"
    )
    new.chmod(0o755)
    os.replace(new, folder / name)  # noqa: PTH105 - an atomic rename, as installers do
    return folder / name


def settings(binary: Path | None, **more: Any) -> Livepeer:
    """Settings with short times."""
    quick = {"start_timeout": 20.0, "answer_timeout": 1.0, "stop_timeout": 1.0, "lanes": 2}
    return Livepeer(binary=binary, **(quick | more))


def keystore(folder: Path, *accounts: str) -> Path:
    """A folder with a key file for each account."""
    folder.mkdir(mode=0o700)
    for account in accounts:
        digits = account.removeprefix("0x")
        file = folder / f"UTC--2026-01-01T00-00-00.000000000Z--{digits}"
        file.write_text(f'{{"address":"{digits}","crypto":{{}},"id":"x","version":3}}')
        file.chmod(0o600)
    return folder


def on_chain(folder: Path, **more: Any) -> dict[str, Any]:
    """Settings of a paying lane, with a good keystore in `folder`."""
    passphrase = folder / "passphrase"
    passphrase.write_text("open sesame\n")
    passphrase.chmod(0o600)
    return {
        "rpc": RPC,
        "account": ACCOUNT,
        "keystore": keystore(folder / "keystore", ACCOUNT),
        "passphrase_file": passphrase,
        "max_price_per_unit": 100,
    } | more


def gone(pid: int) -> bool:
    """Whether the process has ended; who only waits to be reaped has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def gateways_below() -> list[psutil.Process]:
    """The processes that this one started, without the servers that other tests' workers need."""
    return [child for child in psutil.Process().children() if not _serves_tests(child)]


def _serves_tests(process: psutil.Process) -> bool:
    try:
        worker = any("multiprocessing" in word for word in process.cmdline())
        return worker or process.name() == "influxd"
    except psutil.NoSuchProcess:
        return False
