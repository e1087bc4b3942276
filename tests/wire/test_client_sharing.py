"""What the drivers promise whoever shares a client: forks, event loops, and a crowd that waits."""

import asyncio
import os
import subprocess
import sys
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
from ostiary.client._core import Response
from ostiary.client._endpoint import Endpoint
from ostiary.client._single_flight import SingleFlight
from ostiary.client.errors import OstiaryError, UsageError
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


FORKS_IN_C = """
import ctypes, os, sys
from ostiary import AuthenticationClient

client = AuthenticationClient("app", sys.argv[1])
client.send_sms("CHANNEL_LOGIN", "1")
if (child := ctypes.PyDLL(None).fork()) == 0:
    os._exit(client.send_sms("CHANNEL_LOGIN", "1").status_code != 200)
assert os.waitpid(child, 0)[1] == 0
client.send_sms("CHANNEL_LOGIN", "1")
"""
"""One thread: without its hook Python goes on in a child only where no other thread waited for it."""


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
def test_a_child_of_a_program_that_forks_in_c_has_too(server):
    """uWSGI calls none of Python's hooks, unless it is told to."""
    subprocess.run([sys.executable, "-c", FORKS_IN_C, server.url], check=True, timeout=30)
    first, childs, last = (asked.connection for asked in server.asked)
    assert first == last
    assert childs != first


@forking
def test_a_fork_while_another_thread_makes_a_reader_does_not_hang_the_child():
    """A first call makes its answer's reader; in Python 3.11 a cached property would hold one lock for all of them."""
    begun, go_on = threading.Event(), threading.Event()

    def made(*, slowly: bool) -> Endpoint[str]:
        def make() -> Callable[[Response], str]:
            begun.set()
            assert not slowly or go_on.wait(20)
            return lambda _: "read"

        return Endpoint(
            name="x", method="GET", path="/", credential="none", safe=True, content="query", make_reader=make
        )

    slow, other, answer = made(slowly=True), made(slowly=False), Response(200, {}, b"")
    first = threading.Thread(target=lambda: slow.read)
    first.start()
    assert begun.wait(20)
    assert in_a_child(lambda: other.read(answer)) == "read"
    go_on.set()
    first.join()


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


def beginning(work: Callable[[], object]) -> threading.Thread:
    """A thread that does it, a moment ago."""
    thread = threading.Thread(target=lambda: crowd(1, work))
    thread.start()
    time.sleep(0.1)
    return thread


def test_nobody_waits_longer_than_they_would_try_themselves(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=1.5)
    server.script = [LIST]
    with ManagementClient("key", "secret", server.url, timeout=5) as patient:
        fetching = beginning(patient.list_users)
        [(met, seconds)] = crowd(1, patient.with_options(timeout=0.2, max_retries=0).list_users)
        assert (met, seconds < 1) == ("APITimeoutError", True)
        fetching.join()


def test_who_tries_longer_does_not_share_the_end_of_who_gave_up_sooner(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=0.5)
    server.script = [LIST]
    with ManagementClient("key", "secret", server.url, timeout=5) as patient:
        giving_up = beginning(patient.with_options(timeout=0.2, max_retries=0).list_users)
        assert patient.list_users().data.total_count == 0
        giving_up.join()


@pytest.mark.anyio
async def test_so_it_is_with_tasks(server):
    server.by_path[TOKEN_PATH] = Answer(TOKEN.body, delay=0.5)
    server.script = [LIST]
    came: list[object] = []

    async def give_up(client: AsyncManagementClient) -> None:
        with pytest.raises(APITimeoutError) as caught:
            await client.list_users()
        came.append(caught.value)

    async with (
        AsyncManagementClient("key", "secret", server.url, timeout=5) as patient,
        anyio.create_task_group() as group,
    ):
        hasty = patient.with_options(timeout=0.2, max_retries=0)
        group.start_soon(give_up, hasty)
        await anyio.sleep(0.1)
        group.start_soon(give_up, hasty)
        came.append((await patient.list_users()).status_code)
    assert len(came) == 3
    assert came[-1] == 200


def test_a_signal_handler_that_comes_to_its_own_threads_run_does_the_work_itself():
    flight = SingleFlight()
    assert flight.share(lambda: flight.share(lambda: "of the handler", 1), 1) == "of the handler"
