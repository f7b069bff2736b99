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
from exporter.settings.jobs import (
    Connectivity,
    Guard,
    Limits,
    Llm,
    Pipelines,
    PriceLimit,
    Schedule,
    Spending,
    TextToImage,
)
from exporter.settings.lanes import Lane
from exporter.settings.serving import (
    Leaderboard,
    Log,
    Metrics,
    Outbox,
    Probe,
    RegionEntry,
    Station,
    Store,
)
from exporter.settings.types import HttpUrl, Noun, Section
from exporter.settings.whole import Settings

__all__ = [
    "Connectivity",
    "Filter",
    "GatewaySource",
    "Guard",
    "HttpUrl",
    "Lane",
    "Leaderboard",
    "Limits",
    "Llm",
    "Log",
    "Metrics",
    "Noun",
    "Outbox",
    "Pipelines",
    "PriceLimit",
    "Probe",
    "RegionEntry",
    "Schedule",
    "Section",
    "Selection",
    "Settings",
    "Sources",
    "Spending",
    "StaticEndpoint",
    "StaticModel",
    "Station",
    "Store",
    "TextToImage",
]
