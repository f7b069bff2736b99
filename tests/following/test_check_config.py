import asyncio
from pathlib import Path

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from exporter.cli.check_config import check_config
from exporter.exit_code import ENVIRONMENT, OK
from tests.stations import ALICE


async def check(folder: Path, url: str, *options: str) -> Result:
    """The command in a thread, since the leaderboard answers in this one."""
    plain = {
        "region": "MDW",
        "data": str(folder / "data"),
        "sources": {"follow": [{"url": url, "orchestrators": [ALICE], "timeout": 2}]},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain))
    return await asyncio.to_thread(CliRunner().invoke, check_config, [str(path), *options])


async def test_a_leaderboard_that_is_followed_is_asked_for_its_clock_online_only(
    tmp_path: Path,
) -> None:
    asked: list[str] = []
    headers: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"regions": []}, headers=headers)

    app = web.Application()
    app.router.add_get("/{rest:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/")).rstrip("/")
        assert (await check(tmp_path, url)).exit_code == OK
        assert asked == []
        result = await check(tmp_path, url, "--online")
        assert (result.exit_code, asked) == (OK, ["/api/regions"])
        assert "leaderboards that are followed answer, and know the time" in result.output
        headers["Date"] = "Sat, 01 Jan 2000 00:00:00 GMT"
        result = await check(tmp_path, url, "--online")
        assert result.exit_code == ENVIRONMENT
        assert "s off ours" in result.output


async def test_a_leaderboard_that_does_not_answer_is_told(tmp_path: Path) -> None:
    result = await check(tmp_path, "http://127.0.0.1:1", "--online")
    assert result.exit_code == ENVIRONMENT
    assert "but leaderboards cannot be followed:" in result.output
    assert "GET http://127.0.0.1:1/api/regions: " in result.output
    assert "answer, and know" not in result.output
