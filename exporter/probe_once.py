"""One job against one endpoint that a person typed: no service, no store, no schedule."""

import asyncio
import time
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from exporter.model import LaneKind, Measurement, Offer, Target, pipeline_uri
from exporter.pipelines import registry
from exporter.pipelines.proofs import ProofPool
from exporter.pipelines.seen import Seen
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port
from exporter.probing.job import JobRunner, Keep
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lane
from exporter.probing.resolve import Resolver
from exporter.probing.transport import unverified_tls, warm_up
from exporter.probing.trust import Trust, TrustError, Trusts
from exporter.settings import HttpUrl, Limits, Pipelines, Settings
from exporter.settings.lanes import LaneTls


class UnusableError(Exception):
    """What was typed cannot be probed; the message says why."""


async def probe_once(
    *,
    url: str,
    pipeline: str,
    model: str,
    inference_limit: float | None = None,
    verify: bool = False,
    ca: Path | None = None,
    fingerprint: str | None = None,
    settings: Settings | None = None,
    keep: Keep | None = None,
) -> Measurement:
    """Run one job over a direct lane.

    `verify`, `ca` and `fingerprint` are what a lane's `tls` is in the settings. Parameters of the
    job, limits and exceptions of the guard are those of `settings`, else the default ones. `keep`
    is given the answer, if one came. Raises `UnusableError` for what was typed and cannot be used.
    """
    base = _checked(url)
    trust = _trust(verify, ca, fingerprint)
    if trust.asks and not base.lower().startswith("https:"):
        raise UnusableError(
            f"--url {url[:200]!r}: expected https, since a certificate is to be checked"
        )
    pipelines = registry(Pipelines() if settings is None else settings.pipelines)
    name = pipeline_uri(pipeline)
    if name not in pipelines:
        raise UnusableError(
            f"pipeline {pipeline!r} is not tested by this version; these are: "
            + ", ".join(sorted(pipelines))
        )
    limits = Limits() if settings is None else settings.limits
    if inference_limit is not None:
        limits = limits.model_copy(update={"inference": inference_limit})
    endpoint = host_and_port(base)
    offer = Offer(target=Target("endpoint", name, model), service_uri=base, named_by_operator=True)
    lane = Lane(
        kind=LaneKind.DIRECT,
        name=f"direct:{endpoint[0]}:{endpoint[1]}",
        url=base,
        trusted=frozenset({endpoint}),
        trust=trust,
    )
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    resolver, proofs = Resolver(), ProofPool(processor_seconds=limits.proof)
    try:
        await proofs.start()
        await warm_up()
        runner = JobRunner(
            tester="probe",
            region="LOCAL",
            limits=limits,
            pipelines=pipelines,
            proofs=proofs,
            seen=Seen(),
            resolver=resolver,
            guard=Guard() if settings is None else Guard(settings.guard.allow),
            connectivity=None,
            lag=lag,
            tls=unverified_tls(),
            keep=keep,
        )
        ran = await runner.run(offer, lane, due=time.monotonic_ns(), number=None)
        return ran.measurement
    finally:
        watching.cancel()
        await proofs.close()
        resolver.close()


def _checked(url: str) -> str:
    try:
        return TypeAdapter(HttpUrl).validate_python(url)
    except ValidationError as error:
        raise UnusableError(f"--url {url[:200]!r}: {_reason(error)}") from error


def _trust(verify: bool, ca: Path | None, fingerprint: str | None) -> Trust:  # noqa: FBT001 - as typed
    try:
        return Trusts().of(LaneTls(verify=verify, ca=ca, fingerprint=fingerprint))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "ca"
        raise UnusableError(f"--{where}: {_reason(error)}") from error
    except TrustError as error:
        raise UnusableError(f"--{'verify' if ca is None else 'ca'}: {error}") from error


def _reason(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")
