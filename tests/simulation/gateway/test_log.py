import re

import pytest

from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.service import SimulatedGateway
from tests.simulation.gateway.lanes import MODELS, MS, a_lane, unhurried

GLOG = re.compile(r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [a-z_]+\.go:\d+\] ")
VALUES = r"clientIP=127\.0\.0\.1 request_id=[0-9a-f]{8} "


def texts(lines: list[str]) -> list[str]:
    return [GLOG.sub("", line) for line in lines if GLOG.match(line)]


async def test_a_first_good_job_writes_these_lines_in_this_order() -> None:
    async with a_lane("-v", "5") as lane:
        lane.lines.clear()
        await lane.job("text-to-image", prompt="a lighthouse at dusk")
        url, model = lane.node.url, MODELS["text-to-image"]
        head = VALUES + re.escape(
            f"prompt=a lighthouse at dusk capability=Text to image model_id={model} "
        )
        wanted = [
            re.escape(f"selecting orchestrator for modelID={model}"),
            re.escape(f"Connecting RPC to uri={url}"),
            re.escape(f"Received GetOrchInfo RPC Response from uri={url}, latency=")
            + r"[\d.]+(ms|s)",
            re.escape("Done fetching orch info orchs=1/1 responses=1/1 timedOut=false"),
            re.escape("Selecting orchestrator, try=1"),
            re.escape(f"Selected orchestrator {url} from available list: [{url}]"),
            re.escape(f"selected orchestrator={url} warm=true"),
            re.escape(f"Processed AI request model_id={model} took=") + r"\d+ns",
        ]
        found = texts(lane.lines)
        assert len(found) == len(wanted)
        for line, pattern in zip(found, wanted, strict=True):
            assert re.fullmatch(head + pattern, line)


async def test_a_second_job_needs_no_discovery() -> None:
    async with a_lane("-v", "5") as lane:
        await lane.job("llm")
        lane.lines.clear()
        await lane.job("llm")
        assert [line.split("] ")[0].split()[-1] for line in lane.lines] == [
            "ai_session.go:499",
            "ai_session.go:55",
            "selection.go:156",
            "ai_session.go:514",
            "ai_process.go:1604",
        ]


async def test_v6_adds_what_was_received_and_downloaded() -> None:
    async with a_lane("-v", "6") as lane:
        await lane.job("text-to-image")
        await lane.job("llm")
        await lane.job("image-to-video")
        for text in (
            "Received AI request",
            "Downloading uri=",
            "Downloaded uri=",
            "Received LLM request",
            "Processed LLM request",
            "Received ImageToVideo request",
            "Processed ImageToVideo request imageSize=",
        ):
            assert lane.said(text) >= 1


async def test_v5_leaves_them_out_and_v3_the_rest() -> None:
    async with a_lane("-v", "5") as lane:
        await lane.job("text-to-image")
        assert lane.said("Received AI request") == lane.said("Downloading") == 0
        assert lane.said("selected orchestrator=") == 1
    async with a_lane("-v", "3") as lane:
        await lane.job("text-to-image")
        assert lane.said("selected orchestrator=") == 0
        assert lane.said("Processed AI request") == 1


async def test_every_line_but_those_of_a_panic_is_glogs() -> None:
    async with a_lane(speed=1.5) as lane:
        await lane.job("llm")
        await lane.job("upscale", image=None)
        plain = [line for line in lane.lines if not GLOG.match(line)]
        plain = [line for line in plain if not line.startswith(("*", "|"))]
        assert re.match(
            r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d http: panic serving 127\.0\.0\.1:\d+: "
            r"runtime error: invalid memory address or nil pointer dereference$",
            plain[0],
        )
        assert re.match(r"goroutine \d+ \[running\]:$", plain[1])
        assert plain[2] == "net/http.(*conn).serve.func1()"
        assert re.match(r"\t/\S+\.go:\d+ \+0x[0-9a-f]+$", plain[3])
        assert any("server.processUpscale(" in line for line in plain)


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ("text-to-image", "text-to-image container returned 500: simulated runner internal error"),
        ("segment-anything-2", "segment anything 2 container returned 500: simulated runner"),
        ("llm", "unexpected status code: 500, body: LLM container returned 500: simulated"),
    ],
)
async def test_the_runners_words_stand_in_the_log(pipeline: str, words: str) -> None:
    from exporter.simulation.runner import FAULTS

    async with a_lane(*MS, monotonic=unhurried) as lane:
        lane.runner.fault = FAULTS["500-json"]
        await lane.job(pipeline)
        model = MODELS[pipeline]
        assert lane.said(
            f"Error submitting request modelID={model} try=1 orch={lane.node.url} err={words}"
        )
        assert lane.said("Error with API code=503 err=no orchestrators available within 1ms") == 1


async def test_a_prompt_with_braces_is_written_as_it_is() -> None:
    async with a_lane() as lane:
        await lane.job("text-to-image", prompt="a {model} of {0} % things")
        assert lane.said("prompt=a {model} of {0} % things capability=") > 5


def test_flags_do_not_show_their_secrets() -> None:
    flags = GatewayFlags(eth_url="https://node.example/key", eth_password="letmein")
    assert "key" not in repr(flags)
    assert "letmein" not in repr(SimulatedGateway(flags).flags)
