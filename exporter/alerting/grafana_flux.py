"""What Grafana-managed rules ask an InfluxDB, for those who have no Prometheus.

Each question gives one value for each thing that may be wrong, with its tags, at the present time;
whatever is muted, stale or too little to tell is left out of the answer.
"""

from typing import Final

import msgspec

from exporter.alerting.money_alerts import BUDGET
from exporter.alerting.rule import Alert, Severity
from exporter.alerting.scope import ORIGINS, Origin, Scope
from exporter.alerting.thresholds import MINUTE, Thresholds
from exporter.model import normal_orchestrator

TARGET: Final = ("orchestrator", "pipeline", "model", "region", "tester")
OFFER: Final = ("orchestrator", "pipeline", "model", "region", "tester")
URI: Final = ("orchestrator", "registry", "region", "tester")
TESTER: Final = ("tester", "region")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: the Flux, its tags, and from which value on it fires."""

    name: str
    severity: Severity
    tags: tuple[str, ...]
    flux: str
    """Gives the columns of `tags` and `_value`."""
    above: float | None = None
    """It fires for values above; or else for those `below`."""
    below: float | None = None
    imports: tuple[str, ...] = ()
    muted: bool = True
    """Whether maintenance and a tester that cannot tell silence it."""
    window: int = 0
    """Seconds over which it looks back: a maintenance in them silences it, too."""
    no_data: str = "OK"
    """What no answer at all means: that all is well (`OK`), or that nothing is (`Alerting`)."""


def questions(thresholds: Thresholds, bucket: str, scope: Scope | None = None) -> list[Question]:
    """All rules that can be asked of InfluxDB; of a scope its origins."""
    source = _Source(bucket, (scope or Scope()).origins)
    return [
        *_of_jobs(thresholds, source),
        *_of_latency(thresholds, source),
        *_of_offers(thresholds, source),
        *_of_tester(thresholds, source),
    ]


def whole(question: Question, bucket: str, scope: Scope | None = None) -> str:
    """The Flux that is asked: without what is muted, one table for each thing, at this moment.

    Of a scope its orchestrators.
    """
    source = _Source(bucket)
    tags = ", ".join(f'"{tag}"' for tag in question.tags)
    imports = "".join(f'import "{name}"\n' for name in question.imports)
    quiet = source.quiet(question.window) if question.muted else ""
    kept = "\n    |> filter(fn: (r) => not contains(value: r.tester, set: resting))"
    if question.muted and "orchestrator" in question.tags:
        kept += "\n    |> filter(fn: (r) => not contains(value: r.tester, set: cutOff))"
        kept += "\n    |> filter(fn: (r) => not contains(value: r.orchestrator, set: serviced))"
    kept = kept if question.muted else ""
    chosen = scope.orchestrators if scope is not None and "orchestrator" in question.tags else ()
    if chosen:
        listed = ", ".join(_quoted(normal_orchestrator(one)) for one in chosen)
        kept += f"\n    |> filter(fn: (r) => contains(value: r.orchestrator, set: [{listed}]))"
    return (
        f"{imports}{quiet}{question.flux}{kept}\n"
        f"    |> map(fn: (r) => ({{r with _time: now()}}))\n"
        f"    |> group(columns: [{tags}])\n"
        f'    |> keep(columns: [{tags}, "_time", "_value"])'
    )


def _quoted(text: str) -> str:
    """A text as Flux writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'


