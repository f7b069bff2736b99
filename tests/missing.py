"""What a test needs and the machine lacks."""

import os
import shutil
from typing import NoReturn

import pytest


def missing(why: str) -> NoReturn:
    """Skip the test with the reason, which says how to get it; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def program(name: str, package: str) -> str:
    """The path of a program of the machine, which Debian has in this package."""
    found = shutil.which(name)
    if found is None:
        missing(f"there is no {name}: Debian's package `{package}` has it")
    return found
