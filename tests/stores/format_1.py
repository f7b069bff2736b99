"""Files of the embedded store as the first format had them, made by its own statements."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb

from exporter.model import Measurement, encode
from exporter.stores.schema import FIELDS

_TABLES = (
    """
    CREATE TABLE ai_job (
        time BIGINT NOT NULL, outbox VARCHAR NOT NULL, seq BIGINT NOT NULL,
        orchestrator VARCHAR NOT NULL, region VARCHAR NOT NULL, pipeline VARCHAR NOT NULL,
        model VARCHAR NOT NULL, outcome VARCHAR NOT NULL, tester VARCHAR NOT NULL,
        origin VARCHAR NOT NULL, job_id VARCHAR, success_rate DOUBLE, round_trip_time DOUBLE,
        dns_time DOUBLE, connect_time DOUBLE, tls_time DOUBLE, upload_time DOUBLE,
        inference_time DOUBLE, download_time DOUBLE, tester_time DOUBLE, queue_time DOUBLE,
        network_rtt DOUBLE, timing_quality DOUBLE, latency_per_unit DOUBLE, units DOUBLE,
        unit VARCHAR, time_to_first_token DOUBLE, inter_token_latency DOUBLE,
        tokens_per_second DOUBLE, tokens BIGINT, blame VARCHAR, error_message VARCHAR,
        http_status BIGINT, request_bytes BIGINT, response_bytes BIGINT, artefact_bytes BIGINT,
        model_is_warm BOOLEAN, price_per_unit DOUBLE, gpu VARCHAR, node_version VARCHAR,
        lane VARCHAR, service_uri VARCHAR, round BIGINT, repeats VARCHAR,
        payload VARCHAR NOT NULL USING COMPRESSION zstd
    )
    """,
    "CREATE TABLE cursor (outbox VARCHAR PRIMARY KEY, seq BIGINT NOT NULL)",
    "CREATE TABLE meta (key VARCHAR PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO meta VALUES ('format', 1)",
)


def make(path: Path, rows: Iterable[tuple[int, Measurement]] = ()) -> None:
    """Make a file of the first format with these rows of the outbox `box`."""
    with closing(duckdb.connect(path)) as raw:
        for statement in _TABLES:
            raw.execute(statement)
        known = {row[0] for row in raw.execute("DESCRIBE ai_job").fetchall()}
        fields = [field for field in FIELDS if field.name in known]
        for seq, one in rows:
            values = {field.name: field.value(one) for field in fields}
            values |= {"time": one.started_at, "outbox": "box", "seq": seq}
            values["payload"] = encode(one).decode()
            names = ", ".join(values)
            marks = ", ".join(f"${name}" for name in values)
            raw.execute(f"INSERT INTO ai_job ({names}) VALUES ({marks})", values)
            raw.execute("INSERT OR REPLACE INTO cursor VALUES ('box', ?)", [seq])


def multiply(path: Path, times: int) -> None:
    """Have every row of the file this many times, each under a time of its own."""
    with closing(duckdb.connect(path)) as raw:
        raw.execute(
            "INSERT INTO ai_job SELECT ai_job.* REPLACE (time + number AS time) "
            "FROM ai_job, range(1, ?) AS numbers(number)",
            [times],
        )


def look(path: Path) -> tuple[int, dict[str, tuple[str, bool]], int]:
    """The format that the file says it has, its columns (type, may be NULL), and its rows."""
    with closing(duckdb.connect(path, read_only=True)) as raw:
        ((number,),) = raw.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()
        columns = {
            name: (kind, null == "YES")
            for name, kind, null, *_ in raw.execute("DESCRIBE ai_job").fetchall()
        }
        ((rows,),) = raw.execute("SELECT count(*) FROM ai_job").fetchall()
    return number, columns, rows
