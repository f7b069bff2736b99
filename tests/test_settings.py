import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from pydantic import ValidationError

from exporter.cli.check_config import check_config
from exporter.discovery.capabilities import PIPELINES
from exporter.exit_code import OK, USAGE
from exporter.settings import Influx, Lane, Settings, StaticEndpoint
from exporter.settings.digest import digest
from exporter.settings.jobs import PRICED
from exporter.settings_file import load
from exporter.settings_file.schema import FILE_SUFFIX, leaves, section_kind, variable_name
from exporter.settings_reference import EXAMPLE, OVERRIDE_KEYS, dotted, reference

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "settings.md"
TEN_MISTAKES = Path(__file__).parent / "bad_settings" / "ten_mistakes.yaml"
GATEWAY = {"gateway": [{"url": "http://127.0.0.1:5935"}]}
ADDRESS = "0x0cC8f4a4bF5Bf9cC0dB4d0Ab0cC8f4a4bF5Bf9cC"


def settings_with(**given: Any) -> Settings:
    return Settings.model_validate({"region": "FRA", "sources": GATEWAY} | given)


# The digest


def test_the_digest_changes_with_a_setting_and_with_no_secret() -> None:
    def of(**given: Any) -> str:
        return digest(settings_with(**given))

    def posting(secret: str, name: str = "friend") -> dict[str, Any]:
        return {"leaderboard": {"secrets": [{"name": name, "secret": secret}]}}

    first, second = "a secret of sixteen", "another of sixteen"
    assert of() == of(tester="tester"), "the default, written out"
    assert len({of(), of(tester="other"), of(**posting(first)), of(**posting(first, "foe"))}) == 4
    assert of(**posting(first)) == of(**posting(second))
    assert re.fullmatch("[0-9a-f]{12}", of())
    window = {"from": "2030-05-01", "until": "2030-05-02"}
    assert of(maintenance=[window]) == of(), "which changes nothing of what is measured"


# The schema


def test_the_least_that_must_be_given_is_a_region_and_a_source() -> None:
    settings = settings_with()
    assert (settings.region, settings.tester) == ("FRA", "tester")
    assert [lane.kind for lane in settings.lanes] == ["direct"]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings_with().region = "MDW"


def test_names_come_out_in_their_one_spelling() -> None:
    endpoint = StaticEndpoint.model_validate(
        {
            "orchestrator": f" {ADDRESS} ",
            "uri": "https://example.org:8935/",
            "models": [{"pipeline": "Text to image", "model": "M"}],
        }
    )
    assert endpoint.orchestrator == ADDRESS.lower()
    assert endpoint.uri == "https://example.org:8935"
    assert endpoint.models[0].pipeline == "text-to-image"
    assert settings_with(region="fra").region == "FRA"
    assert settings_with(guard={"allow": ["10.1.2.3/8"]}).guard.allow == ["10.0.0.0/8"]


def test_one_endpoint_may_be_several_orchestrators_but_a_pinned_gateway_has_one() -> None:
    def lanes(kind: str) -> list[dict[str, str]]:
        url = "http://127.0.0.1:8935"
        return [{"kind": kind, "orchestrator": name, "url": url} for name in "ab"]

    assert len(settings_with(lanes=lanes("direct")).lanes) == 2
    with pytest.raises(ValidationError, match=r"expected each gateway once, but entry \[0\]"):
        settings_with(lanes=lanes("pinned"))


def test_every_pipeline_that_discovery_knows_can_have_a_price_ceiling() -> None:
    assert set(PRICED) == set(PIPELINES.values())
    ceilings = [{"pipeline": name, "wei_per_unit": 1} for name in PRICED]
    assert len(settings_with(spending={"max_price": ceilings}).spending.max_price) == len(PRICED)


def test_the_same_model_may_be_offered_by_two_endpoints_but_not_twice_by_one() -> None:
    model = {"pipeline": "llm", "model": "m"}
    one, two = ({"orchestrator": n, "uri": "http://h", "models": [model]} for n in "ab")
    assert len(settings_with(sources={"static": [one, two]}).sources.static) == 2
    with pytest.raises(ValidationError, match="each once"):
        StaticEndpoint.model_validate(one | {"models": [model, model]})


