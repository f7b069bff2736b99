"""docs/leaderboards.md against the code: what an operator reads there must be so."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from exporter.delivery.feed import FIRST_PAUSE, LONGEST_PAUSE
from exporter.delivery.post_stats.consumer import BATCH, LAG, PATIENCE, PREFIX, Posted
from exporter.delivery.post_stats.mark import FAILURES_KEPT
from exporter.delivery.post_stats.posting import TEXT_LIMIT
from exporter.settings_file import load

TEXT = (Path(__file__).parents[1] / "docs" / "leaderboards.md").read_text(encoding="utf-8")


def test_the_examples_can_be_read(tmp_path: Path) -> None:
    follows, posts = 0, 0
    secret = tmp_path / "secret"
    secret.write_text("an-open-secret")
    secret.chmod(0o600)
    for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        plain = yaml.load(block.replace("/run/secrets/leaderboard", str(secret)), yaml.BaseLoader)
        path = tmp_path / "config.yaml"
        path.write_text(
            yaml.safe_dump(
                {"region": "FRA", "sources": {"gateway": [{"url": "http://127.0.0.1:1"}]}} | plain
            )
        )
        settings = load(path, {})
        follows += len(settings.sources.follow)
        posts += len(settings.leaderboard.post_to)
    assert (follows, posts) == (1, 1)


@pytest.mark.parametrize(
    "words",
    [
        f"by {LAG:g} s and the answer's `Age`",
        f"more than {TEXT_LIMIT // 1024} KiB",
        f"{BATCH} results at most",
        f"more than {FAILURES_KEPT} other failures",
        f"5xx to one result {PATIENCE} times more",
        f"after {FIRST_PAUSE / 2:g} to {LONGEST_PAUSE:g} s",
        f"called `{PREFIX.strip()}`",
        *(f"`{field.name}`" for field in msgspec.structs.fields(Posted)),
    ],
)
def test_names_and_numbers_are_those_of_the_code(words: str) -> None:
    assert words in " ".join(TEXT.split())
