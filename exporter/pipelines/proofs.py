"""Where payloads are made and answers proven, apart from the loop that measures.

Drawing a picture would delay the stamps of other jobs; decoding a stranger's file can take for
ever, eat all memory or crash. Both happen in worker processes with bounds.
"""

import asyncio
import logging
from typing import Final

from exporter.model import Outcome
from exporter.pipelines import kinds
from exporter.pipelines.job import Answer, CannotMakeError, Expectation, Order, Prepared, Verdict
from exporter.pipelines.workers import BrokeWorkersError, TookTooLongError, WorkerError, Workers

log = logging.getLogger(__name__)

MEMORY_LIMIT: Final = 1 << 30
MAKING_SECONDS: Final = 30.0
"""Of the processor's time that making a payload may take; one is a lot."""


class ProofPool:
    """Proves answers in `workers` processes, each proof with so much of the processor's time.

    Payloads are made in one more, which no stranger's file can hold up.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        processor_seconds: float = 20.0,
        memory_limit_bytes: int = MEMORY_LIMIT,
    ) -> None:
        self._seconds = processor_seconds
        self._proofs = Workers(
            workers, processor_seconds=processor_seconds, memory_limit_bytes=memory_limit_bytes
        )
        self._makers = Workers(
            1, processor_seconds=MAKING_SECONDS, memory_limit_bytes=memory_limit_bytes
        )

    async def start(self) -> None:
        """Start the workers, so that the first job does not wait for them.

        Raises `RuntimeError` or `OSError` when none can be started.
        """
        await asyncio.gather(self._proofs.start(), self._makers.start())

    async def prepare(self, order: Order) -> Prepared:
        """Make the job that is ordered. Raises `CannotMakeError`."""
        if order.pipeline not in kinds.KINDS:
            raise CannotMakeError(f"there is no payload for the pipeline {order.pipeline}")
        try:
            return await self._makers.run(kinds.make, order)
        except TookTooLongError:
            raise CannotMakeError(
                f"making the payload took more than {MAKING_SECONDS:g} s of the processor's time"
            ) from None
        except (WorkerError, BrokeWorkersError) as error:
            raise CannotMakeError(f"making the payload: {error}") from error
        except Exception as error:
            log.exception("a payload could not be made", extra={"pipeline": order.pipeline})
            message = f"making the payload: {type(error).__name__}: {error}"
            raise CannotMakeError(message) from error

    async def prove(self, pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
        """Judge an answer. Never raises for what it holds, nor for a worker that breaks.

        A file that breaks the bounds or crashes two workers is an `invalid_artefact`; what
        cannot be judged for our own reasons is a `tester_error`.
        """
        if pipeline not in kinds.KINDS:
            return _tester_error(f"there is no proof for the pipeline {pipeline}")
        try:
            return await self._proofs.run(kinds.prove, pipeline, expectation, answer)
        except TookTooLongError:
            spent = f"took more than {self._seconds:g} s of the processor's time"
            return _of_the_media(answer, spent)
        except BrokeWorkersError as error:
            return _of_the_media(answer, f"broke two workers: {error}")
        except WorkerError as error:
            return _tester_error(str(error))
        except Exception as error:
            log.exception("a proof failed", extra={"pipeline": pipeline})
            return _tester_error(f"the proof failed: {type(error).__name__}: {error}")

    async def close(self) -> None:
        """Stop the workers; what still runs is given up."""
        await asyncio.gather(self._proofs.close(), self._makers.close())


def _of_the_media(answer: Answer, what: str) -> Verdict:
    """What breaks a bound is the media's fault, if there is any; a text cannot be so wrong."""
    if not answer.media:
        return _tester_error(f"the proof {what}")
    return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=f"decoding the media {what}")


def _tester_error(message: str) -> Verdict:
    return Verdict(outcome=Outcome.TESTER_ERROR, message=message)
