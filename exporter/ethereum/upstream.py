"""One Ethereum node of the settings: asked over HTTP, rested when it fails, never shown by URL."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from random import Random
from typing import Any, Final, Literal, TypeVar

import httpx

from exporter.ethereum import rpc
from exporter.ethereum.abi import AnswerError, quantity
from exporter.ethereum.node import Question, RefusedError
from exporter.ethereum.secret_parts import secret_parts
from exporter.reply import Reply, ReplyError, trust, whole

BODY_LIMIT: Final = 32 * 2**20
FIRST_REST: Final = 1.0
LONGEST_REST: Final = 120.0
LONG_REST: Final = 300.0
"""Seconds that a node is left alone whose fault will not pass by itself: wrong chain, key, URL."""
WITHOUT_BATCHES: Final = 3600.0
"""Seconds after which a node that refused batches is offered one again."""
AT_ONCE: Final = 8
"""Single calls at the same time, in the place of a batch."""

Failure = Literal[
    "unreachable",
    "timeout",
    "busy",
    "unauthorized",
    "http_error",
    "malformed",
    "wrong_chain",
    "not_believed",
]

_ON_THE_WAY: Final = (
    *(ReplyError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError),
    ExceptionGroup,  # of anyio, for a port that there cannot be
)

T = TypeVar("T")

log = logging.getLogger(__name__)


class UpstreamError(Exception):
    """This node gave no usable answer; the message names neither URL nor key."""

    def __init__(self, failure: Failure, message: str, *, rest: float | None = None) -> None:
        self.failure = failure
        self.rest = rest
        super().__init__(message)


class Upstream:
    """One node, `name` in all that is shown. Not to be shared between event loops."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        chain_id: int,
        timeout: float,
        batch: int,
        client: httpx.AsyncClient,
        rng: Random,
    ) -> None:
        self.name: Final = name
        self.error: str | None = None
        """Why it is rested; `None` while it answers, or was not asked yet."""
        self.answers = False
        """Whether its last request was answered."""
        self.requests: Counter[str] = Counter()
        """HTTP requests by what came of them: `ok` or a failure."""
        self.calls: Counter[str] = Counter()
        """Calls sent, by method."""
        self._url = url
        self._hidden = secret_parts(url)
        self._chain_id = chain_id
        self._timeout = timeout
        self._batch = batch
        self._client = client
        self._rng = rng
        self._rests_until = 0.0
        self._failures = 0
        self._right_chain = False
        self._single_until = 0.0
        self._checking = asyncio.Lock()

    def __repr__(self) -> str:
        """Without the URL."""
        return f"Upstream({self.name})"

    def rests(self) -> float:
        """Seconds for which it is better left alone; 0 if it may be asked."""
        return max(0.0, self._rests_until - asyncio.get_running_loop().time())

    async def ask(self, question: Question) -> Any:  # noqa: ANN401 - JSON
        """The result. Raises `UpstreamError`, or `RefusedError`, which is an answer."""
        with _Tried(self):
            await self._check_chain()
            return await self._one(question)

    async def ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """Results and refusals in order. Raises `UpstreamError`."""
        with _Tried(self):
            await self._check_chain()
            found: list[Any] = []
            for start in range(0, len(questions), self._batch):
                found += await self._some(questions[start : start + self._batch])
            return found

    def failed(self, error: UpstreamError) -> None:
        """Leave it alone for a while, longer each time; what fails together fails once."""
        if error.failure != "busy":
            self._right_chain = False  # Who comes back may be another.
        now = asyncio.get_running_loop().time()
        if self.rests():
            self._rests_until = max(self._rests_until, now + (error.rest or 0.0))
            return
        told = self.error
        self.answers, self.error = False, str(error)
        self._failures += 1
        rest = min(FIRST_REST * 2 ** min(self._failures - 1, 10), LONGEST_REST)
        rest = max(rest * self._rng.uniform(0.5, 1.0), error.rest or 0.0)
        self._rests_until = now + rest
        if told is None:
            log.warning("an Ethereum node fails", extra={"node": self.name, "reason": self.error})

    def worked(self) -> None:
        """It answered."""
        if self.error is not None:
            log.info("an Ethereum node answers again", extra={"node": self.name})
        self.answers, self.error = True, None
        self._failures, self._rests_until = 0, 0.0

    async def _check_chain(self) -> None:
        if not self._right_chain:
            async with self._checking:
                await self._check_chain_once()

    async def _check_chain_once(self) -> None:
        if self._right_chain:
            return
        if self.rests():  # It failed whoever asked before.
            raise UpstreamError("unreachable", self.error or "it rests")
        try:
            chain_id = quantity(await self._one(Question("eth_chainId")))
        except (RefusedError, AnswerError) as error:
            raise UpstreamError(
                "malformed", f"it does not say which chain it is of ({error})", rest=LONG_REST
            ) from error
        if chain_id != self._chain_id:
            raise UpstreamError(
                "wrong_chain",
                f"it is a node of chain {chain_id}; expected {self._chain_id} "
                "(`ethereum.chain_id`)",
                rest=LONG_REST,
            )
        self._right_chain = True

    async def _some(self, questions: Sequence[Question]) -> list[Any]:
        """A batch, or one by one where that is not taken."""
        loop = asyncio.get_running_loop()
        if len(questions) == 1 or self._batch == 1 or self._single_until > loop.time():
            return await self._one_by_one(questions)
        try:
            return await self._post(
                questions, lambda body: self._batch_answers(body, questions), batch=True
            )
        except _BatchTurnedDownError as error:
            self._single_until = loop.time() + WITHOUT_BATCHES
            log.info(
                "an Ethereum node takes no batches: it is asked one by one",
                extra={"node": self.name, "reason": str(error), "batch": len(questions)},
            )
            return await self._one_by_one(questions)

    async def _one_by_one(self, questions: Sequence[Question]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(questions), AT_ONCE):
            some = questions[start : start + AT_ONCE]
            results = await asyncio.gather(
                *map(self._answer_or_refusal, some), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException) and not isinstance(result, RefusedError):
                    raise result
            found += results
        return found

    async def _answer_or_refusal(self, question: Question) -> Any:  # noqa: ANN401 - JSON
        try:
            return await self._one(question)
        except RefusedError as refusal:
            return refusal

    async def _one(self, question: Question) -> Any:  # noqa: ANN401 - JSON
        return await self._post(
            (question,), lambda body: self._single_answer(body, question), batch=False
        )

    async def _post(
        self, questions: Sequence[Question], read: Callable[[bytes], T], *, batch: bool
    ) -> T:
        """Send, and read what comes; each request is counted once, by what came of it.

        Raises `UpstreamError`, `RefusedError` or `_BatchTurnedDownError`.
        """
        for question in questions:
            self.calls[question.method] += 1
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._reply(rpc.body_of(questions, batch=batch))
            _judge(reply, batch=batch)
            found = read(reply.body)
        except RefusedError:
            self.requests["ok"] += 1
            raise
        except _BatchTurnedDownError:
            self.requests["batch_refused"] += 1
            raise
        except UpstreamError as error:
            self.requests[error.failure] += 1
            raise
        except _ON_THE_WAY as error:
            failure = _failure(error, self._timeout)
            self.requests[failure.failure] += 1
            raise failure from None
        self.requests["ok"] += 1
        return found

    async def _reply(self, body: bytes) -> Reply:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers, timeout=self._timeout
        ) as response:
            return await whole(response, BODY_LIMIT)

    def _single_answer(self, body: bytes, question: Question) -> Any:  # noqa: ANN401 - JSON
        try:
            found = rpc.answer(body, self._hidden)
        except RefusedError as refusal:
            if rpc.slows_down(refusal):
                raise _busy(refusal) from refusal
            raise
        except rpc.MalformedError as error:
            raise UpstreamError("malformed", f"it answers with {error}") from error
        _check_kind(question, found)
        return found

    def _batch_answers(self, body: bytes, questions: Sequence[Question]) -> list[Any]:
        try:
            found = rpc.answers(body, len(questions), self._hidden)
        except rpc.BatchRefusedError as error:
            if rpc.slows_down(error.refusal):
                raise _busy(error.refusal) from error
            raise _BatchTurnedDownError(str(error)) from error
        except rpc.MalformedError as error:
            raise UpstreamError("malformed", f"it answers a batch with {error}") from error
        for question, entry in zip(questions, found, strict=True):
            if not isinstance(entry, RefusedError):
                _check_kind(question, entry)
            elif rpc.slows_down(entry):
                raise _busy(entry)
        return found


