"""The settings that docs/chain.md tells to begin with are settings, and its numbers are right."""

import textwrap
from pathlib import Path

from exporter.discovery.chain.facts import ABOUT_ONE
from exporter.discovery.chain.many_calls import CALLS_AT_ONCE
from exporter.settings_file import load

DOCS = (Path(__file__).parents[3] / "docs" / "chain.md").read_text()


def test_the_settings_to_begin_with_are_settings(tmp_path: Path) -> None:
    block = DOCS.partition("2. **Settings**")[2].partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "config.yaml"
    file.write_text(textwrap.dedent(block))
    for name in ("arbitrum-url", "other-url"):
        key = tmp_path / name
        key.write_text(f"https://{name}.example/k3y\n")
        key.chmod(0o600)
    settings = load(file, {})
    assert len(settings.ethereum.rpc) == 2
    assert settings.sources.chain is not None
    assert settings.sources.chain.refresh_interval == 1800
    assert "at the default\n`sources.chain.refresh_interval` of 1800 s" in DOCS


def test_as_many_fit_into_one_multicall_as_it_says() -> None:
    assert f"More than {CALLS_AT_ONCE} calls (some {CALLS_AT_ONCE // ABOUT_ONE // 10 * 10}" in DOCS
