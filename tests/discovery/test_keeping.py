from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.discovery.keeping import NOTHING, Listed, Memory, keep, remembered
from exporter.model import Offer, Registration, Supply, Target

A, B, C = ("0x" + digit * 40 for digit in "abc")
HOME = "https://a.example:8935"
LIMIT = 1_000


def offer(orchestrator: str = A, model: str = "m", uri: str = HOME, **facts: Any) -> Offer:
    return Offer(
        target=Target(orchestrator, "llm", model),
        service_uri=uri,
        **{"warm": True, "capacity": 2, "capacity_in_use": 1, "sources": ("g",), **facts},
    )


def registration(orchestrator: str = A, **facts: Any) -> Registration:
    return Registration(
        orchestrator=orchestrator,
        **{"active": True, "in_pool": True, "stake": 1.0, "ai_service_uri": HOME, **facts},
    )


def after(
    before: Memory,
    *listed: Offer,
    now: int,
    registered: Registration | None = None,
    answering: tuple[str, ...] = ("g", "h"),
    sources: tuple[str, ...] = ("g", "h"),
) -> tuple[tuple[Offer, ...], Memory]:
    known = registration() if registered is None else registered
    return keep(
        before,
        listed,
        {known.orchestrator: known},
        sources=sources,
        answering=answering,
        now=now,
        limit=LIMIT,
    )


def listed_at(now: int, *offers: Offer) -> Memory:
    return after(NOTHING, *(offers or (offer(),)), now=now)[1]


def test_who_is_active_and_vanished_from_every_list_goes_on_with_what_it_offered_last() -> None:
    (kept,), _ = after(listed_at(5), now=9)
    assert kept == offer(unlisted_since=9, capacity=None, capacity_in_use=None)


def test_the_moment_since_which_it_is_not_listed_stays() -> None:
    _, memory = after(listed_at(5), now=9)
    (kept,), _ = after(memory, now=500)
    assert kept.unlisted_since == 9


def test_it_ends_with_its_time() -> None:
    _, memory = after(listed_at(5), now=9)
    assert after(memory, now=5 + LIMIT)[0] != ()
    assert after(memory, now=6 + LIMIT) == ((), {})


def test_who_is_listed_again_is_not_kept() -> None:
    _, memory = after(listed_at(5), now=9)
    kept, memory = after(memory, offer(), now=20)
    assert (kept, memory[A]) == ((), Listed((offer(),), 20))


def test_who_still_lists_another_model_has_withdrawn_the_one_that_is_missing() -> None:
    assert after(listed_at(5, offer(), offer(model="n")), offer(model="n"), now=9)[0] == ()


def test_a_source_that_fails_says_nothing_about_anybody() -> None:
    kept, memory = after(listed_at(5), now=9, answering=("h",))
    assert (kept, memory) == ((), listed_at(5))


def test_who_was_listed_by_a_source_that_is_not_set_any_more_is_forgotten() -> None:
    assert after(listed_at(5), now=9, sources=("h",)) == ((), {})


@pytest.mark.parametrize(
    "known",
    [
        registration(active=False),
        registration(B),
        registration(ai_service_uri=None),
        registration(ai_service_uri="https://moved.example:8935"),
    ],
)
def test_who_is_not_active_or_registered_elsewhere_is_not_kept(known: Registration) -> None:
    assert after(listed_at(5), now=9, registered=known)[0] == ()


def test_offers_of_another_node_than_the_registered_one_are_not_kept() -> None:
    memory = listed_at(5, offer(), offer(model="n", uri="https://second.example:8935"))
    assert [one.target.model for one in after(memory, now=9)[0]] == ["m"]


def test_the_operators_own_word_and_ids_without_an_address_are_never_kept() -> None:
    memory = listed_at(5, offer(named_by_operator=True), offer("my-runner"))
    assert memory == {}


def test_a_restart_forgets_neither_what_was_listed_nor_since_when_it_is_not() -> None:
    kept, _ = after(listed_at(5), now=9)
    supply = Supply(offers=(*kept, offer(B)), sources=(), taken_at=10)
    again = remembered(msgspec.json.decode(msgspec.json.encode(supply), type=Supply))
    assert again[B] == Listed((offer(B),), 10)
    assert after(again, offer(B), now=20)[0] == kept
    assert after(again, offer(B), now=10 + LIMIT)[0] == ()


OFFERS = st.lists(
    st.builds(
        offer,
        st.sampled_from([A, B, "own"]),
        st.sampled_from("mn"),
        st.sampled_from([HOME, "https://two.example"]),
        sources=st.sampled_from([("g",), ("h",), ("g", "h")]),
    ),
    max_size=4,
    unique_by=lambda one: one.target,
)
ROUNDS = st.lists(
    st.tuples(
        OFFERS,
        st.sets(st.sampled_from([A, B])),
        st.sampled_from([("g",), ("h",), ("g", "h"), ()]),
        st.integers(1, LIMIT),
    ),
    max_size=8,
)


@given(ROUNDS)
def test_only_what_was_listed_lately_of_who_is_active_and_lists_nothing_now_is_kept(
    rounds: list[tuple[list[Offer], set[str], tuple[str, ...], int]],
) -> None:
    memory: Memory = NOTHING
    now = 0
    last: dict[Target, int] = {}
    for listed, active, answering, passed in rounds:
        now += passed
        last |= {one.target: now for one in listed}
        kept, memory = keep(
            memory,
            listed,
            {who: registration(who, active=who in active) for who in (A, B)},
            sources=("g", "h"),
            answering=answering,
            now=now,
            limit=LIMIT,
        )
        present = {one.target.orchestrator for one in listed}
        for one in kept:
            assert one.target.orchestrator in active - present
            assert now - last[one.target] <= LIMIT
            assert set(one.sources) <= set(answering)
            assert one.unlisted_since is not None
            assert last[one.target] < one.unlisted_since <= now
        assert set(memory) <= {A, B}
