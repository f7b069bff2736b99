"""Rules about data sources, variables, links and marks."""

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from dashboards.linting.document import Document, Node, everywhere, title
from dashboards.linting.rule import Found, OfDocument

SOURCE: Final = "${datasource}"
_USED: Final = re.compile(r"(?<!\$)\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_BUILT_IN: Final = re.compile(r"__\w+|timeFilter")
_OWN: Final = re.compile(r"livepeer-ai-[a-z-]+")
_DATA_LINK: Final = ("${__url_time_range}", "${datasource:queryparam}")


def datasource_is_a_variable(document: Document) -> Iterator[Found]:
    """Panels, queries, marks and variables ask the data source that the reader chose."""
    asked: list[tuple[str, Node]] = []
    for panel in document.asking:
        asked.append((title(panel), panel))
        asked += [(title(panel), target) for target in panel.get("targets", [])]
    asked += [(one.get("name", "?"), one) for one in document.annotations]
    asked += [(name, one) for name, one in document.variables.items() if one["type"] == "query"]
    for where, one in asked:
        if one.get("datasource") != {"type": document.edition.value, "uid": SOURCE}:
            yield Found(where, f"asks {one.get('datasource')}")
    source = document.variables.get("datasource", {})
    if source.get("type") != "datasource" or source.get("query") != document.edition.value:
        yield Found("variable datasource", "is not there, or of another type")


def _names(text: str) -> set[str]:
    found = {first or second for first, second in _USED.findall(text)}
    return {name for name in found if not _BUILT_IN.fullmatch(name)}


def variables_exist(document: Document) -> Iterator[Found]:
    """Whatever is used is there; Grafana would send `$name` to the data source."""
    for question in document.questions:
        for name in _names(question.text) - document.variables.keys():
            yield Found(question.where, f"uses ${name}, which is no variable here")


def variables_are_used(document: Document) -> Iterator[Found]:
    """Whatever can be chosen changes something."""
    whole = json.dumps({**document.json, "templating": None})
    of_variables = [json.dumps(one) for one in document.variables.values()]
    for name in document.variables:
        if name not in _names(whole).union(*map(_names, of_variables)):
            yield Found(f"variable {name}", "is used nowhere")


def links_carry_variables(document: Document) -> Iterator[Found]:
    """Whoever follows a link finds there what was chosen here: time, source, and all else."""
    links: list[Node] = document.json.get("links", [])
    if not links:
        yield Found("links", "there are none")
    for link in links:
        if not (link.get("includeVars") and link.get("keepTime")):
            yield Found(f"link {link.get('title')}", "loses variables or time")
    wanted = {f"${{{name}:queryparam}}" for name in document.choices if name != "orchestrator"}
    for path, name, value in everywhere(document.json["panels"]):
        if name == "url" and isinstance(value, str):
            for one in sorted({*_DATA_LINK, *wanted}):
                if one not in value:
                    yield Found(path, f"the link to {urlsplit(value).path} loses {one}")


def only_own_uids(document: Document) -> Iterator[Found]:
    """Links lead to dashboards of ours, of the same edition, and no uid of a place is written."""
    own = str(document.json.get("uid", ""))
    if not _OWN.fullmatch(own):
        yield Found("uid", f"is {own!r}")
    for path, name, value in everywhere(document.json["panels"]):
        if name == "url" and isinstance(value, str):
            to = re.match(r"/d/([^/?]+)", value)
            same = to and to[1].endswith("-influxdb") == own.endswith("-influxdb")
            if not (to and _OWN.fullmatch(to[1]) and same):
                yield Found(path, f"leads to {value}")


def annotations_are_there(document: Document) -> Iterator[Found]:
    """Changes of the tester's configuration are marked on curves, and each mark has a query."""
    if not any("onfiguration" in one.get("name", "") for one in document.annotations):
        yield Found("annotations", "changes of the configuration are not marked")
    for question in document.of_annotations:
        if not question.text:
            yield Found(question.where, "marks nothing")
    for one in document.annotations:
        if not one.get("enable"):
            yield Found(one.get("name", "?"), "is not shown")


RULES: Final[tuple[OfDocument, ...]] = (
    datasource_is_a_variable,
    variables_exist,
    variables_are_used,
    links_carry_variables,
    only_own_uids,
    annotations_are_there,
)
