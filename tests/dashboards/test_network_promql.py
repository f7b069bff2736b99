"""What the board of the network gives for series that are known, by Prometheus' own engine."""

from pathlib import Path

from tests.dashboards.test_promql_values import gives, promql, series

CHANGES = "Offers: new, gone, warm, cold"
NEW, GONE, WARM, COLD = (promql("network", CHANGES, place) for place in range(4))
OFFERS = promql("network", "Offers that came or went")
WHO = promql("network", "Who came, who vanished")
WARMTH = promql("network", "Models that became warm or cold")
MOVED = promql("network", "Ranks that changed")
RANK = promql("network", "Ranks that changed", 1)
FAILING = promql("network", "Failing now")
BEST = promql("network", "Best by success")
JOBS = promql("network", "Best by success", 1)


def offer(who: str) -> str:
    return f'{{orchestrator_address="{who}", pipeline="p", model_name="m"}}'


def offered(who: str, values: str, name: str = "tested") -> dict[str, str]:
    return series(f"tester_offer_{name}", who, values)


def test_what_was_not_there_is_new_and_what_is_not_there_is_gone(tmp_path: Path) -> None:
    data = [offered("stays", "1x60"), offered("comes", "_x29 0x31"), offered("goes", "1x30")]
    gives(tmp_path, NEW, data, [("{}", 1)])
    gives(tmp_path, GONE, data, [("{}", 1)])
    gives(tmp_path, OFFERS, data, [(offer("comes"), 1), (offer("goes"), -1)])
    labels = '{{orchestrator_address="{}"}}'
    gives(tmp_path, WHO, data, [(labels.format("comes"), 1), (labels.format("goes"), -1)])


def test_nothing_is_new_where_the_beginning_is_not_known_nor_gone_where_the_end_is_not(
    tmp_path: Path,
) -> None:
    for data in ([offered("x", "_x29 1x31")], [offered("x", "1x30")], []):
        for expression in (NEW, GONE, OFFERS, WHO, WARM):
            gives(tmp_path, expression, data, [])


def test_no_change_is_0(tmp_path: Path) -> None:
    data = [offered("x", "1x60"), offered("x", "1x60", "warm")]
    for expression in (NEW, GONE, WARM, COLD):
        gives(tmp_path, expression, data, [("{}", 0)])
    gives(tmp_path, OFFERS, data, [])


def test_who_says_otherwise_than_before_became_warm_or_cold(tmp_path: Path) -> None:
    data = [offered("a", "0x29 1x31", "warm"), offered("b", "1x29 0x31", "warm")]
    data.append(offered("c", "_x29 1x31", "warm"))
    gives(tmp_path, WARM, data, [("{}", 1)])
    gives(tmp_path, COLD, data, [("{}", 1)])
    gives(tmp_path, WARMTH, data, [(offer("a"), 1), (offer("b"), 0)])


def test_a_lower_rank_than_before_is_places_won(tmp_path: Path) -> None:
    places = (("a", "4x29 1x31"), ("b", "1x29 2x31"), ("c", "7x60"), ("new", "_x29 3x31"))
    data = [
        {"series": f'livepeer_ai_orchestrator_rank{{orchestrator_address="{who}"}}', "values": text}
        for who, text in places
    ]
    labels = '{{orchestrator_address="{}"}}'
    gives(tmp_path, MOVED, data, [(labels.format("a"), 3), (labels.format("b"), -1)])
    gives(tmp_path, RANK, data, [(labels.format("a"), 1), (labels.format("b"), 2)])


def test_failing_begins_with_the_third_in_a_row(tmp_path: Path) -> None:
    name = "job_consecutive_failures"
    data = [series(name, "a", "3x60"), series(name, "b", "2x60"), series(name, "c", "0x60")]
    gives(tmp_path, FAILING, data, [("{}", 0.33)])
    gives(tmp_path, FAILING, [], [])


def test_the_best_have_jobs_enough_to_tell(tmp_path: Path) -> None:
    data = [
        series("job_successes_total", "many", "0x29 18x31"),
        series("job_orchestrator_failures_total", "many", "0x29 2x31"),
        series("job_successes_total", "few", "0x29 9x31"),
        series("job_orchestrator_failures_total", "few", "0x60"),
    ]
    gives(tmp_path, BEST, data, [('{orchestrator_address="many"}', 0.9)])
    gives(tmp_path, JOBS, data, [('{orchestrator_address="many"}', 20)])
