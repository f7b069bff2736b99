"""The keystore: exactly the right key, a passphrase, and nothing that is ever made in it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.probing.managed import keystore as keystores
from exporter.probing.managed.faults import Fault, StartFailure
from tests.probing.managed.gateways import ACCOUNT, keystore

OTHER = "0x" + "cd" * 20


def refused(folder: Path, passphrase: Path, **more: set[str]) -> StartFailure:
    with pytest.raises(StartFailure) as caught:
        keystores.check(folder, passphrase, ACCOUNT, **more)
    return caught.value


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    return file


def test_a_folder_with_the_key_and_nothing_else_is_good(tmp_path: Path, passphrase: Path) -> None:
    folder = keystore(tmp_path / "keys", ACCOUNT)
    (key,) = folder.iterdir()
    assert keystores.check(folder, passphrase, ACCOUNT, {OTHER}) == {key.name}


def test_an_address_may_be_written_in_any_case_and_with_0x(
    tmp_path: Path, passphrase: Path
) -> None:
    folder = keystore(tmp_path / "keys")
    (folder / "key").write_text(f'{{"address":"0x{"AB" * 20}","crypto":{{}},"version":3}}')
    (folder / "key").chmod(0o600)
    (folder / ".DS_Store").write_text("x")
    assert "key" in keystores.check(folder, passphrase, ACCOUNT)


def write(text: str | bytes) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        (path / "key").write_bytes(text if isinstance(text, bytes) else text.encode())
        (path / "key").chmod(0o600)

    return make


def world_writable(path: Path) -> None:
    write(f'{{"address":"{ACCOUNT}","crypto":{{}},"version":3}}')(path)
    (path / "key").chmod(0o666)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, f"holds no key file; put that of {ACCOUNT} there"),
        (write("{}"), "is not a key file"),
        (write("x"), "is not a key file"),
        (write(b"\xff\xfe"), "is not UTF-8 text"),
        (write("x" * 70_000), "is larger than 65536 bytes"),
        (write('{"address":"0x12","crypto":{},"version":3}'), '"address" is not an ETH address'),
        (write('{"address":7,"crypto":{},"version":3}'), "is not a key file"),
        (world_writable, "other users can change the key file; chmod 600"),
        (lambda path: (path / "key").symlink_to("/etc/hostname"), "is a link"),
        (lambda path: os.mkfifo(path / "key"), "is not a plain file"),
        (lambda path: (path / "key").mkdir(), "is not a plain file"),
    ],
)
def test_a_folder_without_a_usable_key_is_refused(
    tmp_path: Path, passphrase: Path, make: Callable[[Path], object], message: str
) -> None:
    folder = keystore(tmp_path / "keys")
    make(folder)
    failure = refused(folder, passphrase)
    assert message in str(failure)
    assert str(failure).startswith(str(folder))
    assert failure.fault == Fault.KEYSTORE


def test_the_key_of_another_account_is_refused(tmp_path: Path, passphrase: Path) -> None:
    failure = refused(keystore(tmp_path / "keys", OTHER), passphrase)
    assert f"is the key of {OTHER}, not of {ACCOUNT}" in str(failure)
    assert "makes a new account" in str(failure)


def test_two_keys_are_one_too_many(tmp_path: Path, passphrase: Path) -> None:
    failure = refused(keystore(tmp_path / "keys", ACCOUNT, OTHER), passphrase)
    assert "holds 2 files where exactly the key file" in str(failure)


def test_a_missing_folder_and_a_file_in_its_place_are_told_apart(
    tmp_path: Path, passphrase: Path
) -> None:
    assert "there is no such folder" in str(refused(tmp_path / "keys", passphrase))
    (tmp_path / "keys").write_text("{}")
    assert "is a file; name the folder" in str(refused(tmp_path / "keys", passphrase))


def test_an_orchestrators_own_account_is_refused(tmp_path: Path, passphrase: Path) -> None:
    folder = keystore(tmp_path / "keys", ACCOUNT)
    failure = refused(folder, passphrase, orchestrators={ACCOUNT})
    assert f"the account {ACCOUNT} is an orchestrator" in str(failure)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("", 0o600, "the passphrase is empty"),
        (" \n", 0o600, "the passphrase is empty"),
        ("x", 0o644, "other users can read or change the file; chmod 600"),
        ("x", 0o620, "other users can read or change the file"),
        ("x" * 5000, 0o600, "larger than 4096 bytes"),
    ],
)
def test_a_passphrase_file_that_is_not_safe_or_not_one_is_refused(
    tmp_path: Path, passphrase: Path, text: str, mode: int, message: str
) -> None:
    folder = keystore(tmp_path / "keys", ACCOUNT)
    passphrase.write_text(text)
    passphrase.chmod(mode)
    failure = refused(folder, passphrase)
    assert (failure.fault, message in str(failure)) == (Fault.PASSPHRASE, True)


def test_a_passphrase_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = keystore(tmp_path / "keys", ACCOUNT)
    assert "there is no such passphrase file" in str(refused(folder, tmp_path / "none"))
    os.mkfifo(tmp_path / "pipe")
    assert "is not a plain file" in str(refused(folder, tmp_path / "pipe"))


def test_what_appears_in_the_folder_is_noticed(tmp_path: Path, passphrase: Path) -> None:
    folder = keystore(tmp_path / "keys", ACCOUNT)
    before = keystores.check(folder, passphrase, ACCOUNT)
    assert keystores.appeared(folder, before) == []
    (folder / "UTC--new").write_text("{}")
    assert keystores.appeared(folder, before) == ["UTC--new"]
