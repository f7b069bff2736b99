"""Which of the things that happened during a job is the cause of its failure."""

import re
from collections.abc import Iterator

import msgspec

from exporter.model import Blame, Outcome
from exporter.probing.lane_log import answers
from exporter.probing.lane_log.cause import Cause
from exporter.probing.lane_log.payments import of_payment
from exporter.probing.lane_log.quotes import unquoted
from exporter.probing.lane_log.story import Failed, Story

_PRICE = re.compile(r"(\d{1,40}(?:\.\d{1,20})?), price=(\d{1,40}(?:\.\d{1,20})?)", re.ASCII)
_BROKEN_OFF = re.compile(r'(?:Get "[^"\s]*": )?stream error: .{0,200}; received from peer')


def cause_of(story: Story, *, on_chain: bool, dropped: bool) -> tuple[Cause | None, str]:
    """The cause and the words it was found in: the first of those that can be told.

    `on_chain` tells whether the gateway pays, `dropped` that lines were lost: then only what the
    remaining ones say counts, not what they lack.
    """
    cause, words = _cause(story, dropped=dropped)
    return cause if cause is None or on_chain else answers.off_chain(cause), words


def is_unread(story: Story, cause: Cause | None) -> bool:
    """Whether something happened that nobody understands, or that may be the gateway's doing."""
    if story.imitated or story.not_paid is not None or (cause is not None and cause.unread):
        return True
    if story.answered:
        return cause is None and story.api_error is not None
    return any(_of_attempt(failed, story) is None for failed in story.failed)


def _cause(story: Story, *, dropped: bool) -> tuple[Cause | None, str]:
    if story.answered:
        return _after_the_answer(story)
    if story.failed:
        return _of_attempts(story)
    if story.not_paid is not None:
        return of_payment(story.not_paid), unquoted(story.not_paid)
    if story.above_limit is not None:
        return _ABOVE_LIMIT, _price(story.above_limit)
    return (None, "") if dropped else _without_attempt(story)


def _price(said: str) -> str:
    """The gateway's warning about a price as a sentence, with its numbers as they are."""
    numbers = _PRICE.fullmatch(said)
    if numbers is None:
        return "the orchestrator's price is above our limit"
    return f"price {numbers[2]} wei per unit is above the limit of {numbers[1]}"


def _after_the_answer(story: Story) -> tuple[Cause | None, str]:
    """The orchestrator did the job; what may still fail is its artefact."""
    code, err = story.api_error or (200, "")
    if story.fetched_with is not None:
        return _NOT_FETCHED, story.fetched_with
    if story.not_fetched is not None:
        words = unquoted(story.not_fetched)
        if "downloads are blocked" in words:
            return _FETCH_FORBIDDEN, words
        return (_CUT_OFF if _BROKEN_OFF.fullmatch(words) else _NOT_REACHED), words
    if err.startswith("unsafe download URL"):
        return _NOT_FETCHED, err
    if code == 500 and "objectStore" in err:  # noqa: PLR2004 - the status of the answer
        return _NOT_STORED, err
    return None, err


def _of_attempts(story: Story) -> tuple[Cause | None, str]:
    """The first attempt that failed for a cause other than ours; else the first.

    What the gateway's further attempts met, such as a full queue, follows from the first.
    """
    causes = [(_of_attempt(failed, story), failed) for failed in story.failed]
    told = [(cause, failed) for cause, failed in causes if cause is None or not cause.repeat]
    cause, failed = (told or causes)[0]
    if cause is None:
        story.keep(failed.raw)
    return cause, answers.unwrapped(failed.text)


def _of_attempt(failed: Failed, story: Story) -> Cause | None:
    if story.not_paid is not None and failed.text == unquoted(story.not_paid):
        return of_payment(story.not_paid)
    refused = story.api_error == (400, failed.text)
    own = answers.of_own_input(failed.text, refused=refused)
    return own or answers.of_submit(failed.text, fresh=failed.fresh)


def _without_attempt(story: Story) -> tuple[Cause | None, str]:
    """Why no attempt came about."""
    for reasons in (_no_session(story), _refused(story)):
        for cause, words in reasons:
            return cause, words
    return None, ""


