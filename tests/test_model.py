"""What older versions wrote is still a measurement."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from exporter.model import Check, Measurement, Outcome, decode, encode
from exporter.outbox import Outbox
from tests.measurements import measurements

OLD = (
    b'{"id":"7d1f3f0e-5a0c-4b7e-9d52-0c8f0a3b1a11","origin":"own","tester":"tester-1",'
    b'"region":"MDW","orchestrator":"0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",'
    b'"pipeline":"llm","model":"m/one","started_at":1790000000000000000,'
    b'"outcome":"wrong_answer","blame":"orchestrator","message":"the sum is not in it",'
    b'"evidence":["one"],"phases":{"inference":5,"download":0},"lane":"direct",'
    b'"artefacts":[{"kind":"text","bytes":5,"sha256":"00"}],"tokens":{"completion":30},'
    b'"proof":{"code":1.0,"sum":0.0,"share":null},"steps":[{"at":-5,"text":"due"}]}'
)
"""A measurement as the version before this one wrote it: scores by name, without bounds."""


def test_a_proof_of_scores_by_name_becomes_checks_without_bounds() -> None:
    found = decode(OLD)
    assert found.proof == (
        Check(name="code", score=1.0),
        Check(name="sum", score=0.0),
        Check(name="share", score=None),
    )
    assert found.outcome is Outcome.WRONG_ANSWER
    assert (found.phases.inference, found.steps[0].at) == (5, -5)
    assert (found.artefacts[0].kind, found.evidence) == ("text", ("one",))


def test_what_was_read_is_written_in_the_present_form() -> None:
    assert decode(encode(decode(OLD))) == decode(OLD)
    assert isinstance(json.loads(encode(decode(OLD)))["proof"], list)


def test_an_old_measurement_without_scores_is_read_as_ever() -> None:
    assert decode(OLD.replace(b'{"code":1.0,"sum":0.0,"share":null}', b"{}")).proof == ()
    assert decode(OLD.replace(b'"proof":{"code":1.0,"sum":0.0,"share":null},', b"")).proof == ()


@given(measurements())
def test_every_measurement_of_the_older_form_keeps_all_but_the_bounds(one: Measurement) -> None:
    plain = msgspec.to_builtins(one)
    plain["proof"] = {check.name: check.score for check in one.proof}
    scores = tuple(Check(name=name, score=score) for name, score in plain["proof"].items())
    expected = msgspec.structs.replace(one, proof=scores)
    assert decode(msgspec.json.encode(plain)) == expected


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b"null",
        b'{"proof":{}}',
        OLD.replace(b'"sum":0.0', b'"sum":"zero"'),
        OLD.replace(b'"started_at":1790000000000000000', b'"started_at":"then"'),
        OLD.replace(b'{"code":1.0,"sum":0.0,"share":null}', b'"none"'),
        OLD[:-1],
    ],
)
def test_what_was_never_a_measurement_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(payload)


async def test_what_lies_in_an_outbox_from_before_is_delivered(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    outbox = Outbox.open(file, max_bytes=2**24, keep_delivered=0)
    await outbox.put(decode(OLD))
    await outbox.close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE measurement SET payload = ?", (OLD,))
    outbox = Outbox.open(file, max_bytes=2**24, keep_delivered=0)
    ((_, found),) = await outbox.read(0, 10)
    assert found == decode(OLD)
    await outbox.close()