def test_two_processes_may_both_ask_for_any_free_port() -> None:
    settings = settings_with(probe={"listen": "127.0.0.1:0"}, station={"listen": "127.0.0.1:0"})
    assert settings.probe.listen == settings.station.listen


def test_the_default_addresses_of_the_processes_collide_with_given_ones_too() -> None:
    with pytest.raises(ValidationError, match=r"probe\.listen"):
        settings_with(probe={"listen": "127.0.0.1:9877"})


def test_a_token_is_not_shown() -> None:
    lane = Lane.model_validate({"kind": "direct", "token": "hunter2"})
    assert "hunter2" not in repr(lane) + lane.model_dump_json()
    with pytest.raises(ValidationError) as caught:
        Lane.model_validate({"kind": "direct", "token": "hunter2 hunter2"})
    assert "hunter2" not in str(caught.value)


# Reference and example


def test_the_reference_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text() == reference(EXAMPLE.read_text()), "run `make docs`"


def test_every_setting_stands_in_the_reference_with_its_variable() -> None:
    text = DOCUMENT.read_text()
    for leaf, _ in leaves(section_kind(Settings)):
        path = leaf
        if overrides_a_default(leaf):
            place = leaf.index("overrides")
            path = (*leaf[:place], "defaults", *leaf[place + 2 :])
        assert f"`{dotted(path)}`" in text or f"`{dotted(path[:-1])}`" in text
        assert f"`{variable_name(path)}`" in text


def test_the_example_loads() -> None:
    settings = load(EXAMPLE, {})
    assert settings.region == "FRA"
    assert settings == settings_with().model_copy(update={"data": EXAMPLE.parent / "data"})


def uncommented_example() -> str:
    return re.sub(r"(?m)^#(?=\S|  )", "", EXAMPLE.read_text())


def test_the_example_loads_with_everything_in_it_uncommented(tmp_path: Path) -> None:
    influx = ("influx-write-token", "influx-read-token", "influx-rollup-token")
    posting = ("friend.secret", "leaderboard.secret")
    for name in ("lane-token", "lane-key", *influx, *posting):
        (tmp_path / name).write_text("secret\n")
    for name in ("rpc-url", "rpc-url-2", "mainnet-rpc-url"):
        (tmp_path / name).write_text(f"https://rpc.example/{name}\n")
    (tmp_path / "all.yaml").write_text(uncommented_example())
    settings = load(tmp_path / "all.yaml", {})
    unchanged = {"region", "tester", "schedule", "limits", "probe", "station", "answers"}
    unchanged |= {"outbox", "metrics", "log", "filter"}
    assert settings.model_dump(include=unchanged) == settings_with().model_dump(include=unchanged)
    lists = {"regions", "secrets", "post_to"}
    assert settings.leaderboard.model_dump(exclude=lists) == (
        settings_with().leaderboard.model_dump(exclude=lists)
    )
    assert settings.store.influxdb is not None
    secrets = {"ca", "token", "read_token", "rollup_token"}
    assert settings.store.influxdb.model_dump(exclude=secrets) == Influx().model_dump(
        exclude=secrets
    )
    assert settings.store.model_copy(update={"influxdb": None}) == settings_with().store
    for name in type(settings.pipelines).model_fields:
        shown, default = (getattr(one.pipelines, name) for one in (settings, settings_with()))
        assert shown.defaults == default.defaults
        assert shown.overrides


def test_every_setting_stands_in_the_example() -> None:
    written = set(paths_in(yaml.safe_load(uncommented_example())))
    for path, kind in leaves(section_kind(Settings)):
        if overrides_a_default(path):
            continue
        by_file = (*path[:-1], path[-1] + FILE_SUFFIX)
        assert path in written or (kind.form == "secret" and by_file in written)


def overrides_a_default(path: tuple[str, ...]) -> bool:
    """Whether a setting is that of `defaults` once more, for some models."""
    return "overrides" in path and path[path.index("overrides") + 2] not in OVERRIDE_KEYS


