import asyncio
import time
from pathlib import Path

import yaml
from click.testing import CliRunner, Result

from exporter.cli.check_config import check_config
from exporter.exit_code import ENVIRONMENT, OK
from tests.delivery.post_stats.original import SECRET, Original, serving


async def check(folder: Path, original: Original, *options: str) -> Result:
    """The command in a thread, since the leaderboard answers in this one."""
    plain = {
        "region": "MDW",
        "data": str(folder / "data"),
        "sources": {"gateway": [{"url": "http://127.0.0.1:5935"}]},
        "leaderboard": {"post_to": [{"url": original.url, "secret": SECRET}]},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain))
    arguments = [str(path), *options]
    return await asyncio.to_thread(CliRunner().invoke, check_config, arguments)


async def test_a_leaderboard_is_asked_for_our_region_online_only(tmp_path: Path) -> None:
    async with serving(time.time) as original:
        assert (await check(tmp_path, original)).exit_code == OK
        assert original.asked_regions == 0
        result = await check(tmp_path, original, "--online")
        assert (result.exit_code, original.asked_regions) == (OK, 1)
        assert "leaderboards that are posted to keep results of MDW" in result.output


async def test_a_leaderboard_without_our_region_or_without_an_answer_is_told(
    tmp_path: Path,
) -> None:
    async with serving(time.time) as original:
        original.regions = [{"id": "MDW", "name": "Chicago", "type": "transcoding"}]
        result = await check(tmp_path, original, "--online")
        assert result.exit_code == ENVIRONMENT
        assert f"{original.url} has no region 'MDW' for AI results (it has none)" in result.output
        original.url = "http://127.0.0.1:1"
        result = await check(tmp_path, original, "--online")
        assert result.exit_code == ENVIRONMENT
        assert "GET http://127.0.0.1:1/api/regions: " in result.output
        assert SECRET not in result.output
