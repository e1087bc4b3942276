"""A body that is waited for, the guard over an answer's head, and the one timer of a connection."""

import asyncio

import pytest

from ostiary.server.core.refused import Refused
from ostiary.server.web.answers import MOST_BODY, GoneError, Request
from ostiary.server.web.middleware import _line


def asked(**given):
    return Request("POST", b"/", b"", {}, None, "request-1", **given)


async def test_a_body_that_is_there_has_no_timer(monkeypatch):
    monkeypatch.setattr(asyncio, "get_running_loop", None)
    request = asked()
    request.feed(b"he")
    request.feed(b"re")
    request.end()
    assert await request.body() == b"here"
    assert not request.unread


async def test_a_body_in_pieces_is_waited_for():
    request = asked()
    body = asyncio.create_task(request.body())
    for piece in (b"a", b"b", b""):
        await asyncio.sleep(0)
        request.feed(piece)
    assert not body.done()
    request.end()
    assert await body == b"ab"
    assert not request.unread


async def test_the_pieces_share_one_deadline():
    request = asked(body_timeout=0.05)
    body = asyncio.create_task(request.body())
    for _ in range(20):
        await asyncio.sleep(0.01)
        request.feed(b"a")
    assert isinstance(await body, Refused)
    assert request.unread


async def test_what_is_too_much_is_read_to_its_end_and_not_kept():
    request = asked()
    for _ in range(3):
        request.feed(b"a" * MOST_BODY)
    request.end()
    assert isinstance(await request.body(), Refused)
    assert request._chunks == [b"a" * MOST_BODY]
    assert not request.unread


@pytest.mark.parametrize("before", [True, False])
async def test_who_hangs_up_is_not_waited_for(before):
    request = asked()
    if before:
        request.hang_up()
    body = asyncio.create_task(request.body())
    await asyncio.sleep(0)
    request.hang_up()
    with pytest.raises(GoneError):
        await body


async def test_a_body_is_asked_for_only_where_it_is_waited_for():
    wanted = []

    class Expecting(Request):
        def go_on(self):
            wanted.append(self.id)

    for name, whole in (("there", True), ("on its way", False)):
        request = Expecting("POST", b"/", b"", {}, None, name, body_timeout=0.01, whole=whole)
        await request.body()
    assert wanted == ["on its way"]


def test_a_header_is_one_line():
    assert _line(b"a", b"b") == b"a: b\r\n"


@pytest.mark.parametrize("bad", [b"b\r\nset-cookie: c", b"b\n", b"\r", b"\0", b"b\x7f"])
def test_a_header_with_a_control_character_is_not_sent(bad):
    for header in ((b"a", bad), (bad, b"a")):
        with pytest.raises(ValueError, match="control character"):
            _line(*header)
