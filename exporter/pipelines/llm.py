"""`llm`: a language model must answer with a code made for this job alone, and with a sum.

The proof: the code, after it the sum, in words of its own. Both stand nowhere but in the answer to
this question, so no answer that was given before, and no text made without reading it, holds them.
"""

import hashlib
import random
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.model import Artefact, Outcome, Tokens
from exporter.pipelines import prompts, said
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidResponse,
    Kind,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.letters import fold, places, without
from exporter.pipelines.numerals import all_stated, stated
from exporter.pipelines.response import excerpt, record
from exporter.pipelines.said import Said
from exporter.pipelines.token_stream import completion, plausible

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import Llm

NAME: Final = "llm"
UNIT: Final = "token"
BROKE_OFF: Final = "the token stream broke off"
SUMS: Final = range(2 * min(prompts.ADDENDS), 2 * max(prompts.ADDENDS) + 1)
"""All sums that can be asked for."""
_BEGINNING: Final = 60
"""Characters within which an answer that begins with the code has it: a greeting may come first."""


class TextExpectation(Expectation, frozen=True, kw_only=True):
    """What the text must hold."""

    nonce: str
    addends: tuple[int, int]
    question: str
    stream: bool
    max_tokens: int
    max_other_numbers: int = 12

    @property
    def total(self) -> int:
        """The sum."""
        return sum(self.addends)


