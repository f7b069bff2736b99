"""One job against one endpoint that a person typed: no service, no store, no schedule."""

import asyncio
import time

from pydantic import TypeAdapter, ValidationError

from exporter.model import LaneKind, Measurement, Offer, Target, pipeline_uri
from exporter.pipelines import registry
from exporter.pipelines.proofs import ProofPool
from exporter.pipelines.seen import Seen
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port
from exporter.probing.job import JobRunner
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lane
from exporter.probing.resolve import Resolver
from exporter.probing.transport import unverified_tls, warm_up
from exporter.settings import HttpUrl, Limits, Pipelines


class UnusableError(Exception):
    """What was typed cannot be probed; the message says why."""


async def probe_once(
    *, url: str, pipeline: str, model: str, inference_limit: float | None = None
) -> Measurement:
    """Run one job over a direct lane with the default settings.

    Raises `UnusableError` for a URL or a pipeline that cannot be used.
    """
    base = _checked(url)
    pipelines = registry(Pipelines())
    name = pipeline_uri(pipeline)
    if name not in pipelines:
        raise UnusableError(
            f"pipeline {pipeline!r} is not tested by this version; these are: "
            + ", ".join(sorted(pipelines))
        )
    limits = Limits() if inference_limit is None else Limits(inference=inference_limit)
    endpoint = host_and_port(base)
    offer = Offer(target=Target("endpoint", name, model), service_uri=base, named_by_operator=True)
    lane = Lane(
        kind=LaneKind.DIRECT,
        name=f"direct:{endpoint[0]}:{endpoint[1]}",
        url=base,
        trusted=frozenset({endpoint}),
    )
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    resolver, proofs = Resolver(), ProofPool(timeout_seconds=limits.proof)
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
            guard=Guard(),
            connectivity=None,
            lag=lag,
            tls=unverified_tls(),
        )
        return await runner.run(offer, lane, due=time.monotonic_ns(), number=None)
    finally:
        watching.cancel()
        await proofs.close()
        resolver.close()


def _checked(url: str) -> str:
    try:
        return TypeAdapter(HttpUrl).validate_python(url)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UnusableError(f"--url {url[:200]!r}: {reason}") from error
