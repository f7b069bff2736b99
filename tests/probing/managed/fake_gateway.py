"""A stand-in for the gateway program: takes its flags, listens, answers /status, and misbehaves.

It is executed with `FAULTS` set beforehand (see gateways.py), in a bare interpreter, so that it is
up in some 20 ms. GET /die on its CLI port ends it, /hang silences it, /say/TEXT writes a log line.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

FAULTS: dict[str, Any] = globals().get("FAULTS", {})
FLAGS = {
    "aiProcessingRetryTimeout": " duration",
    "aiServiceRegistry": "",
    "cliAddr": " string",
    "dataDir": " string",
    "depositMultiplier": " int",
    "ethAcctAddr": " string",
    "ethKeystorePath": " string",
    "ethPassword": " string",
    "ethUrl": " string",
    "gateway": "",
    "httpAddr": " string",
    "maxPricePerCapability": " string",
    "maxPricePerUnit": " string",
    "maxSessions": " int",
    "maxTicketEV": " string",
    "maxTotalEV": " string",
    "monitor": "",
    "network": " string",
    "orchAddr": " string",
    "pixelsPerUnit": " string",
    "region": " string",
    "reward": "",
    "rtmpAddr": " string",
    "v": " string",
    "version": "",
}


def put(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    put(f"I1123 23:16:10.360276   28375 starter.go:601] {text}")


def end(text: str, code: int = 0) -> None:
    put(text)
    os._exit(code)


def parse(words: list[str]) -> dict[str, str]:
    known = {name: kind for name, kind in FLAGS.items() if name not in FAULTS.get("unknown", ())}
    usage = "\n".join(f"  -{name}{kind}\n    \tdoes it" for name, kind in sorted(known.items()))
    found = {}
    while words:
        name, equals, value = words.pop(0).lstrip("-").partition("=")
        if name == "help":
            end(f"Usage of livepeer:\n{usage}")
        if name not in known:
            end(f"flag provided but not defined: -{name}\nUsage of livepeer:\n{usage}", 2)
        if not equals:
            value = "true" if known[name] == "" else words.pop(0)
        found[name] = value
    for name, kind in known.items():
        value = os.environ.get(f"LP_{name.upper()}", "")
        if value and name not in found:
            if kind == " int" and not value.isdigit():
                end(f'Error parsing config: error setting flag "{name}" from env var: parse', 1)
            found[name] = value
    return found


def listen(flags: dict[str, str], name: str) -> socket.socket:
    host, _, port = flags[name].partition(":")
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind((host, int(port)))
    except OSError:
        end(
            "I1123 23:16:11.011849   28383 starter.go:2139] Error from media server: listen tcp "
            f"{host}:{port}: bind: address already in use"
        )
    place.listen(64)
    return place


def serve(place: socket.socket, status: bytes, hung: threading.Event) -> None:
    while True:
        connection, _ = place.accept()
        request = connection.recv(4096).decode()
        path = request.split(" ")[1] if " " in request else ""
        if path == "/die":
            put("panic: it was told to die")
            os._exit(2)
        if path == "/hang":
            hung.set()
        while hung.is_set():
            time.sleep(60)
        if path.startswith("/say/"):
            say(path.removeprefix("/say/"))
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(status)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):
            connection.sendall(head.encode() + status)
        connection.close()


def count_start() -> int:
    """How often it was started so far, kept in a file."""
    if "starts" not in FAULTS:
        return 1
    with open(FAULTS["starts"], "a+", encoding="utf-8") as file:  # noqa: PTH123 - starts faster
        file.write("x")
        file.flush()
        return file.tell()


def main() -> None:
    flags = parse(sys.argv[1:])
    if "version" in flags:
        end(f"*---*\n| Gateway | true |\nLivepeer Node Version: {FAULTS.get('version', '0.9.1')}")
    started = count_start()
    put("| EthUrl | " + flags.get("ethUrl", "") + " |")
    say("***Livepeer is running***")
    if FAULTS.get("ignore_sigterm"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "makes_key" in FAULTS:
        with open(FAULTS["makes_key"], "w", encoding="utf-8") as key:  # noqa: PTH123 - as above
            key.write("{}")
    if "dies" in FAULTS and started > FAULTS.get("works", 0):
        end(FAULTS["dies"], FAULTS.get("code", 0))
    if FAULTS.get("hangs_at_start"):
        time.sleep(3600)
    if started <= FAULTS.get("clashes", 0):
        end("E1123 23:16:11 1 webserver.go:25] listen tcp: bind: address already in use")
    if FAULTS.get("leaves_child") and os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.execv(sys.executable, [sys.executable, "-IS", "-c", "import time; time.sleep(3600)"])
    pool = FAULTS.get("pool", [flags["orchAddr"]] if "orchAddr" in flags else [])
    status = json.dumps({"OrchestratorPool": pool, "Version": "0.9.1"}).encode()
    hung = threading.Event()
    for name in ("cliAddr", "httpAddr"):
        place = listen(flags, name)
        say(f"listening on {flags[name]}")
        threading.Thread(target=serve, args=(place, status, hung), daemon=True).start()
    while FAULTS.get("floods"):
        put("x\n" * 4000)
    leak = bytearray()
    while True:
        leak += b"x" * FAULTS.get("leaks", 0)
        time.sleep(0.05 if FAULTS.get("leaks") else 3600)


main()
