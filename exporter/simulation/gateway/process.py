"""The retry loop around one request, with the two slips that make the closed and `null` answers.

A failed attempt leaves a typed empty result behind, which counts as a result when the loop ends:
text pipelines then answer `null`, others crash. No result at all crashes as well.
"""

import asyncio
from random import Random
from typing import Final, NamedTuple

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.attempts import Outcome, Submitter
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.discovery import NoOrchestrators
from exporter.simulation.gateway.durations import SECOND, show_duration
from exporter.simulation.gateway.glog import RequestLog
from exporter.simulation.gateway.measures import AUDIO_FAILED
from exporter.simulation.gateway.messages import Message
from exporter.simulation.gateway.orchestrators import SubmitFailed
from exporter.simulation.gateway.panics import Crash, Panicked
from exporter.simulation.gateway.pipelines import Answer
from exporter.simulation.gateway.requests import Job
from exporter.simulation.gateway.selection import Chosen, Selection

_TRIES: Final = 20
_SAME_SESSION_TRIES: Final = 3
_REFUSED: Final = "returned 400"


class Unavailable(Exception):
    """No orchestrator did the job in time; the client gets 503."""


class Refused(Exception):
    """The request itself is at fault; most pipelines give the client the text with 400."""


class Empty:
    """What a failed attempt leaves behind: a result of the right type without a value."""


class Done(NamedTuple):
    """How a job ended, and the URL of the orchestrator that was tried last."""

    result: Outcome | Empty
    url: str


class Attempt(NamedTuple):
    """One try: the how many-th of the request, and the how many-th at this orchestrator."""

    chosen: Chosen
    number: int
    tries: int


class Processor:
    """Finds somebody for a job and tries until it is done or time is up."""

    def __init__(
        self,
        selection: Selection,
        submitter: Submitter,
        clock: Clock,
        retry_timeout: int,
        rng: Random,
    ) -> None:
        self._selection = selection
        self._submitter = submitter
        self._clock = clock
        self._retry_timeout = retry_timeout
        self._rng = rng

    async def process(self, log: RequestLog, job: Job) -> Done:
        """Do a job. Raises `Unavailable`, `Refused`, `Panicked`."""
        log.say(messages.RECEIVED, model=job.model)
        try:
            done = _any(await self._attempts(log, job))
        except Panicked:
            self._processed(log, job, messages.PROCESSED_PANIC)
            raise
        except Unavailable:
            self._processed(log, job, messages.PROCESSED_TOO_LATE)
            raise
        except Refused as refused:
            audio = str(refused) == AUDIO_FAILED
            message = messages.PROCESSED_BAD_AUDIO if audio else messages.PROCESSED_BAD_REQUEST
            self._processed(log, job, message)
            raise
        self._processed(log, job, messages.PROCESSED)
        return done

    async def _attempts(self, log: RequestLog, job: Job) -> Done | None:
        deadline = self._clock.now() + self._retry_timeout / SECOND
        done: Done | None = None
        tries: dict[str, int] = {}
        kept: list[Chosen] = []
        for number in range(1, _TRIES + 1):
            if self._clock.now() >= deadline:
                raise self._too_late()
            try:
                chosen = await self._selection.select(log, job.pipeline.capability, job.model)
            except NoOrchestrators as error:
                log.say(messages.SELECTION_FAILED, model=job.model, error=error)
                continue
            if chosen is None:
                break
            url = chosen.session.url
            tries[url] = tries.get(url, 0) + 1
            try:
                done = Done(await self._submitter.submit(log, job, chosen.session), url)
            except asyncio.CancelledError:
                self._given_up(log, job, Attempt(chosen, number, tries[url]), deadline)
                raise
            except SubmitFailed as failed:
                done = None if job.pipeline.answer is Answer.LANGUAGE else Done(Empty(), url)
                attempt = Attempt(chosen, number, tries[url])
                self._failed(log, job, attempt, str(failed), kept)
            else:
                chosen.complete()
                break
        for chosen in kept:
            chosen.complete()
        return done

    def _failed(
        self,
        log: RequestLog,
        job: Job,
        attempt: Attempt,
        error: str,
        kept: list[Chosen],
    ) -> None:
        """Judge a failed attempt. Raises `Refused` where another try makes no sense."""
        chosen = attempt.chosen

        def say(message: Message) -> None:
            url = chosen.session.url
            log.say(message, model=job.model, number=attempt.number, url=url, error=error)

        words = error.lower()
        expired = "ticketparams expired" in words
        if expired and attempt.tries < _SAME_SESSION_TRIES:
            say(messages.ATTEMPT_REPEATED)
            chosen.complete()
        elif expired or "invalid ticket sendernonce" in words or "insufficient capacity" in words:
            say(messages.ATTEMPT_KEPT)
            kept.append(chosen)
        else:
            say(messages.ATTEMPT_FAILED)
            chosen.remove()
            if error == AUDIO_FAILED:
                raise Refused(error)
            _, refused, detail = error.partition(_REFUSED)
            if refused:
                raise Refused(detail.strip() or "bad request")

    def _given_up(self, log: RequestLog, job: Job, attempt: Attempt, deadline: float) -> None:
        """The client has gone: that counts against the orchestrator."""
        url, number = attempt.chosen.session.url, attempt.number
        error = f'Post "{url}{job.pipeline.path}": context canceled'
        log.say(messages.ATTEMPT_FAILED, model=job.model, number=number, url=url, error=error)
        attempt.chosen.remove()
        self._processed(log, job, messages.PROCESSED_TOO_LATE)
        late = self._clock.now() >= deadline
        words = self._too_late() if late else "context canceled"
        log.say(messages.API_ERROR, code=503, error=words)

    def _too_late(self) -> Unavailable:
        shown = show_duration(self._retry_timeout)
        return Unavailable(f"no orchestrators available within {shown} timeout")

    def _processed(self, log: RequestLog, job: Job, message: Message) -> None:
        """The time in this line is wrong in the real node as well: it is taken at the start."""
        took = self._rng.randrange(7, 70) * 10 + self._rng.randrange(2)
        log.say(message, model=job.model, took=f"{took}ns")


def _any(done: Done | None) -> Done:
    """Raises `Panicked` where nothing was tried, or nothing that leaves a result behind."""
    if done is None:
        raise Panicked(Crash.NO_ORCHESTRATORS)
    return done
