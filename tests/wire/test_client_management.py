"""The management client and its token: fetched once, renewed in time, and anew where it is refused."""

import threading

import anyio
import pytest

from ostiary import AsyncManagementClient, ManagementClient
from ostiary.client import _ports
from ostiary.client.errors import ClientAuthenticationError, LoginExpired
from tests.wire.scripted_server import Answer, ScriptedServer, no, ok

TOKEN_PATH = "/api/v3/get-management-token"
# {"scoped_userpool_id":"pool-~~~1"}: its base64 holds a character that only the URL-safe alphabet has
JWT = "e30.eyJzY29wZWRfdXNlcnBvb2xfaWQiOiJwb29sLX5-fjEifQ.sig"


def token(text: str = JWT, life: int = 7200) -> Answer:
    return ok({"access_token": text, "expires_in": life})


@pytest.fixture
def client(server: ScriptedServer):
    server.by_path[TOKEN_PATH] = token()
    server.script = [ok({"success": True})]
    with ManagementClient("key", "secret", server.url, lang="en-US") as client:
        yield client


def test_one_token_serves_many_calls(server, client):
    for _ in range(3):
        assert client.delete_users_batch(["u1"]).data.success
    assert [asked.json() for asked in server.asked_at(TOKEN_PATH)] == [
        {"accessKeyId": "key", "accessKeySecret": "secret"}
    ]
    call = server.asked_at("/api/v3/delete-users-batch")[0]
    assert call.headers["authorization"] == f"Bearer {JWT}"
    assert call.headers["x-genauth-userpool-id"] == "pool-~~~1"
    assert call.headers["x-genauth-lang"] == "en-US"


def test_many_threads_fetch_one_token(server, client):
    server.by_path[TOKEN_PATH] = Answer(token().body, delay=0.1)
    threads = [threading.Thread(target=client.delete_users_batch, args=(["u1"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked_at(TOKEN_PATH)) == 1
    assert len(server.asked_at("/api/v3/delete-users-batch")) == 8


@pytest.mark.anyio
async def test_many_tasks_fetch_one_token(server):
    server.by_path[TOKEN_PATH] = Answer(token().body, delay=0.1)
    server.script = [ok({"success": True})]
    async with (
        AsyncManagementClient("key", "secret", server.url) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(8):
            group.start_soon(client.delete_users_batch, ["u1"])
    assert len(server.asked_at(TOKEN_PATH)) == 1
    assert len(server.asked_at("/api/v3/delete-users-batch")) == 8


@pytest.mark.parametrize(
    ("life", "later", "fetched"), [(7200, 7139, 1), (7200, 7141, 2), (10, 8, 1), (10, 9.5, 2)]
)
def test_a_token_is_renewed_before_it_ends(server, client, monkeypatch, life, later, fetched):
    server.by_path[TOKEN_PATH] = token(life=life)
    start = _ports.monotonic()
    monkeypatch.setattr(_ports, "monotonic", lambda: start)
    client.delete_users_batch(["u1"])
    monkeypatch.setattr(_ports, "monotonic", lambda: start + later)
    client.with_options(timeout=5).delete_users_batch(["u1"])
    assert len(server.asked_at(TOKEN_PATH)) == fetched


def test_a_token_that_is_refused_is_fetched_anew_once(server, client):
    server.script = [no(401, 2206), ok({"success": True})]
    assert client.delete_users_batch(["u1"]).data.success
    assert len(server.asked_at(TOKEN_PATH)) == 2
    server.script = [no(401, 2206)]
    with pytest.raises(LoginExpired):
        client.delete_users_batch(["u1"])
    assert len(server.asked_at("/api/v3/delete-users-batch")) == 4


def test_a_wrong_key_is_told_as_such(server, client):
    server.by_path[TOKEN_PATH] = no(401, 1300)
    with pytest.raises(ClientAuthenticationError):
        client.get_security_settings()
    assert [asked.path for asked in server.asked] == [TOKEN_PATH]


def test_lists_of_payloads_are_sent_as_they_are(server, client):
    server.script = [ok({"totalCount": 0, "list": []})]
    found = client.list_users(
        "138",
        [{"field": "phone", "operator": "EQUAL", "value": "13800138000"}],
        options={"pagination": {"page": 2, "limit": 5}},
    )
    assert (found.data.total_count, found.data.list) == (0, [])
    assert server.asked[-1].json() == {
        "keywords": "138",
        "advancedFilter": [{"field": "phone", "operator": "EQUAL", "value": "13800138000"}],
        "options": {"pagination": {"page": 2, "limit": 5}},
    }
