"""A gateway's CLI port on loopback."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec


class Reply(msgspec.Struct):
    body: bytes
    status: int = 200
    headers: dict[str, str] = {}
    announced: int | None = None
    """Content-Length, where it is not that of the body."""


class FakeGateway:
    """A CLI port on loopback that answers what it is told to."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.hold.wait(20)
                reply = outer.replies.get(self.path, Reply(b"404 page not found\n", 404))
                self.send_response(reply.status)
                length = len(reply.body) if reply.announced is None else reply.announced
                for name, value in {"Content-Length": str(length), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(reply.body)
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def says(self, path: str, document: object, status: int = 200) -> None:
        self.replies[path] = Reply(msgspec.json.encode(document), status)

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
