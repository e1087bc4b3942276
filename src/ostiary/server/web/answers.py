"""One request as handlers see it, and what they give back. Below them is ASGI, above them no bytes on a socket."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused
from ostiary.server.web.patience import within

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]

MOST_BODY = 64 * 1024
_MOST_DRAINED = 16 * 1024 * 1024
"""How much of an oversized body is read and thrown away, so that its sender gets to read the answer."""

JSON = b"application/json; charset=utf-8"


class GoneError(Exception):
    """The client hung up before its request was whole: there is nobody to answer."""


class Request(msgspec.Struct):
    """One HTTP request. Header names are lower case; a header given twice is joined by a comma."""

    method: str
    path: bytes
    """As it stood on the wire, escapes included: two spellings are two paths."""
    query: bytes
    headers: dict[bytes, bytes]
    peer: str | None
    id: str
    receive: Receive
    body_timeout: float = 10.0
    operation: str = "none"
    """For logs and metrics; set by the route."""
    facts: dict[str, str] = msgspec.field(default_factory=dict)
    """Who asked, for the log: ids, and the address masked."""
    unread: bool = False
    """Part of the body is still on its way, and the connection is good for nothing else."""
    size: int = 0
    """Bytes of the body that have arrived."""

    async def body(self) -> bytes | Refused:
        """The whole body. Refused: `body_too_large`, or `bad_json` where it did not arrive in time."""
        self.unread = True
        try:
            return await within(self.body_timeout, self._whole_body())
        except TimeoutError:
            return Refused(Key.BODY_TOO_LARGE if self.size > MOST_BODY else Key.BAD_JSON)

    async def _whole_body(self) -> bytes | Refused:
        chunks: list[bytes] = []
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            chunk = message.get("body", b"")
            self.size += len(chunk)
            if self.size <= MOST_BODY:
                chunks.append(chunk)
            self.unread = message.get("more_body", False)
            if self.size > _MOST_DRAINED or (self.size > MOST_BODY and not self.unread):
                return Refused(Key.BODY_TOO_LARGE)
            if not self.unread:
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class Answer(msgspec.Struct):
    """One HTTP answer. `key` says in logs and metrics how it ended: 'ok', or why it was refused."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    key: str = "ok"
    pool_id: str | None = None
    """Whose browsers may read it, where the request named a pool."""
    close: bool = False
    """End the connection: what is left of the request's body must not be read as the next request."""


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
