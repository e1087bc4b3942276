"""The helper that walks the three steps of a phone change."""

import anyio
import pytest

from ostiary import AsyncAuthenticationClient, AuthenticationClient
from ostiary.client import _ports
from ostiary.client.errors import (
    APIConnectionError,
    CodeExpired,
    CodeWrong,
    PhoneTaken,
    RateLimited,
    SamePhone,
    UpdateTokenError,
    UsageError,
)
from tests.wire.scripted_server import Answer, ScriptedServer, no, ok

NEW, OLD = "13900139000", "13800138000"
PROFILE, SEND = "/api/v3/get-profile", "/api/v3/send-sms"
VERIFY, UPDATE = "/api/v3/verify-update-phone-request", "/api/v3/update-phone"
LOST, USED = Answer(hang_up=True), no(409, 91003, {"success": True})


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


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[tuple[float, float]]:
    """What would have been waited, and is not."""
    waited: list[tuple[float, float]] = []

    def between(at_least: float, at_most: float) -> float:
        waited.append((at_least, at_most))
        return 0

    monkeypatch.setattr(_ports, "between", between)
    return waited


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


@pytest.mark.parametrize("lost", [LOST, Answer(b"Bad Gateway", 502), Answer(no(503).body, 503)])
@pytest.mark.parametrize("then", [ok({"success": True}), USED])
def test_a_lost_answer_is_asked_for_again_after_a_pause(server, client, pauses, lost, then):
    change = client.phone_change(NEW, prove_old=False)
    change.send_codes()
    server.script = [lost, then]
    change.finish("123456")
    assert tokens_shown(server) == ["upt_1", "upt_1"]
    assert pauses == [(1, 2)]  # a service that is being started again is back by then


def tokens_shown(server: ScriptedServer) -> list[str]:
    return [asked.json()["updatePhoneToken"] for asked in server.asked_at(UPDATE)]


def stranded(server: ScriptedServer, client: AuthenticationClient):
    """A change of which both answers to `update_phone` were lost."""
    change = client.phone_change(NEW)
    change.send_codes()
    server.script = [LOST]
    with pytest.raises(APIConnectionError):
        change.finish("123456", "654321")
    return change


@pytest.mark.parametrize("then", [ok({"success": True}), USED])
def test_both_answers_lost_the_same_token_is_shown_first_of_all(server, client, then):
    change = stranded(server, client)
    server.script = [then]
    change.finish("123456", "654321")
    assert tokens_shown(server) == ["upt_1"] * 3
    assert len(server.asked_at(VERIFY)) == 1  # its codes are used: to show them again would be refused


def test_while_the_service_is_away_the_token_is_kept(server, client):
    change = stranded(server, client)
    for _ in range(2):
        with pytest.raises(APIConnectionError):
            change.finish("123456", "654321")
    server.script = [no(429, 4290), USED]
    with pytest.raises(RateLimited):
        change.finish("123456", "654321")
    change.finish("123456", "654321")
    assert set(tokens_shown(server)) == {"upt_1"}
    assert len(server.asked_at(VERIFY)) == 1


def test_a_number_that_moved_is_done_where_the_token_was_forgotten_meanwhile(server, client):
    change = stranded(server, client)
    server.script, server.by_path[VERIFY] = [no(403, 91002)], no(422, 2230)
    change.finish("123456", "654321")
    with pytest.raises(SamePhone):  # that was told; to ask for the same once more is a mistake
        change.finish("123456", "654321")


def test_a_number_that_did_not_move_is_proven_anew(server, client):
    change = stranded(server, client)
    granted, server.by_path[VERIFY] = server.by_path[VERIFY], no(422, 2300)
    server.script = [no(403, 91002)]
    with pytest.raises(CodeExpired):
        change.finish("123456", "654321")
    server.by_path |= {PROFILE: user("13700137000"), VERIFY: granted}
    assert change.send_codes(again=True) == ("new", "old")
    server.script = [ok({"success": True})]
    change.finish("234567", "765432")
    proven = server.asked_at(VERIFY)[-1].json()["phonePassCodePayload"]
    assert proven["oldPhoneNumber"] == "13700137000"  # an administrator's change in between


def test_codes_that_are_sent_again_go_to_the_number_that_the_account_has(server, client):
    change = client.phone_change(NEW)
    change.send_codes()
    server.by_path[PROFILE] = user(None)
    assert change.send_codes(again=True) == change.needs == ("new",)
    change.finish("123456")


@pytest.mark.parametrize("refusal", [no(409, 2035), no(403, 91002)])
def test_a_refused_token_is_no_lost_answer(server, client, refusal):
    change = client.phone_change(NEW, prove_old=False)
    server.script = [refusal]
    with pytest.raises((PhoneTaken, UpdateTokenError)):
        change.finish("123456")
    server.by_path[VERIFY] = ok({"updatePhoneToken": "upt_2", "tokenExpiresIn": 60})
    server.script = [ok({"success": True})]
    change.finish("234567")
    assert tokens_shown(server) == ["upt_1", "upt_2"]


def test_the_account_s_own_number_is_told_as_such(server, client):
    change = client.phone_change(NEW, prove_old=False)
    server.by_path[VERIFY] = no(422, 2230)
    with pytest.raises(SamePhone):
        change.finish("123456")


def test_a_proxy_may_have_shown_the_token_already(server, client):
    change = client.phone_change(NEW, prove_old=False)
    server.script = [USED]  # by this very token, in this session: nobody else hears that
    change.finish("123456")


@pytest.mark.anyio
async def test_tasks_walk_alike(server, client, pauses):
    async with AsyncAuthenticationClient("app", server.url, access_token="at") as tasks:
        change = tasks.phone_change(NEW)
        assert await change.send_codes() == ("new", "old")
        server.script = [LOST]
        with pytest.raises(APIConnectionError):
            await change.finish("123456", "654321")
        server.script = [LOST, USED]
        await change.finish("123456", "654321")
    assert tokens_shown(server) == ["upt_1"] * 4
    assert len(server.asked_at(VERIFY)) == 1
    assert pauses == [(1, 2)] * 2


@pytest.mark.anyio
async def test_a_cancelled_task_s_change_is_found_done(server, client):
    async with AsyncAuthenticationClient("app", server.url, access_token="at") as tasks:
        change = tasks.phone_change(NEW, prove_old=False)
        server.script = [Answer(delay=0.5)]
        with anyio.move_on_after(0.2):
            await change.finish("123456")
        server.script, server.by_path[VERIFY] = [no(403, 91002)], no(422, 2230)
        await change.finish("123456")
