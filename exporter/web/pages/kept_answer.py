"""The part of a job's page that shows its answer: pictures, sound, film, and links to all files."""

from typing import Final

from exporter.kept_answers.record import ANSWER, SENT, Kept, KeptFile
from exporter.kept_answers.shape import shape_of
from exporter.web.job_document import file_link
from exporter.web.pages.layout import UNKNOWN, cell, heading, table
from exporter.web.pages.markup import Markup, element, join

_NAMES: Final = {ANSWER: "body", SENT: "what was sent"}


def kept_answer(kept: Kept | None, why_not: str | None) -> Markup:
    """The files of the answer, and the one that was sent for it, or why there are none."""
    title = element("h2", "Answer")
    if kept is None:
        return join((title, element("p", why_not or "", class_="soft")))
    sent, answered = (
        [_shown(kept, file) for file in kept.files if (file.name == SENT) is wanted]
        for wanted in (True, False)
    )
    before = (element("h2", "Sent"), *sent) if any(sent) else ()
    head = (
        heading("file"),
        heading("size", number=True),
        heading("is"),
        heading("claimed to be"),
        heading("sha256"),
    )
    return join((*before, title, *answered, table(head, [_row(kept, file) for file in kept.files])))


def _row(kept: Kept, file: KeptFile) -> Markup:
    name = _NAMES.get(file.name, f"media {file.name}")
    link = file_link(kept, file)
    altered = element("span", " (without the lane's secrets)", class_="soft")
    return element(
        "tr",
        cell(element("a", name, href=link) if link else name, kind="nowrap"),
        cell(f"{file.bytes:,} bytes", kind="num"),
        cell(file.left_out or file.found or "not known", altered if file.altered else ""),
        cell(file.claimed or UNKNOWN, kind="text"),
        cell(file.sha256 or UNKNOWN, kind="text mono"),
    )


def _shown(kept: Kept, file: KeptFile) -> Markup:
    link = file_link(kept, file)
    kind = shape_of(file).element
    if link is None or not kind:
        return Markup()
    if kind == "image":
        what = "sent" if file.name == SENT else "delivered"
        text = f"The picture that was {what}, {file.bytes} bytes"
        medium = element("img", src=link, alt=text, class_="answer")
    else:
        medium = element(kind, src=link, controls=True, preload="metadata", class_="answer")
    return element("p", medium)
