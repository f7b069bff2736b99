from hypothesis import given
from hypothesis import strategies as st

from exporter.discovery.merge import merge
from exporter.model import Gpu, Offer, Target

TARGET = Target("0x" + "a" * 40, "llm", "m")


def offer(
    source: str,
    uri: str | None = "https://one.example",
    *,
    target: Target = TARGET,
    warm: bool | None = None,
    capacity: int | None = None,
    price: float | None = None,
    hardware: tuple[Gpu, ...] = (),
    own: bool = False,
) -> Offer:
    return Offer(
        target=target,
        service_uri=uri,
        warm=warm,
        capacity=capacity,
        price_per_unit=price,
        hardware=hardware,
        sources=(source,),
        named_by_operator=own,
    )


def test_repeated_entries_become_one_offer() -> None:
    assert merge([offer("g"), offer("g")]) == (offer("g"),)


def test_the_uri_of_the_loaded_model_is_kept() -> None:
    (merged,) = merge([offer("g", warm=False), offer("g", "https://two.example", warm=True)])
    assert (merged.service_uri, merged.warm) == ("https://two.example", True)


def test_a_usable_uri_is_kept_before_a_loaded_model_without_one() -> None:
    (merged,) = merge([offer("g", None, warm=True), offer("h", warm=False)])
    assert (merged.service_uri, merged.warm) == ("https://one.example", False)


def test_the_operators_word_wins_and_is_completed_by_the_same_uri() -> None:
    merged = merge(
        [
            offer("g", warm=True, capacity=5, price=2.0, hardware=(Gpu("RTX"),)),
            offer("static", warm=False, own=True),
        ]
    )
    assert merged == (
        Offer(
            target=TARGET,
            service_uri="https://one.example",
            warm=True,
            capacity=5,
            price_per_unit=2.0,
            hardware=(Gpu("RTX"),),
            sources=("g", "static"),
            named_by_operator=True,
        ),
    )


def test_facts_of_another_node_are_not_taken_but_the_price_is() -> None:
    (merged,) = merge(
        [
            offer("static", "http://10.0.0.1:8000", warm=False, own=True),
            offer("g", warm=True, capacity=5, price=2.0, hardware=(Gpu("RTX"),)),
        ]
    )
    assert merged.service_uri == "http://10.0.0.1:8000"
    assert (merged.warm, merged.capacity, merged.hardware) == (False, None, ())
    assert merged.price_per_unit == 2.0


def test_unknown_stays_unknown() -> None:
    (merged,) = merge([offer("g"), offer("h")])
    assert (merged.warm, merged.capacity, merged.price_per_unit) == (None, None, None)
    assert merged.sources == ("g", "h")


OFFERS = st.lists(
    st.builds(
        offer,
        st.sampled_from("gh"),
        st.sampled_from([None, "https://one.example", "https://two.example"]),
        target=st.builds(Target, st.sampled_from("ab"), st.just("llm"), st.sampled_from("mn")),
        warm=st.sampled_from([None, False, True]),
        capacity=st.sampled_from([None, 0, 2]),
        own=st.booleans(),
    ),
    max_size=8,
)


@given(OFFERS)
def test_there_is_one_offer_a_target_in_order_and_merging_again_changes_nothing(
    offers: list[Offer],
) -> None:
    merged = merge(offers)
    assert [o.target for o in merged] == sorted({o.target for o in offers})
    assert merge(merged) == merged
