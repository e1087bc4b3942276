"""A connection by itself: the time it has, and turns."""

import asyncio
import json

import pytest
import uvicorn
from uvicorn.server import ServerState

from ostiary.server.web import protocol
from ostiary.server.web.protocol import Connection

GET = b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /%b HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n"


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written, self.closed, self.aborted, self.reading = b"", False, False, True

    def get_extra_info(self, name, default=None):
        return ("192.0.2.1", 4711) if name in {"peername", "sockname"} else None

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


class Bench:
    """A connection whose requests are answered when the test says so, each by its path and what it received."""

    def __init__(self, header_timeout=10, keep_alive=30):
        self.asked, self.may_answer = [], asyncio.Event()

        class Configured(Connection):
            pass

        Configured.header_timeout = header_timeout
        config = uvicorn.Config(
            self.app, lifespan="off", interface="asgi3", log_config=None, timeout_keep_alive=keep_alive
        )
        self.transport = Transport()
        self.connection = Configured(config, ServerState(), {})
        self.connection.connection_made(self.transport)

    async def app(self, scope, receive, send):
        self.asked.append(scope["path"])
        if scope["path"] == "/broken":
            raise LookupError
        message = await receive()
        await self.may_answer.wait()
        body = scope["path"].encode() + message["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        if scope["path"] == "/curious":
            self.asked.append((await receive())["type"])

    async def say(self, data):
        self.connection.data_received(data)
        await self.turn()

    async def turn(self):
        for _ in range(8):
            await asyncio.sleep(0)

    @property
    def answers(self):
        return [
            said.rpartition(b"\r\n")[2].decode() for said in self.transport.written.split(b"HTTP/1.1")[1:]
        ]


async def test_requests_wait_for_the_one_before_and_nothing_more_is_read():
    bench = Bench()
    await bench.say(GET % b"1" + POST % b"2" + b"{}" + GET % b"3")
    assert (bench.asked, bench.transport.reading) == (["/1"], False)
    bench.may_answer.set()
    await bench.turn()
    await bench.turn()
    assert (bench.answers, bench.transport.reading) == (["/1", "/2{}", "/3"], True)


async def test_what_cannot_be_read_is_told_behind_the_answers_to_what_came_before():
    broken_body = (
        POST.replace(b"content-length: 2", b"transfer-encoding: chunked") % b"broken" + b"no chunk\r\n"
    )
    for bad in (b"no HTTP\r\n\r\n", broken_body):
        bench = Bench()
        await bench.say(GET % b"1" + GET % b"2" + bad)
        await bench.say(GET % b"never")
        assert (bench.transport.written, bench.transport.closed) == (b"", False)
        bench.may_answer.set()
        for _ in range(3):
            await bench.turn()
        assert bench.answers[:2] == ["/1", "/2"]
        assert bench.transport.written.count(b"HTTP/1.1 400 ") == 1
        assert len(bench.answers) == 3
        assert (bench.asked, bench.transport.closed) == (["/1", "/2"], True)


async def test_a_broken_body_is_told_at_once_where_nobody_waits_before_it():
    bench = Bench()
    await bench.say(
        POST.replace(b"content-length: 2", b"transfer-encoding: chunked") % b"1" + b"no chunk\r\n"
    )
    assert bench.transport.written.startswith(b"HTTP/1.1 400 ")
    assert bench.transport.closed


async def test_the_next_requests_head_has_its_time_once_the_answer_before_it_is_given():
    bench = Bench(header_timeout=0.1)
    await bench.say(GET % b"1" + b"GET /2 HT")
    await asyncio.sleep(0.2)
    assert not bench.transport.closed
    bench.may_answer.set()
    await bench.turn()
    assert bench.answers == ["/1"]
    await asyncio.sleep(0.05)
    assert not bench.transport.closed
    await asyncio.sleep(0.1)
    assert bench.transport.closed


MANY = 1_000


async def test_who_asks_ahead_without_end_is_read_a_little_at_a_time_and_answered_in_order():
    """Each of them is some KiB of memory once it is taken apart: a connection of these could take all there is."""
    bench = Bench()
    asked = b"".join(
        (GET if number % 3 else POST) % b"%d" % number + b"{}" * (number % 3 == 0) for number in range(MANY)
    )
    await bench.say(asked)
    assert (len(bench.connection.pipeline) < 300, bench.transport.reading) == (True, False)
    bench.may_answer.set()
    while len(bench.answers) < MANY:
        before = len(bench.answers)
        await bench.turn()
        assert len(bench.answers) > before
        assert len(bench.connection.pipeline) < 300
    assert bench.answers == [f"/{number}" + "{}" * (number % 3 == 0) for number in range(MANY)]
    assert bench.transport.reading
    await bench.say(GET % b"last")
    assert bench.answers[-1] == "/last"


async def test_a_body_comes_whole_or_in_pieces_and_once():
    bench = Bench()
    bench.may_answer.set()
    await bench.say(POST % b"whole" + b"{}")
    await bench.say(POST % b"pieces" + b"{")
    await bench.say(b"}")
    assert bench.answers == ["/whole{}", "/pieces{"]
    await bench.say(POST % b"curious" + b"{}")
    assert bench.asked[-1] == "http.disconnect"


UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhost"
"""As Java's own client asks with its first request over a plain connection."""


async def test_a_request_that_asks_for_another_protocol_keeps_its_body_and_its_connection():
    bench = Bench()
    bench.may_answer.set()
    asks = POST.replace(b"host", UPGRADE) % b"asks"
    await bench.say(asks + b"{}" + GET % b"next")
    await bench.say(asks)  # its body comes later, and is no request
    await bench.say(b"{}" + GET.replace(b"host", UPGRADE) % b"bodiless" + GET % b"last")
    assert bench.answers == ["/asks{}", "/next", "/asks{}", "/bodiless", "/last"]
    assert not bench.transport.closed


async def test_requests_that_ask_for_another_protocol_come_by_the_hundred():
    bench = Bench()
    bench.may_answer.set()
    await bench.say(GET.replace(b"host", UPGRADE) % b"asks" * 500)
    for _ in range(500):
        await bench.turn()
    assert bench.answers == ["/asks"] * 500


async def test_a_request_that_asks_for_another_protocol_may_be_the_last_one():
    bench = Bench()
    bench.may_answer.set()
    await bench.say(POST.replace(b"host", UPGRADE.replace(b"Upgrade,", b"close, Upgrade,")) % b"asks" + b"{}")
    assert (bench.answers, bench.transport.closed) == (["/asks{}"], True)


async def test_nobody_is_connected_to_another_machine():
    bench = Bench()
    await bench.say(b"CONNECT example.org:443 HTTP/1.1\r\nhost: a\r\n\r\n" + GET % b"inner")
    assert (bench.asked, bench.transport.closed) == ([], True)
    assert b"400" in bench.transport.written.partition(b"\r\n")[0]


async def test_silence_has_its_time_and_an_answer_in_the_making_any():
    bench = Bench(header_timeout=0.05, keep_alive=0.1)
    await bench.say(GET % b"1")
    await asyncio.sleep(0.2)
    assert not bench.transport.closed
    bench.may_answer.set()
    await asyncio.sleep(0.07)
    assert (bench.answers, bench.transport.closed) == (["/1"], False)
    await asyncio.sleep(0.07)
    assert bench.transport.closed


async def test_an_idle_connection_ends_however_many_empty_lines_it_sends():
    bench = Bench(keep_alive=0.1)
    bench.may_answer.set()
    await bench.say(GET % b"1")
    for _ in range(8):
        await bench.say(b"\r\n")
        await asyncio.sleep(0.02)
    assert bench.transport.closed


async def test_a_head_has_one_time_however_it_trickles():
    bench = Bench(header_timeout=0.1)
    bench.may_answer.set()
    await bench.say(GET % b"1")
    for place in range(8):
        await bench.say((GET % b"22222222")[place : place + 1])
        await asyncio.sleep(0.02)
    assert (bench.answers, bench.transport.closed) == (["/1"], True)


async def test_a_new_connection_that_says_nothing_ends():
    bench = Bench(header_timeout=0.05)
    await asyncio.sleep(0.1)
    assert bench.transport.closed


async def test_an_error_of_the_edge_itself_is_an_envelope():
    bench = Bench()
    await bench.say(GET % b"broken")
    head, _, body = bench.transport.written.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"x-request-id: " + told["requestId"].encode() in head
    assert bench.transport.closed


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.1)


