import socket
from pathlib import Path

import pytest

from exporter.simulation.gateway.flags import parse
from exporter.simulation.gateway.service import SimulatedGateway
from exporter.simulation.gateway.startup import StartFailed
from exporter.simulation.serving import ClosedPort
from tests.simulation.replay import recordings
from tests.simulation.replay.kinds import kinds
from tests.simulation.replay.recordings import Start
from tests.simulation.replay.stage import Hook

pytestmark = pytest.mark.skipif(
    not recordings.available(), reason=f"no recordings of a real gateway in {recordings.FOLDER}"
)

_STARTS = recordings.starts()
_SERVING = "I starter.go ***Livepeer Running in Gateway Mode***"


def in_parts(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines up to the ports, and those after, sorted.

    DEVIATION: the real node opens its ports in goroutines, so that the order of those lines
    differs from start to start, in the recordings as well.
    """
    found = kinds(lines)
    at = found.index(_SERVING) if _SERVING in found else len(found)
    return found[:at], sorted(found[at:])


@pytest.mark.parametrize(
    "start",
    [start for start in _STARTS if start.flags],
    ids=[start.name for start in _STARTS if start.flags],
)
async def test_a_start_writes_the_recorded_lines(start: Start, tmp_path: Path) -> None:
    hook, refused = Hook(), ClosedPort()
    hook.addresses = ["https://127.0.0.1:8935"]
    await hook.server.start()
    wanted = {"-dataDir": str(tmp_path / "lane")}
    wanted |= dict.fromkeys(("-httpAddr", "-cliAddr", "-rtmpAddr"), "127.0.0.1:0")
    wanted["-orchWebhookUrl"] = hook.server.url + "/orchs"
    if "refused" in start.scenario:
        wanted["-orchWebhookUrl"] = f"http://127.0.0.1:{refused.port}/x"
    argv = list(start.flags)
    for number, word in enumerate(start.flags[:-1]):
        if word in wanted:
            argv[number + 1] = wanted[word]
    lines: list[str] = []
    gateway = SimulatedGateway(parse(argv), log=lines.append)
    try:
        await gateway.start()
        assert in_parts(lines) == in_parts(start.lines)
    finally:
        await gateway.stop()
        await hook.server.stop()
        refused.close()


@pytest.mark.parametrize("setting", recordings.SETTINGS)
async def test_a_taken_port_ends_with_the_recorded_lines_and_code(setting: str) -> None:
    (start,) = [
        one for one in _STARTS if (one.setting, one.scenario) == (setting, "startup-port-in-use")
    ]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        argv = ["-gateway", "-httpAddr", address, "-cliAddr", "127.0.0.1:0"]
        argv += ["-rtmpAddr", "127.0.0.1:0", "-orchAddr", "https://127.0.0.1:8935"]
        lines: list[str] = []
        with pytest.raises(StartFailed) as caught:
            await SimulatedGateway(parse(argv), log=lines.append).start()
    assert caught.value.exit_code == start.exit_code
    found, recorded = in_parts(lines)[1], in_parts(start.lines)[1]
    # DEVIATION: which of the three ports is found taken first is chance in the real node, and
    # here only the first one is: those lines may be more in a recording, and name another server.
    refused = [line for line in found if "address already in use" in line]
    assert len(refused) == 2
    assert (
        "I starter.go Error from media server: listen tcp ADDRESS: bind: address already in use"
        in (set(refused) & set(recorded))
    )
    assert {line for line in found if line not in refused} == {
        line for line in recorded if "address already in use" not in line
    }


@pytest.mark.parametrize("setting", recordings.SETTINGS)
async def test_a_signal_ends_with_the_recorded_lines(setting: str) -> None:
    (end,) = [
        one for one in _STARTS if (one.setting, one.scenario) == (setting, "shutdown-sigterm")
    ]
    argv = ["-gateway", "-httpAddr", "127.0.0.1:0", "-cliAddr", "127.0.0.1:0"]
    lines: list[str] = []
    gateway = SimulatedGateway(parse([*argv, "-rtmpAddr", "127.0.0.1:0"]), log=lines.append)
    await gateway.start()
    at = len(lines)
    await gateway.stop("terminated")
    # DEVIATION: in one of the recordings the live video port reports its start only now.
    late = "I lpms.go LPMS Server listening on rtmp://ADDRESS"
    assert kinds(lines[at:]) == [line for line in kinds(end.lines) if line != late]