def make(parameters: "Llm", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new code, a new sum and a new wording."""
    question = prompts.question(rng)
    body = msgspec.json.encode(
        {
            "model": model,
            "messages": [{"role": "user", "content": question.text}],
            "stream": parameters.stream,
            "max_tokens": parameters.max_tokens,
            "temperature": parameters.temperature,
        }
    )
    accept = "text/event-stream" if parameters.stream else "application/json"
    return Prepared(
        request=Request(
            path=f"/{NAME}",
            headers={"Content-Type": "application/json", "Accept": accept},
            body=body,
            summary=body.decode(),
            stream=parameters.stream,
        ),
        unit=UNIT,
        units=None,
        expectation=TextExpectation(
            exempt=tuple(parameters.exempt),
            nonce=question.code,
            addends=question.addends,
            question=question.text,
            stream=parameters.stream,
            max_tokens=parameters.max_tokens,
            max_other_numbers=parameters.max_other_numbers,
        ),
    )


def fee_units(parameters: "Llm") -> float:
    """Tokens that the answer may have: they are paid whether they come or not."""
    return float(parameters.max_tokens)


def media_urls(body: bytes) -> list[str]:  # noqa: ARG001 - a text has no media
    """None: a text has no media. What is wrong with it, the proof says."""
    return []


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the text."""
    if not isinstance(expectation, TextExpectation):
        raise TypeError("an llm job expects a text")
    try:
        heard = _heard(expectation, answer.body)
    except InvalidResponse as error:
        return Verdict(
            outcome=Outcome.INVALID_RESPONSE,
            message=str(error),
            response=record({"body": answer.body[:2048].decode("utf-8", "replace")}),
        )
    return _judge(expectation, heard)


def _heard(expectation: TextExpectation, body: bytes) -> Said:
    heard = said.streamed(body) if expectation.stream else said.whole(body)
    if _judged(heard).strip() or heard.broke_off or heard.spent(expectation.max_tokens):
        return heard
    raise InvalidResponse("the model's answer is an empty text")


def _judged(heard: Said) -> str:
    """The text that counts. Thoughts do where nothing else came: they took the work as well."""
    return heard.text if heard.text.strip() else heard.thoughts


def _judge(expectation: TextExpectation, heard: Said) -> Verdict:
    text = fold(_judged(heard))
    own = without(text, expectation.question)
    codes = [start for start, _ in places(own, expectation.nonce)]
    rest = without(own, expectation.nonce)
    sums = list(stated(rest, expectation.total))
    repeated = own != text
    not_the_models = _not_the_models(expectation, heard, text)
    findings = Findings(expectation.exempt)

    def check(name: str, score: bool, complaint: str) -> None:  # noqa: FBT001 - as Findings.check
        outcome, cause = not_the_models or (Outcome.WRONG_ANSWER, complaint)
        said_of_it = complaint if findings.failed else cause
        findings.check(name, float(score), said_of_it, at_least=1.0, outcome=outcome)

    check(
        "code",
        bool(codes) or repeated,
        f"the answer does not hold the code {expectation.nonce} that was asked for",
    )
    check(
        "own_words",
        bool(codes) or not repeated,
        "the answer repeats the question word for word, and does not answer it",
    )
    check("sum", bool(sums), _no_sum(expectation))
    if sums:
        others = _other_numbers(expectation, rest)
        findings.check(
            "numbers",
            others,
            f"the answer gives {others} other numbers beside the sum, at most "
            f"{expectation.max_other_numbers} are expected: one of many is right by chance",
            at_most=expectation.max_other_numbers,
        )
    if codes and sums:
        check("order", codes[0] < sums[-1], "the answer gives the sum before the code, not after")
    findings.report("finish", _known_finish(heard))
    findings.report("usage", _plausible_usage(expectation, heard))
    findings.note(*_evidence(expectation, heard, failed=findings.failed))
    return _verdict(expectation, heard, findings)


def _no_sum(expectation: TextExpectation) -> str:
    first, second = expectation.addends
    return f"the answer does not give the sum of {first} and {second}, which is {expectation.total}"


def _other_numbers(expectation: TextExpectation, text: str) -> int:
    """How many numbers that might have been the sum are stated, without it and what it is of."""
    known = {expectation.total, *expectation.addends}
    return len(all_stated(text, (number for number in SUMS if number not in known)))


def _not_the_models(
    expectation: TextExpectation, heard: Said, text: str
) -> tuple[Outcome, str] | None:
    """Why something is missing for a reason that is not the model's; `None` if there is none."""
    if heard.broke_off:
        return Outcome.DOWNLOAD_FAILED, BROKE_OFF
    if not heard.spent(expectation.max_tokens) or not _still_thinking(expectation, heard, text):
        return None
    return Outcome.TESTER_ERROR, (
        f"the model was still thinking when its {expectation.max_tokens} tokens were used up: "
        "give it more by `max_tokens` in an override of `pipelines.llm` for this model"
    )


def _still_thinking(expectation: TextExpectation, heard: Said, text: str) -> bool:
    """Whether a model that was cut off had come to its answer.

    Thoughts may be hidden, told apart, or stand in the text without a mark. Those that can be read
    are about the question; an answer to it begins with the code.
    """
    if not text.strip():
        # That it had no room is a claim; thoughts, or as many parts as tokens, are more.
        counted = max(heard.usage or 0, heard.parts)
        return bool(heard.thoughts.strip()) or counted >= expectation.max_tokens
    told_apart = not heard.text.strip()
    answering = any(start < _BEGINNING for start, _ in places(text, expectation.nonce))
    if (answering or without(text, expectation.question) != text) and not told_apart:
        return False
    everything = fold(heard.thoughts) + text
    about = any(True for _ in places(everything, expectation.nonce))
    return about or any(any(stated(everything, number)) for number in expectation.addends)


def _known_finish(heard: Said) -> float | None:
    if not heard.finish_reason:
        return None
    return float(heard.finish_reason.lower() in said.CUT | said.ENDED)


def _plausible_usage(expectation: TextExpectation, heard: Said) -> float | None:
    if heard.usage is None:
        return None
    return float(plausible(heard.usage, heard.size, expectation.max_tokens))


def _evidence(expectation: TextExpectation, heard: Said, *, failed: bool) -> list[str]:
    reason = excerpt(heard.finish_reason, 40) if heard.finish_reason else "not given"
    evidence = [f"finish_reason: {reason}"]
    if heard.broke_off and not failed:
        evidence.append("the token stream did not tell its end, but what was asked for is in it")
    if not heard.text.strip() and not failed:
        evidence.append("the text is empty; what was asked for is in the thoughts before it")
    if heard.others:
        evidence.append("the answer has several choices, one was asked for; the first was judged")
    if _plausible_usage(expectation, heard) == 0:
        evidence.append(
            f"the answer counts {heard.usage} tokens, for a text of {heard.size} bytes and "
            f"{expectation.max_tokens} tokens at most: its count was not used"
        )
    if failed:
        evidence.append(f"the answer begins {excerpt(_judged(heard))}")
    return evidence


def _verdict(expectation: TextExpectation, heard: Said, findings: Findings) -> Verdict:
    count, source = completion(heard.usage, heard.chunks, heard.size, expectation.max_tokens)
    data = _judged(heard).encode()
    facts: dict[str, object] = {"text": heard.text}
    if heard.thoughts:
        facts["thoughts"] = heard.thoughts
    return findings.verdict(
        artefacts=(
            Artefact(kind="text", bytes=len(data), sha256=hashlib.sha256(data).hexdigest()),
        ),
        units=None if count is None else float(count),
        tokens=Tokens(completion=count, counted_from=source),
        response=record({**facts, "finish_reason": heard.finish_reason, "usage": heard.usage}),
    )


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("code", "own_words", "sum", "numbers", "order"),
)
