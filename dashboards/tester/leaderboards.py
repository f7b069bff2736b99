"""What goes to leaderboards, and what comes from them."""

from dataclasses import replace
from typing import Final

from dashboards import flux, promql
from dashboards.colours import BAD, GOOD, WARNING
from dashboards.panel import Panel, Query, Row
from dashboards.tester import said
from dashboards.tester.shown import columns

_AGE: Final = Panel(
    title="Answers prepared",
    description="How long ago the answers of the leaderboard API were prepared; no data if they "
    "never were.",
    kind="stat",
    unit="s",
    width=4,
    height=7,
    decimals=0,
    steps=((None, GOOD), (1800, WARNING), (3600, BAD)),
    queries=(said.now("leaderboard_age_seconds", "max", "ago"),),
)
_FOLLOWED: Final = Panel(
    title="Followed leaderboards",
    description="How long ago all that each has was last read, and in the chosen time how many "
    "looks failed, in whole or in part; each is repeated.",
    kind="table",
    unit="none",
    width=10,
    height=7,
    sort_by="Source",
    no_value="none is followed",
    queries=(
        said.age("followed_last_success_timestamp_seconds", "Read ago", ("source",), "s"),
        replace(said.grown("followed_errors_total", "Errors", ("source",)), unit="short"),
    ),
)
_TAKEN: Final = columns(
    "Results of followed leaderboards",
    "What became of them: taken; own (measured by this tester), known, misdated, surplus and "
    "unreadable ones are left out.",
    said.growing("followed_results_total", by=("result",)),
    width=10,
)
_POSTED_HERE: Final = f"livepeer_ai_tester_leaderboard_posts_total{{{promql.TESTER}}}"
_POSTS: Final = columns(
    "Posts that came in",
    "Posts to the leaderboard API by what came of them: stored, or why not. In InfluxDB the tag "
    "`tester` is who posted, so the choice of an installation does not narrow this one.",
    Query(
        promql=f"sum by (result) (increase({_POSTED_HERE}[$__rate_interval]))",
        by=("result",),
        flux=f"{flux.metric('tester_leaderboard_posts_total')}"
        "\n    |> difference(nonNegative: true, initialZero: true)"
        f"{flux.group('outcome')}{flux.windows('sum')}",
    ),
)
_SENT: Final = columns(
    "Results that were posted elsewhere",
    "Results for other leaderboards: sent, found (it had the result although the attempt had "
    "failed), refused (it will never take it).",
    said.growing("posted_results_total", by=("consumer", "result")),
)
_REFUSED: Final = columns(
    "Questions that were refused",
    "Questions to the leaderboard API that were answered 503, by reason.",
    said.growing("leaderboard_refused_total", by=("reason",)),
)

ROW: Final = Row(
    title="Leaderboards: served, followed, posted to",
    panels=(_AGE, _FOLLOWED, _TAKEN, _POSTS, _SENT, _REFUSED),
    closed=True,
)
