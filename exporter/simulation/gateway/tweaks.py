"""Scripted misbehaviours of a gateway, which may be changed while it runs."""

import msgspec

from exporter.simulation.gateway.flags import VERSION


class GatewayTweaks(msgspec.Struct, kw_only=True):
    """What goes wrong on purpose. Amounts are wei, `leak_bytes` bytes for each job.

    `expired_tickets` and `refused_payments` count attempts down; the latter answer with
    `payment_refusal`. After `die_after_jobs` ended jobs the gateway is gone as if killed; with
    `die_during_job` it goes while the job of that number (from 1) is with the orchestrator. After
    `hang_after_jobs` ended jobs both ports accept and say nothing. `deposit` and `reserve` are the
    sender's, instead of what the chain says; `walk_fails` leaves an on-chain gateway without its
    list for ever. `version` is what it says that it is.
    """

    refuse_price: bool = False
    expired_tickets: int = 0
    refused_payments: int = 0
    payment_refusal: str = "Insufficient balance"
    artefacts_fail: bool = False
    leak_bytes: int = 0
    die_after_jobs: int | None = None
    die_during_job: int | None = None
    hang_after_jobs: int | None = None
    deposit: int | None = None
    reserve: int | None = None
    walk_fails: bool = False
    version: str = VERSION
