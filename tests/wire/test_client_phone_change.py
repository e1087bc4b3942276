"""The helper that walks the three steps of a phone change."""

import pytest

from ostiary import AsyncAuthenticationClient, AuthenticationClient
from ostiary.client.errors import APIConnectionError, CodeWrong, RateLimited, UpdateTokenUsed, UsageError
from tests.wire.scripted_server import Answer, ScriptedServer, no, ok

NEW, OLD = "13900139000", "13800138000"
PROFILE, SEND = "/api/v3/get-profile", "/api/v3/send-sms"
VERIFY, UPDATE = "/api/v3/verify-update-phone-request", "/api/v3/update-phone"


def user(phone: str | None) -> Answer:
    moment = "2026-01-01T00:00:00.000Z"
    return ok(
        {
            "userId": "u1",
            "createdAt": moment,
            "updatedAt": moment,
            "status": "Activated",
            "workStatus": "Active",
            "gender": "U",
            "emailVerified": False,
            "phoneVerified": bool(phone),
            "userSourceType": "register",
            "phone": phone,
            "phoneCountryCode": "+86" if phone else None,
        }
    )


@pytest.fixture
def client(server: ScriptedServer):
    server.by_path = {
        PROFILE: user(OLD),
        SEND: ok(),
        VERIFY: ok({"updatePhoneToken": "upt_1", "tokenExpiresIn": 60}),
    }
    server.script = [ok({"success": True})]
    with AuthenticationClient("app", server.url, access_token="at") as client:
        yield client


def test_both_numbers_are_proven(server, client):
    change = client.phone_change(NEW)
    assert change.send_codes() == change.needs == ("new", "old")
    assert [asked.json() for asked in server.asked_at(SEND)] == [
        {"channel": "CHANNEL_BIND_PHONE", "phoneNumber": NEW},
        {"channel": "CHANNEL_UNBIND_PHONE", "phoneNumber": OLD, "phoneCountryCode": "+86"},
    ]
    with pytest.raises(UsageError):
        change.finish("123456")
    change.finish("123456", "654321")
    assert server.asked_at(VERIFY)[0].json()["phonePassCodePayload"] == {
        "newPhoneNumber": NEW,
        "newPhonePassCode": "123456",
        "oldPhoneNumber": OLD,
        "oldPhonePassCode": "654321",
        "oldPhoneCountryCode": "+86",
    }
    assert server.asked_at(UPDATE)[0].json() == {"updatePhoneToken": "upt_1"}
    assert NEW not in repr(change)


@pytest.mark.parametrize("prove_old", [True, False])
def test_without_an_old_number_one_code_will_do(server, client, prove_old):
    if prove_old:
        server.by_path[PROFILE] = user(None)
    change = client.phone_change(NEW, "+86", prove_old=prove_old)
    assert change.send_codes() == ("new",)
    change.finish("123456")
    assert "oldPhoneNumber" not in server.asked_at(VERIFY)[0].json()["phonePassCodePayload"]


def test_after_an_error_only_what_is_missing_is_sent(server, client):
    change = client.phone_change(NEW)
    del server.by_path[SEND]
    server.script = [ok(), no(429, 4004, {"retryAfter": 9}), ok()]
    with pytest.raises(RateLimited):
        change.send_codes()
    change.send_codes()
    assert [asked.json()["phoneNumber"] for asked in server.asked_at(SEND)] == [NEW, OLD, OLD]
    change.send_codes(again=True)
    assert len(server.asked_at(SEND)) == 5


def test_wrong_codes_can_be_typed_again(server, client):
    change = client.phone_change(NEW, prove_old=False)
    change.send_codes()
    right, server.by_path[VERIFY] = server.by_path[VERIFY], no(422, 2001)
    with pytest.raises(CodeWrong):
        change.finish("000000")
    assert not server.asked_at(UPDATE)
    server.by_path[VERIFY] = right
    change.finish("123456")


@pytest.mark.parametrize(
    "lost", [Answer(hang_up=True), Answer(b"Bad Gateway", 502), Answer(no(503).body, 503)]
)
@pytest.mark.parametrize("then", [ok({"success": True}), no(409, 91003, {"success": True})])
def test_a_lost_answer_is_asked_for_again(server, client, lost, then):
    change = client.phone_change(NEW, prove_old=False)
    change.send_codes()
    server.script = [lost, then]
    change.finish("123456")
    assert [asked.json()["updatePhoneToken"] for asked in server.asked_at(UPDATE)] == ["upt_1", "upt_1"]


def test_a_token_that_somebody_else_used_is_no_success(server, client):
    change = client.phone_change(NEW, prove_old=False)
    server.script = [no(409, 91003, {"success": True})]
    with pytest.raises(UpdateTokenUsed):
        change.finish("123456")
    server.script = [Answer(hang_up=True)]
    with pytest.raises(APIConnectionError):
        change.finish("123456")


@pytest.mark.anyio
async def test_tasks_walk_alike(server, client):
    async with AsyncAuthenticationClient("app", server.url, access_token="at") as tasks:
        change = tasks.phone_change(NEW)
        assert await change.send_codes() == ("new", "old")
        server.script = [Answer(hang_up=True), no(409, 91003, {"success": True})]
        await change.finish("123456", "654321")
    assert len(server.asked_at(UPDATE)) == 2
