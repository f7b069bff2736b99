from pathlib import Path

import pytest

from exporter.web import (
    api_routes,
    artefact_route,
    job_filter,
    leaderboard_question,
    measurements_route,
    orchestrators_route,
)
from exporter.web.app import build_app
from exporter.web.legacy_query import NAMES
from tests.stations import Station

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


async def test_every_route_is_described(station: Station) -> None:
    routes = build_app(station.here).router.resources()
    paths = {resource.canonical for resource in routes}
    assert len(paths) == 20
    missing = [path for path in paths if f"{path}` |" not in TEXT]
    assert missing == []


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("### `/jobs`", job_filter.PARAMETERS),
        ("### `/jobs/{id}/artefact`", artefact_route.PARAMETERS),
        ("### `/api/v1/leaderboard`", leaderboard_question.PARAMETERS),
        ("### `/api/v1/targets`", api_routes.PARAMETERS),
        ("### `/api/v1/orchestrators`", orchestrators_route.PARAMETERS),
        ("### `/api/v1/measurements`", measurements_route.PARAMETERS),
        ("## Routes of the leaderboard API", NAMES),
    ],
)
def test_every_parameter_is_described(heading: str, names: tuple[str, ...]) -> None:
    section = TEXT.partition(heading + "\n")[2].partition("\n#")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    described = {name for row in rows for name in row.split("|")[1].replace("`", "").split(", ")}
    assert set(names) <= {name.strip() for name in described}
