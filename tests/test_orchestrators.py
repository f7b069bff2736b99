import msgspec
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Offer, Registration, Supply, Target
from exporter.orchestrators import IN_WORDS, State, orchestrators
from tests.chain_supply import CHAIN, DAVE, chain_supply
from tests.stations import ALICE, BOB, CAROL


def test_everybody_has_the_state_that_chain_and_sources_add_up_to() -> None:
    found = {one.orchestrator: one.state for one in orchestrators(chain_supply())}
    assert found == {
        BOB: State.OFFERS_UNKNOWN,
        ALICE: State.OFFERED,
        DAVE: State.NO_LONGER_LISTED,
        CAROL: State.NOT_REGISTERED,
        "own-runner": State.NOT_ON_CHAIN,
    }
    assert list(found) == [BOB, ALICE, DAVE, CAROL, "own-runner"]


def test_where_no_chain_is_read_nobody_is_called_unregistered() -> None:
    alone = msgspec.structs.replace(chain_supply(), registered=(), chain=None)
    assert {one.state for one in orchestrators(alone)} == {State.NOT_ON_CHAIN}


def test_every_state_has_words() -> None:
    assert set(IN_WORDS) == set(State)


PEOPLE = st.sampled_from([ALICE, BOB, CAROL, "own-runner"])
OFFERS = st.lists(
    st.builds(
        lambda who, model, since: Offer(
            target=Target(who, "llm", model), service_uri=None, unlisted_since=since
        ),
        PEOPLE,
        st.sampled_from("mn"),
        st.sampled_from([None, 1]),
    ),
    unique_by=lambda one: one.target,
)
REGISTERED = st.lists(
    st.builds(
        Registration,
        orchestrator=st.sampled_from([ALICE, BOB, CAROL]),
        active=st.booleans(),
        in_pool=st.booleans(),
        stake=st.floats(0, 10),
    ),
    unique_by=lambda one: one.orchestrator,
)


@given(OFFERS, REGISTERED, st.booleans())
def test_everybody_is_there_once_with_all_offers_and_in_one_state(
    offers: list[Offer], registered: list[Registration], read: bool
) -> None:
    known = tuple(registered) if read else ()
    whole = Supply(
        offers=tuple(offers),
        sources=(),
        taken_at=0,
        registered=known,
        chain=CHAIN if read else None,
    )
    found = orchestrators(whole)
    names = [one.orchestrator for one in found]
    there = {one.orchestrator for one in known}
    offering = {one.target.orchestrator for one in offers}
    assert len(names) == len(set(names))
    assert set(names) == there | offering
    assert sorted(offer.target for one in found for offer in one.offers) == sorted(
        offer.target for offer in offers
    )
    for one in found:
        unknown = one.state is State.OFFERS_UNKNOWN
        assert unknown == (one.orchestrator in there and one.orchestrator not in offering)
        assert (one.state is State.NOT_REGISTERED) == (
            read and one.orchestrator not in there and one.orchestrator != "own-runner"
        )
        assert (one.registration is not None) == (one.orchestrator in there)
