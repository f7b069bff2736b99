"""docs/stack.md against what is shipped: what an operator reads there must be so."""

import re
from typing import Any

import pytest
import yaml

from exporter.cli.stack import stack as command
from exporter.settings_file import load
from exporter.stack import ports
from tests.stack.programs import ROOT

TEXT = (ROOT / "docs" / "stack.md").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
WARNING, CRITICAL = 3, 6


def rows(section: str) -> list[list[str]]:
    """The cells of the table in a section."""
    body = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\|(.+)\|$", body, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines][2:]


def seconds(text: str) -> int:
    number, unit = text[:-1], text[-1]
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def test_the_limits_are_those_of_the_compose_file() -> None:
    told = {
        name: cells[1:4] for cells in rows("Limits and memory") for name in cells[0].split(", ")
    }
    assert told == {
        name: [service["mem_limit"], f"{service['cpus']:g}", str(service["pids_limit"])]
        for name, service in COMPOSE["services"].items()
    }


def test_what_ends_the_stack_ends_the_demo_too() -> None:
    ended = re.findall(r"^\$ (docker compose .*\bdown\b.*)$", TEXT, re.MULTILINE)
    (profile,) = COMPOSE["services"]["demo"]["profiles"]
    assert ended
    assert all(f"--profile {profile}" in command for command in ended)


def test_the_ports_are_those_that_are_opened() -> None:
    told = {int(port): docker for port, _, docker, _ in rows("Ports")}
    opened = {
        int(port.rpartition(":")[2])
        for service in COMPOSE["services"].values()
        for port in service.get("ports", [])
    }
    assert {port for port, docker in told.items() if docker == "yes"} == opened
    usual = {ports.STATION, ports.STATION + 1, ports.INFLUXDB}
    assert told.keys() == usual | {ports.PROMETHEUS, ports.ALERTMANAGER, ports.GRAFANA}


def test_the_time_until_somebody_is_told_is_what_the_shipped_files_add_up_to() -> None:
    prometheus = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())["global"]
    route = yaml.safe_load((ROOT / "config/alertmanager/alertmanager.yml").read_text())["route"]
    (failing,) = [one for one in route["routes"] if one["matchers"] == ['audience="orchestrator"']]
    assert "group_wait" not in failing
    scrape, evaluation = (
        seconds(prometheus[name]) for name in ("scrape_interval", "evaluation_interval")
    )
    wait, interval = seconds(route["group_wait"]), seconds(route["group_interval"])
    steps = {row[1].strip("`"): row[2] for row in rows("How long until somebody is told")}
    assert steps == {
        "scrape_interval": f"{scrape} s",
        "evaluation_interval": f"{evaluation} s",
        "group_wait": f"{wait} s",
        "": f"{scrape + evaluation + wait} s",
    }
    tests = load(ROOT / "config" / "example.yaml", {}).schedule.interval
    for failures in (WARNING, CRITICAL):
        minutes = (failures * tests + scrape + evaluation + wait) / 60
        assert f"**{minutes:g} minutes**" in TEXT
    over = (tests + scrape + evaluation + interval) / 60
    assert f"**{over:g} minutes**" in TEXT


def test_an_alert_on_failures_in_a_row_waits_for_nothing_else() -> None:
    rules = yaml.safe_load(
        (ROOT / "config/prometheus/rules/livepeer-ai-orchestrators.yml").read_text()
    )
    found = [
        (rule["labels"]["severity"], rule.get("for"), group.get("interval"))
        for group in rules["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "LivepeerAiConsecutiveFailures"
    ]
    assert sorted(found) == [("critical", None, None), ("warning", None, None)]


@pytest.mark.parametrize("name", [option for each in command.params for option in each.opts])
def test_each_option_of_the_command_is_told(name: str) -> None:
    assert f"`{name}" in TEXT


@pytest.mark.parametrize(
    "variable", ["CONFIG", "ALERTMANAGER_CONFIG", "RULES", "RETENTION_SECONDS"]
)
def test_each_variable_of_the_compose_file_is_told(variable: str) -> None:
    assert f"${{{variable}:-" in (ROOT / "docker-compose.yml").read_text()
    assert variable in TEXT


def test_there_are_no_other_variables() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert len(re.findall(r"\$\{", text)) == len(re.findall(r"\$\{[A-Z_]+:-", text)) == 4


@pytest.mark.parametrize("path", re.findall(r"(?<![\w./-])(?:config|tests)/[\w./-]+\w", TEXT))
def test_each_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", TEXT))
def test_each_link_leads_somewhere(link: str) -> None:
    name, _, anchor = link.partition("#")
    text = (ROOT / "docs" / name).read_text() if name else TEXT
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert not anchor or anchor in anchors
