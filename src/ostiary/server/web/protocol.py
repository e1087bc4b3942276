"""uvicorn, with what it leaves open closed: how large and how slow a request's head may be, and its own errors.

uvicorn answers a malformed request in plain text, waits forever for the rest of a head, keeps one header of any
length in memory, takes a body's trailers for headers, and ends by the signal that stopped it. Here that is an
envelope, ten seconds, 32 KiB, nothing at all, and exit code 0.

It also reads and writes any ASGI application's messages. Ours reads a body once and says each answer whole, so its
bytes are put together and looked at at once (`exchange`). A connection has one timer, which looks now and then whether
its time is over: a request moves the end and touches no timer. Answers that nobody reads are kept for half a minute,
and of who asks ahead without waiting for answers a few KiB are taken apart at a time.
"""

import asyncio
import math
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ostiary.contract import envelope
from ostiary.contract.keys import Key
from ostiary.server.core.ports import Ports
from ostiary.server.settings import Settings
from ostiary.server.web.exchange import CLOSE, Exchange, headers_of

MOST_HEAD = 32 * 1024
"""Bytes of path, query and headers together."""
MOST_HEADERS = 100
_MOST_UNREAD = MOST_HEAD + 4 * 1024
"""Bytes without a whole header or a piece of body among them: the parser keeps a header until it has all of it.
Above `MOST_HEAD` by what stands between headers."""
UNREAD_SECONDS = 30.0
"""How long answers wait in memory for a client that does not read on."""
_PIECE = 4 * 1024
"""Bytes that are parsed at a time. A request that waits for its turn takes a hundred times the memory of its bytes: as
many as stand in a piece are taken apart, what came behind them waits as it came."""

_BAD_HEAD = "the request's head is malformed or too large"
_OF_UPGRADES = {b"upgrade", b"connection"}
"""Headers that ask for another protocol. What else `connection` may say is whether to keep it, which is said anew."""


