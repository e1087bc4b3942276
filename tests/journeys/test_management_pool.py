"""An administrator's program signs in with its access key, reads and changes settings, lists and searches users."""

import base64
from collections.abc import AsyncIterator

import msgspec
import pytest
from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.call import ManagementToken
from ostiary.server.core.millis import HOUR
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management.tokens import LIFE_SECONDS
from ostiary.server.storage import management, pools, user_counts, users
from ostiary.server.storage.contacts import EMAILS, PHONES
from ostiary.server.storage.pools import AppRow, PoolRow
from ostiary.server.storage.tx import Sql
from tests.desk import Desk
from tests.explain import explain
from tests.workbench import BIND, Workbench


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    bench = Workbench(database)
    yield Desk(bench)
    await bench.close()


# --- get_management_token and the door ------------------------------------------------------------------


async def test_an_access_key_is_exchanged_for_a_token_that_opens_the_door(desk):
    granted = await desk.done("get_management_token", accessKeyId=desk.key_id, accessKeySecret=desk.secret)
    assert granted.expires_in == LIFE_SECONDS
    shown = msgspec.json.decode(msgspec.json.encode(granted))
    assert set(shown) == {"access_token", "expires_in"}
    token = await desk.bench.service.signer.verify(granted.access_token)
    assert isinstance(token, ManagementToken)
    assert (token.pool_id, token.access_key_id) == (desk.bench.pool_id, desk.key_id)
    # The incumbent's Python SDK reads the pool out of the token, with plain base64.
    payload = granted.access_token.split(".")[1]
    claims = msgspec.json.decode(base64.b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["scoped_userpool_id"] == desk.bench.pool_id
    answer = await desk.ask("get_security_settings", call=desk.call(manager=token))
    assert not isinstance(answer, Refused)


@pytest.mark.parametrize("pair", [("key-1", "wrong"), ("nobody", "s" * 43)])
async def test_a_wrong_half_is_not_told_apart(desk, pair):
    key_id, secret = pair
    told = await desk.refused(
        "get_management_token", {"accessKeyId": key_id, "accessKeySecret": secret}, Key.ACCESS_KEY_INVALID
    )
    assert not told


async def test_who_has_no_good_token_gets_nowhere(desk):
    good = desk.call()
    desk.bench.store.write_now(
        lambda tx: pools.insert(
            tx, PoolRow("pool-2", "Other", "+86", "zh-CN", PoolPolicy(), desk.bench.ports.now())
        )
    )
    other = ManagementToken("pool-2", desk.key_id, desk.bench.ports.now())
    for call, key in (
        (replace(good, manager=Refused(Key.NOT_LOGGED_IN)), Key.NOT_LOGGED_IN),
        (replace(good, manager=Refused(Key.LOGIN_EXPIRED)), Key.LOGIN_EXPIRED),
        (replace(good, pool_id="pool-2"), Key.LOGIN_INVALID),
        (replace(good, manager=other), Key.LOGIN_INVALID),
    ):
        for operation in ("get_security_settings", "list_users", "create_user"):
            answer = await desk.ask(operation, call=call)
            assert isinstance(answer, Refused)
            assert answer.key is key, operation
    named = await desk.ask("get_security_settings", call=replace(good, pool_id=desk.bench.pool_id))
    assert not isinstance(named, Refused)


async def test_a_token_dies_with_its_access_key(desk):
    await desk.done("get_security_settings")
    desk.bench.store.write_now(lambda tx: tx.run(Sql("DELETE FROM access_keys")))
    await desk.refused("get_security_settings", {}, Key.LOGIN_INVALID)


async def test_a_pool_without_an_application_can_be_managed(desk):
    desk.bench.store.write_now(lambda tx: tx.run(Sql("DELETE FROM apps")))
    assert (await desk.done("create_user", username="first")).username == "first"


# --- security settings ----------------------------------------------------------------------------------


async def test_settings_change_one_by_one_and_at_once(desk):
    before = await desk.done("get_security_settings")
    assert (before.verify_code_length, before.change_phone_strategy.verify_old_phone) == (6, True)
    assert before.authing_token_expires_in == 129_600, "documented and not served: its default"
    after = await desk.done(
        "update_security_settings",
        verifyCodeLength=8,
        changePhoneStrategy={"verifyOldPhone": False},
        allowedOrigins=["https://App.example.com/", "http://localhost:3000"],
        allowedCountries=["+86", "+852", "+86"],
        requireBoundCodes=None,
    )
    assert after.allowed_origins == "https://app.example.com\nhttp://localhost:3000"
    assert after.allowed_countries == ["+86", "+852"]
    assert after.wrong_codes_per_day == before.wrong_codes_per_day
    assert await desk.done("get_security_settings") == after
    person = desk.bench.person("+8613800138000")
    assert await desk.bench.send(person, BIND, "+8613900139000") is None
    assert len(desk.bench.code(person, BIND, "+8613900139000")) == 8
    [(_, actor, facts)] = desk.audit("security_settings_changed")
    assert actor == "management:key-1"
    assert set(facts["fields"].split()) == {
        "verifyCodeLength", "changePhoneStrategy", "allowedOrigins", "allowedCountries"
    }  # fmt: skip
    await desk.done("update_security_settings", verifyCodeLength=8)
    assert len(desk.audit("security_settings_changed")) == 1, "nothing changed, nothing to note"


NO_SETTINGS = [
    ({"verifyCodeLength": 3}, Key.BAD_REQUEST, "verifyCodeLength"),
    ({"verifyCodeLength": 11}, Key.BAD_REQUEST, "verifyCodeLength"),
    ({"verifyCodeMaxAttempts": 0}, Key.BAD_REQUEST, "verifyCodeMaxAttempts"),
    ({"verifyCodeTtl": 601}, Key.BAD_REQUEST, "verifyCodeTtl"),
    ({"wrongCodesPerDay": 2}, Key.BAD_REQUEST, "wrongCodesPerDay"),
    ({"updateTokenTtl": 29}, Key.BAD_REQUEST, "updateTokenTtl"),
    ({"stepUpMaxAge": 86_401}, Key.BAD_REQUEST, "stepUpMaxAge"),
    ({"verifyCodeLength": "6"}, Key.BAD_REQUEST, "verifyCodeLength"),
    ({"verifyCodeLength": 4}, Key.BAD_REQUEST, "verifyCodeLength"),
    ({"allowedCountries": ["+999"]}, Key.BAD_REQUEST, "allowedCountries"),
    ({"allowedCountries": []}, Key.BAD_REQUEST, "allowedCountries"),
    ({"allowedOrigins": ["*"]}, Key.BAD_REQUEST, "allowedOrigins"),
    ({"allowedOrigins": ["https://a.example/path"]}, Key.BAD_REQUEST, "allowedOrigins"),
    (
        {"completePasswordAfterPassCodeLogin": True},
        Key.NOT_IMPLEMENTED,
        "completePasswordAfterPassCodeLogin",
    ),
    ({"loginAnomalyDetection": {"robotVerify": "sometimes"}}, Key.BAD_REQUEST, "robotVerify"),
    (
        {"selfUnlockAccount": {"enabled": True, "strategy": "password-captcha"}},
        Key.NOT_IMPLEMENTED,
        "strategy",
    ),
]


async def test_settings_that_can_not_be(desk):
    for members, key, field in NO_SETTINGS:
        told = await desk.refused("update_security_settings", members, key)
        assert told["field"] == field
        assert (await desk.done("get_security_settings")).verify_code_length == 6


async def test_short_codes_want_few_guesses(desk):
    short = await desk.done("update_security_settings", verifyCodeLength=4, wrongCodesPerDay=5)
    assert short.verify_code_length == 4
    told = await desk.refused("update_security_settings", {"wrongCodesPerDay": 6}, Key.BAD_REQUEST)
    assert told["field"] == "wrongCodesPerDay"
    assert desk.audit("security_settings_changed")[0][2]["short_codes"] is True


# --- list_users -----------------------------------------------------------------------------------------


async def test_users_are_listed_newest_first_page_by_page(desk):
    made = []
    for number in range(13):
        made.append(
            (await desk.done("create_user", username=f"user{number:02}", customData={"n": number})).user_id
        )
        desk.bench.clock.advance(seconds=1)
    first = await desk.done("list_users")
    assert (first.total_count, [user.user_id for user in first.list]) == (13, made[::-1][:10])
    assert first.list[0].custom_data is None
    second = await desk.done(
        "list_users", options={"pagination": {"page": 2, "limit": 10}, "withCustomData": True}
    )
    assert [user.user_id for user in second.list] == made[::-1][10:]
    assert second.list[0].custom_data == {"n": 2}
    beyond = await desk.done("list_users", options={"pagination": {"page": 9}})
    assert (beyond.total_count, beyond.list) == (13, [])
    told = await desk.refused("list_users", {"options": {"pagination": {"limit": 51}}}, Key.BAD_REQUEST)
    assert told["field"] == "limit"


async def test_users_are_found_by_how_their_names_begin(desk):
    for username, phone, email in (
        ("anna", "13800138000", "x1@example.com"),
        ("Annette", "13900138000", "x2@example.com"),
        ("bert", "13800138001", "ann@example.com"),
    ):
        await desk.done("create_user", username=username, phone=phone, email=email)
        desk.bench.clock.advance(seconds=1)

    async def found(keywords, **options):
        paging = await desk.done("list_users", keywords=keywords, options=options)
        names = [user.username for user in paging.list]
        assert paging.total_count == len(names)
        return names

    assert await found("ANN") == ["bert", "Annette", "anna"]
    assert await found("ann", fuzzySearchOn=["username"]) == ["Annette", "anna"]
    assert await found("138", fuzzySearchOn=["phone"]) == ["bert", "anna"]
    assert await found("+86 138", fuzzySearchOn=["phone"]) == ["bert", "anna"]
    assert await found("138", fuzzySearchOn=["email"]) == []
    assert await found("nobody") == []
    paged = await desk.done("list_users", keywords="ann", options={"pagination": {"limit": 1, "page": 2}})
    assert (paged.total_count, [user.username for user in paged.list]) == (3, ["Annette"])


async def test_users_are_found_by_a_whole_name(desk):
    await desk.done("create_user", username="anna", phone="13800138000")
    await desk.done("create_user", username="bert", phone="13800138001")

    async def found(*conditions, keywords=None):
        items = [{"field": field, "operator": "EQUAL", "value": value} for field, value in conditions]
        paging = await desk.done("list_users", advancedFilter=items, keywords=keywords)
        return [user.username for user in paging.list]

    assert await found(("username", "ANNA")) == ["anna"]
    assert await found(("phone", "138 0013 8001")) == ["bert"]
    assert await found(("username", "anna"), ("phone", "13800138000")) == ["anna"]
    assert await found(("username", "anna"), ("phone", "13800138001")) == []
    assert await found(("username", "anna"), keywords="be") == []
    assert await found(("username", "anna"), keywords="1380") == ["anna"]
    assert await found(("username", "ann")) == []


NOT_SEARCHED = [
    ({"searchQuery": {"a": 1}}, Key.NOT_IMPLEMENTED, "searchQuery"),
    ({"options": {"sort": [{"field": "name", "order": "asc"}]}}, Key.NOT_IMPLEMENTED, "sort"),
    ({"options": {"fuzzySearchOn": ["nickname"]}}, Key.NOT_IMPLEMENTED, "fuzzySearchOn"),
    (
        {"advancedFilter": [{"field": "nickname", "operator": "EQUAL", "value": "x"}]},
        Key.NOT_IMPLEMENTED,
        "field",
    ),
    (
        {"advancedFilter": [{"field": "phone", "operator": "CONTAINS", "value": "x"}]},
        Key.NOT_IMPLEMENTED,
        "operator",
    ),
    ({"advancedFilter": [{"field": "phone", "operator": "EQUAL"}]}, Key.PARAMETERS_INCOMPLETE, "value"),
    ({"advancedFilter": [{"field": "phone", "operator": "EQUAL", "value": 1}]}, Key.BAD_REQUEST, "value"),
]


async def test_what_is_not_searched_is_said_so(desk):
    for members, key, field in NOT_SEARCHED:
        told = await desk.refused("list_users", members, key)
        assert told["field"] == field


async def test_another_pool_s_users_are_nobody_here(desk):
    bench = desk.bench
    theirs = bench.person("+8613800138000")

    def other_pool(tx):
        now = bench.ports.now()
        pools.insert(tx, PoolRow("pool-2", "Other", "+86", "zh-CN", PoolPolicy(), now))
        pools.insert_app(tx, AppRow("app-2", "pool-2", "Other", b"", AppPolicy(), now))
        tx.run(Sql("UPDATE users SET pool_id = 'pool-2'"))
        tx.run(Sql("UPDATE phones SET pool_id = 'pool-2'"))

    bench.store.write_now(other_pool)
    for operation, members in (
        ("get_user", {"userId": theirs.user_id}),
        ("update_user", {"userId": theirs.user_id, "nickname": "mine"}),
        ("delete_users_batch", {"userIds": [theirs.user_id]}),
    ):
        await desk.refused(operation, members, Key.USER_NOT_FOUND)
    assert (await desk.done("list_users", keywords="138")).list == []


# --- a million behave like a thousand -------------------------------------------------------------------

SEARCHED = {"pool_id": "p", "most": 10, "limit": 10, "skip": 0} | {
    name: "a" for begin in ("username", "email", "phone") for name in (begin, f"{begin}_end")
}
ONE = {"pool_id": "p", "user_id": "u", "access_key_id": "k", "contact": "a", "now": 0}
NAMES = {"phone": "+86", "email": "a", "username_key": "u", "external_id": "x"}
FIELDS = {"status": "", "username": "", "locale": "", "profile": "", "custom_data": "", "verified": 0}
LOOKED_UP = (
    management._GROUND,
    management._CHANGE,
    management._DELETE_USER,
    *management._DELETE,
    PHONES._mark,
    EMAILS._mark,
    users._LOAD,
    users._FIND,
    users._BY_USERNAME,
    users._BY_EXTERNAL_ID,
    user_counts._TOTAL,
)


async def test_every_look_up_goes_by_an_index(desk):
    asked = [(statement, ONE | NAMES | FIELDS) for statement in LOOKED_UP]
    asked += [(management._FOUND_PAGE, SEARCHED), (management._FOUND_COUNT, SEARCHED)]
    for statement, params in asked:
        plan = explain(desk.bench.url, statement, **params)
        assert not plan.whole, plan.text
        assert plan.indexes, plan.text


async def test_a_page_is_walked_in_the_pool_s_index(desk):
    plan = explain(desk.bench.url, management._PAGE, pool_id="p", limit=10, skip=0)
    assert "users_of_pool" in plan.indexes, plan.text
    assert not plan.whole, plan.text
    assert "TEMP B-TREE" not in plan.text.split("SEARCH u ")[0], "the index is the order"


def test_management_tokens_live_as_long_as_documented():
    assert LIFE_SECONDS * 1_000 == 2 * HOUR
