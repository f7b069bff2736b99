"""Holds what was seen against what was recorded; each difference is one sentence."""

import json
import re
from typing import Any

from tests.simulation.replay.exchange import Seen
from tests.simulation.replay.kinds import kinds
from tests.simulation.replay.recordings import Step

LEAST_SHARE = 0.85
MOST_SHARE = 1.25
SLACK_SECONDS = 2.0
"""Of the gateway's time: what this machine may add at the replay's speed."""
SCRIPTED_SECONDS = 1.0
"""From here on a recorded time is a scripted wait, and may not be undercut."""

WAITING = "increasing discovery timeout"
"""This line also comes when the machine itself stalls for 0.5 s of the gateway's time."""

_RUNNER = re.compile(r"(fake|simulated) runner")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def differences(step: Step, seen: Seen, pools: Any, calls: dict[str, int]) -> list[str]:
    """All differences of one step but those of its log."""
    found = _answer(step, seen) + _time(step, seen)
    found += _pools(pools, step_pools(step.pools))
    if calls != step.calls:
        found.append(f"runner calls: {calls} for {step.calls}")
    return found


def log_differences(step: Step, lines: list[str]) -> list[str]:
    """How the kinds of log lines differ, in their order."""
    ours, head = kinds(lines), kinds(step.head)
    if not any(WAITING in kind for kind in head):
        ours = [kind for kind in ours if WAITING not in kind]
    if step.tail is None:
        return _unlike(ours, head)
    tail = kinds(step.tail)
    return _unlike(ours[: len(head)], head) + _unlike(ours[len(ours) - len(tail) :], tail)


