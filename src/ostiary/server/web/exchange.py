"""One request and its answer as bytes: uvicorn's cycle for an application that reads a body once and says an answer whole."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from ostiary.contract import envelope
from ostiary.contract.keys import Key
from ostiary.server.core.ports import Ports

CLOSE = (b"connection", b"close")
_CONTROLS = bytes([*range(0x20), 0x7F])


class Exchange(RequestResponseCycle):
    """One request and its answer, which the application says in two messages: the head, and the whole body."""

    _head = b""

    async def receive(self) -> Any:
        """See ASGI. A body that is whole already is waited for by nobody."""
        if self.more_body or self.disconnected or self.response_complete or not self.message_event.is_set():
            return await super().receive()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        """See ASGI. Both parts leave in one write."""
        if message["type"] == "http.response.start":
            self._head = self._line_up(message["status"], message["headers"])
            self.response_started = True
            self.waiting_for_100_continue = False
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.transport.is_closing():  # of several requests uvicorn tells the last one
            self.disconnected = True
        if self.disconnected:
            return
        self.transport.write(self._head if self.scope["method"] == "HEAD" else self._head + message["body"])
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def send_500_response(self) -> None:
        """The answer where the edge itself fails, which answers for everything in it. Unlike uvicorn's, in JSON."""
        request_id = Ports.request_id()
        body = envelope.no(Key.INTERNAL, "zh-CN", request_id)
        headers = [*headers_of(request_id, body), CLOSE]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def _line_up(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        """The answer's head. A header that holds a control character is an error: it could begin another header."""
        lines = [*self.default_headers, *headers]
        if CLOSE in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(CLOSE)
        head = b"\r\n".join([*map(b": ".join, lines), b""])
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * len(lines):
            raise ValueError("a header of the answer holds a control character")
        return b"%b%b\r\n" % (STATUS_LINE[status], head)


def headers_of(request_id: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """What stands over an answer that no request of the edge's has."""
    return [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"x-request-id", request_id.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
