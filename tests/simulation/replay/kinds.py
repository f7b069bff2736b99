"""What kind of message a log line is: its place and wording, without what differs each time."""

import re

_STAMP = re.compile(r"^([IWEF])\d{4} [\d:.]+ +\d+ (\S+?)\] (.*)$")
_VALUES = re.compile(
    r"^clientIP=\S+ request_id=\S+ (prompt=.*? (?=capability=))?(capability=.*? model_id=\S+ )?"
)
_STANDARD = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (.*)$")
_RULES = (
    (re.compile(r"https?://127\.0\.0\.\d+:\d+"), "URL"),
    (re.compile(r"127\.0\.0\.\d+:\d+"), "ADDRESS"),
    (re.compile(r"/stream/[0-9a-f]{8}/[0-9a-f]{8}"), "/stream/X/Y"),
    (re.compile(r"\d+(\.\d+)?(ns|µs|ms|s)\b"), "TIME"),
    (re.compile(r"(bytes|imageSize)=\d+"), r"\1=N"),
    (re.compile(r"stream ID \d+"), "stream ID N"),
    (re.compile(r"(fake|simulated) runner"), "runner"),
    (
        re.compile(r"(read|write) tcp .*? (read|write): (connection reset by peer|broken pipe)"),
        "CUT",
    ),
    (re.compile(r"dial tcp ADDRESS: connect: connection refused"), "REFUSED"),
    (re.compile(r"Livepeer Node version: \S+"), "Livepeer Node version: V"),
    (re.compile(r"Creating data dir: .*"), "Creating data dir: PATH"),
    (re.compile(r"URL/\w+$"), "URL/HOOK"),
    (re.compile(r"URL/\w+\""), 'URL/HOOK"'),
)
_FRAME = re.compile(r"^\t.*$")
_CALL = re.compile(r"\((0x|\{).*$")


def kinds(lines: list[str]) -> list[str]:
    """The kinds of lines, in order; of a stack only its calls."""
    return [kind for kind in map(_kind, lines) if kind]


def _kind(line: str) -> str:
    stamped = _STAMP.match(line)
    if stamped:
        severity, place, text = stamped.groups()
        values = _VALUES.match(text)
        known = ""
        if values:
            known = "+" + "+".join(
                name for name, group in (("prompt", values[1]), ("capability", values[2])) if group
            )
            text = text[values.end() :]
        return f"{severity} {place.partition(':')[0]}{known} {_plain(text)}"
    if _FRAME.match(line):
        return ""
    standard = _STANDARD.match(line)
    if standard:
        return _plain(standard[1])
    if line.startswith(("goroutine ", "created by ")):
        return re.sub(r"\d+", "N", line)
    if line.startswith(("*-", "| ")):
        row = re.sub(r"-+", "-", re.sub(r" +", " ", _plain(line)))
        return re.sub(r"(Datadir|OrchWebhookURL) \| .*", r"\1 | X |", row)
    return _CALL.sub("(...)", line)


def _plain(text: str) -> str:
    for pattern, name in _RULES:
        text = pattern.sub(name, text)
    return text