class Connection(HttpToolsProtocol):
    """One connection: its request heads are bounded in size and in time."""

    header_timeout = 10
    """Seconds; `serve` sets it from the settings."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection that says nothing is not kept either."""
        self._head_bytes = 0
        self._unread = 0
        self._in_head = True
        self._head_has_time = True
        """Whether `_ends` is the end of the head's time."""
        self._ends = self._looks_at = math.inf
        """When this connection is over if nothing happens (never while a request is answered to who reads), and when that is judged."""
        self._timer: asyncio.TimerHandle | None = None
        self._ahead = b""
        """What arrived behind requests that wait for their turn, and is not parsed yet."""
        self._refused = False
        """Whether 400 is said once what came before it is answered; nothing more is read."""
        super().connection_made(transport)  # type: ignore[arg-type] # asyncio's base class names the wider type
        self._give(self.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol: who does not read has an end, too."""
        super().pause_writing()
        self._give(UNREAD_SECONDS)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        if self.transport.is_closing() or self._head_has_time:
            return
        if self.cycle.response_complete:
            self._give(self.timeout_keep_alive)
        else:
            self._ends = math.inf

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. What the parser only piles up is bounded here: it tells of whole headers."""
        if self._refused:
            return
        data, self._ahead = self._ahead + data, b""
        at = 0
        try:
            while at < len(data) and not self.pipeline and not self.transport.is_closing():
                at += self._parse(data[at : at + _PIECE])
        except httptools.HttpParserError:
            self._refuse()
            return
        if at < len(data):
            self._ahead = data[at:]
        elif self._in_head and not self._head_has_time and not self._answering:
            self._give_head()

    @property
    def _answering(self) -> bool:
        """Whether a request that was read has no answer yet."""
        last: RequestResponseCycle | None = self.cycle
        return last is not None and not last.response_complete

    def _refuse(self) -> None:
        """Say 400 to what can't be read, in its turn: said at once, it would be taken for an earlier request's answer."""
        body_is_broken = self._answering and self.cycle.more_body and not self._in_head
        if body_is_broken:
            if not self.pipeline:
                self.send_400_response(_BAD_HEAD)
                return
            self.pipeline.popleft()
        if self._answering:
            self._refused = True
            self.flow.pause_reading()
        else:
            self.send_400_response(_BAD_HEAD)

    def _parse(self, piece: bytes) -> int:
        """Have a piece parsed; how many of its bytes were. Raises HttpParserError."""
        self._unread += len(piece)
        read = len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as asked:
            read = asked.args[0]
            self._stay()
        if self._unread > _MOST_UNREAD:
            raise httptools.HttpParserError(_BAD_HEAD)
        return read

    def _stay(self) -> None:
        """Read a request that asks for another protocol as if it had not asked (RFC 9110 §7.8), its body included.

        The parser takes what follows such a head for the other protocol, in which no body is: another parser reads on,
        from a head that does not ask. Java's own HTTP client asks with its first request.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":  # what follows is for another machine, whatever the head says
            raise httptools.HttpParserError(_BAD_HEAD)
        lines = [header for header in self.headers if header[0] not in _OF_UPGRADES]
        if not self.parser.should_keep_alive():
            lines.append(CLOSE)
        version = self.parser.get_http_version().encode()
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (
            method,
            self.url,
            version,
            b"".join([b"%b: %b\r\n" % line for line in lines]),
        )
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)

    def on_message_begin(self) -> None:
        """A new request begins on this connection."""
        self._head_bytes = self._unread = 0
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._head_bytes += len(url)
        if self._head_bytes > MOST_HEAD:
            raise ValueError(_BAD_HEAD)
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; one after the body is none (RFC 9110 §6.5.1), though it is weighed."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MOST_HEAD:
            raise ValueError(_BAD_HEAD)
        if not self._in_head:
            return
        if len(self.headers) >= MOST_HEADERS:
            raise ValueError(_BAD_HEAD)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: its request is answered, or waits for the one before it on this connection."""
        if self.parser.should_upgrade():
            return  # `_stay` comes back here
        if not self.flow.write_paused:
            self._ends = math.inf
        self._unread = 0
        self._in_head = self._head_has_time = False
        target = httptools.parse_url(self.url)
        version = self.parser.get_http_version()
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(target.path.decode("ascii"))
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        before: RequestResponseCycle | None = self.cycle
        self.cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            task = self.loop.create_task(self.cycle.run_asgi(self.app))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._unread = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words are not for the outside
        """The answer to what is not HTTP."""
        request_id = Ports.request_id()
        body = envelope.no(Key.BAD_REQUEST, "zh-CN", request_id)
        lines = [b"%b: %b\r\n" % line for line in (*headers_of(request_id, body), CLOSE)]
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[400], b"".join(lines), body))
        self.transport.close()
        self._give(UNREAD_SECONDS)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer was written: the next request's turn, or time to wait for one. Unlike uvicorn's, arms no timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._give(UNREAD_SECONDS)
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refused:
            self.send_400_response(_BAD_HEAD)
            return
        elif not self._in_head:
            self._give(UNREAD_SECONDS if self.flow.write_paused else self.timeout_keep_alive)
        elif not self._head_has_time:
            self._give_head()
        if not self.pipeline:
            self.flow.resume_reading()
            if self._ahead:
                self.data_received(b"")

    def _give_head(self) -> None:
        """A head that has begun is to end in time. While an earlier request is answered, it has all the time."""
        self._head_has_time = True
        self._give(self.header_timeout)

    def _give(self, seconds: float) -> None:
        """The connection ends unless something happens within this time."""
        self._ends = self.loop.time() + seconds
        if self._looks_at > self._ends:
            self._look()

    def _look(self) -> None:
        """End the connection where its time is over, else look again when it would be."""
        if self._timer is not None:
            self._timer.cancel()
        left = self._ends - self.loop.time()
        if left <= 0 and (self.flow.write_paused or self.transport.is_closing()):
            self.transport.abort()  # what was not read until now will not be
        elif left <= 0:
            self.transport.close()
            left = UNREAD_SECONDS
            self._ends += left
        self._looks_at = self._ends
        if 0 < left < math.inf:
            self._timer = self.loop.call_later(left, self._look)


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


def server(app: Any, settings: Settings, on_ready: Callable[[], None], on_stop: Callable[[], None]) -> Server:
    """A server for an ASGI application; it is given its socket when it runs."""

    class Configured(Connection):
        header_timeout = settings.header_timeout

    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Configured,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.stop_timeout,
        backlog=2_048,
    )
    return Server(config, on_ready, on_stop)
