from pathlib import Path

import pytest
import yaml

from exporter.alerting.prometheus import rule_files
from tests.alerting.prometheus_tools import World, ran
from tests.alerting.worlds import OFFER, OTHER, STATION, TARGET, target_in

OTHERS = {"orchestrator_address": OTHER}


def recorded(world: World, name: str, expected: dict[str, float], folder: Path) -> None:
    """Have promtool check what a rule records at the end, by label text."""
    (folder / "rules.yml").write_text(rule_files()["livepeer-ai-recording.yml"])
    test = {
        "interval": "1m",
        "input_series": [{"series": k, "values": v} for k, v in world.series.items()],
        "promql_expr_test": [
            {
                "expr": f"round({name}, 0.001)",
                "eval_time": f"{world.minutes}m",
                "exp_samples": [{"labels": k, "value": v} for k, v in expected.items()],
            }
        ],
    }
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [test]}
    (folder / "test.yml").write_text(yaml.safe_dump(whole, width=10**9))
    ran("promtool", "test", "rules", "test.yml", cwd=folder)


def labels(*names: str, **more: str) -> str:
    chosen = {name: TARGET[name] for name in names} | more
    return "{" + ", ".join(f'{k}="{v}"' for k, v in sorted(chosen.items())) + "}"


def two(minutes: int = 600) -> World:
    """One of four jobs of the one fails, every second one of the other."""
    world = target_in(World(minutes), good=lambda m: m // 4 * 3, bad=lambda m: m // 4)
    target_in(world, OTHERS, good=lambda m: m // 4 * 2, bad=lambda m: m // 4 * 2, streak=2)
    world.has("livepeer_ai_job_last_inference_seconds", 2, **STATION, **TARGET)
    world.has("livepeer_ai_job_last_inference_seconds", 4, **STATION, **{**TARGET, **OTHERS})
    return world


MODEL = ("pipeline", "model_name", "region", "tester")
WHO = ("orchestrator_address", "region", "tester")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "target:livepeer_ai_job_success:ratio_increase6h",
            {labels(*TARGET): 0.75, labels(*TARGET, **OTHERS): 0.5},
        ),
        (
            "orchestrator:livepeer_ai_job_success:ratio_increase1d",
            {labels(*WHO): 0.75, labels(*WHO, **OTHERS): 0.5},
        ),
        ("model:livepeer_ai_job_success:ratio_increase1d", {labels(*MODEL): 0.625}),
        (
            "target:livepeer_ai_job_last_inference_seconds:median2h",
            {labels(*TARGET): 2, labels(*TARGET, **OTHERS): 4},
        ),
        ("model:livepeer_ai_job_last_inference_seconds:median2h", {labels(*MODEL): 3}),
        (
            "orchestrator:livepeer_ai_job_consecutive_failures:max",
            {labels(*WHO): 0, labels(*WHO, **OTHERS): 2},
        ),
    ],
)
def test_what_is_recorded_is_what_there_was(
    tmp_path: Path, name: str, expected: dict[str, float]
) -> None:
    recorded(two(), name, expected, tmp_path)


def test_the_share_of_warm_ones_is_of_those_who_say_so(tmp_path: Path) -> None:
    world = World(30)
    for place, warm in enumerate((1, 1, 1, 0)):
        who = {**OFFER, "orchestrator_address": f"other-{place}"}
        world.has("livepeer_ai_tester_offer_warm", warm, **STATION, **who)
    name = "model:livepeer_ai_tester_offer_warm:avg"
    recorded(world, name, {labels("pipeline", "model_name"): 0.75}, tmp_path)


def test_jobs_of_an_hour_are_counted_over_a_restart(tmp_path: Path) -> None:
    world = World(120).has(
        "livepeer_ai_job_attempts_total", lambda m: m if m < 90 else m - 90, **STATION, **TARGET
    )
    name = "tester:livepeer_ai_job_attempts:increase1h"
    recorded(world, name, {labels("region", "tester"): 59}, tmp_path)


def test_no_jobs_are_no_share(tmp_path: Path) -> None:
    world = target_in(World(60), good=0, bad=0)
    recorded(world, "target:livepeer_ai_job_success:ratio_increase6h", {}, tmp_path)
