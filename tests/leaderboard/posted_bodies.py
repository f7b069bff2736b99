"""Bodies as somebody careless or hostile posts them, drawn by chance."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

FIELDS: Final = {
    "region": "string",
    "orchestrator": "string",
    "success_rate": "number",
    "round_trip_time": "number",
    "errors": "errors",
    "timestamp": "integer",
    "seg_duration": "number",
    "upload_time": "number",
    "download_time": "number",
    "transcode_time": "number",
    "segments_sent": "integer",
    "segments_received": "integer",
    "model": "string",
    "pipeline": "string",
    "input_parameters": "string",
    "response_payload": "string",
    "model_is_warm": "boolean",
    "error_code": "string",
    "message": "string",
    "count": "integer",
}
STRANGERS: Final = (
    "id",
    "ID",
    "-",
    "",
    "region ",
    "\u017f",
    "İd",
    "mode\u0131",
    "straße",
    "Stats",
    "日本",
)
INTEGERS: Final = (
    *("0", "-0", "1", "-1", "5", "1700000000", "2147483648", "9007199254740993"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("-9223372036854775809", "18446744073709551616", "9" * 30, "1" + "0" * 30),
)
NUMBERS: Final = (
    *INTEGERS,
    *("0.0", "-0.0", "5.0", "1.5", "0.1", "1e3", "1E3", "1e+3", "1e-3", "-0e0", "0e999999999999"),
    *("1e308", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308"),
    *("1.797693134862315807e308", "1.797693134862315808e308", "1e309", "1e400", "-1e400"),
    *("5e-324", "2e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400"),
    *("4.9406564584124654e-324", "2.2250738585072011e-308", "0.1234567890123456789012345678901234"),
    *("123456789012345678901234567890e-10", "1e00000000000000005", "1e-00000012", "1e99999999999"),
    *("0." + "0" * 400 + "1e401", "1" + "0" * 400 + "e-400", "1e-123456"),
    *("9007199254740993.0000000000000000000000000000000000001", "8.5e15", "1e21", "1e-7"),
    *("0.5" + "0" * 900 + "1", "1." + "1" * 1000),
)
LONG_NUMBERS: Final = (
    *("0." + "0" * 99_999 + "1e100000", "0." + "0" * 99_999 + "1e99999", "1" + "0" * 5000),
    *("0." + "0" * 12_344 + "1e123456", "0." + "0" * 10_000 + "1e00010001"),
)
BAD_NUMBERS: Final = (
    *("01", "00", "-", "--1", "+1", "1.", ".5", "1.e5", "1e", "1e+", "1e-", "1.5.2", "1e5e5", "-a"),
    *("0x10", "1_000", "NaN", "Infinity", "-Infinity", "1e5.5", "- 1", "1 2", "1\u0660", "٣"),
)
PIECES: Final = (
    *(b"a", b"FRA", b" ", b"0x", b"/", b"'", b"<&>", b"\x7f", b"\\\\", b'\\"', b"\\/", b"\\b"),
    *(b"\\f", b"\\n", b"\\r", b"\\t", b"\\u0041", b"\\u0000", b"\\u00e9", b"\\uFFFD", b"\\u2028"),
    *(b"\\ud800", b"\\uD83D", b"\\udc00", b"\\uDE00", b"\\ud83d\\ude00", b"\\udfff", b"\\udbff"),
    *("é".encode(), "日".encode(), "😀".encode(), "\u2028".encode(), b"\xff", b"\xc3", b"\xa9"),
    *(b"\xe2\x82", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80"),
    *(b"\xc0\x80", b"\xe0\x80\x80", b"\xf5", b"\xef\xbb\xbf", b"\xf0\x80\x80\x80", b"\x80"),
)
BAD_PIECES: Final = (
    *(b"\n", b"\t", b"\x00", b"\x1f", b"\\x", b"\\'", b"\\u12", b"\\u12g4", b"\\ud800\\u", b"\\"),
    *(b"\\U0041", b"\\u", b"\\\xc3\xa9", b"\\u004\xff", b"\\0", b"\\\n", b'"'),
)
TOKENS: Final = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b'""', b'"region"', b'"errors"', b'"count"'),
    *(b"null", b"true", b"false", b"nul", b"True", b"0", b"-", b"1", b"1.5", b"1e", b" ", b"\n"),
    *(b"\\", b"\\u", b"\x00", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x80", b"\xa0", b"\xad", b"'"),
    *(b"\xef\xbb\xbf", b"\xc3\xa9", b"\xff", b"//", b"/*", b"<", b"\x07", b"\x08", b"NaN"),
)
SPACES: Final = (*(b"",) * 4, b" ", b"\n", b"\t", b"\r\n", b"   ")
DEPTHS: Final = (1, 2, 3, 50, 998, 3000, 9996, 9997, 9998, 9999, 10_000, 10_001, 10_002, 20_000)
SAMPLE: Final = (
    b' {"region" : "F\\u00e9\\n", "errors":[{"count":-1, "x":[ [],{} ]} , null]'
    b',"model_is_warm":true,"success_rate":-0.5e+1,"y":false,"timestamp":10'
    b',"seg_duration":1E0,"z":{} }\n'
)
"""A body on the way through which a scanner comes by all its states."""


def drawn_bodies(chance: Random, count: int) -> Iterator[bytes]:
    """So many bodies of all sorts; about half of them are valid JSON."""
    sorts: list[Callable[[Random], bytes]] = [_good, _stat, _stat, _odd_root, _soup, _repeated]
    for _ in range(count):
        body = chance.choice(sorts)(chance)
        if chance.random() < 0.4:
            body = _spoiled(chance, body)
        yield body


def deep_bodies() -> Iterator[bytes]:
    """Bodies nested as deep as is taken, and deeper, in known and unknown places."""
    for depth in DEPTHS:
        for opening, inner, closing in (
            (b"[", b"", b"]"),
            (b'{"a":', b"{}", b"}"),
            (b"[", b"1", b"]"),
        ):
            nest = opening * depth + inner + closing * depth
            for before, after in (
                (b"", b""),
                (b'{"unknown":', b',"region":"FRA"}'),
                (b'{"region":', b"}"),
                (b'{"errors":', b"}"),
                (b'{"errors":[{"unknown":', b',"count":7},{"count":"x"}]}'),
                (b'{"unknown":[0,', b',[[]],{"a":1}],"count":1}'),
            ):
                yield before + nest + after
            yield nest[:-1]
            yield nest + b"]"
            yield opening * depth


def long_bodies() -> Iterator[bytes]:
    """Bodies with very long numbers, names and texts."""
    for number in LONG_NUMBERS:
        yield f'{{"success_rate":{number}}}'.encode()
        yield f'{{"timestamp":{number}}}'.encode()
        yield f'{{"region":{number}}}'.encode()
    for piece in PIECES:
        yield b'{"region":"' + piece * 2000 + b'","' + piece * 2000 + b'":1}'


def stumbling_bodies() -> Iterator[bytes]:
    """Every beginning of the sample, alone and with each byte after it."""
    for end in range(len(SAMPLE) + 1):
        yield SAMPLE[:end]
        for byte in range(256):
            yield SAMPLE[:end] + bytes([byte])


def _good(chance: Random) -> bytes:
    """A stat as a tester posts it."""
    names = [name for name in FIELDS if chance.random() < 0.8]
    return _object(chance, [(f'"{name}"'.encode(), _value(chance, FIELDS[name])) for name in names])


def _stat(chance: Random) -> bytes:
    """A stat with odd names, odd values, repeated and unknown fields."""
    members = [_member(chance, 0.8) for _ in range(chance.randrange(8))]
    return _object(chance, members)


def _repeated(chance: Random) -> bytes:
    """A stat with a few fields again and again; mostly its errors."""
    others = chance.sample(sorted(FIELDS), 2)
    names = chance.choices(["errors", "Errors", *others], [6, 2, 1, 1], k=chance.randrange(2, 7))
    return _object(chance, [(f'"{n}"'.encode(), _field(chance, n.lower(), 0.95)) for n in names])


def _odd_root(chance: Random) -> bytes:
    return chance.choice(SPACES) + _any(chance, 2) + chance.choice(SPACES)


def _soup(chance: Random) -> bytes:
    return b"".join(chance.choices(TOKENS, k=chance.randrange(12)))


def _member(chance: Random, sense: float) -> tuple[bytes, bytes]:
    name = chance.choice(list(FIELDS))
    if chance.random() < 0.1:
        return f'"{chance.choice(STRANGERS)}"'.encode(), _any(chance, 3)
    return _name(chance, name), _field(chance, name, sense)


def _field(chance: Random, name: str, sense: float) -> bytes:
    kind = FIELDS[name] if chance.random() < sense else chance.choice(list(FIELDS.values()))
    return _value(chance, kind)


def _name(chance: Random, name: str) -> bytes:
    """A name as it is, or in odd case, or escaped in places."""
    if chance.random() < 0.5:
        return f'"{name}"'.encode()
    return b'"' + b"".join(_letter(chance, letter) for letter in name) + b'"'


def _letter(chance: Random, letter: str) -> bytes:
    drawn = chance.random()
    if drawn < 0.5:
        return letter.upper().encode()
    if drawn < 0.55:
        return f"\\u{ord(letter):04X}".encode()
    if drawn < 0.7 and letter in "sk":
        return {"s": "\u017f", "k": "\N{KELVIN SIGN}"}[letter].encode()
    if drawn < 0.72 and letter in "si":
        return {"s": b"\\u017F", "i": "İ".encode()}[letter]
    return letter.encode()


def _value(chance: Random, kind: str) -> bytes:
    if chance.random() < 0.07:
        return b"null"
    match kind:
        case "string":
            return _string(chance)
        case "number":
            return chance.choice(NUMBERS).encode()
        case "integer":
            return chance.choice(INTEGERS if chance.random() < 0.9 else NUMBERS).encode()
        case "boolean":
            return chance.choice((b"true", b"false"))
    return _array(chance, [_error(chance) for _ in range(chance.randrange(4))])


def _error(chance: Random) -> bytes:
    drawn = chance.random()
    if drawn < 0.15:
        return b"null"
    if drawn < 0.2:
        return _any(chance, 2)
    names = chance.choices(("error_code", "message", "count", "unknown"), k=chance.randrange(4))
    return _object(
        chance,
        [
            (_name(chance, name), _field(chance, name, 0.97) if name in FIELDS else _any(chance, 2))
            for name in names
        ],
    )


def _any(chance: Random, depth: int) -> bytes:
    """Any JSON value."""
    kinds = ["string", "number", "boolean", "errors"]
    drawn = chance.random()
    if depth and drawn < 0.2:
        return _array(chance, [_any(chance, depth - 1) for _ in range(chance.randrange(3))])
    if depth and drawn < 0.4:
        return _object(chance, [(_string(chance), _any(chance, depth - 1)) for _ in range(2)])
    return _value(chance, chance.choice(kinds))


def _string(chance: Random) -> bytes:
    return b'"' + b"".join(chance.choices(PIECES, k=chance.randrange(5))) + b'"'


def _object(chance: Random, members: list[tuple[bytes, bytes]]) -> bytes:
    parts = [_spaced(chance, key) + b":" + _spaced(chance, value) for key, value in members]
    return chance.choice(SPACES) + b"{" + b",".join(parts) + chance.choice(SPACES) + b"}"


def _array(chance: Random, values: list[bytes]) -> bytes:
    return b"[" + b",".join(_spaced(chance, value) for value in values) + b"]"


def _spaced(chance: Random, part: bytes) -> bytes:
    return chance.choice(SPACES) + part + chance.choice(SPACES)


def _spoiled(chance: Random, body: bytes) -> bytes:
    """The body with something wrong in a place or two."""
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(len(body) + 1)
        until = min(len(body), at + chance.choice((0, 0, 1, 1, 5)))
        body = body[:at] + _wrong(chance) + body[until:]
    return body[: chance.randrange(len(body) + 1)] if chance.random() < 0.2 else body


def _wrong(chance: Random) -> bytes:
    drawn = chance.randrange(5)
    if drawn == 0:
        return b""
    if drawn == 1:
        return chance.choice(BAD_NUMBERS).encode()
    if drawn == 2:
        return chance.choice(BAD_PIECES)
    if drawn == 3:
        return chance.choice(TOKENS)
    return chance.randbytes(1)
