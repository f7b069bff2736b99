"""The settings: what can be set, in which type and bounds, and what it means.

Every field has a description, from which `docs/settings.md` is generated. Durations are seconds,
sizes are bytes. How a file is read into these types stands in `exporter.settings_file`.
"""

from exporter.settings.discovery import (
    Filter,
    GatewaySource,
    Selection,
    Sources,
    StaticEndpoint,
    StaticModel,
)
from exporter.settings.ethereum import ChainSource, Ethereum, Names, Rpc
from exporter.settings.jobs import (
    Connectivity,
    Guard,
    Limits,
    PriceLimit,
    Schedule,
    Spending,
)
from exporter.settings.lanes import Lane
from exporter.settings.leaderboard import (
    FollowedLeaderboard,
    Leaderboard,
    PostSecret,
    PostTarget,
    RegionEntry,
)
from exporter.settings.maintenance import MaintenanceWindow
from exporter.settings.pipelines import (
    AudioToText,
    ImageToImage,
    ImageToText,
    ImageToVideo,
    Llm,
    Pipelines,
    SegmentAnything2,
    TextToImage,
    TextToSpeech,
    Upscale,
)
from exporter.settings.serving import (
    Answers,
    Influx,
    Log,
    Metrics,
    Outbox,
    Probe,
    Station,
    Store,
)
from exporter.settings.types import HttpUrl, Noun, Section
from exporter.settings.whole import Settings

__all__ = [
    "Answers",
    "AudioToText",
    "ChainSource",
    "Connectivity",
    "Ethereum",
    "Filter",
    "FollowedLeaderboard",
    "GatewaySource",
    "Guard",
    "HttpUrl",
    "ImageToImage",
    "ImageToText",
    "ImageToVideo",
    "Influx",
    "Lane",
    "Leaderboard",
    "Limits",
    "Llm",
    "Log",
    "MaintenanceWindow",
    "Metrics",
    "Names",
    "Noun",
    "Outbox",
    "Pipelines",
    "PostSecret",
    "PostTarget",
    "PriceLimit",
    "Probe",
    "RegionEntry",
    "Rpc",
    "Schedule",
    "Section",
    "SegmentAnything2",
    "Selection",
    "Settings",
    "Sources",
    "Spending",
    "StaticEndpoint",
    "StaticModel",
    "Station",
    "Store",
    "TextToImage",
    "TextToSpeech",
    "Upscale",
]
