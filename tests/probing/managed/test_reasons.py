"""Why a gateway ended, read from what it said last."""

import json
from pathlib import Path

import pytest

from exporter.probing.managed.faults import Fault
from exporter.probing.managed.reasons import last_words, why_it_ended

HEAD = "E1123 23:16:11.011849   28383 starter.go:2139] "
WRONG = "Error unlocking Ethereum account: could not decrypt key with given password"
RECORDED = Path(__file__).parents[4] / "shared" / "gateway" / "lane-logs.jsonl"


@pytest.mark.parametrize(
    ("line", "fault", "reason"),
    [
        (
            HEAD + WRONG,
            Fault.PASSPHRASE,
            f"the passphrase is not that of the key ({WRONG})",
        ),
        (
            HEAD + "Error unlocking Ethereum account: no key",
            Fault.KEYSTORE,
            "Error unlocking Ethereum account: no key",
        ),
        (
            HEAD + "node does not support chainID = 1 right now",
            Fault.RPC,
            "the Ethereum node is of another network (node does not support chainID = 1 right now)",
        ),
        (
            "panic: Pipeline in 'maxPricePerCapability' config is not valid capability: x",
            Fault.PRICE_LIMITS,
            "panic: Pipeline in 'maxPricePerCapability' config is not valid capability: x",
        ),
        (
            "flag provided but not defined: -x",
            Fault.FLAGS,
            "flag provided but not defined: -x",
        ),
        (
            "livepeer: error while loading shared libraries: libx.so",
            Fault.BINARY,
            "livepeer: error while loading shared libraries: libx.so",
        ),
        (HEAD + "oh", Fault.ENDED, "it ended with exit code 1: oh"),
        ("panic: oh", Fault.ENDED, "it ended with exit code 1: panic: oh"),
        ("bye", Fault.ENDED, "it ended with exit code 1: bye"),
    ],
)
def test_what_it_said_gives_the_kind_of_failure_and_the_words(
    line: str, fault: Fault, reason: str
) -> None:
    lines = ["| EthUrl | x |", line, "I1123 23:16:11.011849 1 db.go:368] Closing DB"]
    if fault is Fault.ENDED and line == "bye":
        lines.pop()
    assert why_it_ended(lines, 1) == (fault, reason)


@pytest.mark.parametrize(
    "line",
    [
        HEAD + "Error opening DB: database or disk is full",
        HEAD + "mkdir /data/lanes/x: no space left on device",
    ],
)
def test_a_full_disk_is_nobodys_fault_but_the_folders(line: str) -> None:
    fault, reason = why_it_ended(["I1123 23:16:11.011849 1 starter.go:1] hello", line], 1)
    assert fault is Fault.FOLDER
    assert "is the disk full?" in reason
    assert line.partition("] ")[2] in reason


def test_the_table_of_flags_is_never_taken_for_last_words() -> None:
    table = ["*----------*----------*", "| Gateway  | true     |", "*----------*----------*", ""]
    assert why_it_ended(table, 1) == (
        Fault.ENDED,
        "it ended with exit code 1 and told nothing of why",
    )
    assert last_words(["I1123 23:16:11.011849 1 starter.go:1] hello", *table]) == "hello"
    assert last_words(table) is None


def test_one_that_was_killed_is_not_explained_by_what_it_said_last() -> None:
    lines = ["I1123 23:16:11.011849 1 ai_process.go:1604] prompt=a lighthouse Processed AI request"]
    assert why_it_ended(lines, -9) == (Fault.ENDED, "it was ended by signal 9")
    lines.append("panic: oh")
    assert why_it_ended(lines, -6) == (Fault.ENDED, "it was ended by signal 6: panic: oh")


def test_one_that_said_nothing() -> None:
    assert why_it_ended([], 2) == (Fault.ENDED, "it ended with exit code 2 and told nothing of why")


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not there")
def test_a_recorded_port_clash_is_known() -> None:
    seen = 0
    for line in RECORDED.read_text().splitlines():
        entry = json.loads(line)
        if entry["scenario"] == "startup-port-in-use":
            assert why_it_ended(entry["lines"], entry["exit_code"])[0] is Fault.PORTS
            seen += 1
    assert seen == 2
