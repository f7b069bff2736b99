"""A measurement as a person is shown it in the terminal."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exporter.model import Check, LaneKind, Measurement, seconds

PHASES = ("dns", "connect", "tls", "upload", "inference", "download", "tester")
_MILLISECONDS_UNDER = 0.9995


def pretty(document: Mapping[str, Any]) -> str:
    """The document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_text(measurement: Measurement, *, bar: int, steps: bool) -> str:
    """Outcome, waterfall and what is known besides, for a terminal; `bar` is its width."""
    lines = [_headline(measurement)]
    if measurement.message:
        lines.append(f"  {printable(measurement.message)}")
    lines += ["", *_waterfall(measurement, bar)]
    facts = [(name, value) for name, value in _facts(measurement) if value]
    if facts:
        lines.append("")
        lines += [f"  {name:12} {printable(value)}" for name, value in facts]
    if measurement.proof:
        lines += ["", "proof", *_proof(measurement.proof)]
    if measurement.evidence:
        lines += ["", "evidence"]
        lines += [f"  - {printable(text)}" for text in measurement.evidence]
    if steps:
        lines += ["", "steps"]
        lines += [
            f"  {step.at / 1e6:10.3f} ms  {printable(step.text)}" for step in measurement.steps
        ]
    return "\n".join(lines)


def duration(value: float | None) -> str:
    """Seconds with a unit that suits them."""
    if value is None:
        return "-"
    if value < _MILLISECONDS_UNDER:
        return f"{value * 1000:.2f} ms"
    return f"{value:.3f} s"


def first_contact(
    measurement: Measurement, written: Callable[[float | None], str] = duration
) -> str | None:
    """What is known of the gateway's first contact with the orchestrator, a part of the inference.

    `None` for a job that went through no gateway; `written` makes a text of seconds. Where the
    job got no answer there is no inference that it could be a part of.
    """
    spent = measurement.session_setup_time
    if spent == 0:
        return "first contact: none, the gateway had a session"
    if spent is not None and measurement.phases.inference is None:
        return f"first contact: {written(seconds(spent))}"
    if spent is not None:
        return f"of which {written(seconds(spent))} first contact"
    if measurement.lane in (None, LaneKind.DIRECT):
        return None
    return "first contact: unknown"


def found(check: Check) -> str:
    """The score of a check, or that there was nothing to compute it from."""
    return "nothing" if check.score is None else f"{check.score:.10g}"


def asked_for(check: Check) -> str:
    """The bounds of a check in words; empty if it has none."""
    least, most = check.at_least, check.at_most
    if least is not None and most is not None:
        return f"{least:.10g}" if least == most else f"{least:.10g} to {most:.10g}"
    if least is not None:
        return f"at least {least:.10g}"
    return "" if most is None else f"at most {most:.10g}"


def result(check: Check) -> str:
    """What came of a check: `passed`, `failed`, `reported only`, or that it decided nothing."""
    if not asked_for(check):
        return "reported only"
    came = "passed" if check.passed else "failed"
    return f"exempt ({came})" if check.exempt else came


def printable(text: str) -> str:
    """Text of strangers without control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _headline(measurement: Measurement) -> str:
    blame = f", blame {measurement.blame}" if measurement.blame else ""
    where = printable(f"{measurement.pipeline} {measurement.model}")
    return f"{measurement.outcome}{blame}  {where}"


def _waterfall(measurement: Measurement, width: int) -> list[str]:
    phases = measurement.phases
    spans = [(name, getattr(phases, name)) for name in PHASES]
    present = [(name, span) for name, span in spans if span is not None]
    contact = first_contact(measurement)
    said = [] if contact is None else [f"    {contact}"]
    total = sum(span for _, span in present)
    if not total:
        return ["  no phase was completed", *said]
    lines, before = [], 0
    for name, span in present:
        left = round(before / total * width)
        filled = max(round((before + span) / total * width) - left, 1)
        drawn = (" " * min(left, width - 1) + "#" * filled)[:width]
        lines.append(f"  {name:10} {duration(span / 1e9):>11}  |{drawn:{width}}|")
        if name == "inference":
            lines += said
        before += span
    if phases.inference is None:
        lines += said
    shown = duration(seconds(phases.round_trip)) if phases.round_trip is not None else "-"
    lines.append(f"  {'round trip':10} {shown:>11}")
    return lines


def _proof(checks: Sequence[Check]) -> list[str]:
    rows = [(printable(one.name), found(one), asked_for(one), result(one)) for one in checks]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"  {name:{widths[0]}}  {score:>{widths[1]}}  {asked:{widths[2]}}  {came}"
        for name, score, asked, came in rows
    ]


def _facts(measurement: Measurement) -> list[tuple[str, str | None]]:
    tokens = measurement.tokens
    artefacts = ", ".join(
        f"{a.kind} {a.width}x{a.height} {a.bytes} bytes, entropy {a.entropy:.2f} bits"
        if a.width and a.entropy is not None
        else f"{a.kind} {a.bytes} bytes"
        for a in measurement.artefacts
    )
    counted = None
    if tokens is not None and tokens.completion is not None:
        counted = f"{tokens.completion} (from {tokens.counted_from})"
        if tokens.per_second is not None:
            counted += f", {tokens.per_second:.1f} per second"
        if tokens.time_to_first is not None:
            counted += f", first after {duration(seconds(tokens.time_to_first))}"
    sizes = None
    if measurement.request_bytes is not None:
        sizes = f"{measurement.request_bytes} sent, {measurement.response_bytes or 0} received"
    rate = measurement.latency_per_unit
    per_unit = f"{rate:.6g} s per {measurement.unit}" if rate and measurement.unit else None
    return [
        ("address", measurement.address),
        ("status", str(measurement.http_status) if measurement.http_status else None),
        (
            "network rtt",
            duration(seconds(measurement.network_rtt)) if measurement.network_rtt else None,
        ),
        ("bytes", sizes),
        ("artefact", artefacts),
        ("tokens", counted),
        ("per unit", per_unit),
    ]
