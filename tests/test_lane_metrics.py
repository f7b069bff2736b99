"""The metrics of the gateways that the probe runs itself."""

from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest

from exporter.lane_metrics import METRICS, LaneNumbers
from exporter.probe_lanes import Gateways
from exporter.probing.lanes import Lanes
from exporter.probing.managed.pool import LaneState, PoolNumbers
from exporter.probing.webhook import WebhookDesk


def lane(name: str, *, leased: bool, resident: int | None) -> LaneState:
    uri = "https://203.0.113.7:8935"
    return LaneState(name, "0x" + "a" * 40, uri, leased, pid=7, started=1, resident=resident)


def rendered(gateways: Gateways) -> list[str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LaneNumbers(gateways))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_without_gateways_of_our_own_there_is_nothing_to_say() -> None:
    assert rendered(Gateways(Lanes([]), WebhookDesk())) == []


def test_each_metric_of_managed_lanes_has_its_samples() -> None:
    pool = SimpleNamespace(
        lanes=(
            lane("managed-1", leased=True, resident=100_000_000),
            lane("managed-2", leased=False, resident=None),
        ),
        numbers=PoolNumbers(
            starts=5,
            start_failures={"port taken": 2},
            switches=3,
            crashes=1,
            hangs=4,
            memory_restarts=6,
            floods=8,
            leftovers=7,
        ),
    )
    scout = SimpleNamespace(cli_url=None)
    gateways = Gateways(Lanes([]), WebhookDesk(), pool, scout)  # type: ignore[arg-type]  # the parts that are asked
    assert rendered(gateways) == [
        "livepeer_ai_tester_scout_up 0.0",
        'livepeer_ai_tester_lanes{state="leased"} 1.0',
        'livepeer_ai_tester_lanes{state="idle"} 1.0',
        'livepeer_ai_tester_lane_resident_bytes{lane="managed-1"} 1e+08',
        "livepeer_ai_tester_lane_starts_total 5.0",
        "livepeer_ai_tester_lane_switches_total 3.0",
        "livepeer_ai_tester_lane_crashes_total 1.0",
        "livepeer_ai_tester_lane_hangs_total 4.0",
        "livepeer_ai_tester_lane_memory_restarts_total 6.0",
        "livepeer_ai_tester_lane_floods_total 8.0",
        "livepeer_ai_tester_lane_leftovers_total 7.0",
        'livepeer_ai_tester_lane_start_failures_total{reason="port taken"} 2.0',
    ]
    named = {line.split("{")[0].split(" ")[0] for line in rendered(gateways)}
    assert named == {name for name, *_ in METRICS}
