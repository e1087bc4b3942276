"""What the hands promise whoever shares a client: forks, event loops, a crowd that waits, and time."""

import asyncio
import os
import threading
import time
from collections.abc import Callable

import anyio
import anyio.to_thread
import httpx2
import pytest

from ostiary import (
    APITimeoutError,
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    ManagementClient,
)
from ostiary.client.errors import OstiaryError, UsageError
from tests.wire.raw_server import saying
from tests.wire.scripted_server import Answer, ok

TOKEN_PATH = "/api/v3/get-management-token"
LIST = ok({"totalCount": 0, "list": []})
TOKEN = ok({"access_token": "at", "expires_in": 7200})
forks = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork"),
]


def forking(test: Callable[..., None]) -> Callable[..., None]:
    for mark in forks:
        test = mark(test)
    return test


def in_a_child(work: Callable[[], object]) -> str:
    """What `work` gives in a forked child, or the name of what it raises; "hangs" where it does not end."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            told = str(work())
        except BaseException as error:  # noqa: BLE001 - told to the test
            told = f"{type(error).__name__}: {error}"
        os.write(writes, told.encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        watch = threading.Timer(10, os.kill, (pid, 9))
        watch.start()
        told = pipe.read().decode()
        watch.cancel()
    os.waitpid(pid, 0)
    return told or "hangs"


def crowd(size: int, work: Callable[[], object]) -> list[tuple[str, float]]:
    """What each of so many threads was raised, and after how many seconds."""
    met: list[tuple[str, float]] = []

    def one() -> None:
        began = time.monotonic()
        try:
            work()
            met.append(("", time.monotonic() - began))
        except OstiaryError as error:
            met.append((type(error).__name__, time.monotonic() - began))

    threads = [threading.Thread(target=one) for _ in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return met


# ── forks ───────────────────────────────────────────────────────────────────────────────────


@forking
def test_a_forked_child_has_connections_of_its_own(server):
    with AuthenticationClient("app", server.url, access_token="parent") as client:
        client.send_sms("CHANNEL_LOGIN", "1")
        told = in_a_child(
            lambda: client.with_access_token("child").send_sms("CHANNEL_LOGIN", "1").status_code
        )
        assert told == "200"
        client.send_sms("CHANNEL_LOGIN", "1")
    first, childs, last = (asked.connection for asked in server.asked)
    assert first == last, "the parent's connection is still good"
    assert childs != first


@forking
def test_a_child_that_closes_or_ends_leaves_the_parents_connection_open(server):
    with AuthenticationClient("app", server.url) as client:
        client.send_sms("CHANNEL_LOGIN", "1")
        assert in_a_child(client.close) == "None"
        client.send_sms("CHANNEL_LOGIN", "1")
    assert server.connections == 1


@forking
def test_a_fork_while_another_thread_fetches_does_not_hang_the_child(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=0.5)
    server.script = [LIST]
    with ManagementClient("key", "secret", server.url) as client:
        fetching = threading.Thread(target=client.list_users)
        fetching.start()
        time.sleep(0.1)
        assert in_a_child(lambda: client.list_users().status_code) == "200"
        fetching.join()


@forking
def test_an_http_client_of_ones_own_is_refused_in_a_child(server):
    with httpx2.Client() as http:
        client = AuthenticationClient("app", server.url, http_client=http)
        client.send_sms("CHANNEL_LOGIN", "1")
        told = in_a_child(lambda: client.send_sms("CHANNEL_LOGIN", "1"))
    assert told.startswith("UsageError: This process is a fork")
    assert "after the fork" in told
    assert len(server.asked) == 1


@forking
def test_an_async_client_works_in_a_child(server):
    async def tell() -> str:
        async with AsyncAuthenticationClient("app", server.url) as client:
            await client.send_sms("CHANNEL_LOGIN", "1")
            told = in_a_child(lambda: asyncio.run(client.send_sms("CHANNEL_LOGIN", "1")).status_code)
            await client.send_sms("CHANNEL_LOGIN", "1")
            return told

    assert asyncio.run(tell()) == "200"
    first, childs, last = (asked.connection for asked in server.asked)
    assert first == last
    assert childs != first


# ── event loops, and the end ────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_an_async_client_belongs_to_one_event_loop(server):
    async with AsyncAuthenticationClient("app", server.url) as client:

        async def send() -> None:
            await client.send_sms("CHANNEL_LOGIN", "1")

        await send()
        with pytest.raises(UsageError, match="event loop"):
            await anyio.to_thread.run_sync(anyio.run, send)
        await send()
    assert server.connections == 1


def test_a_closed_client_says_so(server):
    client = AuthenticationClient("app", server.url)
    client.close()
    client.close()
    with pytest.raises(UsageError, match="closed"):
        client.send_sms("CHANNEL_LOGIN", "1")
    http = httpx2.Client()
    http.close()
    with pytest.raises(UsageError, match="closed"):
        AuthenticationClient("app", server.url, http_client=http).send_sms("CHANNEL_LOGIN", "1")


# ── a crowd that waits ──────────────────────────────────────────────────────────────────────


def test_who_waited_for_the_token_shares_the_one_failure(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=1.0)
    with ManagementClient("key", "secret", server.url, timeout=0.4, max_retries=0) as client:
        met = crowd(8, client.list_users)
        assert {name for name, _ in met} == {"APITimeoutError"}
        assert max(seconds for _, seconds in met) < 1.2, "one timeout for all, not one after the other"
        assert len(server.asked_at(TOKEN_PATH)) == 1
        server.by_path[TOKEN_PATH] = TOKEN
        server.script = [LIST]
        assert client.list_users().data.total_count == 0, "who comes later tries anew"


@pytest.mark.anyio
async def test_tasks_share_the_failure_too(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=1.0)
    failures: list[OstiaryError] = []

    async def one() -> None:
        try:
            await client.list_users()
        except APITimeoutError as error:
            failures.append(error)

    async with AsyncManagementClient("key", "secret", server.url, timeout=0.4, max_retries=0) as client:
        began = time.monotonic()
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(one)
        assert time.monotonic() - began < 1.2
    assert len(set(failures)) == 8, "each has an error of its own, which nobody else writes a traceback into"
    assert len(server.asked_at(TOKEN_PATH)) == 1


@pytest.mark.anyio
async def test_a_task_that_is_cancelled_while_it_fetches_fails_nobody_else(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=0.3)
    server.script = [LIST]
    came: list[int] = []
    began = anyio.Event()

    async def fetch_and_be_cancelled() -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            began.set()
            await client.list_users()

    async def wait_and_get() -> None:
        came.append((await client.list_users()).status_code)

    scopes: list[anyio.CancelScope] = []
    async with (
        AsyncManagementClient("key", "secret", server.url) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(fetch_and_be_cancelled)
        await began.wait()
        for _ in range(4):
            group.start_soon(wait_and_get)
        await anyio.sleep(0.1)
        scopes[0].cancel()
    assert came == [200] * 4
    assert len(server.asked_at(TOKEN_PATH)) == 2


# ── time ────────────────────────────────────────────────────────────────────────────────────


def drip_headers(connection) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
    for _ in range(30):
        connection.sendall(b"a")
        time.sleep(0.1)


def say_early_hints(connection) -> None:
    for _ in range(30):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.1)


def drip_what_decodes_to_nothing(connection) -> None:
    gzip_name = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"
    connection.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9999\r\n\r\n" + gzip_name
    )
    for _ in range(30):
        connection.sendall(b"a")
        time.sleep(0.1)


@pytest.mark.parametrize("say", [drip_headers, say_early_hints, drip_what_decodes_to_nothing])
def test_timeout_holds_for_the_answer_as_a_whole(say):
    with saying(say) as url, AuthenticationClient("app", url, timeout=0.4) as client:
        began = time.monotonic()
        with pytest.raises(APITimeoutError) as caught:
            client.update_phone("upt_x")
        assert time.monotonic() - began < 1.5
        assert caught.value.request_sent is None


@pytest.mark.anyio
@pytest.mark.parametrize("say", [drip_headers, say_early_hints, drip_what_decodes_to_nothing])
async def test_timeout_holds_for_tasks_as_well(say):
    with saying(say) as url:
        async with AsyncAuthenticationClient("app", url, timeout=0.4) as client:
            began = time.monotonic()
            with pytest.raises(APITimeoutError) as caught:
                await client.update_phone("upt_x")
            assert time.monotonic() - began < 1.5
            assert caught.value.request_sent is None


def test_a_body_that_drips_to_an_http_client_of_ones_own_ends_too():
    with saying(drip_what_decodes_to_nothing) as url, httpx2.Client() as http:
        client = AuthenticationClient("app", url, timeout=0.4, http_client=http)
        began = time.monotonic()
        with pytest.raises(APITimeoutError):
            client.update_phone("upt_x")
        assert time.monotonic() - began < 1.5
