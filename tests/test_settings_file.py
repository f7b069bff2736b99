import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.settings import Settings
from exporter.settings_file import SettingsError, document, load
from exporter.settings_file.loader import FILE_LIMIT
from exporter.settings_file.mistakes import MISTAKE_LIMIT

BAD = sorted((Path(__file__).parent / "bad_settings").glob("*.yaml"))
GOOD = "region: FRA\nsources:\n  gateway:\n    - url: http://127.0.0.1:5935\n"
LANE = GOOD + "lanes:\n  - kind: direct\n"
ENV = "LIVEPEER_EXPORTER_"
SECRET = "hunter2"

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: str | bytes) -> Path:
        path = tmp_path / "settings.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def mistakes_of(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {})
    shown = [str(mistake) for mistake in caught.value.mistakes]
    assert str(caught.value).splitlines() == shown
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SECRET not in told
    return shown


def expected_of(path: Path) -> list[str]:
    """The comment lines at the file's top: `# LINE: KEY: beginning of the message`."""
    lines = (line.removeprefix("# ") for line in path.read_text().splitlines())
    return [f"{path}:{line}" for line in lines if line.split(":")[0].isdigit()]


def models_of(path: Path) -> list[str]:
    return load(path, {}).filter.include.models


# Mistakes in the file


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_bad_file_is_refused_with_its_line_and_what_was_expected(path: Path) -> None:
    found, expected = mistakes_of(path), expected_of(path)
    assert len(found) == len(expected), found
    for mistake, beginning in zip(found, expected, strict=True):
        assert mistake.startswith(beginning)


def test_ten_mistakes_in_one_file_are_told_in_one_go() -> None:
    path = next(path for path in BAD if path.stem == "ten_mistakes")
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    mistakes = caught.value.mistakes
    assert len(mistakes) == 10
    assert [mistake.line for mistake in mistakes] == sorted(m.line or 0 for m in mistakes)
    assert mistakes[0].file == str(path)
    assert (mistakes[0].key, mistakes[0].hint) == ("regoin", "`region`")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_parser_without_libyaml_refuses_the_same_files(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "_PARSER", yaml.SafeLoader)
    assert len(mistakes_of(path)) == len(expected_of(path))


def test_a_hopeless_file_is_told_up_to_a_bound(write: Write) -> None:
    path = write("".join(f"key{number}: 1\n" for number in range(5000)))
    found = mistakes_of(path)
    assert len(found) == MISTAKE_LIMIT + 1
    assert "there may be more" in found[-1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"region: \xff\xfe\n", ":1: expected text in UTF-8"),
        (b"\xff\xfer\x00e\x00", ":1: expected text in UTF-8"),
        (b"region: FRA\ntester: \x00\n", ":2: expected text, found the character '\\x00'"),
        (b"region: FRA\ntester: \x1b[31m\n", ":2: expected text, found the character '\\x1b'"),
        (b"", ":1: the file is empty"),
        (b"---\n", ":1: the file is empty"),
        (b"~\n", ":1: the file is empty"),
        (b"#" * (FILE_LIMIT + 1), ": the settings cannot be read: it is larger than 1048576 bytes"),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused(
    write: Write, content: bytes, expected: str
) -> None:
    path = write(content)
    assert mistakes_of(path)[0].startswith(f"{path}{expected}")


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert mistakes_of(path) == [f"{path}: the settings cannot be read: there is no such file"]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "it is a folder" in mistakes_of(tmp_path)[0]


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is no regular file" in mistakes_of(tmp_path / "pipe")[0]


def test_a_file_that_cannot_be_read_is_refused() -> None:
    assert (
        "the settings cannot be read: it cannot be read (" in mistakes_of(Path("/proc/self/mem"))[0]
    )


def test_a_name_that_no_file_can_have_is_refused() -> None:
    assert "it has a name that no file can have" in mistakes_of(Path("a\0b"))[0]


