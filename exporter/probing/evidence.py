"""What a lane can tell about a job that was just done over it: its pools, its log, its state."""

import asyncio
import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import httpx
import msgspec

from exporter.discovery.capabilities import PIPELINES
from exporter.model import LaneKind, Target, is_eth_address
from exporter.probing.blame import Told
from exporter.probing.exchange import Exchanged
from exporter.probing.handshake import host_and_port
from exporter.probing.lane_log.explain import Explanation, explain
from exporter.probing.lane_log.line import read
from exporter.probing.lanes import Lane
from exporter.probing.managed.pool import ManagedLane
from exporter.probing.session_pools import PinCheck, check_pin

CLI_LIMIT = 4 * 2**20
"""Bytes of an answer of a CLI port."""
CLI_SECONDS = 2.0
ASKS_WITHIN = 1.0
"""Seconds in which a gateway asks its webhook once it was made to."""
LOG_SECONDS = 1.0
"""Seconds in which a gateway's last lines about a job come through its pipe."""
LOG_PAUSE = 0.02
OFF_LOOP = 300
"""Lines from which on a log is read in a thread, so that stamps stay true."""
POOL_TRIES = 5
LINES_KEPT = 40
LINE_KEPT = 500

LIST_WITHIN = 60.0
"""Seconds in which an on-chain gateway has read the pool, and lists whom it is pinned to."""
LIST_SOON = 0.5
"""The same, where the list is not all that tells whose job it was."""
LIST_PAUSE = 0.1

STRANGERS = 5
NO_POOLS = "the gateway's CLI port did not tell its session pools"
BY_ADDRESS = "the gateway lists the orchestrator's ETH address: the pin was verified by address"
NOBODY_TELLS = "another orchestrator gives the same service URI: nothing tells whose answer it is"

_CAPABILITY = {pipeline: capability for capability, pipeline in PIPELINES.items()}
_REQUEST_ID = re.compile(r"^/stream/([0-9a-f]{8})/")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about one job at its lane."""

    pin_verified: bool = False
    strangers: tuple[str, ...] = ()
    suspended: bool = False
    shared: bool = False
    """Whether another orchestrator gives the same service URI, and nothing told them apart."""
    failure: str | None = None
    """What became of the lane itself, if it failed."""
    told: Told | None = None
    unread: bool = False
    """Whether the log has words about the job that nobody understands, or lacks its end."""
    gone: bool = False
    """Whether nobody listens any more where somebody else's gateway was."""
    handed_over: bool | None = None
    answered: bool | None = None
    session_setup: int | None = None
    """Nanoseconds of the gateway's first contact for this model; 0 where it had one already."""
    attempts: int | None = None
    ticket_value: float | None = None
    """Wei that the tickets which the gateway sent are worth on average."""
    repeat: bool = False
    """Whether the cause was ours and passes: one repeat is worth it."""
    evidence: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    """The lane's log lines of a failed job that no table knows, raw and bounded."""


