"""`simulate gateway`: a simulated gateway as a program, in the place of the real binary."""

import asyncio
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from exporter.simulation.gateway.flags import FlagError, GatewayFlags, parse, version_text
from exporter.simulation.gateway.tweaks import GatewayTweaks
from exporter.simulation.programs import sim_flags
from exporter.simulation.programs.running import Write, told_to_stop
from exporter.simulation.programs.sim_flags import SimFlag, SimFlagError, Value

if TYPE_CHECKING:
    # The gateway itself is imported when it runs: -version and -help answer without it.
    from exporter.simulation.gateway.service import SimulatedGateway

FLAGS: Final = (
    SimFlag("simName", "text", "Name by which simulated orchestrators know it (gateway)."),
    SimFlag("simSpeed", "real", "Divide all times that are built in."),
    SimFlag("simStartSeconds", "real", "Listen only after so many seconds."),
    SimFlag("simDieAtStart", "switch", "End before listening, with exit code 1."),
    SimFlag("simHangAtStart", "switch", "Never listen."),
    SimFlag("simClash", "switch", "Find the HTTP port taken."),
    SimFlag("simDieAfterJobs", "whole", "Be gone, as if killed, after so many jobs."),
    SimFlag("simDieDuringJob", "whole", "Be gone, as if killed, during the job of that number."),
    SimFlag("simHangAfterJobs", "whole", "Answer on neither port after so many jobs."),
    SimFlag("simExitCode", "whole", "Exit code of a death, instead of 1 or of being killed."),
    SimFlag("simLeakBytes", "whole", "Bytes that each job leaves in memory."),
    SimFlag("simRefusePrice", "switch", "Find every price above the limit."),
    SimFlag("simRefusedPayments", "whole", "Payments that orchestrators refuse."),
    SimFlag("simPaymentRefusal", "text", "The words in which they do (Insufficient balance)."),
    SimFlag("simExpiredTickets", "whole", "Attempts for which the ticket parameters have expired."),
    SimFlag("simDeposit", "whole", "Wei deposited, instead of what the chain says."),
    SimFlag("simReserve", "whole", "Wei in reserve, instead of what the chain says."),
    SimFlag("simArtefactsFail", "switch", "Fail to fetch what orchestrators made."),
    SimFlag("simIgnoreSigterm", "switch", "Go on when asked to end."),
    SimFlag("simVersion", "text", "Version to report."),
    SimFlag("simWithoutFlag", "text", "A flag of go-livepeer not to know, as an old version."),
)

HELP: Final = """\
Usage: livepeer-exporter simulate gateway [FLAGS OF go-livepeer] [FLAGS OF THE SIMULATION]

  A simulated go-livepeer gateway: takes the flags of the real program, answers on the same
  ports, writes the same log to standard error, and ends with the same exit codes. It works with
  simulated orchestrators only.

  Flags are written as go-livepeer takes them (-name value, -name=value, LP_NAME in the
  environment); -help lists all that are known, -version tells the version.

Flags of the simulation, also SIMULATION_DIE_AFTER_JOBS for -simDieAfterJobs, or LP_SIM...:
"""
EXAMPLE: Final = """
Example:
  livepeer-exporter simulate gateway -gateway -network offchain -httpAddr 127.0.0.1:9935 \\
      -cliAddr 127.0.0.1:5935 -rtmpAddr 127.0.0.1:1935 -orchAddr https://127.0.0.1:8935 \\
      -aiProcessingRetryTimeout 1ms -v 5 -simDieAfterJobs 3
"""
_USAGE: Final = 2
_DIED: Final = 1
_FOR_ALL: Final = 10**9


async def run(
    argv: Sequence[str], environ: Mapping[str, str], *, say: Write, complain: Write
) -> int:
    """Be a gateway until it ends; gives the exit code, negative for the signal that it died of.

    `say` writes to standard output, `complain` a line to standard error.
    """
    if "--help" in argv:
        say(HELP + sim_flags.table(FLAGS) + EXAMPLE)
        return 0
    try:
        sim, rest = sim_flags.take(argv, environ, FLAGS)
        flags = _parse(rest, environ, str(sim.get("simWithoutFlag", "")))
    except SimFlagError as error:
        complain(str(error))
        return _USAGE
    except FlagError as error:
        complain(error.text.removesuffix("\n"))
        return error.exit_code
    tweaks = _tweaks(sim)
    if flags.version:
        say(version_text(tweaks.version))
        return 0
    return await _serve(flags, tweaks, sim, complain)


