"""`/api/v1/measurements`: everything that is stored, page by page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.model import encode
from exporter.moving import MovingError
from exporter.moving.days import ALWAYS, pages
from exporter.moving.exporting import export
from exporter.moving.formats import FORMATS
from exporter.moving.station_rows import StationRows, address
from exporter.stores import Where, Window
from exporter.web import measurements_route
from tests.measurements import START, good
from tests.moving.stores import everything, rows, some
from tests.stations import BOB, Station, running_station, settings

ROUTE = "/api/v1/measurements"


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with running_station(tmp_path) as running:
        await running.here.store.add(some())
        yield running


def base(station: Station) -> str:
    return str(station.client.make_url("")).rstrip("/")


async def test_pages_follow_each_other_until_an_empty_one(station: Station) -> None:
    page = await station.json(f"{ROUTE}?limit=7")
    ids = [row["payload"]["id"] for row in page["rows"]]
    assert len(ids) == 7
    assert page["next"] == {
        "after_time": page["rows"][-1]["payload"]["started_at"],
        "after_id": ids[-1],
    }
    query = "&".join(f"{name}={value}" for name, value in page["next"].items())
    rest = await station.json(f"{ROUTE}?{query}")
    assert [row["payload"]["id"] for row in rest["rows"]] == [row.measurement.id for row in some()][
        7:
    ]
    query = "&".join(f"{name}={value}" for name, value in rest["next"].items())
    assert await station.json(f"{ROUTE}?{query}") == {"rows": [], "next": None}


async def test_a_window_and_a_filter_choose(station: Station) -> None:
    await station.here.store.add(rows([good("bob", orchestrator=BOB, region="FRA")]))
    for query, count in (
        (f"since={START // 10**9 + 1}", 11),
        (f"since={START // 10**9 + 1}.000000001", 10),
        (f"until={START // 10**9}", 2),
        (f"orchestrator={BOB.upper().replace('0X', '0x')}", 1),
        ("region=fra", 1),
        ("model=no/such", 0),
        ("pipeline=Text+to+image", 10),
    ):
        page = await station.json(f"{ROUTE}?{query}")
        assert len(page["rows"]) == count, query


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=5001", "limit: a whole number from 1 to 5000 is expected"),
        ("since=yesterday", "since: Unix seconds"),
        ("after_time=1.5", "after_time: Unix nanoseconds"),
        ("after_time=99999999999999999999", "after_time: Unix nanoseconds"),
        ("after_id=x", "after_id: after_time is expected beside it"),
        ("page=2", "unknown parameter 'page'"),
    ],
)
async def test_mistakes_are_told(station: Station, query: str, said: str) -> None:
    assert (await station.json(f"{ROUTE}?{query}", 400))["error"].startswith(said)


async def test_a_page_of_large_rows_ends_early(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurements_route, "LARGEST_PAGE", 1000)
    assert 0 < len((await station.json(ROUTE))["rows"]) < 12
    async with StationRows(base(station)) as source:
        found = [row async for page in pages(source, ALWAYS, Where()) for row in page]
    assert found == some()


async def test_what_a_station_gives_is_what_its_store_has(station: Station) -> None:
    nasty = rows([good('&=+%\n"\x00;ü', started_at=START + 5), good("+", started_at=START + 5)])
    await station.here.store.add(nasty)
    async with StationRows(base(station)) as source:
        found = [row async for page in pages(source, ALWAYS, Where(), limit=1) for row in page]
        assert found == await everything(station.here.store)
        assert await source.count() == 14
        window = Window(since=START + 5, until=START + 5)
        assert len(await source.rows(window, Where(), after=None, limit=5)) == 2


async def test_a_station_can_be_exported(station: Station, tmp_path: Path) -> None:
    target = tmp_path / "file.csv"
    async with StationRows(base(station)) as source:
        await source.check(station.here.settings)
        went = await export(source, ALWAYS, Where(), target, FORMATS["csv"])
    assert went.file.count == 12
    assert encode(some()[0].measurement).decode()[:30].replace('"', '""') in target.read_text()


async def test_the_station_of_others_is_not_exported(station: Station) -> None:
    async with StationRows(base(station)) as source:
        with pytest.raises(MovingError, match="is of tester tester-1, region MDW, and not of"):
            await source.check(settings(Path("x"), tester="other"))


async def test_nobody_answers() -> None:
    async with StationRows("http://127.0.0.1:9") as source:
        with pytest.raises(MovingError, match=r"no station answers at http://127\.0\.0\.1:9"):
            await source.count()


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:9877", "http://127.0.0.1:9877"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
    ],
)
def test_where_the_station_is_asked(listen: str, url: str) -> None:
    assert address(settings(Path("x"), station={"listen": listen})) == url
