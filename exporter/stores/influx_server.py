"""What answers at the URL of the settings: an InfluxDB 2, another one, something else, nobody.

No token is sent to find out.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from exporter.settings.serving import Influx
from exporter.stores.influx_errors import clean, unreachable
from exporter.stores.influx_talk import (
    PATIENCE,
    CannotTrustError,
    Reply,
    Talk,
    first_bytes,
    talk_to,
)

_SERVERLESS = ("us-east-1-1.aws.cloud2.influxdata.com", "eu-central-1-1.aws.cloud2.influxdata.com")
_TLS_ALERT = b"\x15\x03"
_OLD = re.compile(r"v?[01]\.")
_TWO = re.compile(r"v?2\.")
_THREE = re.compile(r"v?3\.")
_NO_FLUX = "it has no Flux, in which every question here is put; an InfluxDB 2 is needed"


class Kind(Enum):
    """Who answers."""

    TWO = "InfluxDB 2"
    CLOUD = "InfluxDB Cloud"
    ONE = "InfluxDB 1"
    THREE = "InfluxDB 3"
    OTHER = "something else"
    NOBODY = "nobody"


class Answer(NamedTuple):
    """Who answers at the URL, in words that an operator understands."""

    kind: Kind
    said: str
    """One sentence; where this is no server to store in, also what to do."""
    version: str | None = None
    clock_offset: float | None = None
    """Seconds that the server's clock is ahead of ours, to about a second; `None`: unknown."""
    set_up: bool = True
    """False: a fresh server, without a user."""

    @property
    def usable(self) -> bool:
        """Whether measurements can be stored there."""
        return self.kind in (Kind.TWO, Kind.CLOUD) and self.set_up


async def identify(influx: Influx) -> Answer:
    """Ask who answers at the URL, without a token. Never raises; takes a minute at most."""
    host = urlsplit(influx.url).hostname or ""
    if host in _SERVERLESS or host.endswith(".influxdb.io"):
        name = "an InfluxDB Cloud of generation 3 (Serverless or Dedicated)"
        return Answer(Kind.THREE, f"{influx.url} is {name}: {_NO_FLUX}")
    try:
        async with talk_to(influx) as talk:
            return await _identify(influx, talk)
    except CannotTrustError as error:
        return Answer(Kind.NOBODY, f"store.influxdb.ca: {error}")
    except (httpx.HTTPError, OSError, httpx.InvalidURL) as error:
        return await _no_answer(influx, error)


async def _identify(influx: Influx, talk: Talk) -> Answer:
    reply = await talk.ask("GET", "/ping")
    offset = _clock_offset(reply)
    version = _header(reply, "x-influxdb-version")
    build = _header(reply, "x-influxdb-build").lower()
    where, host = influx.url, urlsplit(influx.url).hostname or ""
    if _THREE.match(version) or build == "core":
        edition = f" {build.capitalize()}" if build in ("core", "enterprise") else ""
        said = f"{where} is an InfluxDB 3{edition} ({version or 'version not told'}): {_NO_FLUX}"
        return Answer(Kind.THREE, said, version or None, offset)
    if "cloud" in build or host.endswith(".influxdata.com"):
        return Answer(Kind.CLOUD, f"{where} is an InfluxDB Cloud", version or None, offset)
    if _OLD.match(version):
        said = (
            f"{where} is an InfluxDB {version}, or something that behaves like one: it has no "
            "buckets, tasks and tokens; an InfluxDB 2 is needed"
        )
        return Answer(Kind.ONE, said, version, offset)
    if not (version or build):
        return await _without_headers(influx, talk, reply)
    return await _second_generation(influx, talk, version, offset)


