"""A stand-in for Grafana: a real HTTP server that speaks the part of its API that `push` uses.

It was written from Grafana's documentation of version 11 and is not Grafana.
"""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "glsa_a-very-secret-token"
USER, PASSWORD = "admin", "a-very-secret-password"

Json = dict[str, Any]
Answer = tuple[int, Any]


@dataclass
class GrafanaStandIn:
    """What it holds, and how it behaves."""

    version: str | None = "11.6.0"
    folders: list[Json] = field(default_factory=list)
    sources: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    provisioned: set[str] = field(default_factory=set)
    refused: dict[str, Answer] = field(default_factory=dict)
    """Answers to requests that begin so, such as `POST /api/folders`."""
    asked: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        """Requests that change something."""
        return [one for one in self.asked if not one.startswith("GET ")]

    def answer(self, method: str, path: str, body: Any, authorization: str) -> Answer:
        """The answer to a request."""
        self.asked.append(f"{method} {path}")
        for beginning, answer in self.refused.items():
            if f"{method} {path}".startswith(beginning):
                return answer
        if path == "/api/health":
            known = {} if self.version is None else {"version": self.version, "commit": "abc"}
            return 200, {"database": "ok", **known}
        if authorization not in _known():
            return 401, {"message": "Invalid API key"}
        return self._routed(method, path.split("/")[2:], body)

    def _routed(self, method: str, parts: list[str], body: Any) -> Answer:
        match parts:
            case ["folders"]:
                return self._folders(method, body)
            case ["datasources"]:
                return self._add_source(body)
            case ["datasources", "uid", uid]:
                return self._source(method, uid, body)
            case ["dashboards", "uid", uid]:
                return self._dashboard(uid)
            case ["dashboards", "db"]:
                return self._save(body)
            case _:
                return 404, {"message": "Not found"}

    def _folders(self, method: str, body: Any) -> Answer:
        if method == "GET":
            return 200, self.folders
        if any(one["title"] == body["title"] for one in self.folders):
            return 409, {"message": "a folder with the same name already exists"}
        made = {"uid": f"folder-{len(self.folders)}", "title": body["title"]}
        self.folders.append(made)
        return 200, made

    def _add_source(self, body: Any) -> Answer:
        if any(one["name"] == body["name"] for one in self.sources.values()):
            return 409, {"message": "data source with the same name already exists"}
        self._keep(body)
        return 200, {"message": "Datasource added", "datasource": self.sources[body["uid"]]}

    def _keep(self, body: Json) -> None:
        self.secrets[body["uid"]] = body.pop("secureJsonData", {})
        self.sources[body["uid"]] = body

    def _source(self, method: str, uid: str, body: Any) -> Answer:
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        if method == "PUT":
            self._keep(body)
        return 200, self.sources[uid]

    def _dashboard(self, uid: str) -> Answer:
        if uid not in self.dashboards:
            return 404, {"message": "Dashboard not found"}
        return 200, self.dashboards[uid]

    def _save(self, body: Any) -> Answer:
        document, folder = body["dashboard"], body["folderUid"]
        uid = document["uid"]
        there = self.dashboards.get(uid)
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        same = [
            one
            for key, one in self.dashboards.items()
            if key != uid
            and one["meta"]["folderUid"] == folder
            and one["dashboard"]["title"] == document["title"]
        ]
        if same and not body["overwrite"]:
            return 412, {"status": "name-exists", "message": "name exists"}
        known = 0 if there is None else there["dashboard"]["version"]
        if known and document.get("version") != known and not body["overwrite"]:
            return 412, {"status": "version-mismatch", "message": "changed by someone else"}
        version = known + 1
        self.put(document | {"id": len(self.dashboards) + 1, "version": version}, folder)
        return 200, {"status": "success", "uid": uid, "version": version}

    def put(self, document: Json, folder: str) -> None:
        """Have a dashboard."""
        title = next((one["title"] for one in self.folders if one["uid"] == folder), "General")
        meta = {"folderUid": folder, "folderTitle": title}
        self.dashboards[document["uid"]] = {"dashboard": document, "meta": meta}


def _known() -> tuple[str, str]:
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return f"Bearer {TOKEN}", f"Basic {basic}"


class _Handler(BaseHTTPRequestHandler):
    grafana: GrafanaStandIn

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = urlsplit(self.path).path
        status, answer = self.grafana.answer(
            self.command, path, body, self.headers.get("Authorization", "")
        )
        kind = "text/html" if isinstance(answer, str) else "application/json"
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", str(answer))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _do  # noqa: N815 - its interface

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its interface
        pass


@contextmanager
def serving(grafana: GrafanaStandIn, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Have it listen on a free port; gives its address."""
    handler = type("Handler", (_Handler,), {"grafana": grafana})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
