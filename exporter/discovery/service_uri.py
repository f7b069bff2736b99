"""Service URIs as strangers give them: made usable, or refused with the reason."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from exporter.hosts import why_no_host

LENGTH_LIMIT: Final = 2048

_PLAIN = re.compile(r"[!-~]+")


class UnusableUri(Exception):
    """The service URI cannot be used; the message says why."""


def usable(text: str) -> str:
    """The URI without a trailing slash, with `https://` put before it if it has no scheme.

    As in go-livepeer, what begins with `http` is taken to have one: `httpbin.example:8935` leads
    nowhere there, nor does it here.

    Raises `UnusableUri`. Where it leads is not judged here: that is for the guard, which sees the
    address that is really connected to.
    """
    text = text.strip()
    if not text:
        raise UnusableUri("it is empty")
    if len(text) > LENGTH_LIMIT:
        raise UnusableUri(f"it is longer than {LENGTH_LIMIT} characters")
    if not _PLAIN.fullmatch(text) or "\\" in text:
        raise UnusableUri("it holds blanks, backslashes, or characters that are not ASCII")
    if not text.startswith("http"):
        if "://" in text:
            raise UnusableUri("its scheme is neither http nor https")
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UnusableUri(f"{error}") from None
    _check(parts, port)
    return text.rstrip("/")


def judge(text: str | None) -> tuple[str | None, str | None]:
    """A usable URI, or none and the reason; neither if nobody gave one."""
    if not text:
        return None, None
    try:
        return usable(text), None
    except UnusableUri as error:
        return None, f"service URI is not usable: {error}"


def _check(parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in ("http", "https"):
        raise UnusableUri("its scheme is neither http nor https")
    if not parts.netloc:
        raise UnusableUri("it has no host")
    if "@" in parts.netloc:
        raise UnusableUri("it carries a user name or password")
    if parts.query or parts.fragment:
        raise UnusableUri("it carries a query or a fragment")
    if port == 0:
        raise UnusableUri("its port is 0")
    why = why_no_host(parts.hostname or "", bracketed="[" in parts.netloc)
    if why is not None:
        raise UnusableUri(why)
