"""A real HTTP server that answers from a script and remembers what it was asked."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Answer:
    """One answer. `hang_up`: close the connection without a word; `drip`: seconds between two bytes."""

    body: bytes | dict[str, Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    hang_up: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


def ok(data: Any = None, **more: Any) -> Answer:
    return Answer({"statusCode": 200, "message": "Done", "requestId": "r-1", "data": data, **more})


def no(status_code: int, api_code: int | None = None, data: Any = None, message: str = "No") -> Answer:
    body = {"statusCode": status_code, "message": message, "requestId": "r-2", "data": data}
    return Answer(body if api_code is None else {**body, "apiCode": api_code})


class ScriptedServer:
    """Answers by path where one is set, else the next of the script, else the last one again."""

    def __init__(self) -> None:
        self.script: list[Answer] = [ok()]
        self.by_path: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            if asked.path in self.by_path:
                return self.by_path[asked.path]
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    @property
    def connections(self) -> int:
        return len({asked.connection for asked in self.asked})

    def asked_at(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: ScriptedServer

    def respond(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length)
        asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, body, self.client_address[1])
        answer = self.scripted.answer(asked)
        time.sleep(answer.delay)
        if answer.hang_up:
            self.close_connection = True
            return
        content = answer.content()
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.write(content, answer.drip)

    do_GET = do_POST = respond  # noqa: N815 - http.server's names

    def write(self, content: bytes, drip: float) -> None:
        try:
            for start in range(len(content) if drip else 1):
                self.wfile.write(content[start : start + 1] if drip else content)
                self.wfile.flush()
                time.sleep(drip)
        except OSError:  # the client has had enough
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or refuses the certificate, is part of the script."""


@contextmanager
def serving(certificate: tuple[str, str] | None = None) -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    handler = type("ThisHandler", (Handler,), {"scripted": scripted})
    server = QuietServer(("127.0.0.1", 0), handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    scripted.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
