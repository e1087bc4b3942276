"""A lean HTTP/1.1 client on one keep-alive connection: what the driver sends with, so that it is not the bottleneck.

It speaks only what the measured servers answer: Content-Length or chunked bodies, no redirects, no TLS.
"""

import asyncio
from typing import Any


class BrokenError(Exception):
    """The connection ended, or what arrived is not HTTP."""


class Answer:
    """Status, raw head, body."""

    __slots__ = ("body", "head", "status")

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        self.status = status
        self.head = head
        self.body = body


class Connection(asyncio.Protocol):
    """One request at a time; `ask` gives its answer."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._buffer = b""
        self._waiter: asyncio.Future[Answer] | None = None
        self._transport: Any = None
        self.requests = 0

    async def ask(self, request: bytes) -> Answer:
        """Send a whole request; connect first where that is needed (servers end connections as they like)."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            self._transport, _ = await loop.create_connection(lambda: self, *self._address)
        self._waiter = loop.create_future()
        self._transport.write(request)
        self.requests += 1
        return await self._waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        answer = self._parsed()
        if answer is not None and self._waiter is not None and not self._waiter.done():
            self._buffer = b""
            self._waiter.set_result(answer)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._buffer = b""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(BrokenError("the server ended the connection"))

    def _parsed(self) -> Answer | None:
        """The answer once it is whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end].lower()
        start = end + 4
        status = int(head[9:12])
        place = head.find(b"\r\ncontent-length:")
        if place >= 0:
            stop = head.find(b"\r\n", place + 2)
            length = int(head[place + 17 : stop if stop >= 0 else len(head)])
            if len(self._buffer) < start + length:
                return None
            return Answer(status, self._buffer[:end], self._buffer[start : start + length])
        if b"\r\ntransfer-encoding: chunked" in head:
            body = _dechunked(self._buffer, start)
            return None if body is None else Answer(status, self._buffer[:end], body)
        return Answer(status, self._buffer[:end], b"")


def _dechunked(buffer: bytes, at: int) -> bytes | None:
    parts: list[bytes] = []
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(buffer[at:line].partition(b";")[0], 16)
        at = line + 2
        if len(buffer) < at + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(buffer[at : at + size])
        at += size + 2


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A POST of JSON, as bytes."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body