class _Source:
    """Pieces of questions to one bucket."""

    def __init__(self, bucket: str, origins: tuple[Origin, ...] = ORIGINS) -> None:
        self._bucket = _quoted(bucket)
        self._origins = " or ".join(f'r.origin == "{origin}"' for origin in origins)

    def metric(self, field: str, seconds: int, until: int = 0) -> str:
        """Rows of a metric of the last `seconds`, up to `until` seconds ago."""
        stop = f", stop: -{until}s" if until else ""
        return (
            f"from(bucket: {self._bucket}) |> range(start: -{seconds}s{stop})\n"
            f'    |> filter(fn: (r) => r._measurement == "ai_metric" and r._field == "{field}")'
        )

    def now(self, field: str, tags: tuple[str, ...], seconds: int) -> str:
        """The last value of the last `seconds` for each combination of tags."""
        return f"{self.metric(field, seconds)}\n    |> {grouped(tags)}\n    |> {LAST}"

    def jobs(self, field: str, seconds: int, until: int = 0) -> str:
        """Rows of a field of the jobs whose origin may alert."""
        stop = f", stop: -{until}s" if until else ""
        return (
            f"from(bucket: {self._bucket}) |> range(start: -{seconds}s{stop})\n"
            f'    |> filter(fn: (r) => r._measurement == "ai_job" and r._field == "{field}")\n'
            f"    |> filter(fn: (r) => {self._origins})"
        )

    def quiet(self, window: int) -> str:
        """Who rests, or did in the window: in maintenance; or now: testers without a network."""
        gap = 15 * MINUTE
        span = max(gap, window)
        return f"""\
resting = {self.metric("tester_maintenance", span)}
    |> group(columns: ["tester"])
    |> max()
    |> filter(fn: (r) => r._value == 1.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
cutOff = {self.metric("tester_network_up", gap)}
    |> group(columns: ["tester"])
    |> min()
    |> filter(fn: (r) => r._value == 0.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
serviced = {self.metric("orchestrator_maintenance", span)}
    |> group(columns: ["orchestrator"])
    |> max()
    |> group()
    |> findColumn(fn: (key) => true, column: "orchestrator")

"""


NOW: Final = "float(v: int(v: now())) / 1000000000.0"
"""This moment, Unix seconds."""
LAST: Final = 'sort(columns: ["_time"]) |> last()'


def grouped(tags: tuple[str, ...]) -> str:
    """A group for each combination of tags."""
    return f"group(columns: [{', '.join(f'{chr(34)}{tag}{chr(34)}' for tag in tags)}])"


LIVING: Final = "\n    |> filter(fn: (r) => contains(value: r.tester, set: alive))"
"""Of the testers that `_alive` found."""


def _alive(thresholds: Thresholds, source: _Source) -> str:
    """The testers that tested anybody lately: what others say is of a time that is past."""
    return f"""\
alive = {source.metric("job_last_attempt_timestamp_seconds", 15 * MINUTE)}
    |> {grouped(TESTER)}
    |> max()
    |> filter(fn: (r) => {NOW} - r._value < {thresholds.untested}.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
"""


_UNSEEN: Final = 6 * MINUTE
"""Seconds by which a maintenance may end later than its last point."""


def _since_maintenance(thresholds: Thresholds, source: _Source) -> str:
    """When each target was `tested`, and those that were not since a maintenance (`untried`)."""
    target = "(r) => " + ' + "|" + '.join(f"r.{tag}" for tag in TARGET)
    listed = ", ".join(f'"{tag}"' for tag in TARGET)
    found = f"""\
target = {target}
tested = {source.jobs("started_at", thresholds.target_stale)}
    |> {grouped(TARGET)}
    |> max()
    |> group()
    |> keep(columns: [{listed}, "_value"])
"""
    for name, tag, field in (
        ("Serviced", "orchestrator", "orchestrator_maintenance"),
        ("Resting", "tester", "tester_maintenance"),
    ):
        found += f"""\
last{name} = {source.metric(field, thresholds.target_stale)}
    |> filter(fn: (r) => r._value == 1.0)
    |> group(columns: ["{tag}"])
    |> {LAST}
    |> map(fn: (r) => ({{{tag}: r.{tag}, _value: int(v: r._time) + {_UNSEEN}000000000}}))
    |> group()
untried{name} = join(tables: {{job: tested, work: last{name}}}, on: ["{tag}"])
    |> filter(fn: (r) => r._value_job <= r._value_work)
    |> map(fn: (r) => ({{target: target(r: r)}}))
    |> findColumn(fn: (key) => true, column: "target")
"""
    return found


