from hypothesis import given
from hypothesis import strategies as st

from exporter.discovery.merge import merge
from exporter.model import Gpu, Offer, Registration, Target
from exporter.normal_url import normal_url

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


def registration(orchestrator: str, uri: str | None) -> Registration:
    return Registration(
        orchestrator=orchestrator, active=True, in_pool=True, stake=1.0, ai_service_uri=uri
    )


def test_the_uri_of_the_ai_registry_wins_over_a_node_that_lists_anothers_address() -> None:
    known = {TARGET.orchestrator: registration(TARGET.orchestrator, "https://ONE.example:443/")}
    stranger = offer("g", "https://evil.example", warm=True, capacity=9)
    (merged,) = merge([stranger, offer("h", warm=False)], known)
    assert (merged.service_uri, merged.warm) == ("https://one.example", False)


def test_the_operators_word_wins_over_the_registry() -> None:
    known = {TARGET.orchestrator: registration(TARGET.orchestrator, "https://one.example")}
    (merged,) = merge([offer("g"), offer("static", "http://10.0.0.1:8000", own=True)], known)
    assert merged.service_uri == "http://10.0.0.1:8000"


def test_a_node_beside_the_registered_one_is_kept_where_only_it_offers_the_model() -> None:
    known = {TARGET.orchestrator: registration(TARGET.orchestrator, "https://one.example")}
    (merged,) = merge([offer("g", "https://second.example")], known)
    assert merged.service_uri == "https://second.example"


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


REGISTERED = st.dictionaries(
    st.sampled_from("ab"), st.sampled_from([None, "https://ONE.example/", "https://two.example"])
).map(lambda uris: {who: registration(who, uri) for who, uri in uris.items()})


@given(OFFERS, REGISTERED)
def test_what_is_offered_at_the_registered_uri_is_kept_unless_the_operator_says_otherwise(
    offers: list[Offer], known: dict[str, Registration]
) -> None:
    for merged in merge(offers, known):
        group = [one for one in offers if one.target == merged.target]
        at = known.get(merged.target.orchestrator)
        uri = at.ai_service_uri if at is not None else None
        if any(one.named_by_operator for one in group):
            assert merged.named_by_operator
        elif uri is not None and any(
            normal_url(one.service_uri) == normal_url(uri) for one in group if one.service_uri
        ):
            assert merged.service_uri is not None
            assert normal_url(merged.service_uri) == normal_url(uri)
    assert {one.target for one in merge(offers, known)} == {one.target for one in offers}


@given(OFFERS, REGISTERED)
def test_there_is_one_offer_a_target_in_order_and_merging_again_changes_nothing(
    offers: list[Offer], known: dict[str, Registration]
) -> None:
    merged = merge(offers, known)
    assert [o.target for o in merged] == sorted({o.target for o in offers})
    assert merge(merged, known) == merged
