"""The command line of a go-livepeer binary, read as Go's flag package and its helper read it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from exporter.simulation.gateway.command_line import FlagError, read, unreadable, usage
from exporter.simulation.gateway.durations import show_duration
from exporter.simulation.gateway.flag_table import BY_NAME, FLAGS, MASKED, Flag, Value

__all__ = ["VERSION", "VERSION_TEXT", "FlagError", "GatewayFlags", "parse", "usage", "version_text"]

VERSION: Final = "0.9.1"
DEFAULT_VERBOSITY: Final = 3


class GatewayFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway was started with; the defaults are those of the real binary.

    An address is `host:port`; port 0 takes a free one. Times are nanoseconds, amounts are wei.
    `set_flags` holds what differs from the defaults, in the order of the start table.
    """

    gateway: bool = True
    network: str = "offchain"
    http_addr: str = "127.0.0.1:9935"
    cli_addr: str = "127.0.0.1:5935"
    rtmp_addr: str = "127.0.0.1:1935"
    orch_addr: str = ""
    orch_webhook_url: str = ""
    orch_blocklist: str = ""
    data_dir: str = ""
    verbosity: int = DEFAULT_VERBOSITY
    retry_timeout: int = 2_000_000_000
    discovery_timeout: int = 500_000_000
    cap_report_interval: int = 25 * 60_000_000_000
    monitor: bool = False
    max_price_per_unit: str = "0"
    pixels_per_unit: str = "1"
    max_price_per_capability: str = ""
    ignore_max_price: bool = False
    max_ticket_ev: int = 3_000_000_000_000
    max_total_ev: int = 20_000_000_000_000
    deposit_multiplier: int = 1
    eth_url: str = ""
    eth_acct_addr: str = ""
    eth_password: str = ""
    eth_keystore_path: str = ""
    eth_controller: str = ""
    ai_service_registry: bool = False
    block_polling_interval: int = 5
    reward: bool | None = None
    version: bool = False
    set_flags: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Without the node's URL and the password, which can hold secrets."""
        return f"GatewayFlags(network={self.network!r}, http_addr={self.http_addr!r})"

    @property
    def on_chain(self) -> bool:
        """Whether it pays for its jobs."""
        return self.network != "offchain"


def parse(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> GatewayFlags:
    """Read arguments (without the program's name), `LP_…` variables and a `-config` file.

    The command line wins over the environment, that over the file. Raises `FlagError`.
    """
    return _gateway_flags(read(argv, environ or {}))


def version_text(version: str = VERSION) -> str:
    """What `-version` prints."""
    return (
        f"Livepeer Node Version: {version}\nGolang runtime version: gc go1.26.8\n"
        "Architecture: amd64\nOperating system: linux\n"
    )


VERSION_TEXT: Final = version_text()


def _gateway_flags(values: Mapping[str, Value]) -> GatewayFlags:
    def text(name: str, default: str = "") -> str:
        return str(values.get(name, default)) or default

    def whole(name: str) -> int:
        return int(values.get(name, BY_NAME[name].default))

    return GatewayFlags(
        gateway=bool(values.get("gateway") or values.get("broadcaster")),
        network=text("network", "offchain"),
        http_addr=_address(text("httpAddr"), 9935),
        cli_addr=_address(text("cliAddr"), 5935),
        rtmp_addr=_address(text("rtmpAddr"), 1935),
        orch_addr=text("orchAddr"),
        orch_webhook_url=text("orchWebhookUrl"),
        orch_blocklist=text("orchBlocklist"),
        data_dir=text("dataDir") or text("datadir"),
        verbosity=_verbosity(text("v")),
        retry_timeout=whole("aiProcessingRetryTimeout"),
        discovery_timeout=whole("discoveryTimeout"),
        cap_report_interval=whole("liveAICapReportInterval"),
        monitor=bool(values.get("monitor")),
        max_price_per_unit=text("maxPricePerUnit", "0"),
        pixels_per_unit=text("pixelsPerUnit", "1"),
        max_price_per_capability=text("maxPricePerCapability"),
        ignore_max_price=bool(values.get("ignoreMaxPriceIfNeeded")),
        max_ticket_ev=_wei(text("maxTicketEV", "3000000000000"), "maxTicketEV"),
        max_total_ev=_wei(text("maxTotalEV", "20000000000000"), "maxTotalEV"),
        deposit_multiplier=max(1, whole("depositMultiplier")),
        eth_url=text("ethUrl"),
        eth_acct_addr=text("ethAcctAddr"),
        eth_password=text("ethPassword"),
        eth_keystore_path=text("ethKeystorePath"),
        eth_controller=text("ethController"),
        ai_service_registry=bool(values.get("aiServiceRegistry")),
        block_polling_interval=max(1, whole("blockPollingInterval")),
        reward=bool(values["reward"]) if "reward" in values else None,
        version=bool(values.get("version")),
        set_flags=_rows(values),
    )


def _rows(values: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """What the start table shows; only a few passwords are masked, an `EthUrl` is not."""
    merged = dict(values)
    if "datadir" in merged:
        merged.setdefault("dataDir", merged["datadir"])
    rows = []
    for flag in FLAGS:
        value = merged.get(flag.name, flag.default)
        if flag.shown and value != flag.default:
            rows.append((flag.shown, "***" if flag.shown in MASKED else _shown(flag, value)))
    return tuple(rows)


def _shown(flag: Flag, value: Value) -> str:
    if flag.kind == "time":
        return show_duration(int(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _address(text: str, port: int) -> str:
    if not text:
        return f"127.0.0.1:{port}"
    if text.startswith(":"):
        return "127.0.0.1" + text
    return text if ":" in text else f"{text}:{port}"


def _verbosity(text: str) -> int:
    return int(text) if text.isdecimal() else DEFAULT_VERBOSITY


def _wei(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise unreadable(f"-{name} must be a valid integer, but {text} provided") from None
