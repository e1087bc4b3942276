"""HTTP/1.1 on a socket: httptools parses, uvicorn listens and stops, what lies between is here.

One `Connection` reads requests and answers them in their order, one at a time: it gives each to the edge as soon as its
head is there, feeds it the body, and writes the answer whole. What HTTP leaves open is closed: a head is bounded in size
and in time, a malformed one is told so in an envelope, trailers are no headers.

A connection has one timer, which looks now and then whether its time is over: a request moves the end and touches no timer.
"""

import asyncio
import math
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httptools
import uvicorn
from uvicorn.server import ServerState

from ostiary.contract import envelope
from ostiary.contract.keys import Key
from ostiary.server.core.log import log
from ostiary.server.core.ports import Ports
from ostiary.server.settings import Settings
from ostiary.server.web.answers import Request

MOST_HEAD = 32 * 1024
"""Bytes of path, query and headers together."""
MOST_HEADERS = 100
_MOST_UNREAD = MOST_HEAD + 4 * 1024
"""Bytes without a whole head or a piece of body among them: the parser keeps a header until it has all of it.
Above `MOST_HEAD` by what stands between headers."""

_BAD_HEAD = "the request's head is malformed or too large"
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_CLOSE = b"connection: close\r\n"

Edge = Callable[[Request], Awaitable[None]]
"""Answers a request by its `reply`, or not at all where nobody is left to read it."""


class Exchange(Request, kw_only=True):
    """A request that came over a connection, which takes its answer back."""

    connection: "Connection"
    keep_alive: bool
    expects: bool
    """The body is sent when we say so (RFC 9110 §10.1.1)."""

    def go_on(self) -> None:
        """See Request."""
        if self.expects:
            self.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def reply(self, status: int, lines: bytes, body: bytes, *, close: bool) -> None:
        """See Request."""
        self.connection.answer(self, status, lines, body, close=close)


