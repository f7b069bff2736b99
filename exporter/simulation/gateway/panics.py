"""Crashes of the gateway's request handler, as Go's HTTP server prints them."""

from collections.abc import Callable
from enum import Enum, auto
from random import Random
from typing import Final

from exporter.simulation.gateway.pipelines import Answer, Pipeline

_SERVER: Final = "github.com/livepeer/go-livepeer/server."
_SOURCE: Final = "/src/server"
_NET: Final = "/usr/local/go/src/net/http/server.go"
Pointer = Callable[[], str]

_VALIDATOR: Final = "github.com/oapi-codegen/nethttp-middleware.OapiRequestValidatorWithOptions"


class Crash(Enum):
    """Where the handler crashed."""

    NO_ORCHESTRATORS = auto()
    EMPTY_RESULT = auto()
    NO_DISCOVERY = auto()
    NO_MODEL = auto()
    NO_CHOICES = auto()


class Panicked(Exception):
    """The handler crashed: the connection is closed without a response line."""

    def __init__(self, crash: Crash) -> None:
        super().__init__(crash.name)
        self.crash = crash


def panic(pipeline: Pipeline, crash: Crash, peer: str, rng: Random) -> str:
    """The text, without its time: one line, then the stack of the goroutine."""

    def pointer() -> str:
        return f"0x{rng.randrange(2**40, 2**44):x}"

    context = f"{{0x20767f0, {pointer()}}}"
    reason = "runtime error: invalid memory address or nil pointer dereference"
    if crash is Crash.NO_CHOICES:
        reason = "runtime error: index out of range [0] with length 0"
    frames = [
        ("net/http.(*conn).serve.func1()", _NET, 1897),
        (f"panic({{{pointer()}?, {pointer()}?}})", "/usr/local/go/src/runtime/panic.go", 860),
        *_own_frames(pipeline, crash, context, pointer),
        (f"net/http.HandlerFunc.ServeHTTP({pointer()}?, {context}, {pointer()}?)", _NET, 2286),
        (f"{_VALIDATOR}.func1.1({context}, {pointer()})", "/src/oapi_validate.go", 64),
        (f"net/http.HandlerFunc.ServeHTTP({pointer()}?, {context}, {pointer()}?)", _NET, 2286),
        (f"net/http.(*ServeMux).ServeHTTP({pointer()}?, {context}, {pointer()})", _NET, 2828),
        (f"net/http.serverHandler.ServeHTTP({{{pointer()}?}}, {context}, 0x1?)", _NET, 3311),
        (f"net/http.(*conn).serve({pointer()}, {context})", _NET, 2067),
        (f"created by net/http.(*Server).Serve in goroutine {rng.randrange(10, 60)}", _NET, 3464),
    ]
    lines = [
        f"http: panic serving {peer}: {reason}",
        f"goroutine {rng.randrange(15, 250)} [running]:",
    ]
    for call, file, line in frames:
        lines += [call, f"\t{file}:{line} +0x{rng.randrange(16, 4000):x}"]
    return "\n".join(lines)


def _own_frames(
    pipeline: Pipeline, crash: Crash, context: str, pointer: Pointer
) -> list[tuple[str, str, int]]:
    process = f"{_SOURCE}/ai_process.go"
    session = f"{_SOURCE}/ai_session.go"
    params = f"{{{pointer()}, {{0x2089950, {pointer()}}}, {pointer()}, 0x0}}"
    request = f"{{{pointer()}, {pointer()}}}"
    key = f"0x{pipeline.capability:x}, {{{pointer()}, {hex(len(pipeline.default_model))}}}"
    frames: list[tuple[str, str, int]] = []
    if crash is Crash.NO_DISCOVERY:
        selector, manager = f"{_SERVER}(*AISessionSelector)", f"{_SERVER}(*AISessionManager)"
        frames += [
            (f"{selector}.getSessions({pointer()}, {context})", session, 463),
            (f"{selector}.Refresh({pointer()}, {context})", session, 394),
            (
                f"{_SERVER}NewAISessionSelector({context}, {key}, {pointer()}, 0x8bb2c97000)",
                session,
                254,
            ),
            (f"{manager}.getSelector({pointer()}, {context}, {key})", session, 550),
            (f"{manager}.Select({pointer()}, {context}, {key})", session, 500),
        ]
    if crash in (Crash.NO_DISCOVERY, Crash.NO_ORCHESTRATORS):
        line = 1520 if crash is Crash.NO_DISCOVERY else 1594
        frames.append((f"{_SERVER}processAIRequest({context}, {params}, {request})", process, line))
    if crash in (Crash.NO_DISCOVERY, Crash.NO_ORCHESTRATORS, Crash.EMPTY_RESULT):
        line = pipeline.line if crash is Crash.EMPTY_RESULT else pipeline.caller_line
        call = f"{_SERVER}{pipeline.function}({context}, {params}, {request})"
        frames.append((call, process, line))
    frames.append((*_handler(pipeline, context, pointer), 166))
    return frames


def _handler(pipeline: Pipeline, context: str, pointer: Pointer) -> tuple[str, str]:
    file = f"{_SOURCE}/ai_mediaserver.go"
    if pipeline.answer is Answer.LANGUAGE or pipeline.name == "image-to-video":
        own = "LLM" if pipeline.answer is Answer.LANGUAGE else "ImageToVideo"
        call = f"(*LivepeerServer).{own}.func{pipeline.handler}({context}, {pointer()})"
    else:
        call = f"aiMediaServerHandle[...].func{pipeline.handler}({pointer()})"
    return f"{_SERVER}startAIMediaServer.{call}", file
