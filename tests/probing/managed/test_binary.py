"""The program: looked at, asked for its version and flags, and refused in words that help."""

import os
from pathlib import Path
from typing import Any

import pytest

from exporter.probing.managed import binary as programs
from exporter.probing.managed.binary import Binary
from exporter.probing.managed.command import needed_flags, own_flags
from exporter.probing.managed.environment import environment
from exporter.probing.managed.faults import Fault, StartFailure
from tests.probing.managed.gateways import on_chain, program, settings


async def check(path: Path, folder: Path, flags: tuple[dict[str, str], ...] = ()) -> Binary:
    livepeer = settings(path, flags=flags, on_chain=on_chain(folder))
    return await programs.check(
        path,
        needed=needed_flags(livepeer),
        own=[flag.name for flag in livepeer.flags],
        environment=environment(folder, "mark") | own_flags(livepeer),
        folder=folder,
    )


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def test_a_good_program_tells_its_version(tmp_path: Path) -> None:
    found = await check(program(tmp_path / "bin", version="0.9.1-rig"), tmp_path)
    assert found.version == "0.9.1-rig"


async def test_a_link_to_the_program_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(program(tmp_path / "bin"))
    assert (await check(tmp_path / "link", tmp_path)).version == "0.9.1"


async def test_an_old_program_is_refused_with_the_names_of_what_it_lacks(tmp_path: Path) -> None:
    lacking = ["aiProcessingRetryTimeout", "gateway"]
    with pytest.raises(StartFailure) as caught:
        await check(program(tmp_path / "bin", unknown=lacking), tmp_path)
    assert caught.value.fault == Fault.BINARY
    assert str(caught.value).endswith(
        "is too old or not whole: it does not know -aiProcessingRetryTimeout, -gateway; "
        "use a newer one"
    )


async def test_an_own_flag_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    flags = ({"name": "Monitor"}, {"name": "monitr"})
    with pytest.raises(StartFailure) as caught:
        await check(program(tmp_path / "bin"), tmp_path, flags)
    assert caught.value.fault == Fault.FLAGS
    assert str(caught.value).endswith("does not know -Monitor, -monitr; did you mean -monitor?")


async def test_an_own_flag_whose_value_it_refuses_is_refused(tmp_path: Path) -> None:
    flags = ({"name": "maxSessions", "value": "many"},)
    with pytest.raises(StartFailure, match='error setting flag "maxSessions"') as caught:
        await check(program(tmp_path / "bin"), tmp_path, flags)
    assert caught.value.fault == Fault.FLAGS


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "there is no such file"),
        (lambda path: path.mkdir(), "is a folder; name the program in it"),
        (lambda path: path.write_text("x"), "is not executable for this user; chmod"),
        (lambda path: os.mkfifo(path, 0o755), "is not a plain file"),
        (lambda path: path.symlink_to("/nowhere"), "there is no such file"),
        (lambda path: script(path, "echo hello"), r"its -help lists no flags \(it said: hello\)"),
        (lambda path: script(path, "exit 3"), "its -help lists no flags"),
        (lambda path: script(path, "yes"), "its answer to -(help|version) does not end"),
    ],
)
async def test_what_is_no_program_is_refused(tmp_path: Path, make: Any, message: str) -> None:
    make(tmp_path / "livepeer")
    with pytest.raises(StartFailure, match=f"^{tmp_path / 'livepeer'}: .*{message}") as caught:
        await check(tmp_path / "livepeer", tmp_path)
    assert caught.value.fault == Fault.BINARY


async def test_a_file_of_another_machine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "livepeer").write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 200)
    (tmp_path / "livepeer").chmod(0o755)
    with pytest.raises(StartFailure, match="cannot be executed"):
        await check(tmp_path / "livepeer", tmp_path)


async def test_a_program_that_tells_no_version_is_refused(tmp_path: Path) -> None:
    fake = program(tmp_path / "bin")
    path = script(tmp_path / "livepeer", f'[ "$1" = -help ] && exec {fake} -help; echo v1')
    with pytest.raises(StartFailure, match=r"its -version tells no version \(it said: v1\)"):
        await check(path, tmp_path)


async def test_a_program_that_does_not_answer_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "ASK_TIMEOUT", 0.2)
    with pytest.raises(StartFailure, match=r"does not answer -.* within 0.2 s") as caught:
        await check(script(tmp_path / "livepeer", "exec sleep 600"), tmp_path)
    assert caught.value.fault == Fault.TIMEOUT


async def test_the_environment_holds_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEPEER_EXPORTER_TOKEN", "SECRET")
    monkeypatch.setenv("LP_ORCHADDR", "https://elsewhere:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    found = environment(tmp_path, "mark")
    assert set(found) <= {"PATH", "TZ", "LANG", "HOME", "TMPDIR", "LIVEPEER_LANE_OF"} | {
        name for name in found if name.startswith(("GO", "SSL_CERT", "LD_", "DYLD_"))
    }
    assert found["HOME"] == str(tmp_path)
