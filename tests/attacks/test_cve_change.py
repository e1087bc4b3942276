"""Other people's holes in changing a contact, tried here (rows 1 to 24 of docs/security-tests.md)."""

import json
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.operations import OPERATIONS
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from tests.attacks.edge import Edge
from tests.workbench import BIND, UNBIND, Person, Workbench

pytestmark = pytest.mark.anyio

NO_OLD = ChangePhoneStrategy(verify_old_phone=False)
N1, N2, N3 = "+8613900139011", "+8613900139012", "+8613900139013"


def key(answer: Any) -> str:
    return answer.key.value if isinstance(answer, Refused) else "done"


async def granted(bench: Workbench, who: Person, new: str) -> str:
    """A token for a new number, where the pool wants no old one."""
    assert await bench.send(who, BIND, new) is None
    answer = await bench.verify(who, new, bench.code(who, BIND, new))
    assert not isinstance(answer, Refused), answer
    return str(answer.update_phone_token)


async def test_supabase_2430_an_abandoned_change_gives_nobody_the_number(bench: Workbench):
    bench.policy(change_phone_strategy=NO_OLD)
    attacker, victim = bench.person("+8613800138001"), bench.person("+8613800138002")
    await granted(bench, attacker, N1)  # and never spent
    token = await granted(bench, victim, N1)
    before = bench.all("SELECT * FROM users WHERE id = :id", id=attacker.user_id)
    assert key(await bench.update(victim, token)) == "done"
    assert (bench.phone(victim.user_id), bench.phone(attacker.user_id)) == (N1, "+8613800138001")
    assert bench.all("SELECT * FROM users WHERE id = :id", id=attacker.user_id) == before


async def test_supabase_33220_ten_pending_the_same_number_stay_apart(bench: Workbench):
    bench.policy(change_phone_strategy=NO_OLD)
    people = [
        bench.person(f"+8613800138{n:03d}") for n in range(4)
    ]  # more would meet the number's hourly limit
    tokens = [await granted(bench, who, N1) for who in people]
    said = [key(await bench.update(who, token)) for who, token in zip(people, tokens, strict=True)]
    assert said == ["done", "phone_taken", "phone_taken", "phone_taken"]
    assert [bench.phone(who.user_id) for who in people].count(N1) == 1


@pytest.mark.parametrize("op", ["sign_up", "create_user_as_user", "get_profile"])
def test_cve_2026_27946_nobody_verifies_their_own_contact(edge: Edge, op: str):
    """Row 3: `verified` is the server's word; a form that says it says nothing."""
    name = f"claims{edge.number()}"
    claims = {
        "emailVerified": True,
        "phoneVerified": True,
        "email_verified": True,
        "verified": True,
        "status": "Activated",
    }
    if op == "sign_up":
        form = {"connection": "PASSWORD", "passwordPayload": {"username": name, "email": f"{name}@example.com", "password": "long enough", **claims}, "profile": claims, "options": claims, **claims}  # fmt: skip
        made = edge.ask("/api/v3/signup", form).json["data"]
        assert (made["emailVerified"], made["phoneVerified"]) == (False, False)
        assert edge.all("SELECT verified FROM emails WHERE user_id = :id", id=made["userId"]) == [(0,)]
    elif op == "create_user_as_user":
        form = {"username": name, "phone": edge.number(), **claims}
        assert edge.ask("/api/v3/create-user", form, edge.someone.access_token).verdict == 2207
    else:
        answer = edge.raw("GET", "/api/v3/get-profile", query=b"emailVerified=true&phoneVerified=true",
                          headers={"authorization": edge.someone.access_token})  # fmt: skip
        assert answer.verdict == 200


def test_cve_2026_54693_no_answer_of_any_operation_holds_a_code(edge: Edge):
    """Rows 4 and 5: nothing that a caller can ask for or put into a form brings the code back to them."""
    who, number = edge.quick(), edge.number()
    for channel in (BIND, "CHANNEL_LOGIN"):
        form = {"channel": channel, "phoneNumber": number}
        more = {
            "returnCode": True,
            "return_code": {},
            "deliveryType": "RETURN",
            "debug": True,
            "dev": 1,
            "test": True,
        }
        answer = edge.ask("/api/v3/send-sms", {**form, **more, "options": more}, who.access_token)
        assert answer.verdict == 200
        assert set(answer.json) == {"statusCode", "message", "requestId"}
    codes = {
        *edge.codes(f"+86{number}", BIND).values(),
        *edge.codes(f"+86{number}", "CHANNEL_LOGIN").values(),
    }
    assert len(codes) == 2
    for op in OPERATIONS:
        for token in (who.access_token, edge.manager(), ""):
            headers = {"authorization": token, "x-genauth-app-id": edge.tenant.app_id} if token else {}
            if token.count(".") == 2 and op.path.endswith("list-messages"):
                continue  # shows states of messages, never texts: tests/journeys/test_seeing*.py
            answer = edge.call(op, headers)
            text = answer.body.decode() + json.dumps(dict(answer.headers))
            text = (
                text.replace(answer.headers["x-request-id"], "").replace(
                    answer.json.get("requestId", "-"), ""
                )
                if isinstance(answer.json, dict)
                else text
            )
            assert not [code for code in codes if f'"{code}"' in text or f" {code} " in text], op.name


