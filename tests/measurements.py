"""Made-up measurements for tests of what stores them."""

from typing import Any

from hypothesis import strategies as st

from exporter.model import (
    Artefact,
    Blame,
    Check,
    LaneKind,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Reported,
    ReportedError,
    Step,
    Tokens,
)

START = 1_790_000_000_000_000_000
SECOND = 1_000_000_000

_DEFAULTS: dict[str, Any] = {
    "origin": Origin.OWN,
    "tester": "tester-1",
    "region": "MDW",
    "orchestrator": "0x" + "a1" * 20,
    "pipeline": "text-to-image",
    "model": "stabilityai/sd-turbo",
    "started_at": START,
    "outcome": Outcome.OK,
}


def good(identity: str, seconds: float = 2.0, **facts: Any) -> Measurement:
    """A successful job with this round trip."""
    phases = Phases(
        inference=int(seconds * SECOND), upload=0, download=0, round_trip=int(seconds * SECOND)
    )
    return Measurement(**{**_DEFAULTS, "id": identity, "phases": phases, **facts})


def failed(
    identity: str,
    outcome: Outcome = Outcome.INFERENCE_TIMEOUT,
    blame: Blame | None = Blame.ORCHESTRATOR,
    **facts: Any,
) -> Measurement:
    """A failed job: it has no round trip."""
    facts = {"phases": Phases(upload=SECOND), "message": "no answer in time", **facts}
    return Measurement(**{**_DEFAULTS, "id": identity, "outcome": outcome, "blame": blame, **facts})


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SOME = st.none() | st.integers(0, 10**12)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)


def measurements(**fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Measurement]:
    """Every kind of measurement: all facts present or absent, texts from all of Unicode."""
    return st.builds(
        Measurement,
        **{
            "id": st.uuids().map(str),
            "origin": st.sampled_from(Origin),
            "tester": TEXT,
            "region": TEXT,
            "orchestrator": TEXT,
            "pipeline": TEXT,
            "model": TEXT,
            "started_at": st.integers(0, 2**63 - 1 - 3 * SECOND),
            "outcome": st.sampled_from(Outcome),
            "blame": st.none() | st.sampled_from(Blame),
            "message": TEXT,
            "evidence": st.lists(TEXT, max_size=2).map(tuple),
            "phases": st.builds(Phases, upload=_SOME, inference=_SOME, round_trip=_SOME),
            "lane": st.none() | st.sampled_from(LaneKind),
            "model_is_warm": st.none() | st.booleans(),
            "price_per_unit": st.none() | _NUMBERS,
            "fee": st.none() | _NUMBERS,
            "ticket_value": st.none() | _NUMBERS,
            "repeats": st.none() | TEXT,
            "lane_version": st.none() | TEXT,
            "session_setup_time": _SOME,
            "attempts": st.none() | st.integers(0, 40),
            "lane_log": st.lists(TEXT, max_size=2).map(tuple),
            "units": st.none() | _NUMBERS,
            "response_bytes": _SOME,
            "artefacts": st.lists(
                st.builds(Artefact, kind=TEXT, bytes=st.integers(0, 10**9), sha256=TEXT), max_size=2
            ).map(tuple),
            "tokens": st.none() | st.builds(Tokens, completion=_SOME, per_second=_NUMBERS),
            "proof": st.lists(
                st.builds(
                    Check,
                    name=TEXT,
                    score=st.none() | _NUMBERS,
                    at_least=st.none() | _NUMBERS,
                    at_most=st.none() | _NUMBERS,
                    exempt=st.booleans(),
                ),
                max_size=3,
            ).map(tuple),
            "response": TEXT,
            "reported": st.none()
            | st.builds(
                Reported,
                orchestrator=st.none() | TEXT,
                success_rate=st.none() | st.sampled_from([0.5, -1.0, 1.0, 1.7]) | _NUMBERS,
                round_trip_time=st.none() | _NUMBERS,
                timestamp=st.none() | st.integers(-(2**63), 2**63 - 1),
                errors=st.none()
                | st.lists(st.builds(ReportedError, TEXT, TEXT, st.integers(0, 9)), max_size=2).map(
                    tuple
                ),
                seg_duration=st.none() | _NUMBERS,
                segments_sent=st.none() | st.integers(0, 99),
            ),
            "steps": st.lists(st.builds(Step, st.integers(-9, 9), TEXT), max_size=2).map(tuple),
            **fixed,
        },
    )
