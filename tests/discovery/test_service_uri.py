from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.discovery.service_uri import UnusableUri, judge, usable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://orch.example:8935", "https://orch.example:8935"),
        (" https://orch.example:8935/ ", "https://orch.example:8935"),
        ("orch.example:8935", "https://orch.example:8935"),
        ("203.0.113.7:8935", "https://203.0.113.7:8935"),
        ("http://[2001:db8::7]:80", "http://[2001:db8::7]:80"),
        ("https://orch.example/ai", "https://orch.example/ai"),
        ("https://under_score.example", "https://under_score.example"),
    ],
)
def test_usable_uris(text: str, expected: str) -> None:
    assert usable(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ", "empty"),
        ("https://" + "a" * 2050, "longer than 2048"),
        ("https://user:secret@orch.example", "user name"),
        ("https://@orch.example", "user name"),
        ("ftp://orch.example", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("https://", "no host"),
        ("https://:8935", "no host"),
        ("https://orch.example:99999", "ort"),
        ("https://orch.example:x", "ort"),
        ("https://orch.example:0", "port is 0"),
        ("https://orch.example/?q=1", "query"),
        ("https://orch.example/#top", "query or a fragment"),
        ("https://orch .example", "blanks"),
        ("https://orch.example\r\nHost: x", "blanks"),
        ("https://orch\\.example", "backslashes"),
        ("https://münchen.example", "not ASCII"),
        ("https://[::1", "IPv6"),
        ("https://[fe80::1%25eth0]:80", "IPv6|scope id"),
        ("https://[v1.x]:80", "IP|neither a name"),
        ("https://a$b.example", "neither a name"),
        ("https://a..b.example", "neither a name"),
        ("https://%31%32%37.0.0.1", "neither a name"),
        ("HTTPS://orch.example:8935", "neither http nor https"),
        ("httpnode.example:8935", "neither http nor https"),
        ("http", "neither http nor https"),
        ("http:orch.example", "no host"),
        ("http:///orch.example", "no host"),
        ("2130706433", "a number"),
        ("http://127.1:8935", "a number"),
        ("http://0177.0.0.1", "a number"),
        ("http://0x7f.0.0.1.", "a number"),
        ("http://127.0.0.1.", "a number"),
        ("https://010.8.8.8", "a number"),
    ],
)
def test_unusable_uris_say_why(text: str, reason: str) -> None:
    with pytest.raises(UnusableUri, match=reason):
        usable(text)


def test_no_uri_is_neither_usable_nor_refused() -> None:
    assert judge(None) == judge("") == (None, None)


@given(st.text(max_size=60) | st.text("htps:/[]@.#?%0a1- ", max_size=30))
def test_whatever_comes_out_is_a_plain_http_url(text: str) -> None:
    try:
        uri = usable(text)
    except UnusableUri:
        return
    parts = urlsplit(uri)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is None
    assert uri.isascii()
    assert usable(uri) == uri
