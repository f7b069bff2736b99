"""What the boards of the whole network answer about the network that was made."""

from typing import Any

from influxdb_client.client.query_api import QueryApi

from dashboards import models, network, tester
from tests.dashboards.answers import ONE, panel, rows, values
from tests.dashboards.made_changes import FIRST, GONE, NAMES, NEW, SECOND_ONE
from tests.dashboards.made_network import HOUR, MODELS, ORCHESTRATORS, REGIONS, START
from tests.dashboards.made_tester import GROWN

CHANGES = "Offers: new, gone, warm, cold"


def test_what_fails_now_is_part_of_what_is_tested(api: QueryApi) -> None:
    assert values(api, "network", "Failing now") == 1 / 3
    assert values(api, "network", "Failing now", 1) == 2 / 6
    assert values(api, "network", "Success") == (3 * 24 - 4 - 4 - 2) / (3 * 24 - 4 - 2)


def test_offers_are_there_without_any_result(api: QueryApi) -> None:
    nobody: dict[str, Any] = {"tester": ("nobody",), "region": ("nowhere",), "origin": ("posted",)}
    assert values(api, "network", "Orchestrators", **nobody) == 3
    assert values(api, "network", "Orchestrators", 1, **nobody) is None
    assert values(api, "network", "Models", **nobody) == 2
    assert values(api, "network", "Models", 1, **nobody) == 6
    assert values(api, "network", "Who offers which model", 3, **nobody) == {
        MODELS[0]: 3.0,
        MODELS[1]: 0.0,
    }
    assert values(api, "models", "Which models can I use?", **nobody) == {
        MODELS[0]: 3,
        MODELS[1]: 3,
    }


def test_what_came_and_went_since_the_beginning_is_told(api: QueryApi) -> None:
    assert [values(api, "network", CHANGES, place) for place in range(4)] == [3, 1, 1, 1]
    assert values(api, "network", "Offers that came or went") == {
        (SECOND_ONE, *MODELS[1]): 1,
        (NEW, *MODELS[0]): 1,
        (NEW, *MODELS[1]): 1,
        (GONE, *MODELS[0]): -1,
    }
    assert values(api, "network", "Who came, who vanished") == {(NEW,): 1, (GONE,): -1}
    assert values(api, "network", "Models that became warm or cold") == {
        (FIRST, *MODELS[0]): 1,
        (FIRST, *MODELS[1]): 0,
    }
    assert values(api, "network", "Ranks that changed") == {(FIRST,): 1, (SECOND_ONE,): -1}
    assert values(api, "network", "Ranks that changed", 1) == {(FIRST,): 1, (SECOND_ONE,): 2}


def test_nothing_came_or_went_where_the_beginning_is_not_known(api: QueryApi) -> None:
    unknown = START - 24 * HOUR
    assert [values(api, "network", CHANGES, place, start=unknown) for place in range(4)] == [
        None
    ] * 4
    for title in ("Offers that came or went", "Who came, who vanished", "Ranks that changed"):
        assert values(api, "network", title, start=unknown) == {}


def test_where_nothing_changed_it_is_none_and_not_unknown(api: QueryApi) -> None:
    later = START + 6 * HOUR
    assert [values(api, "network", CHANGES, place, start=later) for place in range(4)] == [
        0,
        0,
        0,
        0,
    ]


def test_the_best_have_the_highest_score_and_the_worst_fewest_successes(api: QueryApi) -> None:
    scores = values(api, "network", "Best by score")
    assert scores == {(who,): 0.9 - 0.1 * place for place, who in enumerate(ORCHESTRATORS)}
    assert values(api, "network", "Best by score", 1).keys() == scores.keys()
    worst = values(api, "network", "Worst by success")
    assert min(worst, key=lambda who: worst[who]) == (ORCHESTRATORS[2],)
    assert values(api, "network", "Worst by success", 1)[(ORCHESTRATORS[2],)] == 4 * 20


def test_who_is_registered_has_a_name_or_none(api: QueryApi) -> None:
    found = values(api, "network", "Who is registered")
    assert found == {
        (who, NAMES[who] or None, "offered"): 1000.0 * (1 + place)
        for place, who in enumerate(ORCHESTRATORS)
    }


def test_times_of_a_model_are_of_all_who_serve_it(api: QueryApi) -> None:
    # Inference takes half a second, one, one and a half; the third one fails more often.
    assert values(api, "models", "Which models can I use?", 4) == dict.fromkeys(MODELS, 1.0)
    units = values(api, "models", "Which models can I use?", 6)
    assert units == {(*model, "token"): 0.1 for model in MODELS}
    regions = values(api, "models", "From where?", 2)
    assert regions == {(*model, region): 1.0 for model in MODELS for region in REGIONS}


def test_times_of_models_are_own_ones_whoever_is_chosen(api: QueryApi) -> None:
    others = values(api, "models", "Which models can I use?", 4, tester=("x",), origin=("posted",))
    assert others == dict.fromkeys(MODELS, 1.0)


def test_a_counter_that_began_anew_is_counted_on(api: QueryApi) -> None:
    assert values(api, "tester", "Jobs") == 2 * GROWN
    assert values(api, "tester", "Lost") == GROWN
    by_consumer = values(api, "tester", "Consumers", 3)
    assert by_consumer == {("one",): GROWN, ("other",): GROWN}
    steps = rows(api, panel("tester", "Jobs done, by outcome"), 0, ONE)
    assert sum(row["_value"] or 0 for row in steps) == 2 * GROWN


def test_what_the_tester_says_is_of_the_chosen_installation(api: QueryApi) -> None:
    assert values(api, "tester", "Targets") == 2.0
    assert values(api, "tester", "Targets", installation=("another",)) is None
    assert values(api, "tester", "Own network") == 1.0
    assert values(api, "tester", "Last heard of") == 300.0
    assert values(api, "tester", "Installations") == {("tester-1", "0.9"): 2.0}
    assert values(api, "tester", "Of the limit of a day") == 1.0


def test_every_panel_of_these_boards_has_something_to_show(api: QueryApi) -> None:
    for board in (network.BOARD, models.BOARD, tester.BOARD):
        for one in board.panels:
            for place in range(0 if one.instead else len(one.queries)):
                assert rows(api, one, place, ONE), (board.name, one.title, place)
