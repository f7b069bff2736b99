"""Talking to an InfluxDB 2 server: points go out as line protocol, answers come back as tables.

The client library does not wait and does not try again by itself: who calls decides about that.
"""

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, cast

from exporter.settings import Influx
from exporter.stores import StoreError
from exporter.stores.influx_errors import explain

if TYPE_CHECKING:
    from influxdb_client.client.influxdb_client import InfluxDBClient
    from influxdb_client.rest import ApiException
    from urllib3 import HTTPResponse

Parameters = Mapping[str, str | int | float | bool]
Record = dict[str, str]
"""One row of an answer: the texts of its columns by name; an empty one is a null."""

_REFUSALS: Final = frozenset({400, 413, 422})
_REASON_LIMIT: Final = 500
_GZIP_LEVEL: Final = 1  # four times as quick as 9, for a third more bytes


class PointsRefused(Exception):
    """The server will not take a request's points, whenever it is asked again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InfluxClient:
    """A server with the tokens of the settings. Methods block; any thread may call them."""

    def __init__(self, influx: Influx) -> None:
        self._influx = influx
        self._writing = _Access.of(influx, "token")
        self._reading = _Access.of(influx, "read_token")
        self._rolling = _Access.of(influx, "rollup_token")

    def write(self, bucket: str, lines: Sequence[str], *, rolling: bool = False) -> None:
        """Write points, with `rolling` as who rolls up.

        Raises `PointsRefused`, or `StoreError` for what may pass.
        """
        from influxdb_client.rest import ApiException
        from influxdb_client.service.write_service import WriteService

        body = gzip.compress("\n".join(lines).encode(), _GZIP_LEVEL)
        access = self._rolling if rolling else self._writing
        service = WriteService(access.client.api_client)  # type: ignore[no-untyped-call] # the library has no types here
        with self._explained(access):
            try:
                service.post_write(  # type: ignore[no-untyped-call]
                    self._influx.org,
                    bucket,
                    body,
                    precision="ns",
                    content_encoding="gzip",
                    content_type="text/plain; charset=utf-8",
                )
            except ApiException as error:
                if error.status in _REFUSALS:
                    raise PointsRefused(_message(error)) from error
                raise

    def ask(
        self, question: str, parameters: Parameters, *, rolling: bool = False
    ) -> dict[str, list[Record]]:
        """The answer to a question of `flux/`, its rows by the name of the result.

        With `rolling` it is asked as who rolls up. Without a name a result is `_result`. Raises
        `StoreError`.
        """
        answer: defaultdict[str, list[Record]] = defaultdict(list)
        for record in self.stream(question, parameters, rolling=rolling):
            answer[record["result"]].append(record)
        return answer

    def stream(
        self, question: str, parameters: Parameters, *, rolling: bool = False
    ) -> Iterator[Record]:
        """The rows of an answer one by one; as `ask`."""
        access = self._rolling if rolling else self._reading
        with self._explained(access):
            response = access.client.query_api().query_raw(
                question, self._influx.org, _dialect(), dict(parameters)
            )
            try:
                yield from _records(response)
            finally:
                response.close()
                response.release_conn()

    def close(self) -> None:
        """Close the connections."""
        for access in (self._writing, self._reading, self._rolling):
            access.client.close()  # type: ignore[no-untyped-call] # the library has no types here

    @contextmanager
    def _explained(self, access: "_Access") -> Iterator[None]:
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (ApiException, HTTPError) as error:
            raise StoreError(explain(error, self._influx, key=access.key)) from error


class _Access(NamedTuple):
    """A client, and the setting that its token is from."""

    client: "InfluxDBClient"
    key: str

    @classmethod
    def of(cls, influx: Influx, key: str) -> Self:
        """With the token of this setting, or of `token` where it has none."""
        if getattr(influx, key) is None:
            key = "token"
        return cls(_client(influx, _secret(getattr(influx, key))), key)


_BEFORE: Final = {
    "phases": ("narrow",),
    "rollup_1h": ("rolling",),
    "rollup_scores": ("narrow_rolled",),
    "rollup_sums": ("narrow_rolled",),
}
_ROWS: Final = ("total(", "values(", "points(", "whole(")


@cache
def question(name: str, *, whole_seconds: bool = False) -> str:
    """The text of a question, with the files in front whose names it uses.

    With `whole_seconds` its window begins and ends with a second, which is answered quicker.
    """
    own = _flux(name)
    asked = ("narrow", "asked_whole" if whole_seconds else "asked")
    before = _BEFORE.get(name, asked if any(word in own for word in _ROWS) else ())
    lines = "\n".join([*map(_flux, before), own]).split("\n")
    imports = dict.fromkeys(text for text in lines if text.startswith("import "))
    return "\n".join([*imports, *(text for text in lines if text not in imports)])


def _flux(name: str) -> str:
    return files("exporter.stores").joinpath("flux", f"{name}.flux").read_text("utf-8")


def _client(influx: Influx, token: str) -> "InfluxDBClient":
    from influxdb_client.client.influxdb_client import InfluxDBClient

    return InfluxDBClient(
        influx.url,
        token,
        org=influx.org,
        timeout=int(influx.timeout * 1000),
        ssl_ca_cert=str(influx.ca) if influx.ca else None,
    )


def _secret(token: Any) -> str:  # noqa: ANN401 - pydantic's secret, or none
    return token.get_secret_value() if token is not None else ""


@cache
def _dialect() -> Any:  # noqa: ANN401 - the library's own type
    from influxdb_client.domain.dialect import Dialect

    csv.field_size_limit(min(sys.maxsize, 2**30))
    return Dialect(  # type: ignore[no-untyped-call] # the library has no types here
        header=True, delimiter=",", annotations=[], date_time_format="RFC3339Nano"
    )


def _records(response: "HTTPResponse") -> Iterator[Record]:
    response.auto_close = False
    text = io.TextIOWrapper(cast("io.BytesIO", response), encoding="utf-8", newline="")
    names: list[str] | None = None
    for row in csv.reader(text):
        if not any(row):
            names = None
        elif names is None:
            names = row
        else:
            record = dict(zip(names, row, strict=False))
            if "error" in record and "reference" in record:
                raise StoreError(f"InfluxDB cannot answer: {record['error'][:_REASON_LIMIT]}")
            yield record


def _message(error: "ApiException") -> str:
    """What the server says, without more."""
    try:
        said = json.loads(error.body)["message"]
    except (ValueError, KeyError, TypeError):
        said = error.reason
    return str(said)[:_REASON_LIMIT]