class _BatchTurnedDownError(Exception):
    """Batches are not taken, or not of this size; the message says in what words."""


class _Tried:
    """Notes on a node what comes of a question to it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, UpstreamError):
            self._upstream.failed(error)
        elif error is None or isinstance(error, RefusedError):
            self._upstream.worked()


def _judge(reply: Reply, *, batch: bool) -> None:
    """Raises `UpstreamError` or `_BatchTurnedDownError` by the HTTP status."""
    status = reply.status
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UpstreamError("busy", "HTTP 429: it is asked too much", rest=_after(reply))
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise UpstreamError(
            "unauthorized", f"HTTP {status}: it refuses the key in its URL", rest=LONG_REST
        )
    turned_down = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if batch and status in turned_down:
        raise _BatchTurnedDownError(f"HTTP {status}")
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        raise UpstreamError("http_error", f"HTTP {status}: it sends us elsewhere", rest=LONG_REST)
    if reply.body[:1] == b"{" and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return  # Some nodes give JSON-RPC errors a status of their own.
    rest = LONG_REST if status == HTTPStatus.NOT_FOUND else _after(reply)
    raise UpstreamError("http_error", f"HTTP {status}", rest=rest)


def _after(reply: Reply) -> float | None:
    """Seconds that the server asks us to wait, within bounds."""
    text = reply.retry_after
    return min(float(text), LONG_REST) if text.isascii() and text.isdigit() else None


def _check_kind(question: Question, result: object) -> None:
    if not rpc.is_of_its_kind(question, result):
        raise UpstreamError("malformed", f"it answers {question.method} with what that never gives")


def _busy(refusal: RefusedError) -> UpstreamError:
    return UpstreamError("busy", f"it is asked too much (error {refusal.code}: {refusal.message})")


def _failure(error: Exception, timeout: float) -> UpstreamError:
    """What went wrong on the way."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return UpstreamError("timeout", f"no answer within {timeout:g} s")
    if isinstance(error, ReplyError):
        return UpstreamError("malformed", str(error))
    return UpstreamError("unreachable", _why(error))


def _why(error: Exception) -> str:
    """The kind of a failure, in words that hold no URL."""
    cause: BaseException = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({cause.reason or 'its certificate is not trusted'})"
    if isinstance(cause, OSError) and cause.strerror:
        return f"no connection ({cause.strerror})"
    return f"the connection failed ({type(error).__name__})"


def client(url: str) -> httpx.AsyncClient:
    """Connections to one node: nothing followed, no proxy of the environment."""
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        verify=trust(url),
        limits=httpx.Limits(max_connections=2 * AT_ONCE, max_keepalive_connections=AT_ONCE),
    )
