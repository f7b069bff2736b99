"""The one list of the station's metrics, from which families and `docs/metrics.md` are made."""

from typing import Final

import msgspec

from exporter.delivery.target_series import NAMED_FAILURES, PHASES

Kind = str
"""`counter`, `gauge`, `summary`, `histogram` or `info`."""

TARGET: Final = ("orchestrator_address", "pipeline", "model_name", "region", "tester")
OFFER: Final = ("orchestrator_address", "pipeline", "model_name")
MODEL: Final = ("pipeline", "model_name", "region")


class Metric(msgspec.Struct, frozen=True):
    """One metric: its name as Prometheus' text format shows it, and what it means."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    unit: str = ""


_PHASE_MEANING: Final = {
    "upload": "from the first byte of the request to the last one that the peer acknowledged",
    "inference": "from the end of the upload to the first byte of the answer, or to the last "
    "token of a stream",
    "download": "from the first byte of the answer to its last one, media included",
    "round_trip": "from the start of the job to the last byte",
}

_JOBS: Final = (
    Metric(
        "livepeer_ai_job_info",
        "info",
        (*TARGET, "orchestrator_uri", "origin"),
        "Always 1: a target that is tested or reported about, with the service URI that offers the "
        "model (empty where no source lists it) and where the results come from: own, posted, "
        "followed, or empty between a restart and the next report.",
    ),
    Metric(
        "livepeer_ai_job_attempts_total",
        "counter",
        TARGET,
        "Jobs that ended, whatever came of them.",
    ),
    Metric(
        "livepeer_ai_job_successes_total",
        "counter",
        TARGET,
        "Good jobs that count. One that is good although it is not known whose answer it was does "
        "not.",
    ),
    Metric(
        "livepeer_ai_job_orchestrator_failures_total",
        "counter",
        TARGET,
        "Failures with blame orchestrator: the only ones that count against it.",
    ),
    Metric(
        "livepeer_ai_job_failures_total",
        "counter",
        (*TARGET, "outcome", "blame"),
        "Jobs that did not succeed, by outcome and by whose doing it was (orchestrator, gateway, "
        "network, tester, unknown, or none for nobody). Only blame orchestrator counts against "
        f"it. The first {NAMED_FAILURES} pairs seen on a target get a series each; the rest is "
        "summed as outcome other, with blame orchestrator or other.",
    ),
    Metric(
        "livepeer_ai_job_last_failure_timestamp_seconds",
        "gauge",
        (*TARGET, "outcome", "blame"),
        "Start of the last job that did not succeed, whoever's doing that was, Unix time; one "
        "series, whose outcome and blame change. Since the start; absent until there is one.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_job_consecutive_failures",
        "gauge",
        TARGET,
        "Failures with blame orchestrator since the last success. Others neither raise nor reset "
        "it. Survives a restart; absent until the target was tested.",
    ),
    Metric(
        "livepeer_ai_job_last_success_timestamp_seconds",
        "gauge",
        TARGET,
        "Start of the last good job, Unix time. Survives a restart; absent until there is one.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_job_last_attempt_timestamp_seconds",
        "gauge",
        TARGET,
        "Start of the last job, Unix time. Survives a restart; absent until there is one.",
        "seconds",
    ),
)

_PHASES: Final = tuple(
    metric
    for phase in PHASES
    for metric in (
        Metric(
            f"livepeer_ai_job_last_{phase}_seconds",
            "gauge",
            TARGET,
            f"Last good job: {_PHASE_MEANING[phase]}.",
            "seconds",
        ),
        Metric(
            f"livepeer_ai_job_{phase}_seconds",
            "summary",
            TARGET,
            f"Good jobs: {_PHASE_MEANING[phase]}. Sum and count.",
            "seconds",
        ),
        Metric(
            f"livepeer_ai_job_model_{phase}_seconds",
            "histogram",
            MODEL,
            f"Good jobs of this tester, of all orchestrators: {_PHASE_MEANING[phase]}. "
            "What others report is left out. Buckets by `metrics.buckets`.",
            "seconds",
        ),
    )
)

_UNITS: Final = (
    Metric(
        "livepeer_ai_job_model_latency_per_unit_seconds",
        "histogram",
        (*MODEL, "unit"),
        "Good jobs of this tester, of all orchestrators: inference for one unit of work "
        "(megapixel-step, audio-second, video-second, token, character), without the gateway's "
        "first contact. Buckets 1, 2, 5 to the decade, from 0.00001 to 100.",
        "seconds",
    ),
)

_RANKING: Final = (
    Metric(
        "livepeer_ai_orchestrator_score",
        "gauge",
        ("orchestrator_address",),
        "Score in the ranking of the leaderboard's default window, 0 to 1: the mean over models "
        "and regions, by all testers. Of the 1,000 best that are known by an ETH address and have "
        "data, like the rank; absent while the ranking is not known or older than an hour.",
    ),
    Metric(
        "livepeer_ai_orchestrator_rank",
        "gauge",
        ("orchestrator_address",),
        "Place in that ranking, from 1.",
    ),
)

_SUPPLY: Final = (
    Metric(
        "livepeer_ai_tester_offers",
        "gauge",
        ("pipeline", "state", "warm"),
        "Models that orchestrators offer, by state (tested, not_tested) and by whether the "
        "orchestrator says that it is loaded (yes, no, unknown). Past 100 pipelines the rest is "
        "summed as pipeline other.",
    ),
    Metric(
        "livepeer_ai_tester_offer_tested",
        "gauge",
        OFFER,
        "1 for a model that an orchestrator offers and that is tested, 0 for one that is not.",
    ),
    Metric(
        "livepeer_ai_tester_offer_warm",
        "gauge",
        OFFER,
        "1 if the orchestrator says that the model is loaded, 0 if it says that it is not; absent "
        "where it says nothing.",
    ),
    Metric(
        "livepeer_ai_tester_offer_price_wei",
        "gauge",
        OFFER,
        "Price in wei per unit of work (pixel, millisecond, token or character, by pipeline), "
        "offers that are not tested included.",
    ),
    Metric(
        "livepeer_ai_tester_supply_timestamp_seconds",
        "gauge",
        (),
        "When the supply was last put together, Unix time.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_tester_source_offers",
        "gauge",
        ("source",),
        "Offers of a discovery source, from its last good refresh.",
    ),
    Metric(
        "livepeer_ai_tester_source_last_refresh_timestamp_seconds",
        "gauge",
        ("source",),
        "Last good refresh of a discovery source, Unix time; absent if there never was one.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_tester_source_up",
        "gauge",
        ("source",),
        "1 if the last refresh of a discovery source was good, 0 if it was not.",
    ),
)

_CHAIN: Final = (
    Metric(
        "livepeer_ai_tester_orchestrators",
        "gauge",
        ("state",),
        "Orchestrators by what chain and sources say together: offered (and registered), "
        "offers_unknown (registered, listed by no source), no_longer_listed (registered, tested on "
        "what it offered last), not_registered (offered), not_on_chain (offered by an id that is "
        "no ETH address). Absent, like all about the chain, where none was read.",
    ),
    Metric(
        "livepeer_ai_orchestrator_info",
        "info",
        ("orchestrator_address", "name", "state", "ai_service_uri", "service_uri"),
        "Always 1: an orchestrator that is registered on the chain, with its name (a label or a "
        "primary ENS name; empty without one), its state as in livepeer_ai_tester_orchestrators "
        "and the service URIs of both registries (empty where there is none that can be used). Of "
        "the 1,000 with most stake, like the two that follow.",
    ),
    Metric(
        "livepeer_ai_orchestrator_stake_lpt",
        "gauge",
        ("orchestrator_address",),
        "Stake of a registered orchestrator in LPT, its own and delegated.",
    ),
    Metric(
        "livepeer_ai_orchestrator_active",
        "gauge",
        ("orchestrator_address",),
        "1 if a registered orchestrator is active in the current round, 0 if it is not.",
    ),
    Metric(
        "livepeer_ai_tester_chain_block",
        "gauge",
        (),
        "Height of the block at which the chain was read last.",
    ),
    Metric(
        "livepeer_ai_tester_chain_block_timestamp_seconds",
        "gauge",
        (),
        "Time of that block, Unix time: how old everything about the chain is.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_tester_chain_round",
        "gauge",
        (),
        "Livepeer's round at that block.",
    ),
)

_URI: Final = ("orchestrator_address", "registry")

_REACH: Final = (
    Metric(
        "livepeer_ai_orchestrator_reachable",
        "gauge",
        _URI,
        "1 if the last look at a registered service URI got through to it (name, TCP and, for "
        "https, TLS), 0 if not; absent where that is not known, such as while the tester's own "
        "network is down. By registry (ai, transcoding), of the 1,000 with most stake, like the "
        "three that follow. Nobody is blamed for it.",
    ),
    Metric(
        "livepeer_ai_orchestrator_handshake_seconds",
        "gauge",
        _URI,
        "Median of the TCP handshakes of that look.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_orchestrator_certificate_expiry_timestamp_seconds",
        "gauge",
        _URI,
        "End of the certificate that was shown, Unix time; the year 2262 stands for all that is "
        "later. Gateways take expired and self-signed ones, too.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_orchestrator_reach_timestamp_seconds",
        "gauge",
        _URI,
        "When that look was, Unix time.",
        "seconds",
    ),
)

_MAINTENANCE: Final = (
    Metric(
        "livepeer_ai_orchestrator_maintenance",
        "gauge",
        ("orchestrator_address",),
        "1 while a maintenance window of the settings is open for an orchestrator, tested or not; "
        "else absent. Tests go on, alerts do not.",
    ),
    Metric(
        "livepeer_ai_tester_maintenance",
        "gauge",
        (),
        "1 while a maintenance window is open for the tester itself, so that none of its alerts is "
        "raised, else 0.",
    ),
)

_STATION: Final = (
    Metric(
        "livepeer_ai_tester_build_info", "info", ("version",), "Always 1: what is running here."
    ),
    Metric(
        "livepeer_ai_tester_settings_info",
        "info",
        ("digest",),
        "Always 1: a short digest of the settings that the station runs with, defaults included, "
        "secrets and maintenance windows left out. Another one means that something was set "
        "otherwise, or that another version has other settings.",
    ),
    Metric(
        "livepeer_ai_tester_targets",
        "gauge",
        (),
        "Targets of this tester that these metrics have series of.",
    ),
    Metric(
        "livepeer_ai_tester_targets_refused_total",
        "counter",
        (),
        "Times that a target of this tester got no series because there are too many targets.",
    ),
    Metric(
        "livepeer_ai_tester_reported_targets",
        "gauge",
        (),
        "Targets, by region and tester, that others report about and that these metrics have "
        "series of.",
    ),
    Metric(
        "livepeer_ai_tester_reported_targets_refused_total",
        "counter",
        (),
        "Times that a result that others reported was not counted, or a target of theirs not "
        "restored, because they report about too many targets.",
    ),
    Metric(
        "livepeer_ai_tester_outbox_bytes",
        "gauge",
        (),
        "Size of the outbox on disk.",
        "bytes",
    ),
    Metric(
        "livepeer_ai_tester_outbox_dropped_total",
        "counter",
        (),
        "Measurements that were deleted before they were delivered, because the outbox had reached "
        "`outbox.max_bytes`. Survives a restart.",
    ),
    Metric(
        "livepeer_ai_tester_dead_letters",
        "gauge",
        ("consumer",),
        "Measurements that a consumer does not take, set aside in the outbox. "
        "`livepeer-exporter outbox` shows them, has them offered again and drops them.",
    ),
    Metric(
        "livepeer_ai_tester_dead_letters_dropped_total",
        "counter",
        (),
        "Dead letters that were deleted for want of room. Survives a restart.",
    ),
    Metric(
        "livepeer_ai_tester_outbox_pending",
        "gauge",
        (),
        "Measurements in the outbox that the store does not have yet.",
    ),
    Metric(
        "livepeer_ai_tester_consumer_lag",
        "gauge",
        ("consumer",),
        "Measurements in the outbox that a consumer does not have yet.",
    ),
    Metric(
        "livepeer_ai_tester_consumer_delivered_total",
        "counter",
        ("consumer",),
        "Measurements handed to a consumer since the start.",
    ),
    Metric(
        "livepeer_ai_tester_consumer_errors_total",
        "counter",
        ("consumer",),
        "Failed attempts to hand measurements to a consumer; each is repeated.",
    ),
    Metric(
        "livepeer_ai_tester_consumer_up",
        "gauge",
        ("consumer",),
        "0 while a consumer fails, else 1.",
    ),
    Metric(
        "livepeer_ai_tester_posted_results_total",
        "counter",
        ("consumer", "result"),
        "Results for a leaderboard of `leaderboard.post_to`, since the start: sent, found (it had "
        "the result although the attempt had failed), refused (it will never take the result, "
        "which was set aside). Absent where nothing is posted.",
    ),
    Metric(
        "livepeer_ai_tester_station_loop_lag_seconds",
        "gauge",
        (),
        "Longest time in the last minute that the station's event loop was late.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_tester_leaderboard_age_seconds",
        "gauge",
        (),
        "How long ago the answers of the leaderboard API were prepared; absent if they never were.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_tester_leaderboard_posts_total",
        "counter",
        ("tester", "result"),
        "Posts to the leaderboard API by whose secret they were signed with (empty: nobody's) and "
        "what came of them: stored; region without type, which is answered ok and left out; not "
        "authenticated, malformed, invalid region, region not allowed, cannot be stored, too "
        "large, too slow, broken off, too many new targets, not stored.",
    ),
    Metric(
        "livepeer_ai_tester_leaderboard_refused_total",
        "counter",
        ("reason",),
        "Questions to the leaderboard API that were answered 503: busy, or too many rows "
        "(`leaderboard.max_rows`).",
    ),
)

_FOLLOWED: Final = (
    Metric(
        "livepeer_ai_tester_followed_last_success_timestamp_seconds",
        "gauge",
        ("source",),
        "When all that a followed leaderboard has was last read, Unix time; absent until it was, "
        "since the start.",
        "seconds",
    ),
    Metric(
        "livepeer_ai_tester_followed_results_total",
        "counter",
        ("source", "result"),
        "Results that a followed leaderboard had, by what became of them: taken; own (measured by "
        "this tester), known (stored already), misdated (before the year 2000 or after tomorrow), "
        "surplus (of more than 10,000 models and regions) and unreadable ones are left out.",
    ),
    Metric(
        "livepeer_ai_tester_followed_errors_total",
        "counter",
        ("source",),
        "Looks at a followed leaderboard that failed, in whole or in part; each is repeated.",
    ),
)

METRICS: Final = (
    *(*_JOBS, *_PHASES, *_UNITS, *_RANKING),
    *(*_SUPPLY, *_CHAIN, *_REACH, *_MAINTENANCE, *_STATION, *_FOLLOWED),
)

BY_NAME: Final = {metric.name: metric for metric in METRICS}
