"""What the probe left in the outbox for the station to pass on."""

import logging
from typing import Any, Final

import msgspec

from exporter.outbox import OutboxError
from exporter.web.context import Context

ROUNDS: Final = "rounds"
"""Reports of the latest rounds, oldest first."""
HELD_BACK: Final = "held_back"
"""Targets that a bound of the settings keeps from being tested, each with the reason."""

log = logging.getLogger(__name__)


async def notice(here: Context, topic: str, kind: Any = Any) -> Any:  # noqa: ANN401 - of the kind that is asked for
    """The latest value of a topic, of a kind; `None` if there is none or it cannot be read."""
    try:
        payload = await here.outbox.notice(topic)
        return None if payload is None else msgspec.json.decode(payload, type=kind)
    except OutboxError as error:
        log.warning("the outbox cannot be read", extra={"why": str(error)})
    except (msgspec.DecodeError, RecursionError) as error:
        log.warning("the %s notice cannot be read", topic, extra={"why": str(error)})
    return None
