"""Answers of the leaderboard API's routes, with the original's headers."""

from typing import Final

from aiohttp import web

READ_PATHS: Final = frozenset(
    f"/api/{name}"
    for name in ("aggregated_stats", "raw_stats", "top_ai_score", "pipelines", "regions")
)
PATHS: Final = READ_PATHS | {"/api/post_stats"}
SHARED: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=30, stale-while-revalidate=15",
}
_JSON: Final = {
    **SHARED,
    # As a header of its own: aiohttp would add a charset that the original does not have.
    "Content-Type": "application/json",
}


def json_headers(age: float) -> dict[str, str]:
    """Headers of a good answer that was made so many seconds ago."""
    return {**_JSON, "Age": str(int(age))}


def json_answer(body: bytes, age: float) -> web.Response:
    """A good answer that was made so many seconds ago."""
    return web.Response(body=body, headers=json_headers(age))


def error_line(text: str) -> str:
    """The original's error: the text is put in without escaping, as its clients know it."""
    return f'{{"error":"{text}"}}\n'


def refusal(text: str, status: int = 400) -> web.Response:
    """The original's answer to a mistake in a query."""
    return _plain(error_line(text), status)


def busy(text: str) -> web.Response:
    """The answer of a read route that cannot be given now.

    In plain text: of JSON the Explorer would make an orchestrator.
    """
    return _plain(f"503 {text}\n", 503)


def _plain(text: str, status: int) -> web.Response:
    headers = {**SHARED, "X-Content-Type-Options": "nosniff"}
    return web.Response(
        text=text, status=status, headers=headers, content_type="text/plain", charset="utf-8"
    )