async def _serve(
    flags: GatewayFlags, tweaks: GatewayTweaks, sim: Mapping[str, Value], complain: Write
) -> int:
    from exporter.simulation.gateway.service import SimulatedGateway
    from exporter.simulation.gateway.startup import start_table

    with told_to_stop(ignored=bool(sim.get("simIgnoreSigterm"))) as told, ExitStack() as held:
        if seconds := float(sim.get("simStartSeconds", 0)):
            await asyncio.wait([told], timeout=seconds)
        if sim.get("simDieAtStart") or sim.get("simHangAtStart"):
            complain(start_table(flags))
        if sim.get("simDieAtStart"):
            return int(sim.get("simExitCode", _DIED))
        if sim.get("simHangAtStart"):
            await told
            return 0
        if sim.get("simClash"):
            held.enter_context(_taken(flags.http_addr))
        gateway = SimulatedGateway(
            flags,
            name=str(sim.get("simName", "gateway")),
            speed=float(sim.get("simSpeed", 1.0)),
            log=complain,
            tweaks=tweaks,
        )
        return await _until_the_end(gateway, told, sim)


async def _until_the_end(
    gateway: "SimulatedGateway", told: "asyncio.Future[str]", sim: Mapping[str, Value]
) -> int:
    from exporter.simulation.gateway.startup import StartFailed

    starting = asyncio.ensure_future(gateway.start())
    await _first(starting, told)
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
        return 0
    try:
        starting.result()
    except StartFailed as failed:
        return failed.exit_code
    dying = asyncio.ensure_future(gateway.wait())
    await _first(dying, told)
    if dying.done():
        return int(sim.get("simExitCode", -signal.SIGKILL))
    dying.cancel()
    await gateway.stop(told.result())
    return 0


async def _first(*awaited: "asyncio.Future[Any]") -> None:
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)


def _parse(argv: Sequence[str], environ: Mapping[str, str], hidden: str) -> GatewayFlags:
    """Read the real flags, as a program would that does not know `hidden`. Raises `FlagError`."""
    names = {word.lstrip("-").partition("=")[0] for word in argv if word.startswith("-")}
    unknown = bool(hidden) and hidden in names and not names & {"h", "help"}
    try:
        flags = parse([f"-{hidden}-"] if unknown else argv, environ)
    except FlagError as error:
        if "Usage of" not in error.text:
            raise
        complaint, line, known = error.text.partition("Usage of")
        if unknown:
            complaint = f"flag provided but not defined: -{hidden}\n"
        lines = [one for one in known.splitlines() if one.split()[:1] != [f"-{hidden}"]]
        text = complaint + line + "\n".join([*lines, sim_flags.usage(FLAGS)])
        raise FlagError(text, error.exit_code) from None
    return flags


def _tweaks(sim: Mapping[str, Value]) -> GatewayTweaks:
    tweaks = GatewayTweaks(
        refuse_price=bool(sim.get("simRefusePrice")),
        expired_tickets=int(sim.get("simExpiredTickets", 0)),
        refused_payments=int(sim.get("simRefusedPayments", 0)),
        artefacts_fail=bool(sim.get("simArtefactsFail")),
        leak_bytes=int(sim.get("simLeakBytes", 0)),
        die_after_jobs=_number(sim, "simDieAfterJobs"),
        die_during_job=_number(sim, "simDieDuringJob"),
        hang_after_jobs=_number(sim, "simHangAfterJobs"),
    )
    if "simPaymentRefusal" in sim:
        tweaks.payment_refusal = str(sim["simPaymentRefusal"])
        tweaks.refused_payments = int(sim.get("simRefusedPayments", _FOR_ALL))
    tweaks.version = str(sim.get("simVersion", tweaks.version))
    tweaks.deposit = _number(sim, "simDeposit")
    tweaks.reserve = _number(sim, "simReserve")
    return tweaks


def _number(sim: Mapping[str, Value], name: str) -> int | None:
    return int(sim[name]) if name in sim else None


def _taken(address: str) -> socket.socket:
    """Take a port, if it is not taken already."""
    host, _, port = address.rpartition(":")
    taken = socket.socket()
    try:
        taken.bind((host, int(port)))
        taken.listen(1)
    except OSError:
        pass  # Somebody else has it, which is just as well.
    return taken
