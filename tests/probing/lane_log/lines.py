"""A gateway's log made up line by line, in the form that go-livepeer writes."""

from exporter.probing.lane_log.explain import Explanation, explain
from exporter.probing.lane_log.line import LogLine, read

PINNED = "https://gpu.example.net:8935"
OTHER = "https://elsewhere.example.org:8935"
REQUEST = "0a1b2c3d"
PID = 4711
MODEL = "acme/paint-xl"
VERSION = "0.9.1"


class GatewayLog:
    """Writes lines with a clock of its own; every method gives itself back."""

    def __init__(
        self,
        *,
        request: str = REQUEST,
        pid: int = PID,
        prompt: str | None = "a heron over a weir",
        capability: str = "Text to image",
        model: str = MODEL,
    ) -> None:
        self.lines: list[str] = []
        self.pid = pid
        self.model = model
        self.base = f"clientIP=127.0.0.1 request_id={request} "
        shown = "" if prompt is None else f"prompt={prompt} "
        self.context = f"{self.base}{shown}capability={capability} model_id={model} "
        self._clock = 0

    def wait(self, seconds: float) -> "GatewayLog":
        """Let time pass before the next line."""
        self._clock += round(seconds * 1_000_000)
        return self

    def process(self, text: str, *, level: str = "I", source: str = "starter.go") -> "GatewayLog":
        """A line that belongs to no request."""
        self._clock += 50
        seconds, micros = divmod(self._clock, 1_000_000)
        clock = f"{10 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros:06}"
        self.lines.append(f"{level}0807 {clock}   {self.pid} {source}:77] {text}")
        return self

    def job(self, text: str, *, level: str = "I", source: str = "ai_process.go") -> "GatewayLog":
        """A line of the job, with its prefix."""
        return self.process(f"{self.context}{text}", level=level, source=source)

    def raw(self, *texts: str) -> "GatewayLog":
        """Lines without a header, as they come."""
        self.lines.extend(texts)
        return self

    def begin(self) -> "GatewayLog":
        """The gateway begins to look for an orchestrator."""
        return self.job(f"selecting orchestrator for modelID={self.model}", source="ai_session.go")

    def set_up(self, latency: str = "41.25ms", uri: str = PINNED) -> "GatewayLog":
        """It asks the orchestrator for a session and gets one."""
        self.job(f"Connecting RPC to uri={uri}", source="rpc.go")
        self.job(
            f"Received GetOrchInfo RPC Response from uri={uri}, latency={latency}",
            source="discovery.go",
        )
        return self.job(
            "Done fetching orch info orchs=1/1 responses=1/1 timedOut=false", source="discovery.go"
        )

    def not_found(self, err: str, uri: str = PINNED, latency: str = "12ms") -> "GatewayLog":
        """It asks the orchestrator for a session and gets none."""
        self.job(f"Connecting RPC to uri={uri}", source="rpc.go")
        self.job(f"Received GetOrchInfo RPC Response from uri={uri}, latency={latency}")
        self.job(f"Discovery unsuccessful for orchestrator {uri}, err={err}")
        self.job("Done fetching orch info orchs=0/1 responses=1/1 timedOut=false")
        self.job("No orchestrators found; not transcoding", source="broadcast.go")
        return self.job(f"Error selecting session modelID={self.model} err=ErrNoOrchs")

    def choose(self, uri: str = PINNED) -> "GatewayLog":
        """It chooses the orchestrator and sends the job."""
        self.job("Selecting orchestrator, try=1", source="ai_session.go")
        self.job(f"Selected orchestrator {uri} from available list: [{uri}]")
        return self.job(f"selected orchestrator={uri} warm=true", source="ai_session.go")

    def fail(
        self, err: str, *, uri: str = PINNED, number: int = 1, kind: str = "", took: float = 0.8
    ) -> "GatewayLog":
        """The job comes back with a failure."""
        lines = err.split("\n")
        self.wait(took).job(
            f"Error submitting request{kind} modelID={self.model} try={number} orch={uri}"
            f" err={lines[0]}"
        )
        return self.raw(*lines[1:])

    def done(self, source: str = "ai_process.go") -> "GatewayLog":
        """The gateway is done with the request."""
        return self.job(f"Processed AI request model_id={self.model} took=190ns", source=source)

    def answer(self, code: int, err: str) -> "GatewayLog":
        """It answers its client with an error."""
        text = f"Error with API code={code} err={err}"
        return self.job(text, level="E", source="handlers.go")

    def crash(self, frame: str = "(*AISessionSelector).Select(0xc1, {0x2})") -> "GatewayLog":
        """Its handler of the request crashes, in the way that the process prints it."""
        self.done(source="panic.go")
        return self.raw(
            "2031/02/03 04:05:06 http: panic serving 127.0.0.1:5: runtime error: nil pointer",
            "goroutine 36 [running]:",
            f"github.com/livepeer/go-livepeer/server.{frame}",
        )

    def give_up(self) -> "GatewayLog":
        """No further try: done, and status 503."""
        return self.done().answer(503, "no orchestrators available within 1ms timeout")

    def read(self) -> list[LogLine]:
        """The lines, taken apart."""
        return [read(line) for line in self.lines]

    def explain(
        self,
        *,
        version: str = VERSION,
        request_id: str | None = REQUEST,
        pinned: str = PINNED,
        pid: int | None = PID,
        on_chain: bool = True,
        webhook: bool = False,
        dropped: bool = False,
        status: int | None = None,
    ) -> Explanation:
        """What the lines tell."""
        return explain(
            self.read(),
            version=version,
            request_id=request_id,
            pinned=pinned,
            pid=pid,
            on_chain=on_chain,
            webhook=webhook,
            dropped=dropped,
            status=status,
        )


def failed(err: str, *, took: float = 0.8, cached: bool = False) -> GatewayLog:
    """The log of a job whose only attempt came back with this text."""
    log = GatewayLog().begin()
    log = log if cached else log.set_up()
    return log.choose().fail(err, took=took).give_up()


def refused(err: str, *, took: float = 0.8, cached: bool = False) -> Explanation:
    """What such a job tells; `cached` is one whose session was there before."""
    return failed(err, took=took, cached=cached).explain()
