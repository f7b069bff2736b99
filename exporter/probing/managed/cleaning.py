"""Taking secrets out of what gateways write."""

from collections.abc import Callable

from exporter.probing.lane_log.redact import Redactor
from exporter.probing.managed.command import secrets
from exporter.settings.livepeer import Livepeer


def cleaner(settings: Livepeer) -> Callable[[str], str]:
    """What makes a text fit to be kept, logged and shown."""
    return Redactor(secrets(settings))