def _no_session(story: Story) -> Iterator[tuple[Cause, str]]:
    if story.webhook is not None:
        yield _WEBHOOK, story.webhook
    if story.no_discovery or "getSessions" in (story.crashed or ""):
        yield _NO_DISCOVERY, ""
    if story.not_found:
        said = story.not_found[-1]
        yield answers.of_discovery(said), "" if said == "<nil>" else said
    if story.not_payable is not None:
        yield _NOT_PAYABLE, f"missing {story.not_payable}"
    if story.none_chosen:
        yield _PRICED_OUT, ""
    for reason in story.no_session:
        if reason != "ErrNoOrchs":
            yield of_payment(reason) or answers.of_discovery(reason), reason


def _refused(story: Story) -> Iterator[tuple[Cause, str]]:
    code, err = story.api_error or (200, "")
    if err == "context canceled":
        yield answers.GAVE_UP, err
    if code == 400:  # noqa: PLR2004 - the status of the answer
        yield _BAD_REQUEST, err
    if story.no_session:
        yield _NO_ORCHESTRATOR, story.no_session[-1]
    if not story.opened and err.startswith("no orchestrators available within"):
        yield _NO_TRY, err


def _theirs(outcome: Outcome, words: str, *, handed_over: bool) -> Cause:
    return Cause(
        outcome=outcome,
        blame=Blame.ORCHESTRATOR,
        blame_known=True,
        words=words,
        handed_over=handed_over,
    )


def _ours(outcome: Outcome, words: str, *, repeat: bool = False) -> Cause:
    return Cause(
        outcome=outcome,
        blame=Blame.TESTER,
        blame_known=True,
        words=words,
        handed_over=False,
        repeat=repeat,
    )


def _open(outcome: Outcome, words: str, *, known: bool, handed_over: bool = False) -> Cause:
    """A cause that is nobody's fault (`known`), or whose fault other evidence has to tell."""
    return Cause(
        outcome=outcome, blame=None, blame_known=known, words=words, handed_over=handed_over
    )


_ABOVE_LIMIT = _open(
    Outcome.PRICE_ABOVE_LIMIT,
    "the gateway's log says that the orchestrator's price is above our limit",
    known=True,
)
_PRICED_OUT = _open(
    Outcome.PRICE_ABOVE_LIMIT,
    "the gateway had the orchestrator on its list and did not choose it: only a price above our"
    " limit does that",
    known=True,
)
_NOT_FETCHED = _theirs(
    Outcome.DOWNLOAD_FAILED,
    "the gateway could not fetch the artefact from where the orchestrator said it is",
    handed_over=True,
)
_CUT_OFF = _theirs(
    Outcome.DOWNLOAD_FAILED,
    "the artefact's own host broke off while the gateway fetched it",
    handed_over=True,
)
_NOT_REACHED = _open(
    Outcome.DOWNLOAD_FAILED,
    "the gateway could not fetch the artefact: the connection failed, on whichever side",
    known=False,
    handed_over=True,
)
_FETCH_FORBIDDEN = _open(
    Outcome.DOWNLOAD_FAILED,
    "the gateway does not fetch artefacts from an address that is not public",
    known=False,
    handed_over=True,
)
_NOT_STORED = msgspec.structs.replace(
    _ours(Outcome.LANE_FAILED, "the gateway could not store the artefact"), handed_over=True
)
_WEBHOOK = _ours(Outcome.LANE_FAILED, "the gateway could not ask our webhook for orchestrators")
_NO_DISCOVERY = _ours(Outcome.LANE_FAILED, "the gateway was not told of any orchestrator")
_NOT_PAYABLE = _theirs(
    Outcome.ORCHESTRATOR_ERROR,
    "the orchestrator's answer lacks what the gateway needs to give it a job",
    handed_over=False,
)
_BAD_REQUEST = _ours(Outcome.BAD_REQUEST, "the gateway refused our request")
_NO_ORCHESTRATOR = _open(
    Outcome.UNAVAILABLE, "the gateway's log says that it found no orchestrator", known=False
)
_NO_TRY = _ours(
    Outcome.LANE_FAILED, "the gateway's time for tries was over before the first", repeat=True
)
