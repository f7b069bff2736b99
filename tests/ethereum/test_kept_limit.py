"""What web3 imports must not take from the process what keeps it from ending by hostile texts."""

import subprocess
import sys

from exporter.ethereum.kept_limit import recursion_limit_kept

IMPORTED = """
import sys
from exporter.names.node_provider import NodeProvider
assert "py_ecc" in sys.modules, "the test is about nothing"
print(sys.getrecursionlimit())
"""
DEEP = """
import asyncio, json
from exporter.ethereum.node import Question
from exporter.names.ens import open_ens
asyncio.run(open_ens(None))
try:
    json.loads("[" * 90_000)
except RecursionError:
    print("refused")
"""


def said(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout.strip()


def test_web3_is_imported_without_its_limit_of_recursion() -> None:
    assert said(IMPORTED) == "1000"


def test_a_deep_text_does_not_end_a_process_that_asks_for_names() -> None:
    assert said(DEEP) == "refused"


def test_the_limit_can_be_set_again_after_the_block() -> None:
    before = sys.getrecursionlimit()
    with recursion_limit_kept():
        sys.setrecursionlimit(before + 7)
        assert sys.getrecursionlimit() == before
    sys.setrecursionlimit(before + 1)
    assert sys.getrecursionlimit() == before + 1
    sys.setrecursionlimit(before)
