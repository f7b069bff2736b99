"""The environment of the programs that are started: little, and none of the tester's own."""

import os
from pathlib import Path
from typing import Final

MARK: Final = "LIVEPEER_LANE_OF"
"""Variable by which a tester recognises the processes that it started."""

_PASSED_ON: Final = (
    "PATH",
    "TZ",
    "LANG",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GODEBUG",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
)
"""What programs need to run at all, to trust the right authorities, and to stay small."""


def environment(folder: Path, mark: str) -> dict[str, str]:
    """The environment of a program that may write into `folder` only.

    No proxy and no `LP_…` variable of ours gets into it: those would change what is measured.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"HOME": str(folder), "TMPDIR": str(folder), MARK: mark}
