"""`simulate orchestrator`: a simulated node and runner as a program."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from exporter.model import is_eth_address
from exporter.simulation.gateway.flags import FlagError, parse
from exporter.simulation.node import ADDRESS, SimulatedNode
from exporter.simulation.programs import manners, sim_flags
from exporter.simulation.programs.offers import OffersError, offers
from exporter.simulation.programs.running import Write, told_to_stop
from exporter.simulation.programs.sim_flags import SimFlag, SimFlagError, Value
from exporter.simulation.runner import FAULTS, NINE, Runner, RunnerFault

OWN: Final = (
    SimFlag("serviceAddr", "text", "host:port to listen on and to report (127.0.0.1:8935)."),
    SimFlag(
        "aiModels", "text", "Models: JSON, a file of it, or pipeline:model:warm:capacity:price."
    ),
    SimFlag("ethAcctAddr", "text", "ETH address that is paid; with it the node tells its prices."),
    SimFlag("pricePerUnit", "whole", "Wei per unit of models that have no price of their own."),
)
FLAGS: Final = (
    SimFlag("simSpeed", "real", "Divide all times that are built in."),
    SimFlag("simRunnerFault", "text", "How the runner fails; see below."),
    SimFlag("simFaultJobs", "whole", "The fault ends after so many jobs."),
    SimFlag("simRunnerDelay", "real", "Seconds before the runner answers, well or badly."),
    SimFlag("simWay", "text", "How jobs are done, as pipeline:way, with commas; see below."),
    SimFlag("simLie", "text", "What is answered instead, as pipeline:lie, with commas."),
    SimFlag("simLeak", "switch", "The first answer is bad, and its capacity is lost for good."),
    SimFlag("simSilent", "switch", "Accept connections and say nothing."),
    SimFlag("simReportsUri", "text", "Report this service URI instead of its own."),
    SimFlag("simSenderRefusal", "text", "Refuse every sender with these words."),
    SimFlag("simPaymentRefusal", "text", "Refuse every payment with these words."),
    SimFlag("simNodeAddr", "text", "The node's own ETH address, if not that which is paid."),
    SimFlag("simVersion", "text", "Version to report."),
    SimFlag("simStartSeconds", "real", "Listen only after so many seconds."),
    SimFlag("simIgnoreSigterm", "switch", "Go on when asked to end."),
)

HELP: Final = """\
Usage: livepeer-exporter simulate orchestrator [FLAGS]

  A simulated combined orchestrator: TLS with a self-signed certificate, capacity that is live and
  can be lost, and a runner that does the jobs of all nine batch pipelines with small means, or
  lies. Simulated gateways work with it, real ones do not: it speaks no gRPC. Without -aiModels it
  has one model of each pipeline.

  Flags of go-livepeer that are not listed here are accepted and mean nothing.

Flags of go-livepeer:
"""
_SIMULATION: Final = """
Flags of the simulation, also SIMULATION_RUNNER_FAULT for -simRunnerFault in the environment:
"""
_EXAMPLE: Final = """
Example:
  livepeer-exporter simulate orchestrator -serviceAddr 127.0.0.1:8935 \\
      -aiModels text-to-image:ByteDance/SDXL-Lightning:true:2 -simRunnerFault 500-json
  livepeer-exporter simulate orchestrator -simLie upscale:bicubic,llm:echo