async def _second_generation(
    influx: Influx, talk: Talk, version: str, offset: float | None
) -> Answer:
    """Settle whether it is an InfluxDB 2; it may have a version such as `dev`, or none at all."""
    setup = (await talk.ask("GET", "/api/v2/setup")).document
    where = influx.url
    if "allowed" not in setup and not _TWO.match(version):
        told = f" {version}" if version else ""
        said = f"{where} says that it is an InfluxDB{told}, but it is no InfluxDB 2"
        return Answer(Kind.OTHER, said, version or None, offset)
    if not version:
        version = clean(str((await talk.ask("GET", "/health")).document.get("version", "")), influx)
    name = f"an InfluxDB {version}" if _TWO.match(version) else f"an InfluxDB 2 ({version})"
    if setup.get("allowed") is True:
        said = (
            f"{where} is {name} that is not set up yet: "
            "`livepeer-exporter influx setup --username NAME --password-file FILE` does it"
        )
        return Answer(Kind.TWO, said, version, offset, set_up=False)
    return Answer(Kind.TWO, f"{where} is {name}", version, offset)


async def _without_headers(influx: Influx, talk: Talk, reply: Reply) -> Answer:
    """Tell what answers where nothing says that it is an InfluxDB."""
    where, offset = influx.url, _clock_offset(reply)
    status = reply.status
    if "https server" in reply.body[:200].decode(errors="replace").lower():
        return Answer(Kind.NOBODY, _speaks_tls(influx), None, offset)
    if httpx.codes.is_redirect(status):
        target = clean(reply.headers.get("location", "elsewhere"), influx)
        said = f"{where} sends us to {target}: put the server's own address in `store.influxdb.url`"
        return Answer(Kind.OTHER, said, None, offset)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        said = (
            f"{where} wants a login before it says what it is: an InfluxDB 3, which cannot be used "
            "since it has no Flux, or a proxy in front of the server"
        )
        kind = Kind.THREE if "not authenticated" in reply.message else Kind.OTHER
        return Answer(kind, said, None, offset)
    server = clean(reply.headers.get("server", ""), influx)[:60]
    if status in (502, 503, 504):
        said = f"{where}: the proxy there ({server or 'unnamed'}) does not reach InfluxDB: {status}"
        return Answer(Kind.OTHER, said, None, offset)
    what = await _program(talk) or (f"a web server ({server})" if server else "a web server")
    said = f"{where} is no InfluxDB, it looks like {what}: correct `store.influxdb.url`"
    return Answer(Kind.OTHER, said, None, offset)


_PROGRAMS: Final = (
    ("/-/healthy", b"Prometheus", "a Prometheus"),
    ("/api/health", b'"database"', "a Grafana"),
    ("/readyz", b'"consumer ', "a station of this program"),
    ("/readyz", b'"outbox"', "a station of this program"),
)


async def _program(talk: Talk) -> str | None:
    for path, sign, name in _PROGRAMS:
        try:
            reply = await talk.ask("GET", path)
        except (httpx.HTTPError, OSError):
            return None
        if sign in reply.body:
            return name
    return None


async def _no_answer(influx: Influx, error: Exception) -> Answer:
    where = influx.url
    said = unreachable(error, influx)
    if isinstance(error, httpx.TimeoutException):
        said = f"{where}: no whole answer within {min(influx.timeout, PATIENCE):g} s"
    elif isinstance(error, httpx.RemoteProtocolError):
        said = _not_http(influx, await first_bytes(influx))
    return Answer(Kind.NOBODY, said)


def _not_http(influx: Influx, begin: bytes) -> str:
    """Say what speaks there, by the first bytes that it sends."""
    if begin.startswith(_TLS_ALERT):
        return _speaks_tls(influx)
    if begin.startswith(b"SSH-"):
        return f"{influx.url}: an SSH server listens there: correct `store.influxdb.url`"
    if begin and not begin.startswith(b"HTTP/"):
        return f"{influx.url}: what listens there does not speak HTTP"
    return f"{influx.url}: what listens there ended the connection without a whole answer"


def _speaks_tls(influx: Influx) -> str:
    return f"{influx.url}: the server there speaks TLS; write https:// in `store.influxdb.url`"


def _header(reply: Reply, name: str) -> str:
    # Versions up to 2.1 send the header twice, which httpx joins.
    text = str(reply.headers.get(name, "")).split(",")[0].strip()
    return text if re.fullmatch(r"[\w.+~-]{1,60}", text, re.ASCII) else ""


def _clock_offset(reply: Reply) -> float | None:
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    if theirs.tzinfo is None:
        return None
    return (theirs - datetime.now(UTC)).total_seconds()