class Witness:
    """Asks lanes about the jobs that were done over them."""

    def __init__(self) -> None:
        # Only places that the operator's settings name, or our own gateways, are asked here.
        self._client = httpx.AsyncClient(
            verify=False,  # noqa: S501 - gateways' CLI ports have no certificate to speak of
            trust_env=False,
            follow_redirects=False,
            timeout=CLI_SECONDS,
            headers={"Accept-Encoding": "identity"},
        )
        self._awaited: WeakSet[ManagedLane] = WeakSet()
        """Leases whose gateway was given time to make its list."""

    async def close(self) -> None:
        """Close the connections to CLI ports."""
        await self._client.aclose()

    async def let_ask(self, lane: Lane) -> None:
        """Make the gateway of a webhook lane ask whom to use, where its CLI port is known."""
        if lane.visit is None or lane.cli_url is None or lane.visit.asked:
            return
        await self._get(lane, "/status")
        await lane.visit.wait(ASKS_WITHIN)

    async def let_list(self, lane: Lane) -> None:
        """Let an on-chain gateway find out whom it is pinned to, once for each lease.

        Needed where the service URI alone does not tell: without the list, the job would say
        nothing about anybody, and would be paid for.
        """
        if _lists(lane) and not await self._addresses(lane):
            await self._list_within(lane, LIST_WITHIN)

    async def look(
        self,
        lane: Lane,
        mark: int,
        exchanged: Exchanged,
        *,
        target: Target,
        ok: bool,
        reached: bool,
        shared: bool = False,
    ) -> Found:
        """Ask the lane after a job; never raises for what it says, and takes a bounded time.

        `mark` is where its log stood before the job, `ok` whether an answer came, `reached` whether
        the request reached the gateway. With `shared`, the service URI alone does not
        tell whose job it was.
        """
        process = lane.process
        pools, addresses = await asyncio.gather(
            self._pools(lane, target, ok=ok), self._whom(lane, target.orchestrator, ok=ok)
        )
        found = _by_pools(lane, pools, addresses, target, shared=shared, ok=ok)
        if process is None:
            failure = _not_pointed(lane, reached=reached)
            gone = not ok and lane.kind is not LaneKind.DIRECT and await _is_gone(lane)
            words = () if lane.visit is None else (lane.visit.words,)
            evidence = (*found.evidence, *words)
            return msgspec.structs.replace(found, failure=failure, gone=gone, evidence=evidence)
        if pools is None and not ok:
            await process.alive()
        explanation = await self._explained(lane, process, mark, exchanged)
        return _by_log(found, explanation, process.failure(), ok=ok)

    async def _explained(
        self, lane: Lane, process: ManagedLane, mark: int, exchanged: Exchanged
    ) -> Explanation:
        """What the log tells, once the end of the request stands in it, or `LOG_SECONDS` later.

        The gateway writes before it answers, but its lines come through a pipe.
        """
        request, status = request_id(exchanged), exchanged.status
        until = time.monotonic() + LOG_SECONDS
        while True:
            tell = partial(
                _tell,
                [line.text for line in process.since(mark)],
                version=process.version,
                request_id=request,
                pinned=lane.pinned or "",
                pid=process.pid,
                on_chain=process.on_chain,
                dropped=process.dropped(mark),
                status=status,
            )
            many = process.mark() - mark > OFF_LOOP
            explanation = await asyncio.to_thread(tell) if many else tell()
            over = time.monotonic() > until or process.failure() is not None
            if explanation.complete or over:
                return explanation
            await asyncio.sleep(LOG_PAUSE)

    async def _pools(self, lane: Lane, target: Target, *, ok: bool) -> PinCheck | None:
        """The model's session pool; after an answer once it holds the session that gave it.

        A gateway puts it back when it is done with its client. `None` where it is not told.
        """
        if lane.cli_url is None or lane.pinned is None:
            return None
        capability = _CAPABILITY.get(target.pipeline)
        only = None if capability is None else (capability, target.model)
        check = None
        for _ in range(POOL_TRIES if ok else 1):
            body = await self._get(lane, "/getAISessionPoolsInfo")
            check = None if body is None else check_pin(body, pinned=lane.pinned, only=only)
            if check is None or check.seen:
                return check
            await asyncio.sleep(LOG_PAUSE)
        return check

    async def _whom(self, lane: Lane, orchestrator: str, *, ok: bool) -> tuple[str, ...]:
        """ETH addresses that the pinned gateway lists, on-chain; empty where it lists none."""
        if not _lists(lane) or not is_eth_address(orchestrator):
            return ()
        found = await self._addresses(lane)
        return found if found or not ok else await self._list_within(lane, LIST_SOON)

    async def _list_within(self, lane: Lane, seconds: float) -> tuple[str, ...]:
        """The addresses, as soon as there are any; only asked once more in the same lease."""
        process, until = lane.process, time.monotonic() + seconds
        if process is None or process in self._awaited:
            return ()
        self._awaited.add(process)
        while time.monotonic() < until and process.failure() is None:
            await asyncio.sleep(LIST_PAUSE)
            if found := await self._addresses(lane):
                return found
        return ()

    async def _addresses(self, lane: Lane) -> tuple[str, ...]:
        body = await self._get(lane, "/getNetworkCapabilities")
        try:
            listed = msgspec.json.decode(body or b"{}", type=_Capabilities)
        except (msgspec.DecodeError, RecursionError):
            return ()
        found = (entry.address.lower() for entry in listed.orchestrators or () if entry.address)
        return tuple(dict.fromkeys(found))

    async def _get(self, lane: Lane, path: str) -> bytes | None:
        """A bounded answer of the lane's CLI port; `None` if there is none in time."""
        url = (lane.cli_url or "") + path
        try:
            async with (
                asyncio.timeout(CLI_SECONDS),
                self._client.stream("GET", url) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    return None
                body = bytearray()
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > CLI_LIMIT:
                        return None
                return bytes(body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError):
            return None


class _Listed(msgspec.Struct):
    address: str | None = None


class _Capabilities(msgspec.Struct):
    orchestrators: list[_Listed] | None = None


def _tell(lines: list[str], **about: Any) -> Explanation:  # noqa: ANN401 - passed on as it is
    return explain([read(line) for line in lines], **about)


def request_id(exchanged: Exchanged) -> str | None:
    """The gateway's own id of the request, as its media URLs carry it."""
    for media in exchanged.media:
        found = _REQUEST_ID.match(urlsplit(media.url).path)
        if found:
            return found[1]
    return None


def _lists(lane: Lane) -> bool:
    """Whether the lane's gateway is one that lists whom it works with."""
    return lane.process is not None and lane.process.on_chain


def _by_pools(
    lane: Lane,
    check: PinCheck | None,
    addresses: tuple[str, ...],
    target: Target,
    *,
    shared: bool,
    ok: bool,
) -> Found:
    """What the session pools, and on-chain the listed address, say of who did the job.

    Old gateways list the whole pool, pinned or not: only a list of one address tells anything.
    """
    named = addresses == (target.orchestrator,)
    if len(addresses) == 1 and not named:
        return Found(strangers=addresses)
    shared = shared and not named
    evidence = (BY_ADDRESS,) if named else (NOBODY_TELLS,) if shared and ok else ()
    if check is None:
        evidence = evidence if lane.cli_url is None else (*evidence, NO_POOLS)
        return Found(shared=shared, evidence=evidence)
    if check.others:
        return Found(strangers=check.others[:STRANGERS])
    # An orchestrator that failed leaves its pool; one that answered stands in it.
    verified = check.readable and (check.seen or not ok)
    return Found(
        pin_verified=verified and not shared,
        suspended=check.suspended,
        shared=shared,
        evidence=evidence,
    )


async def _is_gone(lane: Lane) -> bool:
    """Whether nobody listens any more where somebody else's gateway was."""
    host, port = host_and_port(lane.url)
    try:
        async with asyncio.timeout(CLI_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return True
    except (OSError, TimeoutError, ValueError):
        return False
    writer.transport.abort()
    return False


def _not_pointed(lane: Lane, *, reached: bool) -> str | None:
    """Why a job over a webhook lane says nothing about anybody, if it does not."""
    if lane.visit is None or not reached:
        return None
    failure = lane.visit.failure()
    return None if failure is None else failure.message


def _by_log(found: Found, explanation: Explanation, failure: str | None, *, ok: bool) -> Found:
    told = None
    if explanation.outcome is not None:
        told = Told(
            outcome=explanation.outcome,
            blame=explanation.blame,
            blame_known=explanation.blame_known,
            message=explanation.message,
            from_orchestrator=explanation.from_orchestrator,
        )
    return msgspec.structs.replace(
        found,
        failure=failure,
        told=told,
        unread=explanation.unread or not explanation.complete,
        handed_over=explanation.handed_over,
        answered=explanation.answered,
        session_setup=explanation.session_setup,
        attempts=explanation.attempts,
        ticket_value=explanation.ticket_value,
        repeat=explanation.repeat,
        evidence=(*found.evidence, *(() if ok else explanation.evidence)),
        lines=() if ok else bounded(explanation.unknown),
    )


def bounded(lines: Sequence[str]) -> tuple[str, ...]:
    """The first lines, each cut to what a measurement keeps of it."""
    return tuple(line[:LINE_KEPT] for line in lines[:LINES_KEPT])
