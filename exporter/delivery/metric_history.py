"""Writes what metrics say into InfluxDB again and again, for those who have no Prometheus.

Nothing is kept for later: what could not be written is written anew, as it is then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import httpx
from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from exporter.model import NANOSECONDS
from exporter.stores.influx_client import PointsRefused
from exporter.stores.influx_metric_lines import Tags, Value, lines, values

log = logging.getLogger(__name__)

UNCHANGED: Final = 300.0
"""Seconds after which what is about an orchestrator is written again though it is the same."""
ANSWER_LIMIT: Final = 8 * 2**20
"""Bytes of the probe's metrics."""
PATIENCE: Final = 10.0
_BATCH: Final = 5000
_SAID_LIMIT: Final = 200


class MetricHistory:
    """Takes both processes' metrics every `interval` seconds and writes what `ai_metric` has.

    `station` gives this process' families; the probe's are asked for at `probe`, a URL. What is
    about no orchestrator is written each time, the rest when it changed, and at least every
    `UNCHANGED` seconds. `now` gives Unix nanoseconds.
    """

    def __init__(
        self,
        *,
        station: Callable[[], Awaitable[Iterable[Family]]],
        probe: str,
        write: Callable[[Sequence[str]], Awaitable[None]],
        tester: str,
        region: str,
        interval: float,
        now: Callable[[], int],
    ) -> None:
        self._station = station
        self._probe = probe
        self._write = write
        self._tester = tester
        self._region = region
        self._interval = interval
        self._now = now
        self._written: dict[tuple[Tags, str], tuple[str, float]] = {}
        """What was written last of each field about an orchestrator, and when (loop seconds)."""
        self._problems: dict[str, str] = {}

    async def run(self) -> None:
        """Write again and again until cancelled."""
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            while True:
                began = loop.time()
                await self.round(client)
                await asyncio.sleep(max(0.0, began + self._interval - loop.time()))

    async def round(self, client: httpx.AsyncClient) -> None:
        """Write what is there now. Never raises what the store or the probe fail with."""
        at = self._now()
        probe = await self._of_probe(client)
        try:
            station = await self._station()
            written, fresh = await asyncio.to_thread(self._changed, station, probe, at)
            await self._deliver(written)
        except Exception as error:  # noqa: BLE001 - whatever ails the store is tried again
            self._told("metrics cannot be written to the store", str(error))
        else:
            self._written = fresh
            self._told("metrics cannot be written to the store", None)

    async def _deliver(self, written: Sequence[str]) -> None:
        """Write all batches, the others too where one is refused; then raise for that one."""
        refused: PointsRefused | None = None
        for first in range(0, len(written), _BATCH):
            try:
                await self._write(written[first : first + _BATCH])
            except PointsRefused as error:
                refused = error
        if refused is not None:
            raise refused

    def _changed(
        self, station: Iterable[Family], probe: Iterable[Family], at: int
    ) -> tuple[list[str], dict[tuple[Tags, str], tuple[str, float]]]:
        """The lines of what is to be written at `at`, and what will have been written then."""
        now = at / NANOSECONDS
        chosen: list[Value] = []
        fresh: dict[tuple[Tags, str], tuple[str, float]] = {}
        for families in (station, probe):
            for value in values(families, tester=self._tester, region=self._region):
                if not value.about_an_orchestrator:
                    chosen.append(value)
                    continue
                key = (value.tags, value.field)
                before = self._written.get(key)
                if before is not None and _stands(before, value, now):
                    fresh[key] = before
                    continue
                chosen.append(value)
                fresh[key] = (value.written, now)
        return lines(chosen, at), fresh

    async def _of_probe(self, client: httpx.AsyncClient) -> Sequence[Family]:
        """The probe's metrics; none where it does not answer as it should."""
        what = "the probe's metrics cannot be read"
        try:
            async with asyncio.timeout(PATIENCE):
                text = await _bounded(client, self._probe)
            found = await asyncio.to_thread(_parsed, text)
        except (httpx.HTTPError, TimeoutError, _UnreadableError) as error:
            self._told(what, str(error) or type(error).__name__)
            return ()
        self._told(what, None)
        return found

    def _told(self, what: str, problem: str | None) -> None:
        """Say once what goes wrong, and that it is over."""
        if problem is None:
            if self._problems.pop(what, None) is not None:
                log.info("over: %s", what)
        elif self._problems.get(what) != problem:
            self._problems[what] = problem
            log.warning(what, extra={"problem": problem})


def _stands(before: tuple[str, float], value: Value, now: float) -> bool:
    written, when = before
    return written == value.written and 0 <= now - when < UNCHANGED


class _UnreadableError(Exception):
    """What answers at the probe's address is not the probe's metrics; the message says how."""


async def _bounded(client: httpx.AsyncClient, url: str) -> str:
    body = bytearray()
    async with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_LIMIT:
                raise _UnreadableError(f"the answer is larger than {ANSWER_LIMIT} bytes")
    return body.decode("utf-8", "replace")


def _parsed(text: str) -> list[Family]:
    try:
        return list(text_string_to_metric_families(text))
    except Exception as error:
        # The parser stumbles over rubbish in many ways: an IndexError is one of them.
        why = repr(str(error)[:_SAID_LIMIT])
        raise _UnreadableError(f"it is not in Prometheus' text format: {why}") from error