@pytest.mark.parametrize(
    "content",
    [
        "[" * FILE_LIMIT,
        "{" * FILE_LIMIT,
        "- " * (FILE_LIMIT // 2),
        "? " * (FILE_LIMIT // 2),
        "&a " * (FILE_LIMIT // 3),
        "a: &a\n" * (FILE_LIMIT // 6),
        "'" * FILE_LIMIT,
        "x" * FILE_LIMIT,
        "x: " + "y " * (FILE_LIMIT // 2 - 2),
        "[" + "[]," * 300_000,
    ],
    ids=lambda content: content[:8],
)
def test_a_file_made_to_exhaust_is_refused(write: Write, content: str) -> None:
    assert mistakes_of(write(content))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t~<=", max_size=60))
def test_no_text_does_anything_but_load_or_be_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError):
        load(path, {})


# Values


@pytest.mark.parametrize(
    "written",
    [
        "0x0cC8f4a4bF5Bf9cC0dB4d0Ab0cC8f4a4bF5Bf9cC",
        "1.10",
        "2024-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "on",
        "NO",
        "0o17",
        "010",
        "1e3",
        "12:30:45",
        "9_000",
        "=",
        ".inf",
        "ByteDance/SDXL-Lightning",
        "stabilityai/stable-diffusion:v2#1",
        "模型",
    ],
)
def test_unquoted_text_stays_what_was_written(write: Write, written: str) -> None:
    path = write(GOOD + f"filter:\n  include:\n    models:\n      - {written}\n")
    assert models_of(path) == [written]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=200))
def test_quoted_text_stays_what_was_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    quoted = yaml.safe_dump(text, default_style='"', width=100_000)
    path.write_text(GOOD + f"filter:\n  include:\n    models:\n      - {quoted}")
    assert models_of(path) == [text]


def test_the_region_no_is_a_region(write: Write) -> None:
    assert load(write(GOOD.replace("FRA", "NO")), {}).region == "NO"


def test_an_unquoted_address_is_an_address(write: Write) -> None:
    address = "0x0cC8f4a4bF5Bf9cC0dB4d0Ab0cC8f4a4bF5Bf9cC"
    lane = load(write(LANE + f"    orchestrator: {address}\n"), {}).lanes[0]
    assert lane.orchestrator == address.lower()


@pytest.mark.parametrize(
    ("written", "value"),
    [(text, True) for text in ("true", "True", "TRUE", "yes", "Yes", "on", "ON", "'true'")]
    + [(text, False) for text in ("false", "False", "no", "NO", "off", "Off", '"off"')],
)
def test_true_and_false_have_many_spellings(write: Write, written: str, value: bool) -> None:
    path = write(GOOD + f"pipelines:\n  llm:\n    defaults:\n      stream: {written}\n")
    assert load(path, {}).pipelines.llm.defaults.stream is value


@pytest.mark.parametrize(
    ("written", "value"), [("60", 60.0), ("1.5", 1.5), ("1e2", 100.0), ("'20'", 20.0), ("+3", 3.0)]
)
def test_a_number_is_decimal(write: Write, written: str, value: float) -> None:
    assert load(write(GOOD + f"schedule:\n  interval: {written}\n"), {}).schedule.interval == value


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL"])
def test_unquoted_null_and_nothing_mean_not_given(write: Write, written: str) -> None:
    loaded = load(write(GOOD + f"tester: {written}\nlanes: {written}\nlog: {written}\n"), {})
    assert loaded == load(write(GOOD), {})


def test_quoted_null_is_text(write: Write) -> None:
    assert load(write(GOOD + "tester: 'null'\n"), {}).tester == "null"


def test_an_alias_stands_for_its_value(write: Write) -> None:
    path = write(
        GOOD + "filter:\n  include: &all\n    models: [&one 1.10, *one]\n  exclude: *all\n"
    )
    loaded = load(path, {})
    assert loaded.filter.exclude.models == loaded.filter.include.models == ["1.10", "1.10"]


def test_a_mistake_in_an_aliased_value_names_the_line_that_it_is_on(write: Write) -> None:
    path = write(GOOD + "guard:\n  allow: &a\n    - nowhere\nconnectivity:\n  check: *a\n")
    found = mistakes_of(path)
    assert found[0].startswith(f"{path}:7: connectivity.check[0]: expected HOST:PORT")
    assert found[1].startswith(f"{path}:7: guard.allow[0]: expected an IP address or network")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write) -> None:
    path = write(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path, {}) == load(write(GOOD), {})


def test_the_data_folder_is_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    assert load(write(GOOD), {}).data == tmp_path / "data"
    assert load(write(GOOD + "data: ../here\n"), {}).data == tmp_path / "../here"
    assert load(write(GOOD + "data: /var/lib/here\n"), {}).data == Path("/var/lib/here")


def test_the_data_folder_is_whole_even_if_the_file_is_named_by_a_relative_path(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(GOOD)
    monkeypatch.chdir(tmp_path)
    assert load(Path(path.name), {}).data == tmp_path / "data"


def test_rules_over_several_sections_hold_in_spite_of_mistakes_elsewhere(write: Write) -> None:
    path = write("region: '!'\nprobe: {listen: '[::1]:1'}\nstation: {listen: '[::1]:1'}\n")
    keys = [line.split(": ")[1] for line in mistakes_of(path)]
    assert keys == ["region", "sources", "station.listen"]


# Environment


def loaded_with(path: Path, **environ: str) -> Settings:
    return load(path, {ENV + name: text for name, text in environ.items()} | {"PATH": "/bin"})


def test_a_variable_wins_over_the_file(write: Write) -> None:
    assert loaded_with(write(GOOD), REGION="mdw").region == "MDW"
    assert loaded_with(write(GOOD), STATION__LISTEN="[::]:80").station.listen == "[::]:80"
    assert (
        loaded_with(write(GOOD + "log: {level: debug}\n"), LOG__LEVEL="error").log.level == "error"
    )


def test_a_hyphen_in_a_key_is_an_underscore_in_the_variable(write: Write) -> None:
    loaded = loaded_with(write(GOOD), PIPELINES__TEXT_TO_IMAGE__DEFAULTS__WIDTH="768")
    assert loaded.pipelines.text_to_image.defaults.width == 768


def test_variables_reach_into_lists_and_make_them_longer(write: Write) -> None:
    loaded = loaded_with(
        write(LANE),
        LANES__0__ORCHESTRATOR="mine",
        LANES__1__KIND="direct",
        METRICS__BUCKETS__0="1",
        METRICS__BUCKETS__1="2",
    )
    assert [(lane.kind, lane.orchestrator) for lane in loaded.lanes] == [
        ("direct", "mine"),
        ("direct", None),
    ]
    assert loaded.metrics.buckets == [1, 2]


def test_a_variable_changes_one_use_of_an_aliased_value_only(write: Write) -> None:
    path = write(GOOD + "filter:\n  include: &all {models: [a]}\n  exclude: *all\n")
    loaded = loaded_with(path, FILTER__EXCLUDE__MODELS__0="b")
    assert (loaded.filter.include.models, loaded.filter.exclude.models) == (["a"], ["b"])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("REGOIN", "FRA", "there is no such setting; did you mean `LIVEPEER_EXPORTER_REGION`?"),
        (
            "LANES__12__TOKN",
            SECRET,
            "there is no such setting; did you mean `LIVEPEER_EXPORTER_LANES__12__TOKEN`?",
        ),
        ("REGION__X", "1", "there is no such setting"),
        ("STATION", "1", "expected the name of a single value, this is a section"),
        ("LANES", "1", "expected the name of a single value, this is a list"),
        ("LANES__X__URL", "1", "expected a place in the list here: 0, 1, 2, …"),
        ("LANES__7__URL", "1", "expected at most 1 as the place: the list has 1 entries"),
        ("LANES__0__TOKEN", SECRET + "\n", "expected a token of 1 to 8192 visible ASCII"),
        ("SCHEDULE__MAX_PARALLEL", "0", "expected a whole number from 1 to 1000, found `0`"),
        ("TESTER", "a\nb", "expected a name, on one line and without control characters"),
        ("TESTER", "null!", "expected a name of 1 to 63 letters"),
        ("TESTER", "\udcff", "expected a name, on one line and without control characters"),
    ],
)
def test_a_wrong_variable_is_named(write: Write, name: str, text: str, expected: str) -> None:
    found = mistakes_of(write(LANE), {ENV + name: text})
    assert len(found) == 1
    assert found[0].startswith(f"environment: {ENV}{name}: {expected}")


