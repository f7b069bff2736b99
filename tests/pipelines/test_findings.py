import pytest

from exporter.model import Check, Outcome
from exporter.pipelines.findings import Findings


def test_what_passes_everywhere_is_ok_and_every_score_is_kept() -> None:
    findings = Findings()
    assert findings.check("likeness", 0.91234567, "too unlike", at_least=0.8)
    assert findings.check("sameness", 0.3, "too like", at_least=0.1, at_most=0.5)
    findings.report("detail", 1.25)
    verdict = findings.verdict()
    assert (verdict.outcome, verdict.message, verdict.evidence) == (Outcome.OK, "", ())
    assert verdict.proof == (
        Check(name="likeness", score=0.9123, at_least=0.8),
        Check(name="sameness", score=0.3, at_least=0.1, at_most=0.5),
        Check(name="detail", score=1.25),
    )
    assert all(check.passed for check in verdict.proof)


def test_the_first_failure_decides_and_the_others_are_evidence() -> None:
    findings = Findings()
    assert not findings.check(
        "size", 0.0, "of a wrong size", at_least=1.0, outcome=Outcome.INVALID_ARTEFACT
    )
    assert not findings.check("likeness", 0.2, "unrelated", at_least=0.8)
    findings.note("declared as text")
    verdict = findings.verdict()
    assert (verdict.outcome, verdict.message) == (Outcome.INVALID_ARTEFACT, "of a wrong size")
    assert verdict.evidence == ("unrelated", "declared as text")
    assert [check.passed for check in verdict.proof] == [False, False]


def test_an_exempted_check_decides_nothing_and_says_so() -> None:
    findings = Findings(exempt=("likeness",))
    assert findings.check("likeness", 0.2, "unrelated: 0.2", at_least=0.8)
    verdict = findings.verdict()
    assert verdict.outcome is Outcome.OK
    assert verdict.evidence == ("exempt from likeness by the settings: unrelated: 0.2",)
    assert verdict.proof == (Check(name="likeness", score=0.2, at_least=0.8, exempt=True),)


def test_answers_that_were_spared_a_check_may_be_alike() -> None:
    for score, unique in ((0.2, False), (0.9, True)):
        findings = Findings(exempt=("likeness",))
        findings.check("likeness", score, "unrelated", at_least=0.8)
        assert findings.verdict().unique is unique


def test_an_exempted_check_that_passes_is_marked_as_well() -> None:
    findings = Findings(exempt=("likeness",))
    findings.check("likeness", 0.9, "unrelated", at_least=0.8)
    verdict = findings.verdict()
    assert (verdict.evidence, verdict.proof[0].exempt) == ((), True)


@pytest.mark.parametrize("score", [None, float("nan"), float("inf"), float("-inf")])
def test_a_score_that_cannot_be_computed_fails_and_is_not_stored(score: float | None) -> None:
    findings = Findings()
    assert not findings.check("likeness", score, "nothing to compare", at_least=-1, at_most=1e9)
    findings.report("detail", score)
    assert [check.score for check in findings.verdict().proof] == [None, None]


def test_what_is_stored_is_what_was_held_against_the_bound() -> None:
    findings = Findings()
    assert findings.check("likeness", 0.79999, "unlike", at_least=0.8)
    assert findings.verdict().proof[0].score == 0.8