def _of_jobs(thresholds: Thresholds, source: _Source) -> list[Question]:
    streak = f"""\
{_alive(thresholds, source)}{_since_maintenance(thresholds, source)}
join(
    tables: {{
        streak: {source.now("job_consecutive_failures", TARGET, 15 * MINUTE)} |> group(),
        tested: tested,
    }},
    on: [{", ".join(f'"{tag}"' for tag in TARGET)}],
)
    |> map(fn: (r) => ({{r with _value: r._value_streak}}))
    |> filter(fn: (r) => not contains(value: target(r: r), set: untriedServiced))
    |> filter(fn: (r) => not contains(value: target(r: r), set: untriedResting)){LIVING}"""
    ratio = f"""\
{_alive(thresholds, source)}
{source.jobs("scored_success", thresholds.success_window)}
    |> filter(fn: (r) => r._value >= 0.0)
    |> {grouped(TARGET)}
    |> reduce(
        identity: {{n: 0, sum: 0.0}},
        fn: (r, accumulator) => ({{n: accumulator.n + 1, sum: accumulator.sum + r._value}}),
    )
    |> filter(fn: (r) => r.n >= {thresholds.success_samples})
    |> map(fn: (r) => ({{r with _value: r.sum / float(v: r.n)}})){LIVING}"""
    return [
        Question(
            name="LivepeerAiConsecutiveFailures",
            severity=severity,
            tags=TARGET,
            flux=streak,
            above=failures - 0.5,
        )
        for severity, failures in (
            (Severity.WARNING, thresholds.consecutive_warning),
            (Severity.CRITICAL, thresholds.consecutive_critical),
        )
    ] + [
        Question(
            name="LivepeerAiSuccessLow",
            severity=severity,
            tags=TARGET,
            flux=ratio,
            below=share,
            window=thresholds.success_window,
        )
        for severity, share in (
            (Severity.WARNING, thresholds.success_warning),
            (Severity.CRITICAL, thresholds.success_critical),
        )
    ]


def _median(source: _Source, seconds: int, until: int = 0) -> str:
    return (
        f"{source.jobs('inference_time', seconds, until)}\n"
        '    |> filter(fn: (r) => r.outcome == "ok")\n'
        f"    |> {grouped(TARGET)}"
    )


