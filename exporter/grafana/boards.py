"""The dashboards that come with the program, set to a data source and a bucket."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from exporter.shipped import folder

MARK: Final = "livepeer-ai"
"""The tag of every dashboard of ours, by which they are told from other people's."""
VERSION: Final = 11
"""The oldest Grafana that understands them."""

BUCKET: Final = "livepeer_ai"
"""The bucket of the settings' default, which they ask unless they are told another one."""

Document = dict[str, Any]


class Edition(StrEnum):
    """The data source that a dashboard asks; the value is Grafana's name for its type."""

    PROMETHEUS = "prometheus"
    INFLUXDB = "influxdb"


class Board(NamedTuple):
    """A dashboard as Grafana takes it."""

    edition: Edition
    document: Document

    @property
    def uid(self) -> str:
        """Its identity."""
        return str(self.document["uid"])

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.document["title"])

    @property
    def text(self) -> str:
        """The file that Grafana imports or is provisioned with."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"


def boards(
    edition: Edition, *, source: str | None = None, bucket: str | None = None
) -> list[Board]:
    """All dashboards of an edition; raises `NotShippedError`.

    `source` is the uid of the data source that they ask at first, and `bucket` the bucket; what is
    `None` stays as it is: the Grafana's default data source of this type, and `livepeer_ai`.
    """
    paths = sorted((folder("dashboards") / edition.value).glob("*.json"))
    return [Board(edition, _set(_read(path), source, bucket)) for path in paths]


def _read(path: Path) -> Document:
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def _set(document: Document, source: str | None, bucket: str | None) -> Document:
    for variable in document["templating"]["list"]:
        if variable["name"] == "datasource" and source is not None:
            variable["current"] = {"selected": True, "text": source, "value": source}
        if variable["name"] == "bucket" and bucket is not None:
            variable["query"] = bucket
            variable["current"] = {"selected": True, "text": bucket, "value": bucket}
    return document