def test_mistakes_in_file_and_environment_are_told_together(write: Write) -> None:
    path = write(GOOD + "tester: '!'\n")
    found = mistakes_of(path, {ENV + "LOG__LEVEL": "loud"})
    assert [line.split(":")[0] for line in found] == [str(path), "environment"]


def test_an_empty_variable_counts_as_not_set(write: Write) -> None:
    assert loaded_with(write(GOOD), REGION="").region == "FRA"


def test_a_variable_is_taken_as_it_is(write: Write) -> None:
    assert loaded_with(write(GOOD), TESTER="null").tester == "null"


@pytest.mark.parametrize(
    "name", ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_9877_TCP_ADDR"]
)
def test_variables_that_kubernetes_sets_are_left_alone(write: Write, name: str) -> None:
    assert loaded_with(write(GOOD), **{name: "10.0.0.1"}).region == "FRA"


def test_a_variable_does_not_mend_a_section_of_the_wrong_form(write: Write) -> None:
    path = write(GOOD + "log: loud\n")
    assert "log: expected keys with values" in mistakes_of(path, {ENV + "LOG__LEVEL": "info"})[0]


# Secrets


def token_of(loaded: Settings) -> str | None:
    token = loaded.lanes[0].token
    assert SECRET not in repr(loaded) + str(loaded) + loaded.model_dump_json()
    return None if token is None else token.get_secret_value()