def test_cve_2026_120447_the_caller_does_not_choose_the_code(edge: Edge):
    for name in ("code", "passCode", "Code", "pass_code", "verifyCode", "seed", "otp"):
        number = edge.number()
        form = {"channel": "CHANNEL_LOGIN", "phoneNumber": number, name: "424242", "length": 1}
        assert edge.ask("/api/v3/send-sms", form).verdict == 200
        [code] = edge.codes(f"+86{number}", "CHANNEL_LOGIN").values()
        assert len(code) == 6
        assert code != "424242"  # once in a million this fails by chance


async def test_cve_2026_3655_a_code_for_my_phone_proves_no_other(bench: Workbench):
    bench.policy(change_phone_strategy=NO_OLD)
    who = bench.person(None)
    assert await bench.send(who, BIND, N1) is None
    assert await bench.send(who, BIND, N2) is None
    code = bench.code(who, BIND, N1)
    if code != bench.code(who, BIND, N2):
        assert key(await bench.bind(who, N2, code)) == "code_wrong"
    assert key(await bench.bind(who, N3, code)) == "code_expired"
    assert bench.phone(who.user_id) is None


async def test_cve_2026_9087_a_token_moves_the_number_it_was_granted_for(bench: Workbench):
    """Rows 10 and 11: the number is in the token; whatever was asked for since changes nothing of it."""
    bench.policy(change_phone_strategy=NO_OLD)
    who = bench.person("+8613800138001")
    first = await granted(bench, who, N1)
    assert await bench.send(who, BIND, N2) is None
    assert key(await bench.update(who, first)) == "done"
    assert bench.phone(who.user_id) == N1
    second, third = await granted(bench, who, N3), await granted(bench, who, "+8613900139014")
    assert key(await bench.update(who, second)) == "update_token_invalid"
    assert key(await bench.update(who, third)) == "done"


async def test_cve_2023_26481_a_token_in_other_hands_moves_nothing(bench: Workbench):
    """Row 12, and T08: another user, another session; the owner loses nothing by it."""
    bench.policy(change_phone_strategy=NO_OLD)
    owner, thief = bench.person("+8613800138001"), bench.person("+8613800138002")
    token = await granted(bench, owner, N1)
    device = bench.session(owner.user_id, owner.phone)
    for other in (thief, device):
        assert key(await bench.update(other, token)) == "update_token_invalid"
    assert bench.phone(thief.user_id) == "+8613800138002"
    assert key(await bench.update(owner, token)) == "done"


CODES: list[Any] = ["", None, 0, False, [], {}, ..., "null", "undefined", "000000", "0", "      ", "\u0000"]


@pytest.mark.parametrize("code", CODES, ids=repr)
def test_cve_2025_12374_no_code_is_not_a_code(edge: Edge, code: Any):
    """Rows 13 and 14: empty, absent or null never equals a code that was never asked for."""
    who, new = edge.quick(), edge.number()
    bare = edge.quick(phone=False)
    payload = {
        "newPhoneNumber": new,
        "newPhonePassCode": code,
        "oldPhoneNumber": who.phone,
        "oldPhonePassCode": code,
    }
    verify = {"phonePassCodePayload": payload, "verifyMethod": "PHONE_PASSCODE"}
    by_code = {"connection": "PASSCODE", "passCodePayload": {"phone": who.phone, "passCode": code}}
    client = {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    tries = [
        ("/api/v3/verify-update-phone-request", verify, who),
        ("/api/v3/bind-phone", {"phoneNumber": new, "passCode": code}, bare),
        ("/api/v3/unbind-phone", {"passCode": code}, who),
        ("/api/v3/update-phone", {"updatePhoneToken": code}, who),
        ("/api/v3/signin", {**by_code, **client}, None),
        ("/api/v3/signup", by_code, None),
    ]
    before = edge.all("SELECT number, user_id FROM phones ORDER BY number")
    for path, form, by in tries:
        said = edge.ask(path, _without_dots(form), by.access_token if by else None).json
        assert said["statusCode"] in {400, 403, 422}, (path, said)
    assert edge.all("SELECT number, user_id FROM phones ORDER BY number") == before


def _without_dots(form: Any) -> Any:
    if not isinstance(form, dict):
        return form
    return {name: _without_dots(value) for name, value in form.items() if value is not ...}


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b" ", b'{"verifyMethod":"PHONE_PASSCODE"}'])
def test_cve_2026_49443_an_empty_step_is_not_a_passed_step(edge: Edge, body: bytes):
    who = edge.quick()
    for path in ("verify-update-phone-request", "update-phone", "bind-phone", "unbind-phone"):
        headers = {"authorization": who.access_token, "content-type": "application/json"}
        said = edge.raw("POST", f"/api/v3/{path}", body, headers=headers).json
        assert (said["statusCode"], said["apiCode"]) == (400, 2231)
    assert edge.all("SELECT count(*) FROM one_time_tokens WHERE user_id = :id", id=who.user_id) == [(0,)]


