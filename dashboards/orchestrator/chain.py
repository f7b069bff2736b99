"""What can be seen of it besides jobs: its address on the network, and on the chain."""

from typing import Final

from dashboards import flux
from dashboards.colours import BAD, GOOD, UNKNOWN, WARNING
from dashboards.panel import Panel, Query, Row
from dashboards.promql import ORCHESTRATOR

_WHO: Final = ORCHESTRATOR
_DAY: Final = 86_400


def _by_registry(name: str, ending: str = "", flux_ending: str = "", worst: str = "min") -> Query:
    return Query(
        promql=f"{worst} by (registry) (livepeer_ai_{name}{{{_WHO}}}){ending}",
        by=("registry",),
        flux=f"{flux.DATE}{flux.now(name, 'orchestrator')}{flux.group('registry')}"
        f"\n    |> {worst}(){flux_ending}",
    )


def _single(name: str, label: str, worst: str = "max") -> Query:
    return Query(
        name=label,
        promql=f"{worst}(livepeer_ai_{name}{{{_WHO}}})",
        flux=f"{flux.DATE}{flux.now(name, 'orchestrator')}{flux.group()}\n    |> {worst}()",
    )


_REACHABLE: Final = Panel(
    title="Can it be reached?",
    description="Whether the last look at its service URI on the chain got through: name, TCP and "
    "TLS, no job. For each registry (ai, transcoding). Nobody is blamed for it.",
    kind="stat",
    unit="none",
    width=5,
    height=5,
    values=((0, "no", BAD), (1, "yes", GOOD)),
    steps=((None, UNKNOWN),),
    no_value="not known",
    queries=(_by_registry("orchestrator_reachable"),),
)
_CERTIFICATE: Final = Panel(
    title="Certificate ends in",
    description="How long the certificate that it showed is still valid; below 0 it has expired. "
    "Gateways take expired and self-signed ones, too.",
    kind="stat",
    unit="s",
    width=5,
    height=5,
    decimals=0,
    steps=((None, BAD), (0, WARNING), (14 * _DAY, GOOD)),
    no_value="not known",
    queries=(
        _by_registry(
            "orchestrator_certificate_expiry_timestamp_seconds",
            " - time()",
            f"\n    |> map(fn: (r) => ({{r with _value: r._value - ({flux.END})}}))",
        ),
    ),
)
_HANDSHAKE: Final = Panel(
    title="Handshake",
    description="Median of the TCP handshakes of that look: how far it is from this tester.",
    kind="stat",
    unit="s",
    width=4,
    height=5,
    no_value="not known",
    queries=(_by_registry("orchestrator_handshake_seconds"),),
)
_ACTIVE: Final = Panel(
    title="Active?",
    description="Whether it is in the active set of the current round, by the chain.",
    kind="stat",
    unit="none",
    width=3,
    height=5,
    values=((0, "no", WARNING), (1, "yes", GOOD)),
    steps=((None, UNKNOWN),),
    no_value="not read",
    queries=(_single("orchestrator_active", "active"),),
)
_STAKE: Final = Panel(
    title="Stake",
    description="Its own and what is delegated to it, by the chain.",
    kind="stat",
    unit="suffix: LPT",
    width=4,
    height=5,
    decimals=0,
    no_value="not read",
    queries=(_single("orchestrator_stake_lpt", "stake"),),
)
_MAINTENANCE: Final = Panel(
    title="Maintenance",
    description="Whether a maintenance window of the settings is open for it, or for the tester "
    "itself. Tests go on in it; alerts do not.",
    kind="stat",
    unit="none",
    width=3,
    height=5,
    values=((0, "none", GOOD), (1, "open", WARNING)),
    steps=((None, UNKNOWN),),
    no_value="none known",
    queries=(
        Query(
            name="maintenance",
            promql=f"max(livepeer_ai_orchestrator_maintenance{{{_WHO}}}) "
            'or max(livepeer_ai_tester_maintenance{job=~"livepeer-exporter.*"})',
            flux=f"""\
{flux.DATE}union(
    tables: [
        {flux.now("orchestrator_maintenance", "orchestrator")},
        {flux.now("tester_maintenance")},
    ],
){flux.group()}
    |> max()""",
        ),
    ),
)
_REACHED: Final = Panel(
    title="Reached over time",
    description="The looks at its service URI, over time. Empty: not known, such as while the "
    "tester's own network was down.",
    kind="timeline",
    unit="none",
    width=24,
    height=5,
    interval="15m",
    values=((0, "no", BAD), (1, "yes", GOOD)),
    steps=((None, BAD), (1, GOOD)),
    queries=(
        Query(
            promql=f"min by (registry) (livepeer_ai_orchestrator_reachable{{{_WHO}}})",
            by=("registry",),
            flux=flux.metric("orchestrator_reachable", "orchestrator")
            + flux.group("registry")
            + flux.windows("min"),
        ),
    ),
)

ROW: Final = Row(
    title="On the network and on the chain",
    panels=(_REACHABLE, _CERTIFICATE, _HANDSHAKE, _ACTIVE, _STAKE, _MAINTENANCE, _REACHED),
)
