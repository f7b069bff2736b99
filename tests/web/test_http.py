import io
import logging

import pytest

from exporter.web import api_routes
from tests.stations import Station

PAGES = ["/", "/jobs", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/targets"]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/", "/api/aggregated_stats/", "/jobs/", "/api/post_stats/", "/.env"],
)
async def test_unknown_paths_are_not_found(station: Station, path: str) -> None:
    response = await station.client.get(path)
    assert (response.status, await response.text()) == (404, "404 page not found\n")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", PAGES)
async def test_our_own_routes_are_only_read(station: Station, path: str) -> None:
    response = await station.client.post(path, data=b"x")
    assert (response.status, await response.text()) == (405, "405 method not allowed\n")
    assert response.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/api/v1/rounds", "/jobs?limit=x"])
async def test_every_answer_ties_a_browsers_hands(station: Station, path: str) -> None:
    response = await station.client.get(path)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Server"] == "livepeer-exporter"


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/none"])
async def test_pages_load_and_run_nothing(station: Station, path: str) -> None:
    response = await station.client.get(path, headers={"Accept": "text/html"})
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    page = await response.text()
    assert "<script" not in page
    assert " style=" not in page
    assert "http://" not in page.replace("http://127.0.0.1", "")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html;q=0", "application/json"),
        ("", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("TEXT/HTML", "text/html; charset=utf-8"),
    ],
)
async def test_the_accept_header_chooses_between_page_and_json(
    station: Station, accept: str, kind: str
) -> None:
    response = await station.client.get("/jobs", headers={"Accept": accept})
    assert response.headers["Content-Type"] == kind
    assert response.headers["Vary"] == "Accept"


async def test_an_error_of_ours_is_logged_and_not_shown(
    station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(api_routes, "_source", broken)
    monkeypatch.setattr(api_routes, "_sources", broken)
    with caplog.at_level(logging.ERROR):
        response = await station.client.get("/api/v1/targets")
    assert response.status == 500
    assert await response.text() == "500 internal server error\n"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "the secret of the house" in caplog.text


async def test_a_large_body_is_not_kept(station: Station) -> None:
    response = await station.client.post("/api/regions", data=io.BytesIO(b"x" * 3 * 2**20))
    assert response.status == 200
