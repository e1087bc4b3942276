"""The deadline that begins when something is waited for, and the guard over an answer's head."""

import asyncio

import pytest

from ostiary.server.web.exchange import Exchange
from ostiary.server.web.patience import within


async def nothing_to_wait_for():
    return "here"


async def in_pieces(pieces, pause=0.0):
    for _ in range(pieces):
        await asyncio.sleep(pause)
    return "whole"


async def test_what_does_not_wait_has_its_value_and_no_timer(monkeypatch):
    monkeypatch.setattr(asyncio, "timeout", None)
    assert await within(1, nothing_to_wait_for()) == "here"


@pytest.mark.parametrize("pause", [0.0, 0.001])
async def test_what_waits_again_and_again_gets_there(pause):
    assert await within(5, in_pieces(3, pause)) == "whole"


async def test_the_pieces_share_one_deadline():
    with pytest.raises(TimeoutError):
        await within(0.05, in_pieces(100, 0.01))


async def test_an_error_comes_out_as_it_is_before_and_after_waiting():
    async def fails(waits):
        if waits:
            await asyncio.sleep(0)
        raise LookupError

    for waits in (False, True):
        with pytest.raises(LookupError):
            await within(1, fails(waits))


async def test_who_is_cancelled_gets_to_clean_up():
    cleaned = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    task = asyncio.create_task(within(60, work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [True]


class Bare(Exchange):
    def __init__(self, *, keep_alive=True):
        self.default_headers = [(b"date", b"now")]
        self.keep_alive = keep_alive


def test_a_head_is_one_line_a_header():
    assert Bare()._line_up(200, [(b"a", b"b")]) == b"HTTP/1.1 200 OK\r\ndate: now\r\na: b\r\n\r\n"


def test_a_connection_ends_where_either_side_says_so():
    assert Bare(keep_alive=False)._line_up(204, []).endswith(b"connection: close\r\n\r\n")
    told = Bare()
    assert told._line_up(200, [(b"connection", b"close")]).count(b"close") == 1
    assert not told.keep_alive


@pytest.mark.parametrize("bad", [b"b\r\nset-cookie: c", b"b\n", b"\r", b"\0", b"b\x7f"])
def test_a_header_with_a_control_character_is_not_sent(bad):
    for header in ((b"a", bad), (bad, b"a")):
        with pytest.raises(ValueError, match="control character"):
            Bare()._line_up(200, [header])