async def test_who_does_not_read_is_let_go_whatever_else_they_ask(patience):
    bench = Bench()
    bench.may_answer.set()
    await bench.say(GET % b"1")
    bench.connection.pause_writing()
    await bench.say(GET % b"2")
    await bench.say(GET % b"3")
    assert bench.answers == ["/1"]
    await asyncio.sleep(0.2)
    assert bench.transport.aborted
    bench.connection.connection_lost(None)
    await bench.turn()
    assert bench.answers == ["/1"]


async def test_who_reads_on_gets_every_answer_in_its_time(patience):
    bench = Bench()
    await bench.say(GET % b"1")
    bench.connection.pause_writing()
    await asyncio.sleep(0.05)
    bench.connection.resume_writing()
    await asyncio.sleep(0.2)
    assert not bench.transport.closed
    bench.may_answer.set()
    await bench.turn()
    assert bench.answers == ["/1"]
    bench.connection.pause_writing()
    bench.connection.resume_writing()
    await asyncio.sleep(0.2)
    assert not bench.transport.closed


async def test_a_last_answer_that_nobody_reads_is_let_go(patience):
    """The transport closes once all is read, and would wait for that for ever."""
    for last in (
        GET.replace(b"host", b"connection: close\r\nhost") % b"1",
        b"no HTTP\r\n\r\n",
        GET % b"idle",
    ):
        bench = Bench(keep_alive=0.05)
        bench.may_answer.set()
        await bench.say(last)
        await asyncio.sleep(0.25)
        assert bench.transport.aborted
