"""`/jobs/ID/artefact`: the files of strangers, given so that they can harm nobody."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from exporter.kept_answers.keeper import Keeper
from exporter.model import Measurement, Origin, Outcome
from exporter.pipelines.job import Answer
from exporter.pipelines.multipart import form_request
from tests.kept_answers.answers import (
    ASKED,
    BODY,
    NO_SECRETS,
    answer,
    artefacts,
    identity,
    keeper,
    right,
    wrong,
)
from tests.measurements import failed, good
from tests.stations import Station, running_station

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
EVIL = b"<script>alert(1)</script>"
ONE = f"/jobs/{identity(1)}/artefact"


@pytest.fixture
async def keep(tmp_path: Path) -> AsyncIterator[Keeper]:
    """Keeps answers in the data folder of the station."""
    async with keeper(tmp_path / "answers", keep_artefacts="all") as keeping:
        yield keeping


async def kept(station: Station, keep: Keeper, job: Measurement, of: Answer) -> None:
    keep.keep(job, of, NO_SECRETS, ASKED)
    await keep.written()
    await station.give(job)


async def test_a_picture_is_given_as_the_picture_that_it_is(station: Station, keep: Keeper) -> None:
    await kept(station, keep, wrong(1, PNG), answer(PNG))
    response = await station.client.get(ONE)
    assert (response.status, await response.read()) == (200, PNG)
    expected = {
        "Content-Type": "image/png",
        "Content-Disposition": f'inline; filename="{identity(1)}-1.png"',
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "Server": "livepeer-exporter",
    }
    assert {name: response.headers[name] for name in expected} == expected


async def _page(station: Station) -> str:
    html = {"Accept": "text/html"}
    return await (await station.client.get(f"/jobs/{identity(1)}", headers=html)).text()


async def test_what_was_sent_is_shown_before_what_came(station: Station, keep: Keeper) -> None:
    sent = PNG + b"sent"
    asked = form_request("upscale", {"model_id": "m"}, ("image", "image.png", sent, "image/png"))
    keep.keep(wrong(1, PNG), answer(PNG), NO_SECRETS, asked)
    await keep.written()
    await station.give(wrong(1, PNG))
    response = await station.client.get(f"{ONE}?file=sent")
    assert (response.status, await response.read()) == (200, sent)
    assert response.headers["Content-Type"] == "image/png"
    page = await _page(station)
    before, _, after = page.partition("<h2>Answer</h2>")
    assert "The picture that was sent" in before
    assert "The picture that was delivered" in after


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("image/jpeg", "jpg"),
        ("image/webp", "webp"),
        ("video/mp4", "mp4"),
        ("audio/wav", "wav"),
        ("audio/flac", "flac"),
        ("audio/mpeg", "mp3"),
    ],
)
async def test_what_the_proof_knows_may_be_shown(
    station: Station, keep: Keeper, kind: str, suffix: str
) -> None:
    await kept(station, keep, wrong(1, b"data", kind=kind), answer(b"data"))
    response = await station.client.get(ONE)
    assert response.headers["Content-Type"] == kind
    assert response.headers["Content-Disposition"].endswith(f'-1.{suffix}"')


@pytest.mark.parametrize("kind", ["video/mp4", "audio/wav"])
async def test_a_browser_can_play_a_film_or_sound_that_is_opened_and_still_run_nothing(
    station: Station, keep: Keeper, kind: str
) -> None:
    await kept(station, keep, wrong(1, b"data", kind=kind), answer(b"data"))
    policy = (await station.client.get(ONE)).headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", "media-src 'self'"]
    assert "sandbox allow-same-origin" in policy
    assert not any("script" in part for part in policy)


@pytest.mark.parametrize("kind", [None, "text/html", "image/svg+xml", "text", "application/pdf"])
@pytest.mark.parametrize("claimed", ["image/png", "text/html", "x\r\nSet-Cookie: a=b", None])
async def test_anything_else_is_to_be_saved_whatever_it_claims(
    station: Station, keep: Keeper, kind: str | None, claimed: str | None
) -> None:
    job = wrong(1) if kind is None else wrong(1, EVIL, kind=kind)
    media = answer(EVIL).media[0]
    hostile = type(media)(url=media.url, content_type=claimed, body=media.body)
    await kept(station, keep, job, Answer(body=BODY, media=(hostile,)))
    response = await station.client.get(ONE)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in response.headers
    assert await response.read() == EVIL
    page = await station.page(f"/jobs/{identity(1)}")
    assert "<img" not in page


async def test_the_body_is_given_as_plain_text_and_to_those_who_ask_for_it(
    station: Station, keep: Keeper
) -> None:
    await kept(station, keep, wrong(1, PNG), answer(PNG, body=EVIL))
    response = await station.client.get(f"{ONE}?file=answer")
    assert await response.read() == EVIL
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("inline;")


async def test_without_media_it_is_the_body(station: Station, keep: Keeper) -> None:
    await kept(station, keep, wrong(1), answer(body=b"\xff\x00"))
    response = await station.client.get(ONE)
    assert await response.read() == b"\xff\x00"
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_of_several_files_each_has_its_number(station: Station, keep: Keeper) -> None:
    await kept(station, keep, wrong(1, PNG), answer(PNG, b"two"))
    assert await (await station.client.get(ONE)).read() == PNG
    assert await (await station.client.get(f"{ONE}?file=2")).read() == b"two"


async def test_a_part_of_a_film_can_be_asked_for(station: Station, keep: Keeper) -> None:
    await kept(station, keep, wrong(1, b"0123456789", kind="video/mp4"), answer(b"0123456789"))
    response = await station.client.get(ONE, headers={"Range": "bytes=2-4"})
    assert (response.status, await response.read()) == (206, b"234")
    assert response.headers["Content-Range"] == "bytes 2-4/10"
    assert response.headers["Content-Type"] == "video/mp4"
    head = await station.client.head(ONE)
    assert (head.status, head.headers["Content-Length"]) == (200, "10")


async def test_a_job_lists_the_files_of_its_answer(station: Station, keep: Keeper) -> None:
    await kept(station, keep, wrong(1, PNG), answer(PNG, b"junk"))
    job = await station.json(f"/jobs/{identity(1)}")
    assert job["answer_not_kept"] is None
    body, picture, junk = job["answer_files"]
    assert (body["file"], body["found"], body["bytes"]) == ("answer", "text/plain", len(BODY))
    assert (picture["href"], picture["found"]) == (f"{ONE}?file=1", "image/png")
    assert (junk["claimed"], junk["found"], junk["left_out"]) == ("image/png", None, None)
    for file in job["answer_files"]:
        assert (await station.client.get(file["href"])).status == 200


@pytest.mark.parametrize(
    ("kind", "element"),
    [
        ("image/png", "<img src="),
        ("audio/wav", "<audio src="),
        ("video/mp4", "<video src="),
    ],
)
async def test_a_page_shows_pictures_and_plays_sound_and_film(
    station: Station, keep: Keeper, kind: str, element: str
) -> None:
    await kept(station, keep, wrong(1, PNG, kind=kind), answer(PNG))
    response = await station.client.get(f"/jobs/{identity(1)}", headers={"Accept": "text/html"})
    page = await response.text()
    assert f'{element}"{ONE}?file=1"' in page
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; img-src 'self'; media-src 'self'")


async def test_a_page_that_shows_no_file_may_load_none(station: Station) -> None:
    await station.give(failed(identity(1)))
    response = await station.client.get(f"/jobs/{identity(1)}", headers={"Accept": "text/html"})
    assert "img-src" not in response.headers["Content-Security-Policy"]


async def test_a_page_shows_what_strangers_wrote_about_their_files_as_text(
    station: Station, keep: Keeper
) -> None:
    media = type(answer(PNG).media[0])(
        url="javascript:alert(1)", content_type='"><script>alert(1)</script>', body=PNG
    )
    await kept(station, keep, wrong(1), Answer(body=BODY, media=(media,)))
    page = await station.page(f"/jobs/{identity(1)}")
    assert "<script" not in page
    assert "javascript:" not in page


async def test_an_answer_outlives_the_list_of_recent_jobs(station: Station, keep: Keeper) -> None:
    keep.keep(wrong(1, PNG), answer(PNG), NO_SECRETS, ASKED)
    await keep.written()
    assert (await station.client.get(f"/jobs/{identity(1)}")).status == 404
    assert await (await station.client.get(ONE)).read() == PNG


async def test_a_file_that_was_left_out_is_listed_without_a_link(
    station: Station, tmp_path: Path
) -> None:
    async with keeper(tmp_path / "answers", file_bytes=1024) as small:
        await kept(station, small, wrong(1), answer(b"x" * 2000))
    (_, large) = (await station.json(f"/jobs/{identity(1)}"))["answer_files"]
    assert (large["href"], large["bytes"]) == (None, 2000)
    error = (await station.json(ONE, status=404))["error"]
    assert error.startswith("the file of 2000 bytes was left out: larger than 1024 bytes")
    assert "larger than 1024 bytes" in await station.page(f"/jobs/{identity(1)}")


def _own(outcome: Outcome, status: int | None = 200, **facts: Any) -> Measurement:
    return failed(identity(1), outcome, http_status=status, **facts)


@pytest.mark.parametrize(
    ("job", "setting", "why"),
    [
        (
            _own(Outcome.CONNECT_REFUSED, None),
            "all",
            "no answer to keep: the job ended with connec",
        ),
        (_own(Outcome.UNAVAILABLE, 503), "none", "no answer to keep: the job ended with unavail"),
        (_own(Outcome.WRONG_ANSWER), "none", "the setting answers.keep_artefacts is none"),
        (right(1, http_status=200), "failures", "the job was good, and the setting"),
        (right(1, http_status=200), "all", "it was cleared since (answers.max_age"),
        (_own(Outcome.WRONG_ANSWER), "failures", "it was cleared since (answers.max_age"),
        (_own(Outcome.DOWNLOAD_TIMEOUT), "all", "the answer did not come whole (download_timeout)"),
        (_own(Outcome.WRONG_ANSWER, origin=Origin.SUBMITTED), "all", "not made by this tester"),
    ],
)
async def test_where_there_is_nothing_it_says_why(
    tmp_path: Path, job: Measurement, setting: str, why: str
) -> None:
    async with running_station(tmp_path, answers={"keep_artefacts": setting}) as station:
        await station.give(job)
        assert why in (await station.json(ONE, status=404))["error"]
        assert why in await station.page(ONE, status=404)
        listed = await station.json(f"/jobs/{identity(1)}")
        assert listed["answer_files"] == []
        assert why in listed["answer_not_kept"]
        assert why in await station.page(f"/jobs/{identity(1)}")


async def test_a_job_of_a_stranger_has_no_answer_though_it_bears_an_id_of_ours(
    station: Station, keep: Keeper
) -> None:
    await kept(station, keep, wrong(1, PNG, origin=Origin.SUBMITTED), answer(PNG))
    assert (await station.client.get(ONE)).status == 404


async def test_an_answer_that_was_cleared_is_told_to_be(
    station: Station, keep: Keeper, tmp_path: Path
) -> None:
    await kept(station, keep, wrong(1, PNG, http_status=200), answer(PNG))
    (tmp_path / "answers" / identity(1) / "1").unlink()
    assert (await station.json(ONE, status=404))["error"].startswith("the file was cleared since")
    assert (await station.client.get(f"{ONE}?file=answer")).status == 200


async def test_a_file_that_there_never_was_is_not_found(station: Station, keep: Keeper) -> None:
    await kept(station, keep, wrong(1, PNG), answer(PNG))
    for name in ("2", "index.json", "../answer", "%2e%2e%2fanswer", "answer%00"):
        url = URL(f"{ONE}?file={name}", encoded=True)
        response = await station.client.get(url)
        assert response.status == 404, name
        assert "has no such file; it has: answer, 1" in (await response.json())["error"]


async def test_an_unknown_parameter_is_a_mistake(station: Station) -> None:
    assert "known here: file" in (await station.json(f"{ONE}?n=1", status=400))["error"]


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../outbox.sqlite",
        f"../answers/{identity(1)}",
        f"{identity(1)}/.",
        f".new-{identity(1)}",
        "/etc",
        "a\\..\\b",
        f"{identity(1)}\x00",
        f"{identity(1)}\n",
    ],
)
async def test_an_id_of_a_stranger_leads_to_no_file(
    station: Station, keep: Keeper, name: str
) -> None:
    await kept(station, keep, wrong(1, PNG), answer(PNG))
    await station.give(good(name))
    for escaped in (quote(name, safe=""), quote(quote(name, safe=""), safe="")):
        response = await station.client.get(URL(f"/jobs/{escaped}/artefact", encoded=True))
        assert response.status == 404
        assert PNG not in await response.read()


async def test_two_files_that_are_equal_are_both_what_they_are(
    station: Station, keep: Keeper
) -> None:
    await kept(
        station,
        keep,
        failed(identity(1), Outcome.INVALID_RESPONSE, artefacts=artefacts((PNG,), "image/png")),
        answer(PNG, PNG),
    )
    for name in ("1", "2"):
        response = await station.client.get(f"{ONE}?file={name}")
        assert response.headers["Content-Type"] == "image/png"
