"""YAML's complaints about broken syntax in plain words."""

import yaml

_TAB = "expected spaces, found a tab: YAML is indented with spaces only"

# What the parser says (both the one in C and the one in Python) begins with one of these.
_COLON = (
    "expected one `key: value` on a line, found another colon; text that has a colon followed by "
    "a space needs quotes, and the line before may lack its colon"
)
_KEY = (
    "expected a key or `- ` entry at the indentation of those above; check the indentation, and "
    "that nothing follows a closing quote"
)
_ENDLESS = "expected the closing quote, found the end of the file"
_LIST = "expected `,` or `]` in the list that `[` opened"
_BRACES = "expected `,` or `}` in what `{` opened"
_VALUE = "expected a value, found a bracket, comma or brace"

# What the parser says (the one in C, the one in Python) begins with one of these.
_PLAIN = (
    ("found a tab", _TAB),
    ("mapping values are not allowed", _COLON),
    ("could not find expected ':'", "expected a colon and a space after the key, found none"),
    ("found unexpected end of stream", _ENDLESS),
    ("found unexpected document indicator", "expected the closing quote, found `---` or `...`"),
    ("found unknown escape", "expected no `\\` but for known escapes; '…' takes text as it is"),
    ("did not find expected ',' or ']'", _LIST),
    ("expected ',' or ']'", _LIST),
    ("did not find expected ',' or '}'", _BRACES),
    ("expected ',' or '}'", _BRACES),
    ("did not find expected '-'", _KEY),
    ("did not find expected key", _KEY),
    ("expected <block end>", _KEY),
    ("did not find expected node content", _VALUE),
    ("expected the node content", _VALUE),
)


def explain(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Give the line (from 1) of a syntax error and what is wrong there, in plain words.

    Nothing of the file's own text is repeated: it may be part of a secret.
    """
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return 1, "this is not YAML"
    lines = text.splitlines()
    line, column = mark.line + 1, mark.column + 1
    if mark.line >= len(lines):
        line, column = max(1, len(lines)), len(lines[-1]) + 1 if lines else 1
    found = lines[line - 1][column - 1 : column] if lines else ""
    return line, f"{_words(str(getattr(error, 'problem', '')), found)} (column {column})"


def _words(problem: str, found: str) -> str:
    if "cannot start any token" in problem:
        if found == "\t":
            return _TAB
        return "found a character that cannot begin a value: text that begins with it needs quotes"
    for beginning, plain in _PLAIN:
        if problem.startswith(beginning):
            return plain
    return "expected YAML, found something that cannot be read as YAML"
