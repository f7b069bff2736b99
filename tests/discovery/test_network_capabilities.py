import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.discovery import reading
from exporter.discovery.listing import Listing, SourceError
from exporter.discovery.network_capabilities import parse
from exporter.model import Gpu, Offer, Target
from tests.discovery.network import WARM, A, B, entry, network

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def listing(document: object) -> Listing:
    return parse(msgspec.json.encode(document), "gateway")


def only(document: object) -> Offer:
    (offer,) = listing(document).offers
    return offer


def test_an_entry_becomes_an_offer_with_all_its_facts() -> None:
    document = network(
        entry(
            capabilities={
                "27": {
                    "some/model": {
                        "warm": True,
                        "capacity": 3,
                        "capacityInUse": 1,
                        "runnerVersion": "0.9",
                    }
                }
            },
            capabilities_prices=[
                {"capability": 27, "constraint": "other", "pricePerUnit": 9, "pixelsPerUnit": 1},
                {
                    "capability": 27,
                    "constraint": "some/model",
                    "pricePerUnit": 5,
                    "pixelsPerUnit": 2,
                },
            ],
            hardware=[
                {
                    "pipeline": "Text to image",
                    "model_id": "some/model",
                    "gpu_info": {"0": {"name": "RTX", "memory_total": 24, "memory_free": 20}},
                },
                {"pipeline": "text-to-image", "model_id": "some/model"},
                {
                    "pipeline": "text-to-image",
                    "model_id": "some/model",
                    "gpu_info": {"0": {"name": "A40"}},
                },
            ],
        )
    )
    assert only(document) == Offer(
        target=Target(A.lower(), "text-to-image", "some/model"),
        service_uri="https://orch.example:8935",
        warm=True,
        capacity=3,
        capacity_in_use=1,
        price_per_unit=2.5,
        runner_version="0.9",
        node_version="1.2.3",
        local_address="0x" + "cc" * 20,
        hardware=(Gpu("RTX", 24, 20), Gpu("A40")),
        sources=("gateway",),
    )


def test_a_missing_field_has_the_zero_that_protobuf_leaves_out() -> None:
    offer = only(network(entry(capabilities={"27": {"some/model": {}}})))
    assert (offer.warm, offer.capacity, offer.capacity_in_use) == (False, 0, 0)


def test_the_node_key_is_kept_only_where_it_differs() -> None:
    assert only(network(entry(local_address=A))).local_address is None


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"pricePerUnit": 7, "pixelsPerUnit": 1}, 7.0),
        ({"pixelsPerUnit": 1}, 0.0),
        ({"pricePerUnit": 7, "pixelsPerUnit": 0}, None),
        ({"pricePerUnit": 7}, None),
        ({"pricePerUnit": -7, "pixelsPerUnit": 1}, None),
        ({"pricePerUnit": 10**400, "pixelsPerUnit": 1}, None),
        ({"pricePerUnit": "7", "pixelsPerUnit": 1}, None),
    ],
)
def test_prices(price: dict[str, object], expected: float | None) -> None:
    prices = [{"capability": 27, "constraint": "some/model", **price}]
    assert only(network(entry(capabilities_prices=prices))).price_per_unit == expected


def test_a_model_without_a_price_has_the_default_of_its_capability() -> None:
    prices = [
        {"capability": 33, "constraint": "default", "pricePerUnit": 1, "pixelsPerUnit": 1},
        {"capability": 27, "constraint": "default", "pricePerUnit": 8, "pixelsPerUnit": 1},
    ]
    assert only(network(entry(capabilities_prices=prices))).price_per_unit == 8


def test_a_price_alone_is_no_offer_except_of_byoc() -> None:
    document = network(
        entry(
            capabilities={},
            capabilities_prices=[
                {"capability": 27, "constraint": "idle", "pricePerUnit": 1, "pixelsPerUnit": 1},
                {"capability": 37, "constraint": "chat", "pricePerUnit": 4, "pixelsPerUnit": 1},
            ],
            hardware=[{"pipeline": "chat", "model_id": "any", "gpu_info": {"0": {"name": "RTX"}}}],
        )
    )
    offer = only(document)
    assert offer.target == Target(A.lower(), "byoc", "chat")
    assert (offer.price_per_unit, offer.hardware, offer.warm) == (4, (Gpu("RTX"),), None)


