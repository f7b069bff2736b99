"""What the original's contract says about the decoding of a posted stat, case by case."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.leaderboard.go_json_reader import GoJsonError, PostedError, PostedStat, read_stat

LARGEST, SMALLEST = 2**63 - 1, -(2**63)
LONG_S = "\N{LATIN SMALL LETTER LONG S}"
NUMBERS = (
    "success_rate",
    "round_trip_time",
    "seg_duration",
    "upload_time",
    "download_time",
    "transcode_time",
)
INTEGERS = {"timestamp": "int64", "segments_sent": "int", "segments_received": "int"}
TEXTS = (
    "region",
    "orchestrator",
    "model",
    "pipeline",
    "input_parameters",
    "response_payload",
)


def refusal(body: bytes | str) -> str:
    with pytest.raises(GoJsonError) as refused:
        read_stat(body if isinstance(body, bytes) else body.encode())
    assert type(refused.value) is GoJsonError
    return str(refused.value)


def stat(body: bytes | str) -> PostedStat:
    return read_stat(body if isinstance(body, bytes) else body.encode())


def misfit(what: str, field: str, kind: str) -> str:
    return f"json: cannot unmarshal {what} into Go struct field {field} of type {kind}"


def test_a_whole_stat_is_read() -> None:
    body = """
    {
      "region": "FRA", "orchestrator": "0xAb", "success_rate": 0.5, "round_trip_time": 2.25,
      "errors": [{"error_code": "timeout", "message": "too slow", "count": 2}, {}],
      "timestamp": 1700000000, "seg_duration": 2, "upload_time": 0.1, "download_time": 0.2,
      "transcode_time": 0.3, "segments_sent": 4, "segments_received": 3,
      "model": "m/one", "pipeline": "Text to image", "input_parameters": "{\\"a\\":1}",
      "response_payload": "{}", "model_is_warm": true
    }
    """
    assert stat(body) == PostedStat(
        region="FRA",
        orchestrator="0xAb",
        success_rate=0.5,
        round_trip_time=2.25,
        errors=(PostedError("timeout", "too slow", 2), PostedError()),
        timestamp=1700000000,
        seg_duration=2.0,
        upload_time=0.1,
        download_time=0.2,
        transcode_time=0.3,
        segments_sent=4,
        segments_received=3,
        model="m/one",
        pipeline="Text to image",
        input_parameters='{"a":1}',
        response_payload="{}",
        model_is_warm=True,
    )


@pytest.mark.parametrize("body", ["{}", " {} ", "null", "\n\tnull\r\n"])
def test_nothing_at_all_is_a_stat_of_zeros(body: str) -> None:
    assert stat(body) == PostedStat()
    assert stat(body).errors is None


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("[]", "array"),
        ("[1]", "array"),
        ('"FRA"', "string"),
        ("1", "number"),
        ("1e400", "number"),
        ("true", "bool"),
        (" false ", "bool"),
    ],
)
def test_another_value_than_an_object_is_refused(body: str, what: str) -> None:
    assert refusal(body) == f"json: cannot unmarshal {what} into Go value of type models.Stats"


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_takes_nothing_but_texts(name: str) -> None:
    assert getattr(stat(f'{{"{name}":"x"}}'), name) == "x"
    wrong = {"1": "number", "true": "bool", "[]": "array", '{"a":1}': "object"}
    for value, what in wrong.items():
        assert refusal(f'{{"{name}":{value}}}') == misfit(what, f"Stats.{name}", "string")


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_takes_nothing_but_numbers(name: str) -> None:
    for text, number in {"1": 1.0, "-0.5": -0.5, "1e3": 1000.0, "5E-1": 0.5}.items():
        found = getattr(stat(f'{{"{name}":{text}}}'), name)
        assert (type(found), found) == (float, number)
    wrong = {'"1"': "string", "true": "bool", "[]": "array", "{}": "object"}
    for value, what in wrong.items():
        assert refusal(f'{{"{name}":{value}}}') == misfit(what, f"Stats.{name}", "float64")


@pytest.mark.parametrize(("name", "kind"), INTEGERS.items())
def test_an_integer_is_written_plainly_and_has_64_bits(name: str, kind: str) -> None:
    for number in (0, 5, -5, LARGEST, SMALLEST):
        assert getattr(stat(f'{{"{name}":{number}}}'), name) == number
    assert getattr(stat(f'{{"{name}":-0}}'), name) == 0
    for text in ("5.0", "1e3", "1.5", str(LARGEST + 1), str(SMALLEST - 1), "9" * 5000):
        wanted = misfit(f"number {text}", f"Stats.{name}", kind)
        assert refusal(f'{{"{name}":{text}}}') == wanted
    wrong = {'"1"': "string", "true": "bool", "[]": "array", "{}": "object"}
    for value, what in wrong.items():
        assert refusal(f'{{"{name}":{value}}}') == misfit(what, f"Stats.{name}", kind)


def test_a_boolean_takes_nothing_but_booleans() -> None:
    assert stat('{"model_is_warm":true}').model_is_warm is True
    assert stat('{"model_is_warm":false}').model_is_warm is False
    wrong = {'"true"': "string", "1": "number", "[]": "array", "{}": "object"}
    for value, what in wrong.items():
        assert refusal(f'{{"model_is_warm":{value}}}') == misfit(
            what, "Stats.model_is_warm", "bool"
        )


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        ("null", None),
        ("[]", ()),
        ("[ ]", ()),
        ("[null]", (PostedError(),)),
        ("[{}]", (PostedError(),)),
        ('[{"error_code":"a"}, {"COUNT":3}]', (PostedError("a"), PostedError(count=3))),
        ('[{"message":"m","x":[{"count":"y"}],"count":null}]', (PostedError(message="m"),)),
    ],
)
def test_errors_are_null_or_an_array_of_objects(value: str, errors: Any) -> None:
    assert stat(f'{{"errors":{value}}}').errors == errors


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ('"x"', misfit("string", "Stats.errors", "[]models.Error")),
        ("1", misfit("number", "Stats.errors", "[]models.Error")),
        ("true", misfit("bool", "Stats.errors", "[]models.Error")),
        ("{}", misfit("object", "Stats.errors", "[]models.Error")),
        ('["x"]', misfit("string", "Stats.errors", "models.Error")),
        ("[{}, 1.5]", misfit("number", "Stats.errors", "models.Error")),
        ("[false]", misfit("bool", "Stats.errors", "models.Error")),
        ("[[]]", misfit("array", "Stats.errors", "models.Error")),
        ('[{"error_code":1}]', misfit("number", "Error.errors.error_code", "string")),
        ('[{"MESSAGE":{}}]', misfit("object", "Error.errors.message", "string")),
        ('[{"count":"1"}]', misfit("string", "Error.errors.count", "int")),
        ('[{"count":1.0}]', misfit("number 1.0", "Error.errors.count", "int")),
    ],
)
def test_errors_of_another_kind_are_refused(value: str, wanted: str) -> None:
    assert refusal(f'{{"errors":{value}}}') == wanted


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (['[{"count":1}]', '[{"count":2}]'], (PostedError(count=2),)),
        (['[{"count":1}]', '[{"message":"m"}]'], (PostedError(message="m", count=1),)),
        (['[{"count":1}]', "[null]"], (PostedError(count=1),)),
        (['[{"count":1},{"count":2}]', "[{}]"], (PostedError(count=1),)),
        (
            ['[{"count":1},{"count":2}]', "[{}]", "[{},{},{}]"],
            (PostedError(count=1), PostedError(count=2), PostedError()),
        ),
        (['[{"count":1}]', "null"], None),
        (['[{"count":1}]', "null", "[{}]"], (PostedError(),)),
        (['[{"count":1}]', "[]"], ()),
        (['[{"count":1}]', "[]", "[{}]"], (PostedError(),)),
    ],
)
def test_repeated_errors_fill_the_places_of_the_earlier_ones(
    values: list[str], errors: Any
) -> None:
    members = ",".join(f'"errors":{value}' for value in values)
    assert stat(f"{{{members}}}").errors == errors


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("SUCCESS_RATE", "success_rate"),
        ("Success_Rate", "success_rate"),
        ("\\u0073uccess_rate", "success_rate"),
        (f"{LONG_S}ucce{LONG_S}{LONG_S}_rate", "success_rate"),
        ("\\u017Fuccess_rate", "success_rate"),
        ("seg_DURATION", "seg_duration"),
        ("tran\\u017FCODE_time", "transcode_time"),
    ],
)
def test_names_match_without_regard_to_case(name: str, field: str) -> None:
    assert getattr(stat(f'{{"{name}":0.5}}'), field) == 0.5


def test_the_message_has_the_name_of_the_field_not_of_the_body() -> None:
    assert refusal(f'{{"{LONG_S}UCCESS_RATE":"x"}}') == misfit(
        "string", "Stats.success_rate", "float64"
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        "ID",
        "id",
        "region ",
        "reg\N{LATIN SMALL LETTER DOTLESS I}on",
        "reg\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}on",
        "reg\\u0000ion",
        "success rate",
        "Region\u0301",
    ],
)
def test_other_names_are_unknown_and_ignored(name: str) -> None:
    assert stat(f'{{"{name}":{{"region":[1e999]}}}}') == PostedStat()


def test_an_invalid_byte_makes_a_name_unknown() -> None:
    assert stat(b'{"region\xff":1}') == PostedStat()


def test_the_last_of_a_repeated_field_counts_in_whatever_case() -> None:
    assert stat('{"region":"A","REGION":"B"}').region == "B"
    assert stat('{"REGION":"B","region":"A"}').region == "A"


@pytest.mark.parametrize("name", [*TEXTS, *NUMBERS, *INTEGERS, "model_is_warm"])
def test_null_leaves_a_field_as_it_was(name: str) -> None:
    value = '"x"' if name in TEXTS else "true" if name == "model_is_warm" else "1"
    assert stat(f'{{"{name}":null}}') == PostedStat()
    assert stat(f'{{"{name}":{value},"{name}":null}}') == stat(f'{{"{name}":{value}}}')


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_overflows_a_double_is_refused_in_known_fields_only(name: str) -> None:
    for text in ("1e400", "-1e400", "1.797693134862315808e308", "9" * 400):
        wanted = misfit(f"number {text}", f"Stats.{name}", "float64")
        assert refusal(f'{{"{name}":{text}}}') == wanted
        assert stat(f'{{"unknown":{text}}}') == PostedStat()
    largest = 1.7976931348623157e308
    assert getattr(stat(f'{{"{name}":1.797693134862315807e308}}'), name) == largest
    assert getattr(stat(f'{{"{name}":1e-400}}'), name) == 0.0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e0000000000000003", 1000.0),
        ("0e99999999999999999999", 0.0),
        ("1e-99999999999999999999", 0.0),
        ("0." + "0" * 12_344 + "1e123456", 1.0),
        ("9" * 5000 + "e-4990", 1e10),
    ],
)
def test_exponents_are_read_to_their_fifth_digit(text: str, number: float) -> None:
    assert stat(f'{{"success_rate":{text}}}').success_rate == number


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"\"\\\/\b\f\n\r\t\u00e9", '"\\/\b\f\n\r\té'),
        ("é日😀\u2028\x7f".encode(), "é日😀\u2028\x7f"),
        (rb"\u0000", "\0"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\ud83d", "\ufffd"),
        (rb"\ude00", "\ufffd"),
        (rb"\ud83dx\ude00", "\ufffdx\ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (b"\xff", "\ufffd"),
        (b"a\xe2\x82b", "a\ufffd\ufffdb"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\ufffd" * 6),
        (b"\\ud83d\xff", "\ufffd\ufffd"),
        (b"\xf4\x90\x80\x80", "\ufffd" * 4),
        (b"\xc0\x80", "\ufffd" * 2),
    ],
)
def test_what_is_no_character_becomes_the_replacement_character(written: bytes, text: str) -> None:
    assert stat(b'{"region":"' + written + b'"}').region == text


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("", "unexpected end of JSON input"),
        (" \n", "unexpected end of JSON input"),
        ('{"region":"FRA"', "unexpected end of JSON input"),
        ('{"region":"FR', "unexpected end of JSON input"),
        ('{"region":', "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        ("[1,", "unexpected end of JSON input"),
        ("tru", "invalid character ' ' in literal true (expecting 'e')"),
        ("-", "invalid character ' ' in numeric literal"),
        ('{"timestamp":1.', "invalid character ' ' after decimal point in numeric literal"),
        ('{"timestamp":1e+', "invalid character ' ' in exponent of numeric literal"),
        ('"\\', "invalid character ' ' in string escape code"),
        ('"\\u00', r"invalid character ' ' in \u hexadecimal character escape"),
        ("{}x", "invalid character 'x' after top-level value"),
        ("{}{}", "invalid character '{' after top-level value"),
        ("1 2", "invalid character '2' after top-level value"),
        ("01", "invalid character '1' after top-level value"),
        ("nullnull", "invalid character 'n' after top-level value"),
        ("'", r"invalid character '\'' looking for beginning of value"),
        ("{'a':1}", r"invalid character '\'' looking for beginning of object key string"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("[,1]", "invalid character ',' looking for beginning of value"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a"}', "invalid character '}' after object key"),
        ('{"a":}', "invalid character '}' looking for beginning of value"),
        ('{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        ('{"a":[]]', "invalid character ']' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ('{"a":{},"b":[],"c":x}', "invalid character 'x' looking for beginning of value"),
        ('{"a":{"b":[0]},"c":[]x}', "invalid character 'x' after object key:value pair"),
        ("[{}}", "invalid character '}' after array element"),
        ('{"timestamp":05}', "invalid character '5' after object key:value pair"),
        ('{"timestamp":+5}', "invalid character '+' looking for beginning of value"),
        ('{"timestamp":-x}', "invalid character 'x' in numeric literal"),
        ('{"success_rate":.5}', "invalid character '.' looking for beginning of value"),
        ('{"success_rate":1.}', "invalid character '}' after decimal point in numeric literal"),
        ('{"success_rate":1e}', "invalid character '}' in exponent of numeric literal"),
        ('{"success_rate":NaN}', "invalid character 'N' looking for beginning of value"),
        ('{"success_rate":Infinity}', "invalid character 'I' looking for beginning of value"),
        ('{"success_rate":-Infinity}', "invalid character 'I' in numeric literal"),
        ('{"model_is_warm":True}', "invalid character 'T' looking for beginning of value"),
        ('{"model_is_warm":tRue}', "invalid character 'R' in literal true (expecting 'r')"),
        ('{"model_is_warm":fals}', "invalid character '}' in literal false (expecting 'e')"),
        ('{"errors":nil}', "invalid character 'i' in literal null (expecting 'u')"),
        ("// a\n{}", "invalid character '/' looking for beginning of value"),
        ("{/**/}", "invalid character '/' looking for beginning of object key string"),
        ('{"region":"a\nb"}', r"invalid character '\n' in string literal"),
        ('{"region":"\0"}', r"invalid character '\x00' in string literal"),
        ('{"region":"\x1f"}', r"invalid character '\x1f' in string literal"),
        ('{"region":"\\x"}', "invalid character 'x' in string escape code"),
        ('{"region":"\\\'"}', r"invalid character '\'' in string escape code"),
        ('{"region":"\\u12"}', "invalid character '\"' in \\u hexadecimal character escape"),
        ("\ufeff{}", "invalid character 'ï' looking for beginning of value"),
        (
            "{}".encode("utf-16-le"),
            r"invalid character '\x00' looking for beginning of object key string",
        ),
        ("{}".encode("utf-16"), "invalid character 'ÿ' looking for beginning of value"),
        ("[\u00a0]", "invalid character 'Â' looking for beginning of value"),
        ("[1\u2028]", "invalid character 'â' after array element"),
        (b"[\xa0]", r"invalid character '\u00a0' looking for beginning of value"),
        (b"[\xad]", r"invalid character '\u00ad' looking for beginning of value"),
        (b"[\x80]", r"invalid character '\u0080' looking for beginning of value"),
        (b"\\", r"invalid character '\\' looking for beginning of value"),
        (b"\x7f", r"invalid character '\x7f' looking for beginning of value"),
        (b"\x0b", r"invalid character '\v' looking for beginning of value"),
        (b"\x0c", r"invalid character '\f' looking for beginning of value"),
        (b"\x07", r"invalid character '\a' looking for beginning of value"),
        (b"\x08", r"invalid character '\b' looking for beginning of value"),
    ],
)
def test_what_is_no_json_is_refused_in_the_words_of_go(body: bytes | str, wanted: str) -> None:
    assert refusal(body) == wanted


def test_a_mistake_in_syntax_comes_before_any_in_types() -> None:
    assert refusal('{"success_rate":"x"') == "unexpected end of JSON input"
    assert refusal("[1]x") == "invalid character 'x' after top-level value"


def test_of_mistakes_in_types_the_first_is_told() -> None:
    body = '{"region":"FRA","timestamp":1.5,"errors":[{"count":"x"}],"success_rate":"x"}'
    assert refusal(body) == misfit("number 1.5", "Stats.timestamp", "int64")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_what_is_unknown_may_be_nested_10000_deep(opening: str) -> None:
    closing = {"[": "]"}.get(opening, "}")
    deepest = opening * 9999 + "1" + closing * 9999
    assert stat(f'{{"region":"FRA","unknown":{deepest}}}').region == "FRA"
    wanted = f"invalid character '{opening[0]}' exceeded max depth"
    assert refusal(f'{{"unknown":{opening}{deepest}{closing}}}') == wanted
    assert refusal(opening * 1_000_000) == wanted


def test_being_too_deep_is_told_before_what_comes_later_and_after_what_came_before() -> None:
    assert refusal("[" * 10_001 + "x") == "invalid character '[' exceeded max depth"
    assert refusal("[" * 10_000 + "x" + "[") == (
        "invalid character 'x' looking for beginning of value"
    )


MANY = 200_000


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "body",
    [
        "[" + "0," * MANY,
        "{" + '"a":1,' * MANY,
        "[" + "[]," * MANY,
        "[" + "[[[]]]," * MANY,
        '{"a":[' * 4999 + '"a",' * MANY,
        '{"errors":[' + '{"count":1},' * MANY,
        '{"errors":[' + "[1,[1,1,1,1]]," * MANY,
        '"' + "\\n" * MANY,
        '"' + "\\" * MANY,
        '{"' + "a" * MANY,
        "[" + " " * MANY,
        " " * MANY,
        "1" * MANY + "e",
        "1." + "0" * MANY + "e",
    ],
    ids=lambda body: str(body[:12]),
)
def test_a_large_body_with_a_mistake_at_its_end_takes_no_time_to_speak_of(body: str) -> None:
    assert refusal(body)
    assert refusal(body + "\0").startswith(r"invalid character '\x00' ")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "body",
    [
        '{"errors":[' + "{}," * MANY + '{}],"region":"FRA"}',
        '{"a":[' + "[[[[]]]]," * MANY + '[]],"region":"FRA"}',
        "{" + '"errors":[{"count":1}],' * MANY + '"region":"FRA"}',
        "{" + '"success_rate":0,' * MANY + '"region":"FRA"}',
        '{"success_rate":0.' + "1" * 5_000_000 + ',"region":"FRA"}',
        '{"model":"' + "\\n" * 1_000_000 + '","region":"FRA"}',
    ],
    ids=lambda body: str(body[:12]),
)
def test_a_large_body_is_read(body: str) -> None:
    assert stat(body).region == "FRA"


SIGNS = st.text(alphabet='{}[]",:\\u0123eE+-.truefalsnk \n\xe9\ud800')
INT64 = st.integers(SMALLEST, LARGEST)
FLOAT64 = st.floats(allow_nan=False, allow_infinity=False)
ERRORS = st.lists(st.builds(PostedError, st.text(), st.text(), INT64), max_size=3).map(tuple)
STATS = st.builds(
    PostedStat,
    errors=st.none() | ERRORS,
    model_is_warm=st.booleans(),
    **dict.fromkeys(TEXTS, st.text()),
    **dict.fromkeys(NUMBERS, FLOAT64),
    **dict.fromkeys(INTEGERS, INT64),
)


@given(st.binary() | SIGNS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    for wrapped in (body, b'{"region":' + body + b"}", b'{"' + body + b'":"' + body + b'"}'):
        with suppress(GoJsonError):
            assert isinstance(read_stat(wrapped), PostedStat)


@given(STATS)
def test_a_stat_that_is_written_is_read_back(posted: PostedStat) -> None:
    assert read_stat(msgspec.json.encode(posted)) == posted