"""
_NAMES: Final = ", ".join(FAULTS)
_USAGE: Final = 2
_TAKEN: Final = 1
_ADDRESS: Final = "127.0.0.1:8935"
_PRICE: Final = 1000
_PORTS: Final = 65536


async def run(
    argv: Sequence[str], environ: Mapping[str, str], *, say: Write, complain: Write
) -> int:
    """Be an orchestrator until it is told to stop; gives the exit code.

    `say` writes to standard output, `complain` a line to standard error.
    """
    if {"--help", "-help", "-h"} & set(argv):
        own, sim = sim_flags.table(OWN), sim_flags.table(FLAGS)
        faults = f"\nFaults of the runner:\n  {_NAMES}\n"
        say(f"{HELP}{own}{_SIMULATION}{sim}{faults}\nWays and lies:\n{manners.table()}{_EXAMPLE}")
        return 0
    try:
        values, rest = sim_flags.take(argv, environ, OWN + FLAGS)
        parse(rest, environ)
        host, port = _address(str(values.get("serviceAddr", _ADDRESS)))
        node = _node(values, _runner(values), host, port)
    except (SimFlagError, OffersError) as error:
        complain(str(error))
        return _USAGE
    except FlagError as error:
        complain(error.text.partition("\n")[0])
        return error.exit_code
    with told_to_stop(ignored=bool(values.get("simIgnoreSigterm"))) as told:
        await asyncio.wait([told], timeout=float(values.get("simStartSeconds", 0)))
        if told.done():
            return 0
        try:
            await node.start()
        except OSError as error:
            complain(f"cannot listen on {host}:{port}: {error.strerror or error}")
            return _TAKEN
        complain(
            f"simulated orchestrator at {node.url}, which reports {node.reported_uri or node.url}"
        )
        await told
        await node.stop()
    return 0


def _runner(values: Mapping[str, Value]) -> Runner:
    """Raises `SimFlagError`, `OffersError`."""
    price = int(values.get("pricePerUnit", _PRICE))
    models = offers(str(values["aiModels"]), price) if "aiModels" in values else NINE
    name = "503-html" if values.get("simLeak") else str(values.get("simRunnerFault", ""))
    if name and name not in FAULTS:
        raise SimFlagError(f"-simRunnerFault: expected one of {_NAMES}, found {name!r}")
    fault = FAULTS[name] if name else None
    if "simRunnerDelay" in values:
        fault = replace(fault or RunnerFault(), delay=float(values["simRunnerDelay"]))
    models = manners.mannered(models, values)
    runner = Runner(models, speed=float(values.get("simSpeed", 1.0)), fault=fault, works=True)
    if values.get("simLeak"):
        runner.fault_jobs = 1
    elif "simFaultJobs" in values:
        runner.fault_jobs = int(values["simFaultJobs"])
    return runner


def _node(values: Mapping[str, Value], runner: Runner, host: str, port: int) -> SimulatedNode:
    """Raises `SimFlagError`."""
    recipient = _eth_address(values, "ethAcctAddr", ADDRESS)
    node = SimulatedNode(
        runner,
        host=host,
        port=port,
        address=_eth_address(values, "simNodeAddr", recipient),
        recipient=recipient,
        version=str(values.get("simVersion", "0.9.1")),
        priced="ethAcctAddr" in values or "pricePerUnit" in values,
        base_price=int(values.get("pricePerUnit", _PRICE)),
        speed=float(values.get("simSpeed", 1.0)),
    )
    node.silent = bool(values.get("simSilent"))
    node.reported_uri = str(values["simReportsUri"]) if "simReportsUri" in values else None
    if "simSenderRefusal" in values:
        node.sender_refusal = str(values["simSenderRefusal"])
    if "simPaymentRefusal" in values:
        node.payment_refusal = str(values["simPaymentRefusal"])
    return node


def _eth_address(values: Mapping[str, Value], name: str, default: str) -> str:
    """Raises `SimFlagError`."""
    address = str(values.get(name, default))
    if not is_eth_address(address):
        raise SimFlagError(f"-{name}: expected an ETH address, found {address[:80]!r}")
    return address.lower()


def _address(text: str) -> tuple[str, int]:
    """Raises `SimFlagError`."""
    host, _, port = text.removeprefix("https://").rpartition(":")
    if not port.isdecimal() or int(port) >= _PORTS:
        raise SimFlagError(f"-serviceAddr: expected host:port, found {text[:80]!r}")
    return host or "127.0.0.1", int(port)
