"""Prometheus' own tools: rules are tested by what evaluates them, on made series."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.alerting import Alert, Scope, Thresholds, alerts
from exporter.alerting.prometheus import groups_of

PACKAGES = {
    **dict.fromkeys(("promtool", "prometheus"), "prometheus"),
    **dict.fromkeys(("amtool", "prometheus-alertmanager"), "prometheus-alertmanager"),
}

Values = float | Callable[[int], float | None]
"""The same at every minute, or by the minute; `None`: no sample."""


def tool(name: str) -> str:
    """The path of one of them. Skips the test where it lacks; in CI that is a failure."""
    found = shutil.which(name)
    if found is None:
        why = f"there is no {name}: Debian's package `{PACKAGES[name]}` has it"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


def ran(*command: str, cwd: Path | None = None) -> str:
    """Run a tool that must succeed, and give what it said."""
    done = subprocess.run(
        [tool(command[0]), *command[1:]],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=cwd,
        env={**os.environ, "GOGC": "400"},  # an eighth of their time goes into garbage
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class World:
    """Series over some hours, one sample a minute; the first is at Unix time 0."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.series: dict[str, str] = {}

    def has(self, metric: str, values: Values = 1, **labels: str) -> "World":
        """Put a series in; one of the same labels is replaced."""
        named = ", ".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        given = values if callable(values) else lambda _: values
        written = (given(minute) for minute in range(self.minutes + 1))
        texts = ("_" if value is None else repr(float(value)) for value in written)
        self.series[f"{metric}{{{named}}}"] = " ".join(texts)
        return self

    def lacks(self, metric: str) -> "World":
        """Take all series of a metric out."""
        self.series = {k: v for k, v in self.series.items() if not k.startswith(f"{metric}{{")}
        return self

    def paused(self, start: int, end: int, job: str = "") -> "World":
        """From minute to minute (without it) there is no sample: a process is down."""
        for name, text in self.series.items():
            if f'job="{job}' in name:
                values = text.split(" ")
                values[start:end] = ["_"] * (end - start)
                self.series[name] = " ".join(values)
        return self


def named(name: str, at: Thresholds | None = None, scope: Scope | None = None) -> tuple[Alert, ...]:
    """The alerts of a name: one for each severity."""
    found = tuple(one for one in alerts(at, scope) if one.name == name)
    assert found, name
    return found


def expect(
    world: World,
    rules: Iterable[Alert],
    when: Mapping[int, Mapping[str, int] | str],
    folder: Path,
    *,
    by: str = "severity",
) -> None:
    """Have promtool check how many alerts fire at which minutes, by severity or another label.

    `"critical warning"` stands for one of each, `""` for none.
    """
    chosen = tuple(rules)
    (folder / "rules.yml").write_text(yaml.safe_dump(groups_of(chosen, Scope())))
    query = f'count by ({by}) (ALERTS{{alertstate="firing", alertname="{chosen[0].name}"}})'
    test = {
        "interval": "1m",
        "input_series": [{"series": k, "values": v} for k, v in world.series.items()],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{minute}m", "exp_samples": _samples(by, expected)}
            for minute, expected in when.items()
        ],
    }
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    # JSON is YAML too, and written in a hundredth of the time.
    (folder / "test.yml").write_text(json.dumps(whole))
    ran("promtool", "test", "rules", "test.yml", cwd=folder)


def _samples(by: str, expected: Mapping[str, int] | str) -> list[dict[str, Any]]:
    counts = dict.fromkeys(expected.split(), 1) if isinstance(expected, str) else expected
    return [
        {"labels": f'{{{by}="{value}"}}', "value": float(count)}
        for value, count in sorted(counts.items())
    ]
