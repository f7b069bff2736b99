"""One stat of a leaderboard, as every leaderboard gives it in `raw_stats`."""

from typing import Annotated

import msgspec

from exporter.model import ReportedError, normal_orchestrator

Key = tuple[str, str, str, int, float]
"""What our own rows are recognised by: orchestrator, model, region, timestamp, round trip."""

_Name = Annotated[str, msgspec.Meta(max_length=300)]
_Region = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Stat(msgspec.Struct, frozen=True, kw_only=True):
    """One stat; what says nothing is left out."""

    region: _Region
    orchestrator: _Name
    success_rate: float
    round_trip_time: float
    errors: Annotated[list[ReportedError | None], msgspec.Meta(max_length=100)] | None
    timestamp: _Int64
    """Unix seconds, as whoever posted it wrote them."""
    seg_duration: float = 0.0
    upload_time: float = 0.0
    download_time: float = 0.0
    transcode_time: float = 0.0
    segments_sent: _Int64 = 0
    segments_received: _Int64 = 0
    model: _Name = ""
    pipeline: _Name = ""
    input_parameters: str = ""
    response_payload: str = ""
    model_is_warm: bool = False

    @property
    def content(self) -> bytes:
        """What makes it equal to another one, and what ids are made of."""
        return msgspec.json.encode(self)

    @property
    def key(self) -> Key:
        """See `Key`."""
        return (
            normal_orchestrator(self.orchestrator),
            self.model,
            self.region.upper(),
            self.timestamp,
            self.round_trip_time,
        )