def paths_in(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [deep for key, item in value.items() for deep in paths_in(item, (*path, key))]
    if isinstance(value, list):
        return [deep for item in value or [None] for deep in paths_in(item, (*path, "[]"))]
    return [path]


# check-config


def check(*arguments: str) -> Result:
    return CliRunner().invoke(check_config, arguments)


def test_check_config_sums_up_good_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEPEER_EXPORTER_REGION", "mdw")
    result = check(str(EXAMPLE))
    assert result.exit_code == OK
    assert result.stdout == (
        f"{EXAMPLE}: ok\n"
        "  region    MDW, tester tester\n"
        "  sources   0 endpoints of your own, 1 gateway\n"
        "  lanes     1 direct\n"
        "  interval  900 s, models that are not warm 86400 s\n"
        "  listens   station 127.0.0.1:9877, probe 127.0.0.1:9878\n"
        f"  data      {EXAMPLE.parent / 'data'}\n"
        f"  store     embedded, {EXAMPLE.parent / 'data' / 'store.duckdb'}\n"
    )
    assert result.stderr == ""


def test_check_config_says_where_measurements_live_and_how_long(tmp_path: Path) -> None:
    influx: dict[str, object] = {"url": "http://db:8086", "token": "secret-1"}
    document = {
        "region": "FRA",
        "sources": {"gateway": [{"url": "http://127.0.0.1:5935"}]},
        "store": {"kind": "influxdb", "influxdb": influx},
    }
    path = tmp_path / "config.yaml"

    def told() -> str:
        path.write_text(json.dumps(document))
        result = check(str(path))
        assert result.exit_code == OK
        assert "secret" not in result.output
        return result.stdout.partition("  store     ")[2]

    lacking = ", no rollup_token: roll-ups are hardly used"
    assert told() == (
        "InfluxDB http://db:8086, organisation livepeer\n"
        f"            livepeer_ai keeps 90 d, livepeer_ai_rollup keeps for ever{lacking}\n"
    )
    influx |= {"rollup_token": "secret-2", "rollup_retention": 7200}
    assert told().endswith("livepeer_ai keeps 90 d, livepeer_ai_rollup keeps 2 h\n")
    influx["rollup_bucket"] = ""
    assert told().endswith("  livepeer_ai keeps 90 d, no roll-ups\n")
    document["store"] = {"kind": "embedded", "influxdb": influx}
    file = tmp_path / "data" / "store.duckdb"
    assert told() == f"embedded, {file}; beside it http://db:8086, for `store copy`\n"


def test_check_config_says_how_many_maintenance_windows_are_open(tmp_path: Path) -> None:
    windows = "".join(
        f"  - {{from: {since}, until: {until}}}\n"
        for since, until in (("2001-01-01", "2099-01-01"), ("2001-01-01", "2002-01-01"))
    )
    file = tmp_path / "settings.yaml"
    file.write_text(f"region: FRA\nsources: {json.dumps(GATEWAY)}\nmaintenance:\n{windows}")
    told = "  alerts    silent in 2 maintenance windows, of which 1 open now\n"
    assert check(str(file)).stdout.endswith(told)


def test_check_config_says_who_makes_the_tokens_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "region: FRA\nsources: {gateway: [{url: 'http://127.0.0.1:5935'}]}\n"
        "store: {kind: influxdb, influxdb: {token_file: not-there}}\n"
    )
    result = check(str(path))
    assert result.exit_code == USAGE
    assert f"`livepeer-exporter influx setup --config {path}` makes tokens" in result.stderr


def test_check_config_lists_every_mistake_and_counts_them() -> None:
    result = check(str(TEN_MISTAKES))
    lines = result.stderr.splitlines()
    assert result.exit_code == USAGE
    assert result.stdout == ""
    assert len(lines) == 11
    assert lines[0].startswith(f"{TEN_MISTAKES}:11: regoin: ")
    assert lines[-1] == f"10 mistakes in {TEN_MISTAKES}"


def test_check_config_counts_one_mistake_in_the_singular(tmp_path: Path) -> None:
    result = check(str(tmp_path / "none.yaml"))
    assert result.exit_code == USAGE
    assert result.stderr.splitlines()[-1] == f"1 mistake in {tmp_path / 'none.yaml'}"
