"""The frame of every page."""

import base64
import hashlib
from typing import Final
from urllib.parse import urlencode

from exporter.leaderboard.display import shown
from exporter.model import NANOSECONDS, Blame, Measurement, is_eth_address
from exporter.web.pages.markup import Markup, element, join
from exporter.web.pages.style import STYLE

Page = Markup

UNKNOWN: Final = "\u2013"
"""A dash: what is not known."""

_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

MEDIA_FROM_HERE: Final = "; img-src 'self'; media-src 'self'"
"""What a page that shows kept answers may load beside that."""

_LINKS: Final = (
    ("/", "Leaderboard"),
    ("/orchestrators", "Orchestrators"),
    ("/jobs", "Jobs"),
    ("/jobs?outcome=failed", "Failures"),
    ("/api/v1/targets", "Targets"),
    ("/metrics", "Metrics"),
    ("/readyz", "Health"),
)


def page(title: str, *content: str) -> Page:
    """A whole page."""
    links = (element("a", text, href=target) for target, text in _LINKS)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · Livepeer AI measuring station"),
        Markup(f"<style>{STYLE}</style>"),
    )
    header = element("header", element("strong", "Livepeer AI measuring station"), *links)
    body = element("body", header, element("main", *content))
    return Page("<!doctype html>\n" + element("html", head, body, lang="en"))


def message_page(title: str, text: str) -> Page:
    """A page that just says something."""
    return page(title, element("h1", title), element("p", text))


def table(head: tuple[Markup, ...], rows: list[Markup]) -> Markup:
    """A table that scrolls by itself where it is too wide."""
    top = element("thead", element("tr", *head))
    return element("div", element("table", top, element("tbody", *rows)), class_="table")


def heading(text: str, *, number: bool = False) -> Markup:
    """A column's heading."""
    return element("th", text, class_="num" if number else None)


def cell(*content: str, kind: str | None = None) -> Markup:
    """A table cell; kinds are `num`, `text`, `nowrap`."""
    return element("td", *content, class_=kind)


def facts(pairs: list[tuple[str, str | None]]) -> Markup:
    """Names and values, those without a value left out."""
    return element(
        "dl",
        *(join((element("dt", name), element("dd", value))) for name, value in pairs if value),
    )


def orchestrator_name(orchestrator: str, *, link: bool = True) -> Markup:
    """An orchestrator, an address shortened in its middle; leads to its jobs."""
    whole = shown(orchestrator)
    short = f"{whole[:8]}\u2026{whole[-6:]}" if is_eth_address(whole) else whole
    if not link:
        return element("span", short, title=whole, class_="mono")
    target = "/jobs?" + urlencode({"orchestrator": orchestrator})
    return element("a", short, href=target, title=whole, class_="mono")


def named_orchestrator(orchestrator: str, name: str | None) -> Markup:
    """An orchestrator, and under it the name that is shown beside the address."""
    address = orchestrator_name(orchestrator)
    return address if name is None else join((address, beside(name)))


def beside(name: str) -> Markup:
    """A name, a stranger's text, kept from reordering what stands around it."""
    return element("div", element("bdi", name), class_="soft")


def outcome_badge(job: Measurement) -> Markup:
    """The outcome in the colour of what it means: good, the orchestrator's failure, another's."""
    tone = "ok" if job.ok else "bad" if job.blame is Blame.ORCHESTRATOR else "warn"
    return element("span", job.outcome.value, class_=f"badge {tone}")


def ago(now: int, then: int) -> str:
    """How long ago a moment was, in words; both are Unix nanoseconds."""
    passed = max(0, now - then) // NANOSECONDS
    for seconds, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if passed >= 2 * seconds:
            return f"{passed // seconds} {unit} ago"
    return f"{passed} s ago"


def duration(seconds: float | None) -> str:
    """Seconds for people: `0.4 ms`, `38 ms`, `2.41 s`; a dash for none."""
    if seconds is None:
        return UNKNOWN
    if abs(seconds) < 0.01:  # noqa: PLR2004 - ten milliseconds
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"