@pytest.mark.parametrize("content", [SECRET, SECRET + "\n", SECRET + "\r\n"])
def test_a_secret_comes_from_a_file_without_its_line_end(
    write: Write, tmp_path: Path, content: str
) -> None:
    (tmp_path / "token").write_bytes(content.encode())
    assert token_of(load(write(LANE + "    token_file: token\n"), {})) == SECRET
    assert token_of(load(write(LANE + f"    token_file: {tmp_path}/token\n"), {})) == SECRET
    assert token_of(loaded_with(write(LANE), LANES__0__TOKEN_FILE="token")) == SECRET


def test_a_secret_may_stand_in_the_settings_or_the_environment(write: Write) -> None:
    assert token_of(load(write(LANE + f"    token: {SECRET}\n"), {})) == SECRET
    assert token_of(loaded_with(write(LANE), LANES__0__TOKEN=SECRET)) == SECRET
    assert token_of(load(write(LANE + "    token: 0x10\n"), {})) == "0x10"


def test_a_secret_from_the_environment_replaces_either_form_in_the_file(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(SECRET)
    path = write(LANE + "    token_file: no-such-file\n")
    assert token_of(loaded_with(path, LANES__0__TOKEN=SECRET)) == SECRET
    path = write(LANE + "    token: other\n")
    assert token_of(loaded_with(path, LANES__0__TOKEN_FILE="token")) == SECRET


def test_both_forms_of_a_secret_in_the_environment_are_a_mistake(write: Write) -> None:
    both = {ENV + "LANES__0__TOKEN": SECRET, ENV + "LANES__0__TOKEN_FILE": "token"}
    found = mistakes_of(write(LANE), both)
    assert len(found) == 1
    assert "expected one of `token` and `token_file`, found both" in found[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"\xff", "found bytes that are not UTF-8"),
        (SECRET.encode() * 10_000, "it is larger than 65536 bytes"),
        (f"{SECRET}\n{SECRET}\n".encode(), "expected a token of 1 to 8192 visible ASCII"),
    ],
)
def test_a_secret_file_that_holds_no_secret_is_a_mistake(
    write: Write, tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "token").write_bytes(content)
    found = mistakes_of(write(LANE + "    token_file: token\n"))
    assert len(found) == 1
    assert found[0].startswith(f"{tmp_path}/settings.yaml:7: lanes[0].token")
    assert expected in found[0]


def test_a_secret_that_stands_where_its_file_belongs_is_not_told(write: Write) -> None:
    found = mistakes_of(write(LANE + f"    token_file: {SECRET}\n"))
    assert "there is no such file" in found[0]


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{SECRET}@host/x y",
        f"ftp://me:{SECRET}/{SECRET}@host",
        f"http://host/?key={SECRET}",
        f"http://host/#{SECRET}",
        f"htp://host/v3/{SECRET}",
    ],
)
def test_what_a_refused_url_hides_is_not_told(write: Write, url: str) -> None:
    path = write(f"region: FRA\nsources:\n  gateway:\n    - url: '{url}'\n")
    assert "sources.gateway[0].url: expected a" in mistakes_of(path)[0]
