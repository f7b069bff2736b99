"""Bounded questions to a Grafana, and what is said when they come to nothing.

Whoever answers may be no Grafana, or hostile: answers are bounded in time and size, redirects are
not followed, and nothing that is said to people holds a secret.
"""

import json
import ssl
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

import httpx

from exporter.shown import printable

PATIENCE: Final = 15.0
"""Seconds that one question may take."""
ANSWER_LIMIT: Final = 8 * 2**20
_SAID_LIMIT: Final = 300
_HIDDEN: Final = "***"


class GrafanaError(Exception):
    """Grafana did not do it; the message says what, why and what to do, without secrets."""


class UnusableError(GrafanaError):
    """Nobody answers at the URL, or no Grafana that could be used."""


class Access(NamedTuple):
    """How we are let in: by the token of a service account, or as a user."""

    token: str | None = None
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "Access(…)"

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [secret for secret in (self.token, self.password) if secret]


class Reply(NamedTuple):
    """What was answered: a status, and the JSON of the body."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """Grafana's own words."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else ""

    def text(self, name: str) -> str:
        """A text of the answer; empty if there is none."""
        found = self.body.get(name) if isinstance(self.body, dict) else None
        return found if isinstance(found, str) else ""


class Grafana:
    """Questions to one Grafana; to be used in a `with`.

    `hidden` are further secrets that are sent and must not come back in what is said.
    """

    def __init__(self, url: str, access: Access, *, ca: Path | None, hidden: list[str]) -> None:
        self.url = url
        self._hidden = [*access.secrets, *hidden]
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if access.token is not None:
            headers["Authorization"] = f"Bearer {access.token}"
        signed = access.user is not None and access.password is not None
        self._client = httpx.Client(
            trust_env=False,
            follow_redirects=False,
            timeout=PATIENCE,
            verify=_trust(url, ca),
            headers=headers,
            auth=(access.user or "", access.password or "") if signed else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: dict[str, str] | None = None,
        expected: tuple[int, ...] = (),
    ) -> Reply:
        """Ask once; an answer of 2xx or with an `expected` status.

        Raises `UnusableError` where it comes from no Grafana, else `GrafanaError`.
        """
        try:
            status, headers, content = self._send(method, path, body, params)
        except httpx.HTTPError as error:
            raise UnusableError(self.shown(f"{self.url}: {_why(error)}")) from None
        reply = self._read(status, headers, content)
        if httpx.codes.is_success(status) or status in expected:
            return reply
        raise GrafanaError(self._refusal(method, path, reply))

    def shown(self, text: str) -> str:
        """A text as it may be shown to people."""
        for secret in self._hidden:
            text = text.replace(secret, _HIDDEN)
        return printable(text)

    def _send(
        self, method: str, path: str, body: object, params: dict[str, str] | None
    ) -> tuple[int, httpx.Headers, bytes]:
        deadline = time.monotonic() + PATIENCE
        content = b""
        with self._client.stream(method, self.url + path, params=params, json=body) as response:
            # Raw, so that no compression makes much out of little.
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > ANSWER_LIMIT or time.monotonic() > deadline:
                    raise httpx.ReadError("the answer is too large, or takes too long")
        return response.status_code, response.headers, content

    def _read(self, status: int, headers: httpx.Headers, content: bytes) -> Reply:
        if httpx.codes.is_redirect(status):
            raise UnusableError(self.shown(_redirected(self.url, headers.get("location", ""))))
        try:
            return Reply(status, json.loads(content))
        except (ValueError, RecursionError):
            kind = headers.get("content-type", "something") or "something"
            raise UnusableError(
                self.shown(
                    f"{self.url}: what answers ({status}, {kind}) is not Grafana's API. Give the "
                    "address under which the browser shows Grafana, with its path if it has one"
                )
            ) from None

    def _refusal(self, method: str, path: str, reply: Reply) -> str:
        said = f": {reply.message[:_SAID_LIMIT]}" if reply.message else ""
        why = _HINTS.get(reply.status, "")
        return self.shown(f"{method} {path} was answered {reply.status}{said}{why}")


_HINTS: Final = {
    401: ". Grafana does not know the token (or it has expired), or the user and password are "
    "wrong",
    403: ". It may not do this: the service account or user needs the role Editor in the folder, "
    "and Admin for data sources",
}


def identify(grafana: Grafana, *, oldest: int) -> str:
    """The version that answers, `of unknown version` where it is hidden; raises `UnusableError`."""
    reply = grafana.ask("GET", "/api/health", expected=tuple(range(400, 600)))
    if reply.status == httpx.codes.UNAUTHORIZED:
        raise UnusableError(
            f"{grafana.url}: something in front of Grafana asks for a password (401 at "
            "/api/health, which Grafana gives to everybody)"
        )
    if not isinstance(reply.body, dict) or not {"database", "version"} & reply.body.keys():
        raise UnusableError(
            f"{grafana.url}: what answers ({reply.status}) is no Grafana: it knows no /api/health"
        )
    version = grafana.shown(reply.text("version"))
    major = version.split(".")[0]
    if not major.isdecimal():
        return "of unknown version"
    if int(major) < oldest:
        raise UnusableError(
            f"{grafana.url} is a Grafana {version}; the dashboards need {oldest} or newer"
        )
    return version


def _redirected(url: str, location: str) -> str:
    to = urlsplit(location)
    if to.scheme == "https" and url.startswith("http:"):
        return f"{url}: it redirects to https://{to.hostname}: use that address"
    where = (
        f" to {to.scheme}://{to.netloc.rpartition('@')[2]}{to.path}"
        if to.netloc
        else (f" to {to.path}")
    )
    login = "login" in to.path.lower() or bool(to.netloc)
    return f"{url}: it redirects{where}" + (
        ", which looks like a sign-in in front of Grafana's API: go around it, for its tokens "
        "are not known there"
        if login
        else ": use the address that it redirects to, or give its path, too"
    )


def _why(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {PATIENCE:g} s"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({cause.verify_message}). If it is your own, "
                "name a file with it or its authority with --ca"
            )
        if isinstance(cause, ssl.SSLError):
            return "it does not speak TLS there: is it http:// instead of https://?"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return f"nobody answers there ({error})"
    return f"the answer broke off ({str(error) or type(error).__name__})"


def _trust(url: str, ca: Path | None) -> ssl.SSLContext | bool:
    if not url.startswith("https:"):
        return False  # there is nothing to verify, and loading authorities takes a while
    try:
        return ssl.create_default_context(cafile=ca)
    except FileNotFoundError:
        raise UnusableError(f"{ca}: there is no such file") from None
    except ssl.SSLError:
        raise UnusableError(f"{ca}: it holds no certificate in PEM form") from None
    except OSError as error:
        raise UnusableError(f"{ca}: it cannot be read ({error.strerror})") from None