def test_cve_2026_56073_flags_and_cookies_of_the_client_mean_nothing(edge: Edge):
    """Rows 15 and 23: the state of a change is the server's; no answer sets a cookie that could be forged."""
    who, new = edge.quick(), edge.number()
    flags = {
        "verified": True,
        "isValid": True,
        "success": True,
        "oldVerified": True,
        "userId": edge.someone.user_id,
    }
    payload = {"newPhoneNumber": new, "newPhonePassCode": "123456", **flags}
    form = {"phonePassCodePayload": payload, "verifyMethod": "PHONE_PASSCODE", **flags}
    cookies = {"cookie": "verified=1; session=admin; authing_session=x; _authing_token=y"}
    assert edge.ask("/api/v3/verify-update-phone-request", form, who.access_token, cookies).verdict == 91001
    assert (
        edge.ask(
            "/api/v3/update-phone", {"updatePhoneToken": "upt_x", **flags}, who.access_token, cookies
        ).verdict
        == 91002
    )
    for op in OPERATIONS:
        assert "set-cookie" not in edge.call(op, {**cookies, "authorization": who.access_token}).headers


async def test_gitlab_339145_an_old_sign_in_does_not_change_the_number(bench: Workbench):
    """Rows 16 and 20: without the old number, the credential was checked less than stepUpMaxAge ago."""
    bench.policy(change_phone_strategy=NO_OLD)
    who, bare = bench.person("+8613800138001"), bench.person(None)
    bench.clock.advance(seconds=901)
    for channel, number in ((BIND, N1), (BIND, N2)):
        assert await bench.send(who if number == N1 else bare, channel, number) is None
    assert key(await bench.verify(who, N1, bench.code(who, BIND, N1))) == "reauth_required"
    assert key(await bench.bind(bare, N2, bench.code(bare, BIND, N2))) in {"reauth_required", "done"}
    fresh = bench.session(who.user_id, who.phone)
    assert key(await bench.verify(fresh, N1, bench.code(who, BIND, N1))) == "done"


async def test_supabase_1489_a_new_address_voids_what_was_pending(bench: Workbench):
    """Row 22: codes and tokens that stand when an identifier changes are dead."""
    from tests.desk import Desk

    bench.policy(change_phone_strategy=NO_OLD)
    desk = Desk(bench)
    for change in ({"email": "new@example.com"}, {"password": "a new password"}, {"phone": "13700137000"}):
        who = bench.person(
            f"+86138{len(bench.all('SELECT id FROM users')):08d}", email=f"u{change.keys()}@example.com"
        )
        number = f"+86139{len(bench.all('SELECT id FROM users')):08d}"
        token = await granted(bench, who, number)
        await desk.done("update_user", userId=who.user_id, **change)
        assert key(await bench.update(who, token)) in {"update_token_invalid", "login_expired"}
        assert bench.phone(who.user_id) != number


async def test_cve_2026_9798_a_lock_in_between_is_seen(bench: Workbench):
    """Row 33: the account is looked at again when the token is spent."""
    from tests.desk import Desk

    bench.policy(change_phone_strategy=NO_OLD)
    desk = Desk(bench)
    who = bench.person("+8613800138001")
    token = await granted(bench, who, N1)
    await desk.done("update_user", userId=who.user_id, status="Suspended")
    refused = await bench.update(who, token)
    assert key(refused) in {Key.USER_LOCKED.value, Key.LOGIN_EXPIRED.value}
    await desk.done("update_user", userId=who.user_id, status="Activated")
    again = bench.session(who.user_id, who.phone)
    assert key(await bench.update(again, token)) == "update_token_invalid"
    assert bench.phone(who.user_id) == "+8613800138001"


async def test_an_unbind_wants_its_code_whatever_the_sign_in(bench: Workbench):
    """Row 20 again: a fresh sign-in alone takes no number off."""
    who = bench.person("+8613800138001", email="a@example.com")
    assert key(await bench.unbind(who, "000000")) == "code_expired"
    assert await bench.send(who, UNBIND, "+8613800138001") is None
    assert key(await bench.unbind(who, bench.wrong(who, UNBIND, "+8613800138001"))) == "code_wrong"
    assert bench.phone(who.user_id) == "+8613800138001"
