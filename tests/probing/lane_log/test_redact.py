"""What must never be read in a log."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probing.lane_log.redact import HIDDEN, Redactor

KEY = "Zx81-kq7Rt0pLm93vBn"
RPC = f"https://arb.example.io/v2/{KEY}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"| EthUrl | {RPC} |", f"| EthUrl | https://arb.example.io/{HIDDEN} |"),
        (f'Post "{RPC}": EOF', f'Post "https://arb.example.io/{HIDDEN}": EOF'),
        (f"wss://arb.example.io:443/ws/{KEY}", f"wss://arb.example.io:443/{HIDDEN}"),
        ("https://ARB.example.io/v2/zx81", f"https://ARB.example.io/{HIDDEN}"),
        (f"the key is {KEY}!", f"the key is {HIDDEN}!"),
        ("https://arb.example.io", "https://arb.example.io"),
        ("https://another-arb.example.io/v2/x", "https://another-arb.example.io/v2/x"),
        ("https://gpu.example.net:8935/stream/0a/b.png", None),
    ],
)
def test_all_after_the_host_of_a_secret_url_is_hidden(line: str, expected: str | None) -> None:
    assert Redactor([RPC])(line) == (expected or line)


def test_a_secret_url_on_a_port_leaves_other_ports_of_its_host_alone() -> None:
    redact = Redactor(["http://127.0.0.1:8545/private/path"])
    assert redact("http://127.0.0.1:8545/x") == f"http://127.0.0.1:8545/{HIDDEN}"
    assert redact("https://127.0.0.1:8935/text-to-image") == "https://127.0.0.1:8935/text-to-image"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ftp://me:word@host.example/x", f"ftp://{HIDDEN}@host.example/x"),
        ("http://host.example/x?apikey=1#f", f"http://host.example/x?{HIDDEN}"),
        ("http://host.example?apikey=1", f"http://host.example?{HIDDEN}"),
        ("http://host.example/x#part", f"http://host.example/x#{HIDDEN}"),
        ("http://a@b@host.example/", f"http://{HIDDEN}@host.example/"),
        ('Get "http://h.example/a?b": EOF', f'Get "http://h.example/a?{HIDDEN}": EOF'),
        ("what? me@home: #1", "what? me@home: #1"),
    ],
)
def test_no_url_shows_user_info_query_or_fragment(line: str, expected: str) -> None:
    assert Redactor([])(line) == expected


@pytest.mark.parametrize(
    "line",
    ["pass: correct horse", 'err="correct horse"', "a=correct%20horse&b", "CORRECT HORSE"],
)
def test_a_secret_word_is_hidden_in_every_spelling(line: str) -> None:
    redacted = Redactor(["correct horse\n"])(line)
    assert HIDDEN in redacted
    assert "orse" not in redacted.lower()


def test_a_very_short_secret_is_hidden_where_it_stands_alone() -> None:
    redact = Redactor(["abc"])
    assert redact("password abc, not abcd") == f"password {HIDDEN}, not abcd"


def test_user_and_password_of_a_secret_url_are_hidden_alone_too() -> None:
    redact = Redactor(["https://operator:swordfish@rpc.example/x"])
    assert redact("401 for operator with swordfish") == f"401 for {HIDDEN} with {HIDDEN}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"EthPassword {KEY[:12]}", f"EthPassword {HIDDEN}"),
        (f"{KEY[-9:]} is the rest", f"{HIDDEN} is the rest"),
        (f"only {KEY[:4]}", f"only {KEY[:4]}"),
    ],
)
def test_what_a_cut_left_of_a_secret_is_hidden(line: str, expected: str) -> None:
    assert Redactor([KEY])(line) == expected


def test_nothing_shows_the_secrets() -> None:
    redact = Redactor([KEY, RPC])
    assert KEY not in repr(redact)
    assert KEY not in str(redact)


def test_blank_secrets_and_broken_urls_hide_nothing_else() -> None:
    redact = Redactor(["", " \n", "http://[broken/x"])
    assert redact("http://h.example/ and [text]") == "http://h.example/ and [text]"
    assert "broken" not in redact("see http://[broken/x")


secret = st.text(st.characters(categories=["L", "N", "P"]), min_size=8, max_size=40)


@given(st.text(), secret, st.text())
def test_no_line_keeps_a_secret(before: str, word: str, after: str) -> None:
    assert word not in Redactor([word])(before + word + after).replace(HIDDEN, "")


parts = st.sampled_from([KEY, KEY[:8], KEY[-9:], KEY[:7], "arb.example.io", ":443/x", "/", " a "])


@given(st.lists(parts | st.text(max_size=3), max_size=6), st.booleans())
def test_the_short_way_for_lines_without_secrets_changes_nothing(
    pieces: list[str], upper: bool
) -> None:
    line = "".join(pieces)
    line = line.upper() if upper else line
    short, long = Redactor([RPC, KEY, "abc"]), Redactor([RPC, KEY, "abc"])
    long._signs = None
    assert short(line) == long(line)


@pytest.mark.parametrize("piece", ["a", "a://", "://", "http://a@", "?"])
def test_no_line_makes_it_slow(piece: str) -> None:
    redact = Redactor([RPC, KEY, "correct horse"])
    started = time.process_time()
    redact((piece * 60_000)[:60_000])
    assert time.process_time() - started < 1
