"""What a lane can tell about a job that was just done over it: its pools, its log, its state."""

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
import msgspec

from exporter.discovery.capabilities import PIPELINES
from exporter.model import Target, is_eth_address
from exporter.probing.blame import Told
from exporter.probing.exchange import Exchanged
from exporter.probing.lane_log.explain import Explanation, explain
from exporter.probing.lane_log.line import read
from exporter.probing.lanes import Lane
from exporter.probing.session_pools import check_pin

CLI_LIMIT = 4 * 2**20
"""Bytes of an answer of a CLI port."""
CLI_SECONDS = 2.0
ASKS_WITHIN = 1.0
"""Seconds in which a gateway asks its webhook once it was made to."""
LOG_PAUSE = 0.05
"""Seconds in which the last lines of a failing job come through the gateway's pipe."""
LINES_KEPT = 40
LINE_KEPT = 500

STRANGERS = 5

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
    handed_over: bool | None = None
    session_setup: int | None = None
    """Nanoseconds of the gateway's first contact for this model; 0 where it had one already."""
    attempts: int | None = None
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

    async def close(self) -> None:
        """Close the connections to CLI ports."""
        await self._client.aclose()

    async def let_ask(self, lane: Lane) -> None:
        """Make the gateway of a webhook lane ask whom to use, where its CLI port is known."""
        if lane.visit is None or lane.cli_url is None or lane.visit.asked:
            return
        await self._get(lane, "/status")
        await lane.visit.wait(ASKS_WITHIN)

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
        pools, address = await asyncio.gather(
            self._pools(lane), self._address(lane, target.orchestrator)
        )
        found = _by_pools(lane, pools, address, target, shared=shared)
        if process is None:
            failure = _not_pointed(lane, reached=reached)
            words = () if lane.visit is None else (lane.visit.words,)
            return msgspec.structs.replace(found, failure=failure, evidence=words)
        if not ok:
            await asyncio.sleep(LOG_PAUSE)
            if pools is None:
                await process.alive()
        explanation = explain(
            [read(line.text) for line in process.since(mark)],
            version=process.version,
            request_id=request_id(exchanged),
            pinned=lane.pinned or "",
            pid=process.pid,
        )
        return _by_log(found, explanation, process.failure(), ok=ok)

    async def _pools(self, lane: Lane) -> bytes | None:
        return None if lane.cli_url is None else await self._get(lane, "/getAISessionPoolsInfo")

    async def _address(self, lane: Lane, orchestrator: str) -> tuple[str, ...]:
        """ETH addresses that the pinned gateway lists, on-chain; empty where it lists none."""
        on_chain = lane.process is not None and lane.process.on_chain
        if not on_chain or not is_eth_address(orchestrator):
            return ()
        body = await self._get(lane, "/getNetworkCapabilities")
        try:
            listed = msgspec.json.decode(body or b"{}", type=_Capabilities)
        except (msgspec.DecodeError, RecursionError):
            return ()
        return tuple(entry.address.lower() for entry in listed.orchestrators or () if entry.address)

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


def request_id(exchanged: Exchanged) -> str | None:
    """The gateway's own id of the request, as its media URLs carry it."""
    for media in exchanged.media:
        found = _REQUEST_ID.match(urlsplit(media.url).path)
        if found:
            return found[1]
    return None


def _by_pools(
    lane: Lane,
    pools: bytes | None,
    addresses: tuple[str, ...],
    target: Target,
    *,
    shared: bool,
) -> Found:
    """What the session pools, and on-chain the listed address, say of who did the job."""
    orchestrator = target.orchestrator
    if addresses and orchestrator not in addresses:
        return Found(strangers=addresses[:STRANGERS])
    if pools is None or lane.pinned is None:
        return Found(shared=shared and orchestrator not in addresses)
    check = check_pin(pools, pinned=lane.pinned)
    if check.others:
        return Found(strangers=check.others[:STRANGERS])
    named = orchestrator in addresses
    verified = check.readable and (named or not shared)
    suspended = check.is_suspended_for(_CAPABILITY.get(target.pipeline, 0), target.model)
    return Found(pin_verified=verified, suspended=suspended, shared=shared and not named)


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
        )
    return msgspec.structs.replace(
        found,
        failure=failure,
        told=told,
        handed_over=explanation.handed_over,
        session_setup=explanation.session_setup,
        attempts=explanation.attempts,
        repeat=explanation.repeat,
        evidence=(*found.evidence, *(() if ok else explanation.evidence)),
        lines=() if ok else bounded(explanation.unknown),
    )


def bounded(lines: Sequence[str]) -> tuple[str, ...]:
    """The first lines, each cut to what a measurement keeps of it."""
    return tuple(line[:LINE_KEPT] for line in lines[:LINES_KEPT])
