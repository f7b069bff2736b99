"""The CLI port: what a gateway says about itself, its pools and (on chain) the network."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from exporter.simulation.advert import registered
from exporter.simulation.gateway import messages
from exporter.simulation.gateway.answers import cli_answer, plain_json
from exporter.simulation.gateway.chain import entry
from exporter.simulation.gateway.chain_client import ChainFailed
from exporter.simulation.gateway.chain_reader import ChainReader
from exporter.simulation.gateway.directory import Directory, Known, WebhookFailed
from exporter.simulation.gateway.eth_client import Transcoder
from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.glog import GatewayLog
from exporter.simulation.gateway.orchestrators import OrchestratorInfo
from exporter.simulation.gateway.selection import Selection
from exporter.simulation.gateway.tweaks import GatewayTweaks
from exporter.simulation.serving import text_answer

CAPABILITY_NAMES: Final = {
    -2: "Invalid",
    -1: "Unused",
    0: "H.264",
    1: "MPEGTS",
    2: "MP4",
    3: "Fractional framerates",
    4: "Storage direct",
    5: "Storage S3",
    6: "Storage GCS",
    7: "H264 Baseline profile",
    8: "H264 Main profile",
    9: "H264 High profile",
    10: "H264 Constrained, Contained High profile",
    11: "GOP",
    12: "Auth token",
    14: "MPEG7 signature",
    15: "HEVC decode",
    16: "HEVC encode",
    17: "VP8 decode",
    18: "VP9 decode",
    19: "VP8 encode",
    20: "VP9 encode",
    21: "H264 Decode YUV444 8-bit",
    22: "H264 Decode YUV422 8-bit",
    23: "H264 Decode YUV444 10-bit",
    24: "H264 Decode YUV422 10-bit",
    25: "H264 Decode YUV420 10-bit",
    26: "Segment slicing",
    27: "Text to image",
    28: "Image to image",
    29: "Image to video",
    30: "Upscale",
    31: "Audio to text",
    32: "Segment anything 2",
    33: "Llm",
    34: "Image to text",
    35: "Live video to video",
    36: "Text to speech",
    37: "byoc",
}
_CHAIN_PATHS: Final = frozenset(
    {
        "/registeredOrchestrators",
        "/orchestratorInfo",
        "/currentRound",
        "/protocolParameters",
        "/senderInfo",
        "/contractAddresses",
    }
)
_NO_LIST: Final = "network capabilities not available"

Metrics = Callable[[], str]


class CliPort:
    """Answers on the CLI port. `chain` is there on-chain."""

    def __init__(
        self,
        flags: GatewayFlags,
        directory: Directory | None,
        selection: Selection,
        log: GatewayLog,
        *,
        tweaks: GatewayTweaks,
        metrics: Metrics,
        chain: ChainReader | None,
    ) -> None:
        self._flags = flags
        self._directory = directory
        self._selection = selection
        self._log = log
        self._tweaks = tweaks
        self._metrics = metrics
        self._chain = chain
        self.chain_id = 0
        self._network: Sequence[OrchestratorInfo] | None = None

    def publish(self, network: Sequence[OrchestratorInfo] | None) -> None:
        """From now on this is what the gateway has seen of the network; `None`: nothing."""
        self._network = network

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        if path in _CHAIN_PATHS:
            return await self._about_chain(path)
        ways: dict[str, Callable[[], Awaitable[web.Response]]] = {
            "/status": self._status,
            "/getNetworkCapabilities": self._capabilities,
            "/getAISessionPoolsInfo": self._pools,
            "/EthChainID": self._chain_id,
        }
        way = ways.get(path)
        if way is not None:
            return await way()
        if path == "/metrics" and self._flags.monitor:
            return web.Response(text=self._metrics())
        return text_answer("404 page not found", 404)

    async def _chain_id(self) -> web.Response:
        return web.Response(text=str(self.chain_id))

    async def _status(self) -> web.Response:
        known: list[Known] = []
        if self._directory is not None:
            try:
                known = await self._directory.known()
            except WebhookFailed:
                known = []
        urls = [one.url for one in known]
        infos = [{"Url": one.url, "Score": one.score, "Latency": None} for one in known]
        return cli_answer(
            {
                "Manifests": {},
                "InternalManifests": {},
                "StreamInfo": {},
                "OrchestratorPool": urls,
                "OrchestratorPoolInfos": infos,
                "Version": self._tweaks.version,
                "GolangRuntimeVersion": "go1.26.8",
                "GOArch": "amd64",
                "GOOS": "linux",
                "RegisteredTranscodersNumber": 0,
                "RegisteredTranscoders": [],
                "LocalTranscoding": True,
                "BroadcasterPrices": {},
            }
        )

    async def _pools(self) -> web.Response:
        pools = self._selection.info()
        if not pools:
            self._log.say(messages.NO_POOLS)
        return cli_answer(pools)

    async def _capabilities(self) -> web.Response:
        """A list on chain; else status 500 with a line of text, and JSON all the same."""
        ids = sorted(CAPABILITY_NAMES, key=str)
        body: dict[str, Any] = {
            "capabilities_names": {str(number): CAPABILITY_NAMES[number] for number in ids},
            "orchestrators": None,
        }
        if self._network is not None:
            body["orchestrators"] = [entry(info) for info in self._network]
            return cli_answer(body)
        self._log.say(messages.CLI_ERROR, code=500, error=_NO_LIST)
        self._log.standard(
            "http: superfluous response.WriteHeader call from "
            "github.com/livepeer/go-livepeer/server.respondOk (handlers.go:1682)"
        )
        text = f"{_NO_LIST}\n{msgspec.json.encode(body).decode()}"
        nosniff = {"X-Content-Type-Options": "nosniff"}
        return web.Response(text=text, status=500, headers=nosniff)

    async def _about_chain(self, path: str) -> web.Response:
        if self._chain is None:
            self._log.say(messages.CLI_ERROR, code=500, error="missing ETH client")
            return text_answer("missing ETH client", 500)
        if path == "/registeredOrchestrators":
            return await self._pool(self._chain)
        tweaks, funds = self._tweaks, self._chain.sender
        reserve = funds.reserve if tweaks.reserve is None else tweaks.reserve
        bodies: dict[str, object] = {
            "/orchestratorInfo": {"Transcoder": None, "PriceInfo": None},
            "/currentRound": self._chain.pool.round,
            "/protocolParameters": {"NumActiveTranscoders": 100, "RoundLength": 5760},
            "/contractAddresses": {"Controller": self._flags.eth_controller},
            "/senderInfo": {
                "Deposit": funds.deposit if tweaks.deposit is None else tweaks.deposit,
                "WithdrawRound": funds.withdraw_round,
                "Reserve": {"FundsRemaining": reserve, "ClaimedInCurrentRound": funds.claimed},
            },
        }
        return cli_answer(bodies[path])

    async def _pool(self, chain: ChainReader) -> web.Response:
        """Who is registered, read anew from the chain each time."""
        try:
            pool = await chain.registered()
        except ChainFailed as error:
            text = f"could not get registered orchestrators: {error}"
            self._log.say(messages.CLI_ERROR, code=500, error=text)
            return text_answer(text, 500)
        rows = [_row(one) for one in pool]
        # Not msgspec: rounds and stakes are numbers of up to 256 bits.
        return plain_json(json.dumps(rows).encode())


def _row(one: Transcoder) -> dict[str, Any]:
    shown = registered(one.address, one.service_uri, one.stake, active=one.active)
    return shown | {
        "LastRewardRound": one.last_reward_round,
        "RewardCut": one.reward_cut,
        "FeeShare": one.fee_share,
        "ActivationRound": one.activation_round,
        "DeactivationRound": one.deactivation_round,
    }