def _of_latency(thresholds: Thresholds, source: _Source) -> list[Question]:
    window = thresholds.latency_window
    listed = ", ".join(f'"{tag}"' for tag in TARGET)
    enough = (
        f"{_alive(thresholds, source)}"
        f"present = () => {_median(source, window)}\n"
        f"known = present() |> count() |> filter(fn: (r) => r._value >= "
        f"{thresholds.latency_samples}) |> group()\n"
        'here = () => present() |> quantile(q: 0.5, method: "exact_mean") |> group()\n'
    )
    before = _median(source, window + thresholds.latency_past, window)
    excess = f"r.here - r.there > {thresholds.latency_excess}"
    past = f"""\
{enough}past = () => {before}
plenty = past() |> count() |> filter(fn: (r) => r._value >= {3 * thresholds.latency_samples})
there = past() |> quantile(q: 0.5, method: "exact_mean") |> group()

union(
    tables: [
        known |> toFloat() |> set(key: "is", value: "known"),
        plenty |> group() |> toFloat() |> set(key: "is", value: "plenty"),
        here() |> set(key: "is", value: "here"),
        there |> set(key: "is", value: "there"),
    ],
)
    |> pivot(rowKey: [{listed}], columnKey: ["is"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.known and exists r.plenty)
    |> filter(fn: (r) => exists r.here and exists r.there and {excess})
    |> map(fn: (r) => ({{r with _value: r.here / r.there}})){LIVING}"""
    same = ("pipeline", "model", "region", "tester")
    others = f"""\
{enough}mine = join(tables: {{here: here(), known: known}}, on: [{listed}])
    |> map(fn: (r) => ({{r with _value: r._value_here}}))
all = () => mine |> {grouped(same)}
there = all() |> quantile(q: 0.5, method: "exact_mean") |> group()
peers = all() |> count() |> filter(fn: (r) => r._value >= {thresholds.latency_peers}) |> group()
network = join(
    tables: {{there: there, peers: peers}},
    on: [{", ".join(f'"{tag}"' for tag in same)}],
)
    |> rename(columns: {{_value_there: "there"}})

join(tables: {{mine: mine, network: network}}, on: [{", ".join(f'"{tag}"' for tag in same)}])
    |> map(fn: (r) => ({{r with here: r._value}}))
    |> filter(fn: (r) => {excess})
    |> map(fn: (r) => ({{r with _value: r.here / r.there}})){LIVING}"""
    return [
        Question(
            name="LivepeerAiSlowerThanBefore",
            severity=Severity.WARNING,
            tags=TARGET,
            flux=past,
            above=thresholds.latency_past_factor,
            window=window,
        ),
        Question(
            name="LivepeerAiSlowerThanOthers",
            severity=Severity.WARNING,
            tags=TARGET,
            flux=others,
            above=thresholds.latency_network_factor,
            window=window,
        ),
    ]


_LOOK: Final = 6 * 60 * MINUTE
"""Seconds for which a look at a service URI says something of now."""


def _looked_at(source: _Source, field: str) -> str:
    """The last value of what a look at a service URI showed, where one looked lately."""
    gap, listed = 15 * MINUTE, ", ".join(f'"{tag}"' for tag in URI)
    return f"""\
looked = {source.now("orchestrator_reach_timestamp_seconds", URI, gap)}
    |> filter(fn: (r) => {NOW} - r._value < {_LOOK}.0)
    |> group()

join(
    tables: {{shown: {source.now(field, URI, gap)} |> group(), looked: looked}},
    on: [{listed}],
)
    |> map(fn: (r) => ({{r with _value: r._value_shown}}))"""


