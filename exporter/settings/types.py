"""The types that settings are made of: texts with a form, numbers with bounds, sections."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from exporter.model import is_eth_address, normal_orchestrator, pipeline_uri

IDENTITY_LIMIT = 56
NAME_LIMIT = 200
URL_LIMIT = 2048
PORT_LIMIT = 65535


@dataclass(frozen=True)
class Noun:
    """What a text setting holds, in words, for the reference and for messages."""

    text: str


class Section(BaseModel):
    """A part of the settings: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _http_url(text: str) -> str:
    if len(text) > URL_LIMIT:
        raise ValueError(f"expected a URL of at most {URL_LIMIT} characters")
    wrong = ValueError("expected a URL such as http://127.0.0.1:5935 or https://example.org:8935")
    if re.search(r"\s", text):
        raise wrong
    try:
        parts = urlsplit(text)
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected a URL without a user name and password")
    if parts.query or parts.fragment:
        raise ValueError("expected a base URL, without a query (?) and a fragment (#)")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"expected a URL whose port is from 0 to {PORT_LIMIT}") from None
    return text.rstrip("/")


def _host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > PORT_LIMIT:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:9877")
    if re.search(r"[/\s]", host):
        raise ValueError("expected HOST:PORT without http:// and spaces, such as 127.0.0.1:9877")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ValueError("expected an IPv6 address in brackets, such as [::1]:9877")
    return text


def _reachable(text: str) -> str:
    if _host_port(text).endswith(":0"):
        raise ValueError("expected HOST:PORT with a port from 1 on, such as 1.1.1.1:53")
    return text


def _identity(text: str) -> str:
    text = normal_orchestrator(text)
    if not text or len(text) > IDENTITY_LIMIT:
        raise ValueError(
            "expected an ETH address (0x and 40 hexadecimal digits) or an id of 1 to "
            f"{IDENTITY_LIMIT} characters, found {len(text)} characters"
        )
    if text.lower().startswith("0x") and not is_eth_address(text):
        raise ValueError(
            "expected an ETH address, 0x and 40 hexadecimal digits, since it begins with 0x; "
            f"found {_digits(text[2:])} after the 0x"
        )
    return text


def _digits(text: str) -> str:
    strange = next((c for c in text if c not in "0123456789abcdefABCDEF"), None)
    if strange is not None:
        return f"{strange!r}, which is no hexadecimal digit,"
    return f"{len(text)} digits"


def _pipeline(text: str) -> str:
    uri = pipeline_uri(text).strip()
    if not uri:
        raise ValueError("expected the name of a pipeline, such as text-to-image")
    return uri


def _region(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", text):
        raise ValueError("expected a region of 1 to 20 letters, digits, - or _, such as FRA")
    return text.upper()


def _tester(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", text):
        raise ValueError(
            "expected a name of 1 to 63 letters, digits, dots, - or _, beginning with a letter or "
            "digit"
        )
    return text


def _eth_address(text: str) -> str:
    if not is_eth_address(text.strip()):
        raise ValueError("expected an ETH address, 0x and 40 hexadecimal digits")
    return normal_orchestrator(text)


def _short_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", text):
        raise ValueError(
            "expected a name of 1 to 40 letters, digits, dots, - or _, beginning with a letter or "
            "digit"
        )
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("expected an IP address or network, such as 10.0.0.0/8") from None


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]{1,8192}", token.get_secret_value()):
        raise ValueError(
            "expected a token of 1 to 8192 visible ASCII characters without spaces and line ends"
        )
    return token


HttpUrl = Annotated[str, Noun("URL"), AfterValidator(_http_url)]
Listen = Annotated[str, Noun("HOST:PORT"), AfterValidator(_host_port)]
HostPort = Annotated[str, Noun("HOST:PORT"), AfterValidator(_reachable)]
EthAddress = Annotated[str, Noun("ETH address"), AfterValidator(_eth_address)]
ShortName = Annotated[str, Noun("name"), AfterValidator(_short_name)]
Identity = Annotated[str, Noun("ETH address or id"), AfterValidator(_identity)]
PipelineName = Annotated[
    str, Noun("pipeline"), Field(max_length=NAME_LIMIT), AfterValidator(_pipeline)
]
ModelName = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
Region = Annotated[str, Noun("region"), AfterValidator(_region)]
TesterName = Annotated[str, Noun("name"), AfterValidator(_tester)]
Network = Annotated[str, Noun("IP address or network"), AfterValidator(_network)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Bucket = Annotated[float, Field(gt=0, le=86400)]
Glob = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]


Item = TypeVar("Item")


def mistake_at(message: str, *at: str | int) -> PydanticCustomError:
    """Make a mistake that lies at the key path `at`, seen from the value that is looked at."""
    return PydanticCustomError("setting", "{message}", {"message": message, "at": at})


def once(name: str, identify: Callable[[Item], tuple[object, ...]]) -> AfterValidator:
    """Refuse a list in which two entries say the same; the second one's `name` is the mistake."""

    def check(items: list[Item]) -> list[Item]:
        first: dict[tuple[object, ...], int] = {}
        for index, item in enumerate(items):
            before = first.setdefault(identify(item), index)
            if before != index:
                message = f"expected each once, but entry [{before}] of the list says the same"
                raise mistake_at(message, index, name)
        return items

    return AfterValidator(check)
