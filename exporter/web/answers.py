"""Answers: JSON, pages, errors, and what a browser is told about each."""

from typing import Final

import msgspec
from aiohttp import web

from exporter.web.pages.layout import CONTENT_SECURITY_POLICY, MEDIA_FROM_HERE, Page

PLAIN: Final = "text/plain"
NO_STORE: Final = "no-store"


def json_answer(value: object, status: int = 200) -> web.Response:
    """Our own API's answer; numbers that are none become null."""
    body = msgspec.json.encode(value)
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"Cache-Control": NO_STORE, "Vary": "Accept"},
    )


def json_error(text: str, status: int) -> web.Response:
    """Our own API's error: `{"error": text}`."""
    return json_answer({"error": text}, status)


def page_answer(page: Page, status: int = 200, *, shows_media: bool = False) -> web.Response:
    """A page, with a policy that lets a browser load and run nothing else.

    One that `shows_media` may load pictures, sound and film, from here alone.
    """
    policy = CONTENT_SECURITY_POLICY + (MEDIA_FROM_HERE if shows_media else "")
    return web.Response(
        text=page,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": NO_STORE,
            "Vary": "Accept",
        },
    )


def plain_error(text: str, status: int) -> web.Response:
    """An error in plain text, the text and a newline."""
    return web.Response(text=text + "\n", status=status, content_type=PLAIN, charset="utf-8")


def wants_html(request: web.BaseRequest) -> bool:
    """Whether it is a browser that asks: its `Accept` header names HTML."""
    for part in request.headers.get("Accept", "").split(","):
        kind, _, quality = part.partition(";")
        if kind.strip().lower() == "text/html":
            return quality.replace(" ", "") not in ("q=0", "q=0.0")
    return False