def _of_offers(thresholds: Thresholds, source: _Source) -> list[Question]:
    gap = 15 * MINUTE
    fresh = f"""\
stale = {source.now("tester_supply_timestamp_seconds", TESTER, gap)}
    |> filter(fn: (r) => {NOW} - r._value > {thresholds.supply_stale}.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
blind = {source.metric("tester_source_up", gap)}
    |> filter(fn: (r) => r._value == 0.0)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
seeing = {source.metric("tester_supply_timestamp_seconds", gap)}
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
"""
    only = (
        "\n    |> filter(fn: (r) => not contains(value: r.tester, set: stale))"
        "\n    |> filter(fn: (r) => not contains(value: r.tester, set: blind))"
        "\n    |> filter(fn: (r) => contains(value: r.tester, set: seeing))"
    )
    listed = ", ".join(f'"{tag}"' for tag in OFFER)
    day = 86400
    cold = f"""\
{fresh}
now_ = {source.now("tester_offer_warm", OFFER, gap)}
    |> filter(fn: (r) => r._value == 0.0)
    |> group()
before = {source.metric("tester_offer_warm", day, thresholds.cold_for)}
    |> {grouped(OFFER)}
    |> mean()
    |> group()

join(tables: {{now: now_, before: before}}, on: [{listed}])
    |> map(fn: (r) => ({{r with _value: r._value_before}})){only}"""
    who = ("orchestrator", "region", "tester")
    vanished = f"""\
{fresh}
changed = {source.metric("tester_settings_digest", thresholds.vanished_memory)}
    |> group(columns: ["tester"])
    |> unique()
    |> count()
    |> filter(fn: (r) => r._value > 1)
    |> group()
    |> findColumn(fn: (key) => true, column: "tester")
here = {source.metric("tester_offer_tested", gap)}
    |> {grouped(who)}
    |> last()
    |> set(key: "is", value: "here")
before = {source.metric("tester_offer_tested", thresholds.vanished_memory, gap)}
    |> filter(fn: (r) => r._value == 1.0)
    |> {grouped(who)}
    |> last()
    |> set(key: "is", value: "before")

union(tables: [here |> group(), before |> group()])
    |> pivot(
        rowKey: [{", ".join(f'"{tag}"' for tag in who)}],
        columnKey: ["is"],
        valueColumn: "_value",
    )
    |> filter(fn: (r) => exists r.before and not exists r.here)
    |> filter(fn: (r) => not contains(value: r.tester, set: changed))
    |> map(fn: (r) => ({{r with _value: 1.0}})){only}"""
    certificate = _looked_at(source, "orchestrator_certificate_expiry_timestamp_seconds")
    return [
        Question(
            name="LivepeerAiModelCold",
            severity=Severity.WARNING,
            tags=OFFER,
            flux=cold,
            above=thresholds.cold_share - 1e-9,
        ),
        Question(
            name="LivepeerAiOrchestratorVanished",
            severity=Severity.CRITICAL,
            tags=who,
            flux=vanished,
            above=0.5,
        ),
        Question(
            name="LivepeerAiOrchestratorUnreachable",
            severity=Severity.INFO,
            tags=URI,
            flux=_looked_at(source, "orchestrator_reachable"),
            below=0.5,
        ),
        Question(
            name="LivepeerAiCertificateExpiring",
            severity=Severity.INFO,
            tags=URI,
            flux=f"{certificate}\n    |> map(fn: (r) => ({{r with _value: r._value - {NOW}}}))",
            below=float(thresholds.certificate_left),
        ),
    ]


