"""An administrator makes, reads, changes and deletes users; what happens to the people they belong to."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.profile import User
from ostiary.server.core.refused import Refused
from tests.desk import Desk
from tests.workbench import BIND, UNBIND, Workbench

ALICE, BOB, NEW = "+8613800138000", "+8613800138001", "+8613900139000"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    bench = Workbench(database)
    yield Desk(bench)
    await bench.close()


# --- create_user, get_user ------------------------------------------------------------------------------


async def test_a_user_is_made_as_asked_and_found_by_every_name(desk):
    made = await desk.done(
        "create_user",
        username="Alice",
        email="Alice@Example.com",
        phone="138 0013 8000",
        externalId="hr-1",
        nickname="Al",
        gender="F",
        locale="en-US",
        customData={"badge": 7},
        phoneVerified=True,
        password="correct horse",
    )
    assert (made.username, made.email, made.phone, made.phone_country_code) == (
        "Alice", "alice@example.com", "13800138000", "+86"
    )  # fmt: skip
    assert (made.phone_verified, made.email_verified, made.status) == (True, False, "Activated")
    assert (made.nickname, made.gender, made.user_source_type) == ("Al", "F", "adminCreated")
    assert made.custom_data == {"badge": 7}
    names = {
        "user_id": made.user_id,
        "username": "ＡＬＩＣＥ",
        "email": "ALICE@example.com",
        "phone": "+86 138-0013-8000",
        "external_id": "hr-1",
    }
    for kind, name in names.items():
        found = await desk.done("get_user", userId=name, userIdType=kind)
        assert found.user_id == made.user_id, kind
        assert found.custom_data is None, "only where it is asked for"
    whole = await desk.done("get_user", userId=made.user_id, withCustomData="True")
    assert whole.custom_data == {"badge": 7}
    [(user_id, actor, facts)] = desk.audit("user_created")
    assert (user_id, actor) == (made.user_id, "management:key-1")
    assert "138" not in str(facts)
    stored = desk.bench.one("SELECT password_hash FROM users")
    assert stored.startswith("$argon2id$")


async def test_numbers_of_other_countries_are_found_by_their_plus_sign(desk):
    made = await desk.done("create_user", phone="2025550123", phoneCountryCode="+1")
    found = await desk.done("get_user", userId="+1 202 555 0123", userIdType="phone")
    assert found.user_id == made.user_id


async def test_what_is_not_asked_to_be_verified_is_not(desk):
    made = await desk.done("create_user", phone="13800138000", email="a@example.com")
    assert not made.phone_verified
    assert not made.email_verified


TAKEN = [
    ({"phone": "0086 138 0013 8000", "username": "other"}, Key.PHONE_TAKEN),
    ({"email": "ALICE@example.com"}, Key.EMAIL_TAKEN),
    ({"username": "aLICE", "phone": "13800138009"}, Key.USERNAME_TAKEN),
    ({"externalId": "hr-1"}, Key.USER_EXISTS),
]


async def test_a_taken_name_is_told_and_nothing_is_made(desk):
    await desk.done(
        "create_user", username="alice", email="alice@example.com", phone="13800138000", externalId="hr-1"
    )
    for members, key in TAKEN:
        await desk.refused("create_user", members, key)
    assert desk.bench.one("SELECT count(*) FROM users") == 1
    assert desk.bench.one("SELECT sum(users) FROM user_counts") == 1
    assert desk.bench.one("SELECT count(*) FROM phones") == 1


NO_USERS = [
    ({"phone": "123"}, Key.BAD_CONTACT, "phone"),
    ({"phone": "01065529988"}, Key.BAD_CONTACT, "phone"),  # a fixed line
    ({"phone": "+1 202 555 0123"}, Key.BAD_CONTACT, "phone"),  # contradicts the pool's country
    ({"email": "no address"}, Key.BAD_CONTACT, "email"),
    ({"username": "a", "password": "short"}, Key.PASSWORD_TOO_SHORT, "password"),
    ({"nickname": "nobody"}, Key.PARAMETERS_INCOMPLETE, "username"),
    ({"username": "a", "status": "Gone"}, Key.BAD_REQUEST, "status"),
    ({"username": "a", "options": {"keepPassword": True}}, Key.NOT_IMPLEMENTED, "keepPassword"),
    (
        {"username": "a", "options": {"autoGeneratePassword": True}},
        Key.NOT_IMPLEMENTED,
        "autoGeneratePassword",
    ),
    ({"username": "a", "departmentIds": ["d"]}, Key.NOT_IMPLEMENTED, "departmentIds"),
]


async def test_a_form_that_makes_no_user(desk):
    for members, key, field in NO_USERS:
        told = await desk.refused("create_user", members, key)
        assert told.get("field") == field


async def test_one_name_wanted_by_many_at_once_is_given_once(desk):
    asks = [desk.ask("create_user", {"phone": "13800138000", "nickname": str(n)}) for n in range(8)]
    answers = await asyncio.gather(*asks)
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert {answer.key for answer in answers if isinstance(answer, Refused)} == {Key.PHONE_TAKEN}
    assert desk.bench.one("SELECT sum(users) FROM user_counts") == 1


async def test_nobody_of_that_name(desk):
    await desk.refused("get_user", {"userId": "f" * 24}, Key.USER_NOT_FOUND)
    await desk.refused("get_user", {"userId": "no number", "userIdType": "phone"}, Key.USER_NOT_FOUND)
    await desk.refused("get_user", {"userId": "x", "userIdType": "identity"}, Key.NOT_IMPLEMENTED)


# --- update_user ----------------------------------------------------------------------------------------


async def test_an_administrator_moves_a_number(desk):
    bench = desk.bench
    alice = bench.person(ALICE, email="alice@example.com")
    token = await bench.ready_to_change(alice, NEW)
    await bench.send(alice, UNBIND, ALICE)
    changed = await desk.done("update_user", userId=alice.user_id, phone="13800138007")
    assert (changed.phone, changed.phone_verified) == ("13800138007", False)
    late = await bench.update(alice, token)
    assert isinstance(late, Refused)
    assert late.key is Key.UPDATE_TOKEN_INVALID
    assert bench.one("SELECT phone_version FROM users WHERE id = :id", id=alice.user_id) == 1
    left = "SELECT count(*) FROM codes WHERE owner = :id AND used_at IS NULL AND void_at IS NULL"
    assert bench.one(left, id=alice.user_id) == 0
    told = {(purpose, to, facts["by"]) for purpose, to, facts in desk.told()}
    assert told == {
        ("phone_changed", to, "administrator") for to in (ALICE, "+8613800138007", "alice@example.com")
    }
    [(user_id, actor, _)] = desk.audit("phone_changed")
    assert (user_id, actor) == (alice.user_id, "management:key-1")


async def test_a_number_that_stays_is_not_moved(desk):
    alice = desk.bench.person(ALICE)
    for verified in (False, True):
        changed = await desk.done(
            "update_user",
            userId=ALICE,
            phone="138 0013 8000",
            phoneVerified=verified,
            options={"userIdType": "phone"},
        )
        assert changed.phone_verified is verified
    assert desk.bench.one("SELECT phone_version FROM users WHERE id = :id", id=alice.user_id) == 0
    assert not desk.told()


async def test_a_number_is_taken_off_by_its_field_name(desk):
    alice = desk.bench.person(ALICE)
    kept = await desk.done("update_user", userId=alice.user_id, phone=None, nickname="A")
    assert kept.phone == "13800138000", "null means absent"
    await desk.refused(
        "update_user",
        {"userId": alice.user_id, "phone": "13800138009", "options": {"clearFields": ["phone"]}},
        Key.BAD_REQUEST,
    )
    bare = await desk.done(
        "update_user", userId=alice.user_id, options={"clearFields": ["phone", "nickname"]}
    )
    assert (bare.phone, bare.nickname, bare.phone_verified) == (None, None, False)
    assert [purpose for purpose, _, _ in desk.told()] == ["phone_unbound"]
    bob = desk.bench.person(None)
    assert (await desk.done("update_user", userId=bob.user_id, phone="13800138000")).phone == "13800138000"


async def test_what_is_absent_stays_and_what_is_given_changes(desk):
    made = await desk.done(
        "create_user",
        username="alice",
        nickname="Al",
        city="Wuhan",
        customData={"a": 1, "b": 2},
        externalId="x",
    )
    changed = await desk.done(
        "update_user",
        userId=made.user_id,
        username="alice2",
        city="Xi'an",
        locale="en-US",
        customData={"b": 3, "a": None},
    )
    assert (changed.username, changed.nickname, changed.city) == ("alice2", "Al", "Xi'an")
    assert (changed.custom_data, changed.external_id) == ({"b": 3}, "x")
    assert desk.bench.one("SELECT locale FROM users") == "en-US"
    [(_, _, facts)] = desk.audit("user_updated")
    assert facts["fields"].split() == ["city", "username", "locale", "customData"]
    assert (await desk.done("create_user", username="alice")).username == "alice", "the old name is free"


async def test_names_of_others_are_refused_and_nothing_is_changed(desk):
    await desk.done(
        "create_user", username="bob", email="bob@example.com", phone="13800138001", externalId="b"
    )
    alice = await desk.done("create_user", username="alice", phone="13800138000")
    for members, key in (
        ({"username": "BOB"}, Key.USERNAME_TAKEN),
        ({"email": "bob@example.com"}, Key.EMAIL_TAKEN),
        ({"phone": "13800138001"}, Key.PHONE_TAKEN),
        ({"externalId": "b"}, Key.USER_EXISTS),
    ):
        await desk.refused("update_user", {"userId": alice.user_id, "nickname": "no", **members}, key)
    found = await desk.done("get_user", userId=alice.user_id)
    assert (found.nickname, found.phone) == (None, "13800138000")
    assert not desk.told()


async def test_an_address_moves_with_its_version(desk):
    bench = desk.bench
    alice = bench.person(ALICE, email="old@example.com")
    token = await bench.ready_to_change(alice, NEW)
    changed = await desk.done(
        "update_user", userId=alice.user_id, email="New@example.com", emailVerified=True
    )
    assert (changed.email, changed.email_verified) == ("new@example.com", True)
    assert bench.one("SELECT email_version FROM users") == 1
    assert isinstance(await bench.update(alice, token), Refused), "one-time tokens die with the address"
    assert len(desk.audit("email_changed")) == 1
    unproven = await desk.done("update_user", userId=alice.user_id, emailVerified=False)
    assert not unproven.email_verified


async def test_suspending_shuts_the_user_out_for_good(desk):
    bench = desk.bench
    alice = bench.person(ALICE)
    await desk.done("update_user", userId=alice.user_id, status="Suspended")
    shut = await bench.send(alice, BIND, NEW)
    assert isinstance(shut, Refused)
    await desk.done("update_user", userId=alice.user_id, status="Activated")
    ended = await bench.send(alice, BIND, NEW)
    assert isinstance(ended, Refused)
    assert ended.key is Key.LOGIN_EXPIRED, "the session does not come back"
    assert await bench.send(bench.session(alice.user_id, ALICE), BIND, NEW) is None


async def test_a_new_password_ends_the_sessions_the_codes_and_the_one_time_tokens(desk):
    bench = desk.bench
    alice = bench.person(ALICE)
    await desk.refused("update_user", {"userId": alice.user_id, "password": "short"}, Key.PASSWORD_TOO_SHORT)
    await bench.ready_to_change(alice, NEW)  # leaves a one-time token
    await bench.send(bench.stranger(), "CHANNEL_RESET_PASSWORD", ALICE)
    await bench.send(alice, UNBIND, ALICE)
    left = (
        "SELECT count(*) FROM codes WHERE target = :own AND used_at IS NULL AND void_at IS NULL",
        "SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL AND void_at IS NULL",
    )
    assert [bench.one(text, own=ALICE) for text in left] == [2, 1]
    told = desk.told()
    await desk.done("update_user", userId=alice.user_id, password="a longer one")
    assert [bench.one(text, own=ALICE) for text in left] == [0, 0]
    assert desk.told() == told, "the administrator tells people"
    stored = bench.one("SELECT password_hash FROM users")
    assert await bench.service.passwords.verify(stored, "a longer one") is True
    ended = await bench.send(alice, BIND, NEW)
    assert isinstance(ended, Refused)
    assert ended.key is Key.LOGIN_EXPIRED


async def test_one_number_moved_to_two_users_at_once(desk):
    people = [desk.bench.person(None) for _ in range(6)]
    answers = await asyncio.gather(
        *(desk.ask("update_user", {"userId": person.user_id, "phone": "13800138000"}) for person in people)
    )
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert {answer.key for answer in answers if isinstance(answer, Refused)} == {Key.PHONE_TAKEN}


async def test_one_user_name_given_to_two_users_at_once(desk):
    people = [desk.bench.person(None) for _ in range(6)]
    answers = await asyncio.gather(
        *(desk.ask("update_user", {"userId": person.user_id, "username": "Wanted"}) for person in people)
    )
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert {answer.key for answer in answers if isinstance(answer, Refused)} == {Key.USERNAME_TAKEN}


# --- delete_users_batch ---------------------------------------------------------------------------------


async def test_deletion_frees_the_names_ends_the_sessions_and_tells(desk):
    bench = desk.bench
    made = await desk.done(
        "create_user", username="alice", phone="13800138000", email="alice@example.com", emailVerified=True
    )
    alice = bench.session(made.user_id, ALICE)
    await bench.send(alice, UNBIND, ALICE)
    bob = await desk.done("create_user", username="bob")
    gone = await desk.done("delete_users_batch", userIds=[made.user_id, bob.user_id, made.user_id])
    assert gone.success
    ended = await bench.send(alice, BIND, NEW)
    assert isinstance(ended, Refused)
    assert ended.key is Key.LOGIN_EXPIRED
    assert {(to, facts["by"]) for _, to, facts in desk.told()} == {
        (ALICE, "deletion"),
        ("alice@example.com", "deletion"),
    }
    for table in ("users", "phones", "emails", "sessions", "refresh_tokens", "one_time_tokens"):
        assert bench.one(f"SELECT count(*) FROM {table}") == 0, table
    assert bench.one("SELECT sum(users) FROM user_counts") == 0
    assert bench.one("SELECT count(*) FROM codes WHERE void_at IS NULL AND used_at IS NULL") == 0
    assert {user_id for user_id, _, _ in desk.audit("user_deleted")} == {made.user_id, bob.user_id}
    again = await desk.done("create_user", username="alice", phone="13800138000", email="alice@example.com")
    assert again.user_id != made.user_id


async def test_an_unknown_user_is_named_and_nobody_is_deleted(desk):
    made = await desk.done("create_user", username="alice")
    told = await desk.refused(
        "delete_users_batch",
        {"userIds": ["ALICE", "carol"], "options": {"userIdType": "username"}},
        Key.USER_NOT_FOUND,
    )
    assert told["userIds"] == ["carol"]
    assert (await desk.done("get_user", userId=made.user_id)).username == "alice"
    await desk.refused("delete_users_batch", {"userIds": []}, Key.BAD_REQUEST)
    await desk.refused("delete_users_batch", {"userIds": ["x"] * 101}, Key.BAD_REQUEST)


async def test_batches_that_share_users_do_not_block_each_other(desk):
    made = [
        (await desk.done("create_user", username=f"u{n}", phone=f"138001380{n:02}")).user_id
        for n in range(20)
    ]
    answers = await asyncio.gather(
        desk.ask("delete_users_batch", {"userIds": made}),
        desk.ask("delete_users_batch", {"userIds": made[::-1]}),
        *(desk.ask("create_user", {"phone": f"138001380{n:02}"}) for n in range(20)),
    )
    assert sum(not isinstance(answer, Refused) for answer in answers[:2]) == 1
    assert all(answer.key is Key.PHONE_TAKEN for answer in answers[2:] if isinstance(answer, Refused))
    assert desk.bench.one("SELECT sum(users) FROM user_counts") == desk.bench.one(
        "SELECT count(*) FROM users"
    )