def _pools(ours: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    if set(ours) != set(wanted):
        return [f"pools: {sorted(ours)} for {sorted(wanted)}"]
    return [
        f"pool {part}: {ours[key][part]} for {wanted[key][part]}"
        for key in wanted
        for part in wanted[key]
        if ours[key][part] != wanted[key][part]
    ]


def step_pools(pools: dict[str, Any]) -> dict[str, Any]:
    """Pools with recorded names of orchestrators, and without scores and moments."""
    return clean_pools(pools, {"https://127.0.0.1:18935": "A", "https://127.0.0.1:18945": "B"})


def clean_pools(pools: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    cleaned: dict[str, dict[str, Any]] = {}
    for key, pool in pools.items():
        cleaned[key] = {
            name: {
                "size": pool[name]["size"],
                "in_use": pool[name]["in_use"],
                "orchestrators": _listed(pool[name]["orchestrators"], names),
            }
            for name in ("cold", "warm")
        }
        cleaned[key]["last_refresh"] = bool(_STAMP.match(pool["last_refresh"]))
        suspended = pool["suspended"]
        cleaned[key]["suspended"] = {
            "list": {names.get(url, "?"): n for url, n in suspended["list"].items()},
            "current_count": suspended["current_count"],
        }
        cleaned[key]["keys"] = sorted(pool)
    return cleaned


def _listed(entries: list[dict[str, Any]] | None, names: dict[str, str]) -> Any:
    if entries is None:
        return None
    return sorted(
        (names.get(entry["url"], "?"), entry["in_flight"], sorted(entry)) for entry in entries
    )


def _answer(step: Step, seen: Seen) -> list[str]:
    recorded = step.response
    wanted = (recorded.get("status"), bool(recorded.get("closed")))
    if (seen.status, seen.closed) != wanted:
        return [f"answer: {(seen.status, seen.closed)} for {wanted}: {seen.body[:200]!r}"]
    if seen.gave_up != bool(recorded.get("client_timeout")):
        return [f"gave up: {seen.gave_up}"]
    if seen.status is None:
        return []
    found = _headers(recorded["headers"], seen.headers)
    if "body_truncated_from" in recorded:  # One answer of the CLI port: the pools.
        return found if seen.body.startswith(b'{"27_') else [*found, "another body"]
    return found + _body(recorded.get("body"), seen)


def _headers(recorded: dict[str, str], seen: dict[str, str]) -> list[str]:
    wanted = {name.lower(): value for name, value in recorded.items()}
    found = []
    if set(wanted) != set(seen):
        found.append(f"headers: {sorted(seen)} for {sorted(wanted)}")
    return found + [
        f"header {name}: {seen[name]!r} for {wanted[name]!r}"
        for name in set(wanted) & set(seen) - {"date", "content-length"}
        if wanted[name].lower() != seen[name].lower()
    ]


def _body(recorded: Any, seen: Seen) -> list[str]:
    if isinstance(recorded, list):
        return _events([text for _, text in recorded], seen)
    if isinstance(recorded, dict):
        return [] if bool(recorded["bytes"]) == bool(seen.body) else ["media of no bytes"]
    return _text(recorded or "", seen.body.decode())


def _text(recorded: str, text: str) -> list[str]:
    """Equal where it is an error; JSON of the same shape where it is an answer."""
    first, _, rest = recorded.partition("\n")
    if rest.startswith("{"):
        our_first, _, our_rest = text.partition("\n")
        same = our_first == first and json.loads(our_rest) == json.loads(rest)
        return [] if same else [f"body: {text[:200]!r}"]
    try:
        wanted = json.loads(recorded)
    except ValueError:
        wanted = None
    if wanted is None or (isinstance(wanted, dict) and "error" in wanted):
        same = _RUNNER.sub("", text) == _RUNNER.sub("", recorded)
        return [] if same else [f"body: {text!r} for {recorded!r}"]
    if text.endswith("\n") != recorded.endswith("\n"):
        return [f"end of body: {text[-20:]!r}"]
    return _shape(wanted, json.loads(text), "body")


def _events(recorded: list[str], seen: Seen) -> list[str]:
    ours = [line for line in seen.body.decode().split("\n\n") if line]
    wanted = [line for line in "".join(recorded).split("\n\n") if line]
    if len(ours) != len(wanted):
        return [f"{len(ours)} events for {len(wanted)}"]
    found = []
    if seen.pieces < len(ours):
        found.append(f"{len(ours)} events came in {seen.pieces} pieces")
    for one, other in zip(wanted, ours, strict=True):
        a, b = (json.loads(text.removeprefix("data: ")) for text in (one, other))
        found += _shape(a, b, "event")
    return found


def _shape(wanted: Any, found: Any, where: str) -> list[str]:
    if isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        return [] if type(wanted) is type(found) else [f"{where}: {found!r} for {wanted!r}"]
    if isinstance(wanted, int | float):
        number = isinstance(found, int | float) and not isinstance(found, bool)
        return [] if number else [f"{where}: {found!r} for a number"]
    if isinstance(wanted, list):
        if not isinstance(found, list) or bool(wanted) != bool(found):
            return [f"{where}: {found!r} for a list"]
        return [line for one in found for line in _shape(wanted[0], one, f"{where}[]")]
    if not isinstance(found, dict) or list(wanted) != list(found):
        return [f"{where}: keys {list(found)} for {list(wanted)}"]
    return [line for key in wanted for line in _shape(wanted[key], found[key], f"{where}.{key}")]


def _time(step: Step, seen: Seen) -> list[str]:
    recorded = step.response["elapsed_s"]
    most = recorded * MOST_SHARE + SLACK_SECONDS
    least = recorded * LEAST_SHARE if recorded >= SCRIPTED_SECONDS else 0.0
    if least <= seen.seconds <= most:
        return []
    return [f"took {seen.seconds:.2f} s, not {least:.2f} to {most:.2f} s"]


def _unlike(ours: list[str], wanted: list[str]) -> list[str]:
    if ours == wanted:
        return []
    for number, (one, other) in enumerate(zip(ours, wanted, strict=False)):
        if one != other:
            return [f"log line {number}: {one!r} for {other!r}"]
    longer, what = (ours, "more") if len(ours) > len(wanted) else (wanted, "missing")
    rest = longer[min(len(ours), len(wanted)) :]
    return [f"{len(rest)} {what} log lines, first {rest[0]!r}"]