def _of_tester(thresholds: Thresholds, source: _Source) -> list[Question]:
    gap = 15 * MINUTE
    age = f"\n    |> map(fn: (r) => ({{r with _value: {NOW} - r._value}}))"
    consumer, source_of, account = ((*TESTER, tag) for tag in ("consumer", "source", "reason"))

    def critical(*reasons: str) -> str:
        return " or ".join(f'r.reason == "{reason}"' for reason in reasons)

    read = "tester_followed_last_success_timestamp_seconds"
    concern = source.now("tester_account_concern", account, gap)
    cannot_pay = critical(
        "no_deposit", "no_reserve", "unlocking_soon", "withdrawable", "orchestrator"
    )
    soon = critical("low_reserve", "few_days", "unlocking", "unread")
    return [
        Question(
            name="LivepeerAiTesterDown",
            severity=Severity.CRITICAL,
            tags=TESTER,
            flux=source.now("tester_targets", TESTER, 86400) + "\n    |> map(fn: (r) => "
            "({r with _value: float(v: int(v: now()) - int(v: r._time)) / 1000000000.0}))",
            above=float(thresholds.down_for),
            muted=False,
            no_data="Alerting",
        ),
        Question(
            name="LivepeerAiNetworkDown",
            severity=Severity.CRITICAL,
            tags=TESTER,
            flux=source.now("tester_network_up", TESTER, 5 * MINUTE),
            below=0.5,
        ),
        Question(
            name="LivepeerAiNothingTested",
            severity=Severity.CRITICAL,
            tags=TESTER,
            flux=source.metric("job_last_attempt_timestamp_seconds", gap)
            + f"\n    |> {grouped(TESTER)}\n    |> max(){age}",
            above=float(thresholds.untested),
        ),
        Question(
            name="LivepeerAiCyclesLate",
            severity=Severity.WARNING,
            tags=TESTER,
            flux=source.now("tester_cycle_lateness_seconds", (*TESTER, "orchestrator"), gap)
            + f'\n    |> {grouped(TESTER)}\n    |> quantile(q: 0.5, method: "exact_mean")',
            above=float(thresholds.late),
        ),
        Question(
            name="LivepeerAiOutboxGrowing",
            severity=Severity.WARNING,
            tags=TESTER,
            flux=source.metric("tester_outbox_pending", gap)
            + f"\n    |> {grouped(TESTER)}\n    |> min()",
            above=float(thresholds.pending),
        ),
        Question(
            name="LivepeerAiDeadLetters",
            severity=Severity.WARNING,
            tags=consumer,
            flux=source.now("tester_dead_letters", consumer, gap),
            above=0.5,
        ),
        Question(
            name="LivepeerAiConsumerFailing",
            severity=Severity.WARNING,
            tags=consumer,
            flux=source.now("tester_consumer_up", consumer, gap),
            below=0.5,
        ),
        Question(
            name="LivepeerAiFollowedSilent",
            severity=Severity.WARNING,
            tags=source_of,
            flux=f"""\
read = {source.now(read, source_of, gap)}{age}
    |> group()
ever = {source.metric(read, thresholds.followed_silent)}
    |> group()
    |> findColumn(fn: (key) => true, column: "source")
never = {source.metric("tester_followed_errors_total", thresholds.followed_silent)}
    |> {grouped(source_of)}
    |> sort(columns: ["_time"])
    |> increase()
    |> last()
    |> filter(fn: (r) => r._value > 0.0 and not contains(value: r.source, set: ever))
    |> map(fn: (r) => ({{r with _value: {thresholds.followed_silent + 1}.0}}))
    |> group()

union(tables: [read, never])""",
            above=float(thresholds.followed_silent),
        ),
        Question(
            name="LivepeerAiSourceDown",
            severity=Severity.WARNING,
            tags=source_of,
            flux=source.now("tester_source_up", source_of, gap),
            below=0.5,
        ),
        Question(
            name="LivepeerAiDiscoveryStale",
            severity=Severity.CRITICAL,
            tags=TESTER,
            flux=source.now("tester_supply_timestamp_seconds", TESTER, gap) + age,
            above=float(thresholds.supply_stale),
        ),
        Question(
            name="LivepeerAiAccountConcern",
            severity=Severity.CRITICAL,
            tags=account,
            flux=f"{concern}\n    |> filter(fn: (r) => {cannot_pay})",
            above=0.5,
        ),
        Question(
            name="LivepeerAiAccountConcern",
            severity=Severity.WARNING,
            tags=account,
            flux=f"{concern}\n    |> filter(fn: (r) => {soon})",
            above=0.5,
        ),
        Question(
            name="LivepeerAiBudgetReached",
            severity=Severity.WARNING,
            tags=TESTER,
            flux=f"""\
held = {source.now("tester_targets_held_back", account, gap)}
    |> filter(fn: (r) => r.reason == "{BUDGET}" and r._value > 0.0)
    |> map(fn: (r) => ({{tester: r.tester, region: r.region, _value: 1.0}}))
    |> group()
spent = join(
    tables: {{
        cost: {source.now("tester_cost_today_wei", TESTER, gap)} |> group(),
        limit: {source.now("tester_spending_limit_wei", TESTER, gap)} |> group(),
    }},
    on: ["tester", "region"],
)
    |> map(fn: (r) => ({{
        tester: r.tester,
        region: r.region,
        _value: r._value_cost / r._value_limit,
    }}))
    |> group()

union(tables: [held, spent])
    |> {grouped(TESTER)}
    |> max()""",
            above=1 - 1e-9,
        ),
    ]


def alert_of(question: Question, alerts: list[Alert]) -> Alert:
    """The alert of Prometheus' rules that says the same. Raises `KeyError`."""
    return {alert.key: alert for alert in alerts}[question.name, question.severity]