def test_capabilities_are_named_by_the_table_then_by_the_answer_then_by_number() -> None:
    models = {"m": WARM}
    document = network(entry(capabilities={"35": models, "33": models, "41": models, "99": models}))
    assert [offer.target.pipeline for offer in listing(document).offers] == [
        "live-video-to-video",
        "llm",
        "dream-to-film",
        "capability-99",
    ]


def test_the_same_entry_twice_gives_its_offer_twice_for_the_merge_to_join() -> None:
    assert len(listing(network(entry(), entry())).offers) == 2


def test_an_unusable_service_uri_is_listed_with_the_reason() -> None:
    offer = only(network(entry(orch_uri="ftp://orch.example")))
    assert offer.service_uri is None
    assert offer.not_tested == "service URI is not usable: its scheme is neither http nor https"


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        [],
        {},
        {"address": None},
        {"address": "0x12"},
        entry("0x" + "0" * 40),
        entry(12),
        entry(capabilities={"27": {"m" * 201: WARM}}),
        entry(capabilities={"27": {"bad\nname": WARM}}),
        entry(capabilities={"27": {"": WARM}}),
        entry(capabilities={"27": {"m": "warm"}}),
        entry(capabilities={"27": {"m": {"warm": "yes"}}}),
        entry(capabilities={"x": {"m": WARM}}),
        entry(capabilities={"9" * 30: {"m": WARM}}),
        entry() | {"capabilities": 5},
        entry() | {"capabilities": {"constraints": {"PerCapability": [1]}}},
        entry() | {"capabilities": {"constraints": {"PerCapability": {"27": {"models": 3}}}}},
    ],
)
def test_one_bad_entry_is_left_out_and_counted_and_the_others_are_used(bad: object) -> None:
    found = listing(network(bad, entry(B)))
    assert [offer.target.orchestrator for offer in found.offers] == [B.lower()]
    assert found.skipped >= 1


@pytest.mark.parametrize(
    "detail",
    [
        {"hardware": "none"},
        {"hardware": [{"pipeline": 1}]},
        {"hardware": [{"pipeline": "llm", "model_id": "m", "gpu_info": {"0": {"name": 3}}}]},
        {"capabilities_prices": {"27": 1}},
        {"capabilities_prices": [None]},
        {"local_address": 5},
        {"orch_uri": ["https://orch.example"]},
    ],
)
def test_a_bad_detail_costs_the_detail_and_not_the_offer(detail: dict[str, Any]) -> None:
    found = listing(network(entry(**detail)))
    assert len(found.offers) == 1
    assert found.skipped == 1


def test_null_lists_are_empty_lists() -> None:
    assert listing({"orchestrators": None, "capabilities_names": None}) == Listing(offers=())
    assert listing(network(entry() | {"capabilities": None})).offers == ()


def test_only_so_many_models_of_one_entry_count() -> None:
    models = {f"m{number}": WARM for number in range(reading.MODELS_LIMIT + 5)}
    found = listing(network(entry(capabilities={"27": models})))
    assert len(found.offers) == reading.MODELS_LIMIT
    assert found.skipped == 5


def test_only_so_many_entries_count() -> None:
    found = listing(network(*[entry(capabilities={})] * reading.ENTRIES_LIMIT, entry(B)))
    assert (found.offers, found.skipped) == ((), 1)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "not JSON"),
        (b"null", "not the expected form"),
        (b"[]", "not the expected form"),
        (b'{"orchestrators": {}}', "not the expected form"),
        (b'{"orchestrators": [NaN]}', "not JSON"),
        (b'{"orchestrators": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"other": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"orchestrators": [' + b"1," * 1_600_000 + b"1]}", "more than 1500000 values"),
        (b"network capabilities not available\n{}", "not JSON"),
    ],
)
def test_an_answer_that_is_no_list_is_an_error(body: bytes, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        parse(body, "gateway")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | JSON.map(msgspec.json.encode))
def test_nothing_but_a_source_error_comes_of_any_bytes(body: bytes) -> None:
    with contextlib.suppress(SourceError):
        parse(body, "gateway")


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(entry())), JSON))
def test_any_entry_leaves_the_others_alone(fields: dict[str, Any]) -> None:
    found = listing(network(entry() | fields, entry(B)))
    assert found.offers[-1].target.orchestrator == B.lower()


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_advert_leaves_the_others_alone(advert: object) -> None:
    found = listing(network(entry(capabilities={"27": {"odd": advert, "good": WARM}})))
    assert found.offers[-1].target.model == "good"
