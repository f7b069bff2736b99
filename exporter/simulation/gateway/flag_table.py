"""The flags of a go-livepeer binary: kinds, defaults, names in its start table."""

from typing import Final, Literal, NamedTuple

from exporter.simulation.gateway.durations import MILLISECOND, MINUTE, SECOND

Kind = Literal["text", "truth", "whole", "real", "time"]
Value = str | bool | int | float

ON: Final = True
OFF: Final = False


class Flag(NamedTuple):
    """One flag; `shown` is its row in the start table, empty for a flag that has none."""

    name: str
    kind: Kind
    default: Value
    shown: str


def _flags(kind: Kind, default: Value, *names: tuple[str, str]) -> list[Flag]:
    return [Flag(name, kind, default, shown) for name, shown in names]


# The order is that of the start table.
FLAGS: Final = (
    Flag("network", "text", "offchain", "Network"),
    *_flags(
        "text",
        "",
        ("rtmpAddr", "RtmpAddr"),
        ("cliAddr", "CliAddr"),
        ("httpAddr", "HttpAddr"),
        ("serviceAddr", "ServiceAddr"),
        ("nodes", "Nodes"),
        ("orchAddr", "OrchAddr"),
        ("verifierUrl", "VerifierURL"),
        ("ethController", "EthController"),
        ("verifierPath", "VerifierPath"),
    ),
    *_flags("truth", ON, ("localVerify", "LocalVerify"), ("httpIngest", "HttpIngest")),
    *_flags(
        "truth",
        OFF,
        ("orchestrator", "Orchestrator"),
        ("transcoder", "Transcoder"),
        ("aiServiceRegistry", "AIServiceRegistry"),
        ("aiWorker", "AIWorker"),
        ("gateway", "Gateway"),
        ("broadcaster", "Broadcaster"),
    ),
    Flag("orchSecret", "text", "", "OrchSecret"),
    Flag("transcodingOptions", "text", "P240p30fps16x9,P360p30fps16x9", "TranscodingOptions"),
    Flag("aiModels", "text", "", "AIModels"),
    Flag("maxAttempts", "whole", 3, "MaxAttempts"),
    Flag("selectRandFreq", "real", 0.3, "SelectRandWeight"),
    Flag("selectStakeWeight", "real", 0.7, "SelectStakeWeight"),
    Flag("selectPriceWeight", "real", 0.0, "SelectPriceWeight"),
    Flag("selectPriceExpFactor", "real", 100.0, "SelectPriceExpFactor"),
    Flag("orchPerfStatsUrl", "text", "", "OrchPerfStatsURL"),
    Flag("region", "text", "", "Region"),
    Flag("maxPricePerUnit", "text", "0", "MaxPricePerUnit"),
    Flag("maxPricePerCapability", "text", "", "MaxPricePerCapability"),
    Flag("ignoreMaxPriceIfNeeded", "truth", OFF, "IgnoreMaxPriceIfNeeded"),
    Flag("minPerfScore", "real", 0.0, "MinPerfScore"),
    Flag("discoveryTimeout", "time", 500 * MILLISECOND, "DiscoveryTimeout"),
    Flag("extraNodes", "whole", 0, "ExtraNodes"),
    Flag("maxSessions", "text", "10", "MaxSessions"),
    Flag("currentManifest", "truth", OFF, "CurrentManifest"),
    Flag("nvidia", "text", "", "Nvidia"),
    Flag("netint", "text", "", "Netint"),
    Flag("hevcDecoding", "truth", OFF, "HevcDecoding"),
    Flag("testTranscoder", "truth", ON, "TestTranscoder"),
    *_flags(
        "text",
        "",
        ("gatewayHost", "GatewayHost"),
        ("ethAcctAddr", "EthAcctAddr"),
        ("ethPassword", "EthPassword"),
        ("ethKeystorePath", "EthKeystorePath"),
        ("ethOrchAddr", "EthOrchAddr"),
        ("ethUrl", "EthUrl"),
    ),
    Flag("transactionTimeout", "time", 5 * MINUTE, "TxTimeout"),
    Flag("maxTransactionReplacements", "whole", 1, "MaxTxReplacements"),
    Flag("gasLimit", "whole", 0, "GasLimit"),
    Flag("minGasPrice", "whole", 0, ""),
    Flag("maxGasPrice", "whole", 0, "MaxGasPrice"),
    Flag("initializeRound", "truth", OFF, "InitializeRound"),
    Flag("initializeRoundMaxDelay", "time", 30 * SECOND, "InitializeRoundMaxDelay"),
    Flag("ticketEV", "text", "8000000000", "TicketEV"),
    Flag("maxFaceValue", "text", "0", "MaxFaceValue"),
    Flag("maxTicketEV", "text", "3000000000000", "MaxTicketEV"),
    Flag("maxTotalEV", "text", "20000000000000", "MaxTotalEV"),
    Flag("depositMultiplier", "whole", 1, "DepositMultiplier"),
    Flag("ignoreSenderReserve", "truth", OFF, "IgnoreSenderReserve"),
    Flag("pricePerUnit", "text", "0", ""),
    Flag("pixelsPerUnit", "text", "1", "PixelsPerUnit"),
    Flag("priceFeedAddr", "text", "0x639Fe6ab55C921f74e7fac1ee960C0B6293ba612", "PriceFeedAddr"),
    Flag("autoAdjustPrice", "truth", ON, "AutoAdjustPrice"),
    Flag("pricePerGateway", "text", "", "PricePerGateway"),
    Flag("pricePerBroadcaster", "text", "", "PricePerBroadcaster"),
    Flag("blockPollingInterval", "whole", 5, "BlockPollingInterval"),
    Flag("redeemer", "truth", OFF, "Redeemer"),
    Flag("redeemerAddr", "text", "", "RedeemerAddr"),
    Flag("reward", "truth", OFF, ""),
    Flag("monitor", "truth", OFF, "Monitor"),
    Flag("metricsPerStream", "truth", OFF, "MetricsPerStream"),
    Flag("metricsClientIP", "truth", OFF, "MetricsExposeClientIP"),
    Flag("metadataQueueUri", "text", "", "MetadataQueueUri"),
    Flag("metadataAmqpExchange", "text", "lp_golivepeer_metadata", "MetadataAmqpExchange"),
    Flag("metadataPublishTimeout", "time", SECOND, "MetadataPublishTimeout"),
    *_flags(
        "text",
        "",
        ("datadir", ""),
        ("dataDir", "Datadir"),
        ("aiModelsDir", "AIModelsDir"),
        ("objectStore", "Objectstore"),
        ("recordStore", "Recordstore"),
        ("FVfailGsbucket", "FVfailGsBucket"),
        ("FVfailGskey", "FVfailGsKey"),
        ("authWebhookUrl", "AuthWebhookURL"),
        ("liveAIAuthWebhookUrl", "LiveAIAuthWebhookURL"),
        ("liveAITrickleHostForRunner", ""),
        ("orchWebhookUrl", "OrchWebhookURL"),
        ("orchBlocklist", ""),
        ("orchMinLivepeerVersion", "OrchMinLivepeerVersion"),
    ),
    Flag("startupAvailabilityCheck", "truth", ON, "TestOrchAvail"),
    Flag("remoteSigner", "truth", OFF, "RemoteSigner"),
    Flag("remoteSignerUrl", "text", "", "RemoteSignerUrl"),
    Flag("remoteDiscovery", "truth", OFF, "RemoteDiscovery"),
    Flag("aiRunnerImage", "text", "livepeer/ai-runner:latest", "AIRunnerImage"),
    Flag("aiRunnerImageOverrides", "text", "", "AIRunnerImageOverrides"),
    Flag("aiVerboseLogs", "truth", OFF, "AIVerboseLogs"),
    Flag("aiProcessingRetryTimeout", "time", 2 * SECOND, "AIProcessingRetryTimeout"),
    Flag("aiRunnerContainersPerGPU", "whole", 1, "AIRunnerContainersPerGPU"),
    Flag("aiMinRunnerVersion", "text", "[]", "AIMinRunnerVersion"),
    Flag("kafkaBootstrapServers", "text", "", "KafkaBootstrapServers"),
    Flag("kafkaUser", "text", "", "KafkaUsername"),
    Flag("kafkaPassword", "text", "", "KafkaPassword"),
    Flag("kafkaGatewayTopic", "text", "", "KafkaGatewayTopic"),
    *_flags(
        "text",
        "",
        ("mediaMTXApiPassword", ""),
        ("liveAIAuthApiKey", ""),
        ("liveAIHeartbeatURL", ""),
        ("liveAIHeartbeatHeaders", ""),
        ("liveAICapRefreshModels", ""),
    ),
    Flag("liveAIHeartbeatInterval", "time", 5 * SECOND, "LiveAIHeartbeatInterval"),
    Flag("livePaymentInterval", "time", 5 * SECOND, "LivePaymentInterval"),
    Flag("liveOutSegmentTimeout", "time", 0, "LiveOutSegmentTimeout"),
    Flag("liveAICapReportInterval", "time", 25 * MINUTE, "LiveAICapReportInterval"),
    Flag("liveAISaveNSegments", "whole", 10, ""),
    Flag("v", "text", "", ""),
    Flag("version", "truth", OFF, ""),
    Flag("config", "text", "", ""),
)
BY_NAME: Final = {flag.name: flag for flag in FLAGS}
MASKED: Final = frozenset(
    {"OrchSecret", "EthPassword", "KafkaPassword", "FVfailGsKey"}  # the rest has no row
)
