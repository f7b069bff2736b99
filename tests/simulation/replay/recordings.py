"""The recordings of a real gateway: steps grouped into lanes, in the order of their time."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[4] / "shared" / "gateway"
SETTINGS = ("default", "retry-1ms")
_PROCESS = re.compile(r"[IWEF]\d{4} [\d:.]+ +(\d+) ")


class Step(NamedTuple):
    """One recorded request; its log lines are `head`, and `tail` where some between are missing."""

    scenario: str
    number: int
    verbosity: int
    note: str
    request: dict[str, Any]
    response: dict[str, Any]
    pools: dict[str, Any]
    calls: dict[str, int]
    head: list[str]
    tail: list[str] | None

    @property
    def name(self) -> str:
        return f"{self.scenario}-{self.number}"


class Lane(NamedTuple):
    """The steps that one gateway process saw."""

    setting: str
    steps: list[Step]

    @property
    def name(self) -> str:
        return f"{self.setting}-{self.steps[0].scenario}"

    @property
    def speed(self) -> float:
        """Quick where seconds were recorded; else as it was, so that 20 tries fit into 2 s."""
        return 4.0 if any(step.response["elapsed_s"] >= 0.9 for step in self.steps) else 1.0


class Start(NamedTuple):
    """One recorded start or end of a process; an end has no flags."""

    setting: str
    scenario: str
    flags: list[str]
    lines: list[str]
    exit_code: int | None

    @property
    def name(self) -> str:
        return f"{self.setting}-{self.scenario}"


def available() -> bool:
    return (FOLDER / "transcripts.jsonl").is_file() and (FOLDER / "lane-logs.jsonl").is_file()


def lanes() -> list[Lane]:
    """All lanes of both settings; empty where there are no recordings."""
    if not available():
        return []
    transcripts = {
        (row["gateway_flags"], row["scenario"], row["step"]): row
        for row in _rows("transcripts.jsonl")
    }
    found: dict[tuple[str, str], Lane] = {}
    waiting: list[Step] = []
    current: dict[str, str] = {}
    for log in _rows("lane-logs.jsonl"):
        if log["step"] is None:
            continue
        setting = log["gateway_flags"]
        row = transcripts[setting, log["scenario"], log["step"]]
        step = _step(row, log)
        process = _process(log["lines"]) or _shared(step, current.get(setting))
        if process is None:
            waiting.append(step)
            continue
        current[setting] = process
        lane = found.setdefault((setting, process), Lane(setting, []))
        lane.steps.extend([*waiting, step])
        waiting.clear()
    return list(found.values())


def starts() -> list[Start]:
    """All starts and ends of processes; empty where there are no recordings."""
    if not available():
        return []
    return [
        Start(
            row["gateway_flags"],
            row["scenario"],
            row.get("flags", []),
            row["lines"],
            row["exit_code"],
        )
        for row in _rows("lane-logs.jsonl")
        if row["scenario"].startswith(("startup-", "shutdown-"))
    ]


def _shared(step: Step, process: str | None) -> str | None:
    """Steps without a line of their own belong to the lane before, or else to the next."""
    if step.scenario in ("cli-status-first", "cli-before-status"):
        return None
    return process


def _process(lines: list[str]) -> str | None:
    for line in lines:
        match = _PROCESS.match(line)
        if match:
            return match[1]
    return None


def _step(row: dict[str, Any], log: dict[str, Any]) -> Step:
    lines, omitted = log["lines"], log.get("lines_omitted")
    head, tail = lines, None
    if omitted:
        head, tail = lines[: omitted["from"]], lines[omitted["from"] :]
    return Step(
        scenario=row["scenario"],
        number=row["step"],
        verbosity=log["verbosity"],
        note=row["note"],
        request=row["request"],
        response=row["response"],
        pools=row["pools_after"],
        calls=row["runner_calls_by"],
        head=head,
        tail=tail,
    )


def _rows(name: str) -> list[dict[str, Any]]:
    with (FOLDER / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
