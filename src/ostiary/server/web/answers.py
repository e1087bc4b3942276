"""One request as handlers see it, and what they give back. Below them are bytes on a socket, above them none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused

MOST_BODY = 64 * 1024
_MOST_DRAINED = 16 * 1024 * 1024
"""How much of an oversized body is read and thrown away, so that its sender gets to read the answer."""

JSON = b"application/json; charset=utf-8"


class GoneError(Exception):
    """The client hung up before its request was whole: there is nobody to answer."""


class Request(msgspec.Struct):
    """One HTTP request. Header names are lower case; a header given twice is joined by a comma.

    Whoever reads the socket makes it when its head is there, and feeds it its body. Mostly that is whole before
    anybody looks at it: then nothing is waited for.
    """

    method: str
    path: bytes
    """As it stood on the wire, escapes included: two spellings are two paths."""
    query: bytes
    headers: dict[bytes, bytes]
    peer: str | None
    id: str
    body_timeout: float = 10.0
    operation: str = "none"
    """For logs and metrics; set by the route."""
    facts: dict[str, str] = {}
    """Who asked, for the log: ids, and the address masked."""
    whole: bool = False
    """Whether all of the body has arrived."""
    unread: bool = False
    """A part of the body was waited for in vain: the connection is good for nothing else."""
    _size: int = 0
    _chunks: list[bytes] = []
    _gone: bool = False
    _waiter: asyncio.Future[None] | None = None

    async def body(self) -> bytes | Refused:
        """The whole body. Refused: `body_too_large`, or `bad_json` where it did not arrive in time."""
        if not self.whole:
            await self._arrival()
        if self._size > MOST_BODY:
            return Refused(Key.BODY_TOO_LARGE)
        if not self.whole:
            return Refused(Key.BAD_JSON)
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    async def _arrival(self) -> None:
        """Wait until the body is whole, or too large, or late. Raises GoneError."""
        if not self._gone:
            self.go_on()
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            late = loop.call_later(self.body_timeout, self._wake)
            try:
                await self._waiter
            finally:
                late.cancel()
        if self._gone:
            raise GoneError
        self.unread = not self.whole

    def feed(self, chunk: bytes) -> None:
        """More of the body. What is beyond `MOST_BODY` is counted and not kept."""
        self._size += len(chunk)
        if self._size <= MOST_BODY:
            self._chunks.append(chunk)
        elif self._size > _MOST_DRAINED:
            self._wake()

    def end(self) -> None:
        """The body is whole."""
        self.whole = True
        self._wake()

    def hang_up(self) -> None:
        """No more of it will come."""
        self._gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def go_on(self) -> None:
        """The body is wanted: a client may wait to be told so."""

    def reply(self, status: int, lines: bytes, body: bytes, *, close: bool) -> None:
        """Send the answer. `lines` are its headers, each with its end of line; what is about HTTP itself is added.

        `close`: the connection ends with it.
        """
        raise NotImplementedError


class Answer(msgspec.Struct):
    """One HTTP answer. `key` says in logs and metrics how it ended: 'ok', or why it was refused."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: list[tuple[bytes, bytes]] = []
    key: str = "ok"
    pool_id: str | None = None
    """Whose browsers may read it, where the request named a pool."""
    close: bool = False
    """End the connection with it."""


Handler = Callable[[Request], Awaitable[Answer]]


def json(value: Any, status: int = 200, key: str = "ok") -> Answer:
    """A bare JSON value."""
    return Answer(msgspec.json.encode(value), status, key=key)


def html(text: str) -> Answer:
    """A page."""
    return Answer(text.encode(), content_type=b"text/html; charset=utf-8")


def http_status(refused: Refused) -> int:
    """200 where an operation answered, the real one where none did (phone-change.md §9)."""
    return CATALOGUE[refused.key].http_status


def retry_headers(refused: Refused) -> list[tuple[bytes, bytes]]:
    """`retry-after` beside the statuses that it means something for."""
    status = http_status(refused)
    if status == 503:
        return [(b"retry-after", str(refused.retry_after or 1).encode())]
    if status == 429 and refused.retry_after is not None:
        return [(b"retry-after", str(refused.retry_after).encode())]
    return []
