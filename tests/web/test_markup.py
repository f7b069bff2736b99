from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from exporter.web.pages.markup import Markup, element, escape, join


class Reader(HTMLParser):
    """Keeps tags, attributes and text as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "<b>", element("b", "&")) == "<p>&lt;b&gt;<b>&amp;</b></p>"
    assert join(["<", Markup("<br>")]) == "&lt;<br>"


def test_attributes_are_escaped_named_and_left_out() -> None:
    shown = element("input", class_='a"b', selected=True, value=None, hidden=False, max_length=3)
    assert shown == '<input class="a&quot;b" selected max-length="3">'


def test_characters_that_turn_or_hide_text_become_visible() -> None:
    assert escape("a\u202eb\x00c\u200b\n") == "a\\u202eb\\u0000c\\u200b\n"


PRINTABLE = st.text(st.characters(exclude_categories=["C"]))


@given(PRINTABLE, PRINTABLE)
def test_a_browser_sees_the_text_and_nothing_else(text: str, attribute: str) -> None:
    reader = Reader()
    reader.feed(element("p", text, title=attribute))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.text == text
    assert reader.attributes == [attribute]
