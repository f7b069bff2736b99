"""docker-compose.yml, read by Docker Compose's own parser, and every file that it mounts.

There is no Docker engine where these tests run: that containers start is not shown here.
"""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from exporter.cli import cli
from exporter.grafana.boards import Edition
from exporter.grafana.sources import Source
from exporter.settings_file import load
from exporter.stack import influx
from exporter.stack.ports import Ports
from tests.alerting.prometheus_tools import tool
from tests.services.influx_server import InfluxServer, free_port
from tests.stack.programs import ROOT, compose_parser, run
from tests.system.service import running, until_answered

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IMAGE = "livepeer-exporter"
OURS = ("exporter", "demo", "influx-setup")
ENDS = {"influx-setup"}
"""Services that do one thing and end."""
SERVICES = (
    "alertmanager",
    "demo",
    "exporter",
    "grafana",
    "influx-setup",
    "influxdb",
    "prometheus",
)
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    """What Docker Compose makes of the file, with all profiles."""
    document: dict[str, Any] = json.loads(run(compose_parser(), str(COMPOSE)))
    return document


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, stack: dict[str, Any]) -> dict[str, Any]:
    return {"name": request.param, **stack["services"][request.param]}


def mounts(service: dict[str, Any], kind: str) -> dict[str, str]:
    """What is mounted at which path."""
    return {each["target"]: each["source"] for each in service["volumes"] if each["type"] == kind}


