"""What settings name and this machine does not have is told before anything runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from exporter.cli.check_config import check_config
from exporter.exit_code import ENVIRONMENT, OK
from exporter.on_this_machine import missing
from exporter.settings import Settings
from tests.probing.managed.gateways import program

ACCOUNT = "0x" + "ab" * 20
SOURCES = {"gateway": [{"url": "http://127.0.0.1:5935"}]}


def paying(folder: Path, **more: Any) -> dict[str, Any]:
    """On-chain settings with a key and a passphrase that are as they should be."""
    keystore = folder / "keystore"
    keystore.mkdir(mode=0o700)
    key = keystore / "UTC--2026-01-01T00-00-00.0Z--key"
    key.write_text(json.dumps({"address": ACCOUNT[2:], "crypto": {}, "version": 3}))
    key.chmod(0o600)
    passphrase = folder / "passphrase"
    passphrase.write_text("open sesame\n")
    passphrase.chmod(0o600)
    return {
        "rpc": "https://rpc.example/secret-key",
        "account": ACCOUNT,
        "keystore": str(keystore),
        "passphrase_file": str(passphrase),
        "max_price_per_unit": 100,
    } | more


def settings(lane: dict[str, Any], **livepeer: Any) -> dict[str, Any]:
    return {"region": "FRA", "sources": SOURCES, "lanes": [lane], "livepeer": livepeer}


def lacking(plain: dict[str, Any]) -> list[str]:
    return missing(Settings.model_validate(plain))


def test_nothing_is_missing_where_all_is_there(tmp_path: Path) -> None:
    there = {"binary": str(program(tmp_path)), "on_chain": paying(tmp_path)}
    assert lacking(settings({"kind": "managed"}, **there)) == []


def test_what_no_lane_needs_is_not_looked_for(tmp_path: Path) -> None:
    assert lacking(settings({"kind": "direct"}, binary=str(tmp_path / "nowhere"))) == []


def test_a_program_that_is_missing_or_a_folder_or_none_is_told(tmp_path: Path) -> None:
    (told,) = lacking(settings({"kind": "managed"}, binary=str(tmp_path / "nowhere")))
    assert told == f"livepeer.binary: {tmp_path / 'nowhere'}: there is no such file"
    (told,) = lacking(settings({"kind": "managed"}, binary=str(tmp_path)))
    assert told == f"livepeer.binary: {tmp_path}: is a folder; name the program in it"
    (told,) = lacking(settings({"kind": "managed"}, binary="/bin/false"))
    assert told.startswith("livepeer.binary: /bin/false: does not seem to be go-livepeer")


def test_the_program_is_asked_as_the_service_would_with_the_flags_of_the_operator(
    tmp_path: Path,
) -> None:
    flags = [{"name": "Monitor", "value": "true"}]
    there = {"binary": str(program(tmp_path)), "flags": flags}
    (told,) = lacking(settings({"kind": "managed"}, **there))
    assert told.startswith("livepeer.flags: ")
    assert told.endswith("did you mean -monitor?")
    before = sorted(tmp_path.iterdir())
    assert lacking(settings({"kind": "managed"}, binary=there["binary"])) == []
    assert sorted(tmp_path.iterdir()) == before


def test_a_keystore_and_price_limits_that_are_no_good_are_told(tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"capabilities_prices": [{"pipeline": "text-to-imago"}]}')
    on_chain = paying(tmp_path, account="0x" + "cd" * 20, price_limits=str(limits))
    there = {"binary": str(program(tmp_path)), "on_chain": on_chain}
    keystore, prices = lacking(settings({"kind": "managed"}, **there))
    assert keystore.startswith("livepeer.on_chain: ")
    assert ACCOUNT in keystore
    assert prices.startswith("livepeer.on_chain.price_limits: ")


def test_an_account_that_is_an_orchestrator_of_ours_is_told(tmp_path: Path) -> None:
    plain = settings(
        {"kind": "managed", "orchestrator": ACCOUNT},
        binary=str(program(tmp_path)),
        on_chain=paying(tmp_path),
    )
    (told,) = lacking(plain)
    assert "is an orchestrator" in told


def test_a_file_of_authorities_that_is_missing_is_told(tmp_path: Path) -> None:
    tls = {"verify": True, "ca": str(tmp_path / "ca.pem")}
    (told,) = lacking(settings({"kind": "direct", "tls": tls}))
    assert told.startswith("lanes[0].tls.ca: ")


@pytest.mark.parametrize(("there", "code"), [(True, OK), (False, ENVIRONMENT)])
def test_check_config_tells_it_after_the_summary(tmp_path: Path, there: bool, code: int) -> None:
    binary = program(tmp_path) if there else tmp_path / "nowhere"
    path = tmp_path / "config.yaml"
    on_chain = paying(tmp_path)
    path.write_text(
        yaml.safe_dump(settings({"kind": "managed"}, binary=str(binary), on_chain=on_chain))
    )
    result = CliRunner().invoke(check_config, [str(path)])
    assert result.exit_code == code
    assert result.stdout.startswith(f"{path}: ok\n")
    assert ("livepeer.binary" in result.stderr) is not there
    assert "secret-key" not in result.output


def test_check_config_tells_what_runs_and_who_pays(tmp_path: Path) -> None:
    binary, path = program(tmp_path), tmp_path / "config.yaml"
    plain = settings({"kind": "managed"}, binary=str(binary), on_chain=paying(tmp_path), lanes=7)
    plain["sources"] = {"scout": True}
    path.write_text(yaml.safe_dump(plain))
    result = CliRunner().invoke(check_config, [str(path)])
    assert result.exit_code == OK, result.stderr
    assert f"  gateways  7 at most and the scout, of {binary}\n" in result.stdout
    assert f"on-chain (arbitrum-one-mainnet), {ACCOUNT} pays" in result.stdout.lower()
    del plain["livepeer"]["on_chain"]
    plain["sources"] = SOURCES
    path.write_text(yaml.safe_dump(plain))
    assert "off-chain, nothing is paid" in CliRunner().invoke(check_config, [str(path)]).stdout
    plain["lanes"] = [{"kind": "direct"}]
    path.write_text(yaml.safe_dump(plain))
    assert "gateways " not in CliRunner().invoke(check_config, [str(path)]).stdout
