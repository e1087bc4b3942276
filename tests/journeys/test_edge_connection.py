"""A connection by itself: turns, who does not read, who says nothing, and the end."""

import asyncio

import pytest
from uvicorn.server import ServerState

from ostiary.server.web.protocol import Connection

GET = b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n"


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written, self.closed, self.reading = b"", False, True

    def get_extra_info(self, name, default=None):
        return ("192.0.2.1", 4711)

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


class Bench:
    """A connection whose requests are answered when the test says so."""

    def __init__(self, **limits):
        self.asked, self.may_answer = [], asyncio.Event()

        class Configured(Connection):
            edge = staticmethod(self._answer)

        for name, value in limits.items():
            setattr(Configured, name, value)
        self.state, self.transport = ServerState(), Transport()
        self.connection = Configured(self.state)
        self.connection.connection_made(self.transport)

    async def _answer(self, request):
        self.asked.append(request)
        await self.may_answer.wait()
        if request.path == b"/broken":
            raise LookupError
        request.reply(200, b"", request.path, close=False)

    async def say(self, data):
        self.connection.data_received(data)
        await self.turn()

    async def turn(self):
        for _ in range(4):
            await asyncio.sleep(0)

    @property
    def answers(self):
        return [
            answer.rpartition(b"\r\n")[2].decode() for answer in self.transport.written.split(b"HTTP/1.1")[1:]
        ]


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_requests_wait_for_the_one_before_and_nothing_more_is_read():
    bench = Bench()
    await bench.say(GET % b"1" + GET % b"2" + GET % b"3")
    assert ([request.path for request in bench.asked], bench.transport.reading) == ([b"/1"], False)
    bench.may_answer.set()
    await bench.turn()
    await bench.turn()
    assert (bench.answers, bench.transport.reading) == (["/1", "/2", "/3"], True)
    assert not bench.state.tasks


async def test_who_does_not_read_gets_no_second_answer_before():
    bench = Bench()
    bench.may_answer.set()
    bench.connection.pause_writing()
    await bench.say(GET % b"1")
    assert (bench.asked, bench.transport.reading) == ([], False)
    bench.connection.resume_writing()
    await bench.turn()
    assert (bench.answers, bench.transport.reading) == (["/1"], True)


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


async def test_a_head_has_one_time_however_it_trickles():
    bench = Bench(header_timeout=0.1, keep_alive=30)
    bench.may_answer.set()
    await bench.say(GET % b"1")
    for place in range(8):
        await bench.say((GET % b"22222222")[place : place + 1])
        await asyncio.sleep(0.02)
    assert bench.transport.closed


async def test_a_stop_lets_what_has_come_be_answered():
    bench = Bench()
    await bench.say(GET % b"1" + GET % b"2")
    bench.connection.shutdown()
    assert not bench.transport.closed
    bench.may_answer.set()
    await bench.turn()
    await bench.turn()
    assert (bench.answers, bench.transport.closed) == (["/1", "/2"], True)
    assert bench.transport.written.count(b"connection: close") == 1


async def test_who_is_gone_is_not_answered():
    bench = Bench()
    await bench.say(GET % b"1" + GET % b"2")
    bench.connection.connection_lost(None)
    bench.may_answer.set()
    await bench.turn()
    assert (len(bench.asked), bench.transport.written) == (1, b"")
    assert not bench.state.connections | bench.state.tasks


async def test_an_edge_that_breaks_ends_the_connection():
    bench = Bench()
    bench.may_answer.set()
    await bench.say(GET % b"broken")
    assert (bench.transport.written, bench.transport.closed) == (b"", True)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a?b=c?d#e", b"/a", b"b=c?d"),
        (b"/a%2fb", b"/a%2fb", b""),
        (b"http://host/a?b", b"/a", b"b"),
        (b"/?", b"/", b""),
    ],
)
async def test_a_target_has_a_path_and_a_query(target, path, query):
    bench = Bench()
    await bench.say(b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert (bench.asked[0].path, bench.asked[0].query, bench.asked[0].peer) == (path, query, "192.0.2.1")