class Connection(asyncio.Protocol):
    """One connection. Requests that come before the one before them is answered wait, and nothing more is read."""

    edge: Edge
    header_timeout: float = 10
    body_timeout: float = 10
    keep_alive: float = 30

    def __init__(self, server_state: ServerState, **_others: Any) -> None:
        """See uvicorn.Server: its state has the `Date`, and is told of connections and tasks for the graceful stop."""
        self._state = server_state
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # what follows is not looked at
        self._peer: str | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = True
        self._head_has_time = True
        """Whether `_ends` is the end of the head's time."""
        self._unread = 0
        self._arriving: Exchange | None = None
        """Whose body comes next."""
        self._answering: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._full = False
        """The client does not read its answers as fast as they come."""
        self._stopping = False
        self._ends = math.inf
        """When this connection is over if nothing happens; never while it is our turn."""
        self._looks_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    # ── what the transport tells ────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection that says nothing is not kept either."""
        self._transport: Any = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else None
        self._state.connections.add(self)  # type: ignore[arg-type] # its type names uvicorn's own protocols
        self._give(self.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - see asyncio.Protocol
        """Nobody is there any more; what was begun is ended, and not answered."""
        self._state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        for exchange in (self._answering, self._arriving):
            if exchange is not None:
                exchange.hang_up()
        self._answering = self._arriving = self._parser = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. What the parser only piles up is bounded here: it tells of whole headers."""
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # anybody may ask for it, and is answered as if they had not
        except httptools.HttpParserError:
            self._refuse()
            return
        if self._unread > _MOST_UNREAD:
            self._refuse()
        elif self._in_head and not self._head_has_time and self._answering is None:
            self._head_has_time = True
            self._give(self.header_timeout)

    def pause_writing(self) -> None:
        """The next answer waits until the client has read some of the last ones."""
        self._full = True

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._full = False
        if self._answering is None and self._waiting and not self._transport.is_closing():
            self._next()

    def shutdown(self) -> None:
        """The process stops: answer what has come, and end. Told by uvicorn."""
        self._stopping = True
        if self._answering is None and not self._waiting:
            self._transport.close()

    # ── what the parser tells ───────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._url = b""
        self._headers = []
        self._in_head = True
        self._unread = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; one after the body is none (RFC 9110 §6.5.1)."""
        if self._in_head:
            if len(self._headers) == MOST_HEADERS:
                raise ValueError(_BAD_HEAD)
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: its request is answered, or waits for the one before it."""
        self._in_head = self._head_has_time = False
        self._unread = 0
        self._ends = math.inf
        headers = _joined(self._headers)
        if len(self._url) + sum(map(len, headers)) + sum(map(len, headers.values())) > MOST_HEAD:
            raise ValueError(_BAD_HEAD)
        path, query = _target(self._url)
        exchange = self._arriving = Exchange(
            self._parser.get_method().decode(),
            path,
            query,
            headers,
            self._peer,
            Ports.request_id(),
            self.body_timeout,
            connection=self,
            keep_alive=self._parser.should_keep_alive() and self._parser.get_http_version() != "1.0",
            expects=headers.get(b"expect", b"").lower() == b"100-continue",
        )
        if self._answering is None and not self._full:
            self._begin(exchange)
        else:
            self._waiting.append(exchange)
            self._transport.pause_reading()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._unread = 0
        if self._arriving is not None:
            self._arriving.feed(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self._arriving is not None:
            self._arriving.end()
            self._arriving = None

    # ── answering ───────────────────────────────────────────────────────────────────────────

    def write(self, data: bytes) -> None:
        """To the client, where it is still there."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def answer(self, exchange: Exchange, status: int, lines: bytes, body: bytes, *, close: bool) -> None:
        """The answer to the request whose turn it is, in one write. Then it is the next one's."""
        if exchange is not self._answering or self._transport.is_closing():
            return
        ends = close or not exchange.keep_alive or (self._stopping and not self._waiting)
        shown = b"" if exchange.method == "HEAD" else body
        self._transport.write(
            b"%b%b%b%b\r\n%b" % (_STATUS_LINES[status], self._date(), lines, _CLOSE if ends else b"", shown)
        )
        self._answering = None
        if self._arriving is exchange:
            self._arriving = None  # what is still to come of it is of no use
        if ends:
            self._transport.close()
        else:
            self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._head_has_time = self._in_head
            self._give(self.header_timeout if self._in_head else self.keep_alive)
        elif not self._full:
            self._begin(self._waiting.popleft())
            if not self._waiting:
                self._transport.resume_reading()

    def _begin(self, exchange: Exchange) -> None:
        self._answering = exchange
        task = self._loop.create_task(self._serve(exchange))
        self._state.tasks.add(task)

    async def _serve(self, exchange: Exchange) -> None:
        """To the edge, and whatever happens there, the connection does not wait for ever."""
        try:
            await self.edge(exchange)
        except Exception:
            log.exception("error", request_id=exchange.id, operation=exchange.operation)
        finally:
            self._state.tasks.discard(asyncio.current_task())
            if self._answering is exchange:
                self._transport.close()

    def _date(self) -> bytes:
        return b"".join([b"%b: %b\r\n" % header for header in self._state.default_headers])

    def _refuse(self) -> None:
        """The answer to what is not HTTP. The parser's words are not for the outside."""
        request_id = Ports.request_id()
        body = envelope.no(Key.BAD_REQUEST, "zh-CN", request_id)
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\n"
            b"connection: close\r\nx-request-id: %b\r\ncontent-length: %d\r\n\r\n"
        )
        self.write(head % (request_id.encode(), len(body)) + body)
        self._transport.close()

    # ── the one timer ───────────────────────────────────────────────────────────────────────

    def _give(self, seconds: float) -> None:
        """The connection ends unless something happens within this time."""
        self._ends = self._loop.time() + seconds
        if self._looks_at > self._ends:
            self._look()

    def _look(self) -> None:
        """End the connection where its time is over, else look again when it would be."""
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = self._ends
        left = self._ends - self._loop.time()
        if left <= 0:
            self._transport.close()
        elif left < math.inf:
            self._timer = self._loop.call_later(left, self._look)


def _joined(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; one that is given twice is joined by a comma (RFC 9110 §5.3)."""
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target (RFC 9112 §3.2). ValueError where it has no path."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
    else:
        parsed = httptools.parse_url(url)
        path, query = parsed.path or b"", parsed.query or b""
    if not path or not path.isascii():
        raise ValueError(_BAD_HEAD)
    return path, query


class Server(uvicorn.Server):
    """One serving process. SIGTERM and SIGINT begin the graceful stop; a second SIGINT ends it at once."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's own, does not raise the signal again at the end: a stop that was asked for is exit 0."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self._told_to_stop, number)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _told_to_stop(self, number: int) -> None:
        self._on_stop()
        self.handle_exit(number, None)


def server(
    edge: Edge, settings: Settings, on_ready: Callable[[], None], on_stop: Callable[[], None]
) -> Server:
    """A server for the edge; it is given its socket when it runs."""
    answering = edge

    class Configured(Connection):
        edge = staticmethod(answering)
        header_timeout = settings.header_timeout
        body_timeout = settings.body_timeout
        keep_alive = settings.keep_alive

    config = uvicorn.Config(
        edge,
        loop="uvloop",
        http=Configured,
        ws="none",
        lifespan="off",
        interface="asgi3",  # so that uvicorn wraps nothing around it; nor does it call it
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_timeout,
        backlog=2_048,
    )
    return Server(config, on_ready, on_stop)
