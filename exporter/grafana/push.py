"""Makes folders, data sources and dashboards in a Grafana, where they are missing or differ.

By Grafana's HTTP API of version 11 (folder, data source, dashboard). What is not ours is never
changed: a dashboard of ours has our tag, a data source of ours our uid.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from exporter.grafana.boards import MARK, Board, Edition, boards
from exporter.grafana.sources import Source
from exporter.grafana.steps import Plan
from exporter.grafana.talk import Grafana, GrafanaError, UnusableError
from exporter.steps import Done, Step

FOLDER: Final = "Livepeer AI"
_PAGE: Final = 1000
_PAGES: Final = 20
_MISSING: Final = 404
_BAD_REQUEST: Final = 400
_CONFLICTS: Final = (409, 412)
_KEPT: Final = ("isDefault", "basicAuth", "basicAuthUser", "withCredentials")
"""What somebody may have set at a data source of ours, and we do not."""
_OWN_OF_GRAFANA: Final = ("id", "version")

Json = dict[str, Any]


def push(grafana: Grafana, plan: Plan) -> Iterator[Step]:
    """Do it, step by step; what one step cannot do does not keep the others from it.

    Raises `GrafanaError` where nothing more can be done at all.
    """
    folders = _folders(grafana)
    for source in plan.sources:
        yield _tried(f"data source {source.name}", partial(_source, grafana, plan, source))
    for edition in plan.editions:
        title = plan.folder + (" (InfluxDB)" if edition is Edition.INFLUXDB else "")
        step = _tried(f"folder {title}", partial(_folder, grafana, plan, folders, title))
        yield step
        if step.done is not Done.LEFT:
            for board in _wanted(plan, edition):
                uid = folders.get(title)
                yield _tried(f"dashboard {board.title}", partial(_board, grafana, plan, board, uid))


def _wanted(plan: Plan, edition: Edition) -> list[Board]:
    source = next((one.uid for one in plan.sources if one.edition is edition), None)
    return boards(edition, source=source, bucket=plan.bucket)


def _tried(what: str, do: Callable[[], tuple[Done, str]]) -> Step:
    try:
        done, note = do()
    except UnusableError:
        raise
    except GrafanaError as error:
        return Step(Done.LEFT, what, str(error))
    return Step(done, what, note)


def _folders(grafana: Grafana) -> dict[str, str]:
    """Uids of the folders at the top, by title. Raises `GrafanaError`."""
    found: dict[str, str] = {}
    for page in range(1, _PAGES + 1):
        asked = {"limit": str(_PAGE), "page": str(page)}
        listed = grafana.ask("GET", "/api/folders", params=asked).body
        if not isinstance(listed, list):
            raise UnusableError(f"{grafana.url}: its list of folders is none")
        for one in listed:
            if isinstance(one, dict):
                found.setdefault(str(one.get("title")), str(one.get("uid")))
        if len(listed) < _PAGE:
            break
    return found


def _folder(grafana: Grafana, plan: Plan, folders: dict[str, str], title: str) -> tuple[Done, str]:
    if title in folders:
        return Done.THERE, ""
    if not plan.dry_run:
        made = grafana.ask("POST", "/api/folders", {"title": title}, expected=_CONFLICTS)
        if made.status in _CONFLICTS:
            raise GrafanaError(
                grafana.shown(
                    f"a folder {title!r} is there that this account cannot see ({made.message}): "
                    "give it a role in it, or name another one with --folder"
                )
            )
        folders[title] = made.text("uid")
    return plan.made, ""


def _source(grafana: Grafana, plan: Plan, source: Source) -> tuple[Done, str]:
    path = f"/api/datasources/uid/{source.uid}"
    reply = grafana.ask("GET", path, expected=(_MISSING,))
    if reply.status == _MISSING:
        if not plan.dry_run:
            made = grafana.ask("POST", "/api/datasources", source.body, expected=_CONFLICTS)
            if made.status in _CONFLICTS:
                raise GrafanaError(
                    f"another data source is called {source.name!r}: rename it, then repeat"
                )
        return plan.made, source.url
    there: Json = reply.body if isinstance(reply.body, dict) else {}
    if there.get("type") != source.edition.value:
        raise GrafanaError(
            grafana.shown(
                f"the data source with the uid {source.uid} is of type {there.get('type')!r}: it "
                "was left alone; delete it, then repeat"
            )
        )
    if there.get("readOnly"):
        return Done.THERE, "it comes from files of this Grafana (provisioning), and was left alone"
    if _equal(there, source):
        return Done.THERE, ""
    if not plan.dry_run:
        facts = there.get("jsonData")
        body = {name: there[name] for name in _KEPT if name in there} | source.body
        body["jsonData"] = (facts if isinstance(facts, dict) else {}) | source.body["jsonData"]
        grafana.ask("PUT", path, body)
    return plan.changed, "a token cannot be read, so it is set again" if source.token else ""


def _equal(there: Json, source: Source) -> bool:
    """Whether nothing has to be set; of a token that cannot be told."""
    facts = there.get("jsonData")
    return (
        not source.token
        and all(there.get(name) == source.body[name] for name in ("name", "access", "url"))
        and isinstance(facts, dict)
        and all(facts.get(name) == value for name, value in source.body["jsonData"].items())
    )


def _board(grafana: Grafana, plan: Plan, board: Board, folder: str | None) -> tuple[Done, str]:
    reply = grafana.ask("GET", f"/api/dashboards/uid/{board.uid}", expected=(_MISSING,))
    if reply.status == _MISSING:
        if not plan.dry_run:
            _save(grafana, board, {"id": None}, folder)
        return plan.made, ""
    there, meta = (_part(reply.body, name) for name in ("dashboard", "meta"))
    if MARK not in (there.get("tags") or ()):
        raise GrafanaError(
            grafana.shown(
                f"a dashboard that is none of ours has the uid {board.uid}: "
                f"{there.get('title')!r} in the folder {meta.get('folderTitle')!r}. It was left "
                "alone; give it another uid, then repeat"
            )
        )
    moved = folder is not None and meta.get("folderUid") != folder
    if not moved and _without(there, *_OWN_OF_GRAFANA) == _without(board.document, "id"):
        return Done.THERE, ""
    if not plan.dry_run:
        _save(grafana, board, {name: there.get(name) for name in _OWN_OF_GRAFANA}, folder)
    note = f"moved here from the folder {meta.get('folderTitle')!r}" if moved else ""
    return plan.changed, grafana.shown(note)


def _save(grafana: Grafana, board: Board, known: Json, folder: str | None) -> None:
    """Save it as a new one, or as the version that follows the known one.

    Never with `overwrite`: that would also replace another dashboard of the same title.
    """
    reply = grafana.ask(
        "POST",
        "/api/dashboards/db",
        {
            "dashboard": board.document | known,
            "folderUid": folder or "",
            "overwrite": False,
            "message": "livepeer-exporter dashboards push",
        },
        expected=(_BAD_REQUEST, *_CONFLICTS),
    )
    if reply.status == _BAD_REQUEST and "provisioned" in reply.message.lower():
        raise GrafanaError(
            "it comes from files of this Grafana (provisioning), which it does not save over: "
            "replace those files (`dashboards export` writes them)"
        )
    if reply.text("status") == "name-exists":
        raise GrafanaError(
            f"another dashboard in this folder is called {board.title!r}: it was left alone; "
            "rename it, or name another folder with --folder"
        )
    if reply.text("status") == "version-mismatch":
        raise GrafanaError("somebody else changed it at this moment: repeat")
    if reply.status in (_BAD_REQUEST, *_CONFLICTS):
        raise GrafanaError(grafana.shown(f"Grafana refused it ({reply.status}): {reply.message}"))


def _part(body: Any, name: str) -> Json:  # noqa: ANN401 - whatever was answered
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _without(document: Json, *names: str) -> Json:
    return {name: value for name, value in document.items() if name not in names}
