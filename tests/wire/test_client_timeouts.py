"""What `timeout` bounds: the whole of an exchange, however it drips, and nothing that unpacks itself."""

import time

import httpx2
import pytest

from ostiary import APITimeoutError, AsyncAuthenticationClient, AuthenticationClient
from ostiary.client.errors import APIConnectionError
from tests.wire.raw_server import saying
from tests.wire.scripted_server import ok


def drip_headers(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
    for _ in range(30):
        connection.sendall(b"a")
        time.sleep(0.1)


def say_early_hints(connection) -> None:
    for _ in range(30):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.1)


def drip_a_body(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
    for _ in range(30):
        connection.sendall(b"a")
        time.sleep(0.1)


@pytest.mark.parametrize("say", [drip_headers, say_early_hints, drip_a_body])
def test_timeout_holds_for_the_answer_as_a_whole(say):
    with saying(say) as url, AuthenticationClient("app", url, timeout=0.4) as client:
        began = time.monotonic()
        with pytest.raises(APITimeoutError) as caught:
            client.update_phone("upt_x")
        assert time.monotonic() - began < 1.5
        assert caught.value.request_sent is None


@pytest.mark.anyio
@pytest.mark.parametrize("say", [drip_headers, say_early_hints, drip_a_body])
async def test_timeout_holds_for_tasks_as_well(say):
    with saying(say) as url:
        async with AsyncAuthenticationClient("app", url, timeout=0.4) as client:
            began = time.monotonic()
            with pytest.raises(APITimeoutError) as caught:
                await client.update_phone("upt_x")
            assert time.monotonic() - began < 1.5
            assert caught.value.request_sent is None


def test_a_body_that_drips_to_an_http_client_of_ones_own_ends_too():
    with saying(drip_a_body) as url, httpx2.Client() as http:
        client = AuthenticationClient("app", url, timeout=0.4, http_client=http)
        began = time.monotonic()
        with pytest.raises(APITimeoutError):
            client.update_phone("upt_x")
        assert time.monotonic() - began < 1.5


def read_nothing(connection) -> None:
    time.sleep(3)


def test_timeout_holds_for_what_is_sent_too():
    with saying(read_nothing) as url, AuthenticationClient("app", url, timeout=0.5) as client:
        began = time.monotonic()
        with pytest.raises(APITimeoutError):
            client.update_profile(custom_data={"text": "x" * 20_000_000})
        assert time.monotonic() - began < 2.5


def say_in_gzip(connection) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b"
    )


@pytest.mark.anyio
async def test_a_coding_that_was_not_asked_for_is_not_undone():
    """Seven thousand bytes of nested gzip kept an event loop busy for ten seconds, whatever the timeout."""
    with saying(say_in_gzip) as url:
        async with AsyncAuthenticationClient("app", url) as client:
            with pytest.raises(APIConnectionError, match="coding"):
                await client.update_phone("upt_x")
        with AuthenticationClient("app", url) as threads, pytest.raises(APIConnectionError, match="coding"):
            threads.update_phone("upt_x")


def test_no_coding_is_asked_for(server):
    server.script = [ok()]
    with httpx2.Client(headers={"accept-encoding": "gzip"}) as http:
        AuthenticationClient("app", server.url, http_client=http).send_sms("CHANNEL_LOGIN", "1")
    assert server.asked[0].headers["accept-encoding"] == "identity"
