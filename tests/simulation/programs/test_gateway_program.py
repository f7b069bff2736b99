"""`simulate gateway` as a process: what the tester's lanes see of the real binary, and worse."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from exporter.simulation.runner import RunnerFault
from tests.simulation.programs.running import (
    a_gateway,
    all_listen,
    free_ports,
    program,
    run,
    words,
)
from tests.waiting import until

NOWHERE = "https://127.0.0.1:9"


async def test_the_version_is_told_as_the_real_one_tells_it(tmp_path: Path) -> None:
    code, output, log = await run(tmp_path, "gateway", "-version")
    assert code == 0
    assert output.startswith("Livepeer Node Version: 0.9.1\nGolang runtime version: ")
    assert log == ""


async def test_another_version_can_be_reported_everywhere(tmp_path: Path) -> None:
    _, output, _ = await run(tmp_path, "gateway", "-simVersion", "0.8.0-old", "-version")
    assert "Livepeer Node Version: 0.8.0-old\n" in output
    async with a_gateway(tmp_path, "-simVersion=0.8.0-old") as gateway:
        assert (await gateway.status()).json()["Version"] == "0.8.0-old"
        assert "Livepeer Node version: 0.8.0-old" in gateway.running.log


async def test_the_list_of_flags_has_the_real_ones_and_those_of_the_simulation(
    tmp_path: Path,
) -> None:
    code, _, log = await run(tmp_path, "gateway", "-help")
    assert code == 0
    listed = {line.split()[0] for line in log.splitlines() if line.startswith("  -")}
    assert {"-orchAddr", "-aiProcessingRetryTimeout", "-httpAddr", "-ethUrl"} <= listed
    assert {"-simDieAfterJobs", "-simLeakBytes"} <= listed


async def test_help_explains_the_flags_of_the_simulation(tmp_path: Path) -> None:
    code, output, _ = await run(tmp_path, "gateway", "--help")
    assert code == 0
    assert "-simDieAfterJobs INT" in output
    assert "SIMULATION_DIE_AFTER_JOBS" in output


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("-noSuchFlag", "flag provided but not defined: -noSuchFlag"),
        ("-simNoSuchFlag", "there is no flag -simNoSuchFlag"),
        ("-simSpeed=0", "-simSpeed: expected a number above 0, found '0'"),
        ("-simLeakBytes=-1", "-simLeakBytes: expected a whole number from 0, found '-1'"),
    ],
)
async def test_what_is_no_flag_is_refused(tmp_path: Path, flag: str, complaint: str) -> None:
    code, _, log = await run(tmp_path, "gateway", flag)
    assert code == 2
    assert log.startswith(complaint)


async def test_an_old_one_does_not_know_the_flag_that_is_needed(tmp_path: Path) -> None:
    flag = "aiProcessingRetryTimeout"
    _, _, log = await run(tmp_path, "gateway", "-simWithoutFlag", flag, "-help")
    assert "-orchAddr" in log
    assert f"-{flag}" not in log
    ports = free_ports(3)
    old = ["-simWithoutFlag", flag, *words(ports, NOWHERE, tmp_path)]
    code, _, log = await run(tmp_path, "gateway", *old)
    assert code == 2
    assert log.startswith(f"flag provided but not defined: -{flag}\nUsage of livepeer:\n")


async def test_it_works_logs_and_ends_well_when_asked(tmp_path: Path) -> None:
    started = time.monotonic()
    async with a_gateway(tmp_path) as gateway:
        assert time.monotonic() - started < 5
        answer = await gateway.job()
        assert answer.status_code == 200
        request_id = answer.json()["images"][0]["url"].split("/")[2]
        assert gateway.runner.calls == 1
        gateway.running.process.send_signal(signal.SIGTERM)
        assert await gateway.running.ended() == 0
        log = gateway.running.log
        assert f"request_id={request_id}" in log
        assert "CLI server listening on 127.0.0.1:" in log
        assert "Exiting Livepeer: terminated" in log
        assert log.splitlines()[-1].endswith("Graceful shutdown complete")


@pytest.mark.parametrize("clash", ["real", "-simClash"])
async def test_a_taken_port_ends_it_with_exit_code_0(tmp_path: Path, clash: str) -> None:
    ports = free_ports(3)
    flags = words(ports, NOWHERE, tmp_path)
    if clash == "real":
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", ports[0])
        async with server:
            code, _, log = await run(tmp_path, "gateway", *flags)
    else:
        code, _, log = await run(tmp_path, "gateway", clash, *flags)
    assert code == 0
    assert f"listen tcp 127.0.0.1:{ports[0]}: bind: address already in use" in log


@pytest.mark.parametrize(("more", "code"), [((), 1), (("-simExitCode", "7"), 7)])
async def test_it_can_die_at_the_start(tmp_path: Path, more: tuple[str, ...], code: int) -> None:
    ports = free_ports(3)
    flags = words(ports, NOWHERE, tmp_path)
    found, _, log = await run(tmp_path, "gateway", "-simDieAtStart", *more, *flags)
    assert found == code
    assert "listening" not in log
    assert not await all_listen(ports[:1])


async def test_it_can_hang_at_the_start_without_ever_listening(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simHangAtStart", listens=False) as gateway:
        await until(lambda: "OrchAddr" in gateway.running.log)
        assert not await all_listen([gateway.http])
        assert not await all_listen([gateway.cli])
        gateway.running.process.send_signal(signal.SIGTERM)
        assert await gateway.running.ended() == 0


async def test_it_can_take_its_time_to_listen(tmp_path: Path) -> None:
    started = time.monotonic()
    async with a_gateway(tmp_path, "-simStartSeconds", "0.7"):
        assert time.monotonic() - started > 0.7


async def test_it_can_be_gone_as_if_killed_after_some_jobs(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simDieAfterJobs", "2") as gateway:
        assert (await gateway.job()).status_code == 200
        assert (await gateway.job()).status_code == 200
        assert await gateway.running.ended() == -signal.SIGKILL
        assert "Graceful shutdown" not in gateway.running.log


async def test_it_can_be_gone_in_the_middle_of_a_job(tmp_path: Path) -> None:
    hanging = RunnerFault(hangs=True)
    flags = ("-simDieDuringJob", "1", "-simExitCode", "2")
    async with a_gateway(tmp_path, *flags, fault=hanging) as gateway:
        with pytest.raises(httpx.TransportError):
            await gateway.job()
        assert gateway.runner.calls == 1
        assert await gateway.running.ended() == 2


async def test_it_can_stop_answering_on_both_ports(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simHangAfterJobs", "1") as gateway:
        assert (await gateway.job()).status_code == 200
        with pytest.raises(httpx.TimeoutException):
            await gateway.status(timeout=0.5)
        with pytest.raises(httpx.TimeoutException):
            await gateway.job(timeout=0.5)
        assert gateway.running.process.returncode is None


async def test_it_can_grow_with_every_job(tmp_path: Path) -> None:
    size = 40 * 2**20
    async with a_gateway(tmp_path, "-simLeakBytes", str(size)) as gateway:
        process = psutil.Process(gateway.running.process.pid)
        before = process.memory_info().rss
        for _ in range(3):
            assert (await gateway.job()).status_code == 200
        assert process.memory_info().rss - before > 2.5 * size


async def test_it_can_find_every_price_too_high(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simRefusePrice") as gateway:
        with pytest.raises(httpx.TransportError):
            await gateway.job()
        assert gateway.runner.calls == 0
        assert "above max price" in gateway.running.log


async def test_payments_can_be_refused_for_good_or_for_some_attempts(tmp_path: Path) -> None:
    words = "Insufficient balance"
    async with a_gateway(tmp_path, "-simPaymentRefusal", words) as gateway:
        for _ in range(2):
            assert (await gateway.job()).status_code == 503
        assert f"err={words}" in gateway.running.log
    async with a_gateway(tmp_path, "-simRefusedPayments", "1") as gateway:
        assert (await gateway.job()).status_code == 503
        assert (await gateway.job()).status_code == 200


async def test_ticket_parameters_can_have_expired_once(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simExpiredTickets", "1") as gateway:
        assert (await gateway.job()).status_code == 503
        assert "TicketParams expired" in gateway.running.log
        assert (await gateway.job()).status_code == 200


async def test_artefacts_can_be_lost_on_their_way(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simArtefactsFail") as gateway:
        assert (await gateway.job()).status_code == 500
        assert gateway.runner.calls == 1


async def test_it_can_go_on_when_it_is_asked_to_end(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simIgnoreSigterm") as gateway:
        gateway.running.process.send_signal(signal.SIGTERM)
        assert (await gateway.job()).status_code == 200
        gateway.running.process.kill()
        assert await gateway.running.ended() == -signal.SIGKILL


@pytest.mark.parametrize("variable", ["SIMULATION_DIE_AT_START", "LP_SIMDIEATSTART"])
async def test_the_simulations_flags_can_come_from_the_environment(
    tmp_path: Path, variable: str
) -> None:
    ports = free_ports(3)
    flags = words(ports, NOWHERE, tmp_path)
    async with program(tmp_path, "gateway", *flags, environ={variable: "true"}) as running:
        assert await running.ended() == 1


async def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"SIMULATION_DIE_AT_START": "true"}
    async with a_gateway(tmp_path, "-simDieAtStart=false", environ=environ) as gateway:
        assert (await gateway.job()).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the signal is caught")
async def test_it_ends_when_asked_while_it_is_still_starting(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, "-simStartSeconds", "60", listens=False) as gateway:
        process = psutil.Process(gateway.running.process.pid)
        await until(lambda: _catches_sigterm(process))
        gateway.running.process.send_signal(signal.SIGTERM)
        assert await gateway.running.ended() == 0


def _catches_sigterm(process: psutil.Process) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
