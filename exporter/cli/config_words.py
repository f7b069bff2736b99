"""What the options of `config export` take: durations, addresses, URLs, patterns."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

import click

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_URL_LIMIT: Final = 2048
_ID_LIMIT: Final = 200
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f"\\{}]')
"""What would end a text in PromQL, or a template."""


class Duration(click.ParamType[int]):
    """Seconds, written as `90s`, `15m`, `2h` or `1d`."""

    name = "duration"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's interface
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Seconds as an integer."""
        found = re.fullmatch(r"([0-9]{1,7})([smhd])", value)
        if found is None:
            self.fail(f"{value!r}: expected a number with s, m, h or d, such as 15m", param, ctx)
        return int(found[1]) * _UNITS[found[2]]

    @staticmethod
    def written(seconds: int) -> str:
        """The shortest way to write it."""
        unit = max((u for u, size in _UNITS.items() if seconds % size == 0), key=_UNITS.__getitem__)
        return f"{seconds // _UNITS[unit]}{unit}"


class Label(click.ParamType[str]):
    """An orchestrator as its label shows it."""

    name = "address"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """The EIP-55 spelling of an ETH address, an id as it is."""
        from exporter.leaderboard.display import shown
        from exporter.model import is_eth_address, normal_orchestrator

        who = normal_orchestrator(value)
        if who.lower().startswith("0x") and not is_eth_address(who):
            self.fail(f"{value!r}: expected 0x and 40 hexadecimal digits", param, ctx)
        if not who or len(who) > _ID_LIMIT or _UNFIT.search(who):
            self.fail(
                f"{value!r}: expected an ETH address, or an id as metrics show it", param, ctx
            )
        return shown(who)


class Url(click.ParamType[str]):
    """An http(s) URL without a user name and password."""

    name = "url"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """The URL without a slash at its end."""
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        fine = len(value) <= _URL_LIMIT and not re.search(r"[\s{}]", value)
        if value and not (fine and parts.scheme in ("http", "https") and parts.hostname):
            self.fail("expected a URL such as https://hooks.example.org/livepeer", param, ctx)
        if parts.username is not None or parts.password is not None:
            self.fail("expected a URL without a password: give it as --token-file", param, ctx)
        return value.rstrip("/")


class Owner(click.ParamType[tuple[str, str]]):
    """ADDRESS=URL."""

    name = "owner"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's interface
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """The orchestrator and the URL."""
        who, equals, url = value.partition("=")
        if not equals or not url:
            self.fail("expected ADDRESS=URL", param, ctx)
        return Label().convert(who, param, ctx), Url().convert(url, param, ctx)


class Pattern(click.ParamType[str]):
    """A regular expression that stands in PromQL as it is."""

    name = "regex"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """The expression."""
        try:
            re.compile(value)
        except re.error as error:
            self.fail(f"{value!r}: expected a regular expression, but {error}", param, ctx)
        if not value or _UNFIT.search(value):
            self.fail(f"{value!r}: expected one without quotes, braces and \\", param, ctx)
        return value
