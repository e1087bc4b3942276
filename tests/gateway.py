"""A gateway for tests: a real HTTP server in a thread, which verifies as any receiver would and answers as told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBnYXRld2F5LCAzMiBieXRlcyE="
OTHER_SECRET = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgdGhlIGdhdGV3YXksIDMyIQ=="


@dataclass(frozen=True)
class Arrived:
    """One request."""

    id: str
    data: dict[str, Any]
    headers: dict[str, str]
    path: str
    verified: bool


Answer = Callable[[BaseHTTPRequestHandler, Arrived], None]


@dataclass
class Gateway:
    """What arrived, and how the next requests are answered (the last one for good)."""

    secret: str = SECRET
    answers: list[Answer] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    url: str = ""
    take: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Takes requests that are no messages, where set."""

    def ids(self) -> list[str]:
        return [one.id for one in self.arrived]

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        try:
            whole = Webhook(self.secret).verify(body, headers)
            verified = True
        except WebhookVerificationError:
            whole, verified = json.loads(body), False
        one = Arrived(headers.get("webhook-id", ""), whole["data"], headers, handler.path, verified)
        answer = self.answers.pop(0) if len(self.answers) > 1 else (self.answers or [say(200)])[0]
        self.arrived.append(one)
        with suppress(OSError):  # who sent it has hung up
            answer(handler, one)


def say(status: int, body: Any = None, **headers: str) -> Answer:
    """Answer with a status, a body (bytes as they are, all else as JSON) and headers (`retry_after` → Retry-After)."""

    def answer(handler: BaseHTTPRequestHandler, _one: Arrived) -> None:
        text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def echo(status: int) -> Answer:
    """Answer with everything that was sent."""

    def answer(handler: BaseHTTPRequestHandler, one: Arrived) -> None:
        say(status, {"error": f"refused: {one.data}", "id": f"{one.data.get('code')}"})(handler, one)

    return answer


@contextmanager
def gateway(*answers: Answer, tls: Any = None) -> Iterator[Gateway]:
    """One on loopback."""
    made = Gateway(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            (made.take or made._take)(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hung up is often the point

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
