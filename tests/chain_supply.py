"""A supply with a chain: everybody in another state."""

import msgspec

from exporter.model import Certificate, ChainState, Reachability, Registration, Supply
from tests.measurements import SECOND, START
from tests.stations import ALICE, BOB, CAROL, NOW, offer, supply

DAVE = "0x" + "d4" * 20
EVE = "0x" + "e5" * 20

CHAIN = ChainState(
    chain_id=42161,
    block=300_000_000,
    block_time=NOW - 60 * SECOND,
    read_at=NOW - 59 * SECOND,
    round=3501,
    round_initialized=True,
    pool_size=3,
    pool_limit=100,
    total_active_stake=10_000.0,
)

CERTIFICATE = Certificate(
    sha256="ab" * 32,
    not_before=START,
    not_after=NOW + 86400 * SECOND,
    names=("ai.example",),
    issuer="ai.example",
    self_signed=True,
    matches_host=True,
)


def registered() -> tuple[Registration, ...]:
    """Alice is offered, Bob's offers are not known, Dave is not listed any more."""
    return (
        Registration(
            orchestrator=ALICE,
            active=True,
            in_pool=True,
            stake=4502.5,
            share=0.45025,
            reward_cut=0.1,
            fee_share=0.5,
            activation_round=3000,
            last_reward_round=3501,
            ai_service_uri="https://ai.example:8935",
            service_uri="https://a.example:8935",
            reachability=(
                Reachability(
                    uri="https://ai.example:8935",
                    at=NOW,
                    reached=True,
                    address="203.0.113.7",
                    rtt=20_000_000,
                    tls_version="TLSv1.3",
                    certificate=CERTIFICATE,
                ),
            ),
        ),
        Registration(
            orchestrator=BOB,
            active=False,
            in_pool=True,
            stake=7000.0,
            activation_round=3502,
            ai_uri_refused="service URI is not usable: <b>its</b> scheme is neither http nor https",
            reachability=(
                Reachability(
                    uri="https://b.example:8935",
                    at=NOW,
                    reached=False,
                    stage="tcp",
                    error="connection refused",
                ),
            ),
        ),
        Registration(
            orchestrator=DAVE,
            active=True,
            in_pool=False,
            stake=100.0,
            share=0.01,
            activation_round=3400,
            deactivation_round=3502,
            ai_service_uri="https://d.example:8935",
        ),
    )


def chain_supply() -> Supply:
    """Carol and an own runner offer something without being registered."""
    return msgspec.structs.replace(
        supply(
            offer(ALICE, registered=True),
            offer(ALICE, model="b", registered=True, not_tested="no"),
            offer(CAROL, registered=False),
            offer(DAVE, registered=True, unlisted_since=NOW - 3600 * SECOND),
            offer("own-runner"),
        ),
        registered=registered(),
        chain=CHAIN,
    )
