"""Our contracts, compiled once a process."""

from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent / "contracts"


@cache
def code(name: str) -> bytes:
    """What lies at the address of a contract of `contracts/`."""
    from vyper.compiler import compile_code  # type: ignore[import-untyped]

    source = SOURCES / f"{name}.vy"
    made = compile_code(
        source.read_text(), output_formats=["bytecode_runtime"], contract_path=source
    )
    return bytes.fromhex(made["bytecode_runtime"].removeprefix("0x"))