def test_the_parser_takes_the_file_and_finds_a_misspelled_key(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("mem_limit: 3g", "memlimit: 3g"))
    parser = compose_parser()
    done = subprocess.run([parser, wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "memlimit" in done.stderr


def test_there_are_these_services_and_the_demo_is_a_profile(stack: dict[str, Any]) -> None:
    assert tuple(sorted(stack["services"])) == SERVICES
    assert {
        name: each["profiles"] for name, each in stack["services"].items() if "profiles" in each
    } == {"demo": ["demo"]}


def test_a_port_is_open_to_this_machine_only(service: dict[str, Any]) -> None:
    for port in service.get("ports", []):
        assert port["host_ip"] == "127.0.0.1"
        assert port["published"] == str(port["target"])


def test_each_image_has_its_exact_version(service: dict[str, Any]) -> None:
    if service["image"] == IMAGE:
        assert service["build"]["dockerfile"] == "Dockerfile"
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"])


def test_each_service_is_limited_in_what_it_takes(service: dict[str, Any]) -> None:
    assert int(service["mem_limit"]) >= 128 * 2**20
    assert service["pids_limit"] > 0
    assert service["cpus"] > 0
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_each_service_may_do_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert service.get("user", "") not in ("root", "0")


def test_each_service_is_looked_at_whether_it_is_well(service: dict[str, Any]) -> None:
    if service["name"] in ENDS:
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
    elif service["image"] == IMAGE:
        assert "HEALTHCHECK" in DOCKERFILE
        assert "healthcheck" not in service
    else:
        words = service["healthcheck"]["test"]
        assert words[0] == "CMD"
        ports = [str(port["target"]) for port in service["ports"]]
        assert re.findall(r"http://127\.0\.0\.1:(\d+)", " ".join(words)) == ports
        assert service["restart"] == "unless-stopped"


def test_no_secret_is_in_the_environment_or_the_command(service: dict[str, Any]) -> None:
    for name, text in (service.get("environment") or {}).items():
        if SECRET.search(name):
            assert name.endswith("_FILE"), name
            assert text.startswith("/"), name
    words = [*(service["command"] or []), *(service["entrypoint"] or [])]
    for word in words:
        name, _, value = word.partition("=")
        assert not SECRET.search(name) or value.startswith("/"), word


def test_secrets_are_files_that_one_command_makes(stack: dict[str, Any], tmp_path: Path) -> None:
    script = tmp_path / "config" / "docker" / "make-secrets"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "config" / "docker" / "make-secrets", script)
    first = run(script, folder=tmp_path)
    folder = tmp_path / "secrets"
    wanted = {Path(each["file"]).name for each in stack["secrets"].values()}
    assert {each["file"] for each in stack["secrets"].values()} == {
        str(ROOT / "secrets" / name) for name in wanted
    }
    assert first.splitlines() == [f"made secrets/{name}" for name in sorted(wanted, reverse=True)]
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert made.keys() == wanted
    assert all(re.fullmatch("[0-9a-f]{48}", text) for text in made.values())
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert run(script, folder=tmp_path) == ""
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_what_is_mounted_exists_and_cannot_be_written(service: dict[str, Any]) -> None:
    for each in service["volumes"]:
        if each["type"] != "bind":
            continue
        assert each["read_only"] is True, each
        if each["source"] != str(ROOT / "config.yaml"):  # the operator's own
            assert Path(each["source"]).exists(), each


def test_each_volume_is_used_and_each_used_one_is_there(stack: dict[str, Any]) -> None:
    used = [mounts(each, "volume").values() for each in stack["services"].values()]
    assert {name for names in used for name in names} == stack["volumes"].keys()


def test_operators_settings_that_are_not_there_are_not_made_by_docker(
    stack: dict[str, Any],
) -> None:
    (mount,) = [each for each in stack["services"]["exporter"]["volumes"] if each["type"] == "bind"]
    assert mount["bind"] == {"create_host_path": False}
    named = run(compose_parser(), str(COMPOSE), CONFIG="./other.yaml")
    assert str(ROOT / "other.yaml") in named


# What is run in the containers


@pytest.mark.parametrize("name", OURS)
def test_the_commands_of_our_image_are_ones_that_there_are(
    stack: dict[str, Any], name: str
) -> None:
    words: list[str] = stack["services"][name]["command"]
    context = click.Context(cli)
    command: click.Command | None = cli
    while words and not words[0].startswith("-"):
        assert isinstance(command, click.Group)
        command = command.get_command(context, words[0])
        words = words[1:]
    assert command is not None
    command.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize("name", OURS)
def test_settings_of_the_environment_are_ones_that_there_are(
    stack: dict[str, Any], name: str, tmp_path: Path
) -> None:
    environment = dict(stack["services"][name]["environment"])
    for variable, path in environment.items():
        if variable.endswith("_FILE"):
            (tmp_path / Path(path).name).write_text("token")
            environment[variable] = str(tmp_path / Path(path).name)
    image = dict(re.findall(r"(LIVEPEER_EXPORTER_\w+)=(\S+)", DOCKERFILE))
    settings = load(ROOT / "config" / "example.yaml", image | environment)
    influx = settings.store.influxdb
    assert settings.store.kind == "influxdb"
    assert influx is not None
    assert influx.url == "http://influxdb:8086"
    assert settings.station.listen == "0.0.0.0:9877"
    assert settings.probe.listen == "0.0.0.0:9878"


def test_tokens_lie_where_the_setup_puts_them_and_others_look(stack: dict[str, Any]) -> None:
    from exporter.stores.influx_setup import TOKENS

    services = stack["services"]
    assert {"--tokens-to=/tokens", "--grafana-token-to=/grafana-token"} <= set(
        services["influx-setup"]["command"]
    )
    for name in ("exporter", "demo"):
        environment = services[name]["environment"]
        for kind in TOKENS:
            if kind.setting is not None:
                variable = f"LIVEPEER_EXPORTER_STORE__INFLUXDB__{kind.setting.upper()}"
                assert environment[variable] == f"/tokens/{kind.file}"
        assert mounts(services[name], "volume")["/tokens"] == "tokens"
    sources = yaml.safe_load(
        (ROOT / "config/grafana/provisioning/datasources/livepeer-ai.yaml").read_text()
    )["datasources"]
    (influx,) = [each for each in sources if each["type"] == "influxdb"]
    (kind,) = [kind for kind in TOKENS if kind.setting is None]
    assert influx["secureJsonData"]["token"] == f"$__file{{/grafana-token/{kind.file}}}"
    assert mounts(services["grafana"], "volume")["/grafana-token"] == "grafana-token"


def test_volumes_of_tokens_begin_with_owner_and_mode_of_the_images_folders(
    stack: dict[str, Any],
) -> None:
    """Docker gives a new named volume those of the folder in the image that it is mounted at."""
    assert "install -d -o exporter -g exporter -m 0700 /data /tokens" in DOCKERFILE
    assert "install -d -o exporter -g exporter -m 0750 /grafana-token" in DOCKERFILE
    (group,) = re.findall(r"groupadd --system --gid (\d+) exporter", DOCKERFILE)
    assert stack["services"]["grafana"]["group_add"] == [group]


def test_the_demo_takes_the_exporters_place(stack: dict[str, Any]) -> None:
    exporter, demo = stack["services"]["exporter"], stack["services"]["demo"]
    assert demo["networks"]["default"]["aliases"] == ["exporter"]
    assert demo["ports"] == exporter["ports"]
    assert mounts(demo, "volume")["/data"] != mounts(exporter, "volume")["/data"]


def test_running_jobs_get_the_time_that_the_settings_give_them(stack: dict[str, Any]) -> None:
    settings = load(ROOT / "config" / "example.yaml", {})
    assert stack["services"]["exporter"]["stop_grace_period"] == "1m0s"
    assert settings.schedule.drain + settings.livepeer.stop_timeout < 60


@pytest.mark.system
async def test_the_demo_listens_where_the_environment_of_the_container_says(
    stack: dict[str, Any], tmp_path: Path
) -> None:
    """The stack's variables lie over what the demo settles, as over every settings file."""
    port = Ports(usual=False).take(0, 2)
    image = dict(re.findall(r"(LIVEPEER_EXPORTER_\w+)=(\S+)", DOCKERFILE))
    given = image | stack["services"]["demo"]["environment"]
    listens = {
        name: text.replace("9877", str(port)).replace("9878", str(port + 1))
        for name, text in given.items()
        if name.endswith("__LISTEN")
    }
    assert len(listens) == 2
    words = ("demo", "--orchestrators", "2", "--port", str(port), "--data", str(tmp_path))
    async with running(*words, log=tmp_path / "log", variables=listens):
        for each in (port, port + 1):
            await until_answered(f"http://127.0.0.2:{each}/healthz")


# What the other programs read


def test_prometheus_takes_its_settings(stack: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "prometheus"
    for target, source in mounts(stack["services"]["prometheus"], "bind").items():
        place = tmp_path / target.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if Path(source).is_dir():
            shutil.copytree(source, place)
        else:
            shutil.copy(source, place)
    path = folder / "prometheus.yml"
    path.write_text(path.read_text().replace("/etc/prometheus", str(folder)))
    said = run(tool("promtool"), "check", "config", path)
    assert "SUCCESS" in said
    assert "rule files found" in said


def test_prometheus_has_the_shipped_settings_with_the_names_of_the_containers() -> None:
    shipped = (ROOT / "config/prometheus/prometheus.yml").read_text()
    for address, name in (
        ("127.0.0.1:9877", "exporter:9877"),
        ("127.0.0.1:9878", "exporter:9878"),
        ("127.0.0.1:9093", "alertmanager:9093"),
    ):
        assert address in shipped
        shipped = shipped.replace(address, name)
    ours = (ROOT / "config/docker/prometheus.yml").read_text()
    assert yaml.safe_load(ours) == yaml.safe_load(shipped)


def test_alertmanager_takes_its_settings(stack: dict[str, Any]) -> None:
    (path,) = mounts(stack["services"]["alertmanager"], "bind").values()
    assert "SUCCESS" in run(tool("amtool"), "check-config", path)


def test_alertmanager_remembers_for_longer_than_it_waits_to_repeat(stack: dict[str, Any]) -> None:
    """Else it forgets that it told, and tells more often than the routes say."""
    text = (ROOT / "config/alertmanager/alertmanager.yml").read_text()
    hours = {"h": 1, "d": 24}
    longest = max(
        int(number) * hours[unit]
        for number, unit in re.findall(r"repeat_interval: (\d+)([hd])\n", text)
    )
    words = stack["services"]["alertmanager"]["command"]
    (kept,) = re.findall(r"--data\.retention=(\d+)h", " ".join(words))
    assert int(kept) > longest
    assert f'"{kept}h"' in (ROOT / "exporter/stack/stack.py").read_text()


def test_influxdb_takes_its_flags(stack: dict[str, Any], tmp_path: Path) -> None:
    port = free_port()
    words = [
        word.replace("/var/lib/influxdb2", str(tmp_path)).replace("=:8086", f"=127.0.0.1:{port}")
        for word in stack["services"]["influxdb"]["command"]
    ]
    assert f"--http-bind-address=127.0.0.1:{port}" in words
    server = InfluxServer(tmp_path, port)
    server.start(words)
    server.stop()
    assert {"influxd.bolt", "influxd.sqlite", "engine"} <= {p.name for p in tmp_path.iterdir()}


def test_the_stack_without_docker_limits_influxdb_alike(
    stack: dict[str, Any], tmp_path: Path
) -> None:
    native = influx.words("influxd", tmp_path, 8086)
    assert {word for word in native if word.startswith("--query")} == {
        word for word in stack["services"]["influxdb"]["command"] if word.startswith("--query")
    }


# Grafana


def test_grafanas_provisioning_is_of_the_shapes_that_it_reads() -> None:
    """By its documentation of provisioning; no Grafana is at hand to read it."""
    folder = ROOT / "config" / "grafana" / "provisioning"
    for path in (folder / "datasources").iterdir():
        jsonschema.validate(yaml.safe_load(path.read_text()), DATA_SOURCES)
    for path in (folder / "dashboards").iterdir():
        jsonschema.validate(yaml.safe_load(path.read_text()), PROVIDERS)


def test_data_sources_are_those_that_dashboards_push_makes() -> None:
    path = ROOT / "config/grafana/provisioning/datasources/livepeer-ai.yaml"
    provisioned = {one["type"]: one for one in yaml.safe_load(path.read_text())["datasources"]}
    for edition in Edition:
        found = provisioned[edition.value]
        made = Source(
            edition=edition,
            url=found["url"],
            org=influx.ORG,
            bucket=influx.BUCKET,
            token=found.get("secureJsonData", {}).get("token", ""),
        ).body
        assert {key: value for key, value in found.items() if key != "isDefault"} == made


def test_grafana_finds_the_dashboards_where_they_are_mounted(stack: dict[str, Any]) -> None:
    found = yaml.safe_load(
        (ROOT / "config/grafana/provisioning/dashboards/livepeer-ai.yaml").read_text()
    )
    there = mounts(stack["services"]["grafana"], "bind")
    for provider in found["providers"]:
        folder = Path(there[provider["options"]["path"]])
        assert folder.parent == ROOT / "dashboards"
        assert folder.is_dir()


TEXT, FLAG = {"type": "string"}, {"type": "boolean"}


def _file(key: str, required: list[str], entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", key],
        "properties": {
            "apiVersion": {"const": 1},
            key: {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": required,
                    "properties": entry,
                },
            },
        },
    }


DATA_SOURCES = _file(
    "datasources",
    ["name", "uid", "type", "access", "url"],
    {
        "name": TEXT,
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "type": {"enum": ["prometheus", "influxdb", "alertmanager"]},
        "access": {"const": "proxy"},
        "url": {"type": "string", "pattern": "^http://[a-z]+:[0-9]+$"},
        "isDefault": FLAG,
        "jsonData": {"type": "object"},
        "secureJsonData": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": r"^\$__file\{/[^}]+\}$"},
        },
    },
)
PROVIDERS = _file(
    "providers",
    ["name", "type", "options"],
    {
        "name": TEXT,
        "folder": TEXT,
        "folderUid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "type": {"const": "file"},
        "allowUiUpdates": FLAG,
        "options": {
            "type": "object",
            "additionalProperties": False,
            "required": ["path"],
            "properties": {"path": {"type": "string", "pattern": "^/"}},
        },
    },
)
