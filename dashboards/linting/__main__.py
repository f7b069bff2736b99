"""Tells the mistakes in the dashboards as they lie there, and ends with 1 if there are any.

`python -m dashboards.linting`; `--rules` lists the rules instead.
"""

import inspect
import json
import sys

from dashboards.edition import Edition
from dashboards.generate import FOLDER
from dashboards.linting.document import Document, Pair
from dashboards.linting.looking import RULES, mistakes


def pairs() -> list[Pair]:
    """Both editions of every dashboard that lies there."""
    found = []
    for path in sorted((FOLDER / Edition.PROMETHEUS.value).glob("*.json")):
        editions = [
            Document(one, json.loads((FOLDER / one.value / path.name).read_text(encoding="utf-8")))
            for one in Edition
        ]
        found.append(Pair(path.stem, *editions))
    return found


if __name__ == "__main__":
    if "--rules" in sys.argv[1:]:
        for name, rule in RULES.items():
            sys.stdout.write(f"{name}: {inspect.getdoc(rule)}\n")
        sys.exit(0)
    wrong = [mistake for pair in pairs() for mistake in mistakes(pair)]
    for mistake in wrong:
        sys.stderr.write(f"{mistake}\n")
    sys.exit(1 if wrong else 0)
