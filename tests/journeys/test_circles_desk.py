"""Roles and groups at the administrator's desk: refusals, borders between pools, who goes with whom, and the indexes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.call import ManagementToken
from ostiary.server.core.millis import HOUR, Millis
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.storage import circles, keys, management, pools
from ostiary.server.storage.keys import AccessKeyRow
from ostiary.server.storage.pools import PoolRow
from tests.desk import Desk
from tests.explain import explain
from tests.workbench import Workbench

pytestmark = pytest.mark.anyio
NOBODY = "f" * 24


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    bench = Workbench(database)
    yield Desk(bench)
    await bench.close()


def targets(*user_ids: str) -> list[dict[str, str]]:
    return [{"targetType": "USER", "targetIdentifier": user_id} for user_id in user_ids]


async def made(desk: Desk, *codes: str) -> None:
    for code in codes:
        await desk.done("create_role", code=code)
        await desk.done("create_group", code=code, name="n", description="d", type="t")


def memberships(desk: Desk) -> int:
    counted: int = desk.bench.one("SELECT count(*) FROM memberships")
    return counted


async def test_all_or_nobody(desk):
    who = desk.bench.person("+8613800138000").user_id
    await made(desk, "a")
    facts = await desk.refused(
        "assign_role", {"code": "a", "targets": targets(who, NOBODY)}, Key.USER_NOT_FOUND
    )
    assert facts == {"userIds": [NOBODY]}
    roles = [{"code": "a"}, {"code": "b"}]
    facts = await desk.refused(
        "assign_role_batch", {"roles": roles, "targets": targets(who)}, Key.ROLE_NOT_FOUND
    )
    assert facts["codes"] == ["b"]
    await desk.refused("add_group_members", {"code": "b", "userIds": [who]}, Key.GROUP_NOT_FOUND)
    await desk.refused("add_group_members", {"code": "a", "userIds": [NOBODY]}, Key.USER_NOT_FOUND)
    assert memberships(desk) == 0
    facts = await desk.refused("delete_roles_batch", {"codeList": ["a", "b"]}, Key.ROLE_NOT_FOUND)
    assert facts["codes"] == ["b"]
    await desk.done("get_role", code="a")


async def test_a_code_that_another_one_has_is_refused(desk):
    await made(desk, "a", "b")
    await desk.refused("create_role", {"code": "a"}, Key.ROLE_TAKEN)
    await desk.refused("update_role", {"code": "a", "newCode": "b", "name": "B"}, Key.ROLE_TAKEN)
    await desk.refused("update_group", {"code": "a", "newCode": "b", "description": "d"}, Key.GROUP_TAKEN)
    await desk.done("update_role", code="a", newCode="a", name="Still a")
    assert (await desk.done("get_role", code="a")).name == "Still a"
    await desk.refused("update_role", {"code": "c", "newCode": "d", "name": "D"}, Key.ROLE_NOT_FOUND)
    await desk.refused("update_group", {"code": "c", "description": "d"}, Key.GROUP_NOT_FOUND)
    for operation in ("get_role", "list_role_members"):
        await desk.refused(operation, {"code": "c"}, Key.ROLE_NOT_FOUND)
    for operation in ("get_group", "list_group_members"):
        await desk.refused(operation, {"code": "c"}, Key.GROUP_NOT_FOUND)
    for operation in ("get_user_roles", "get_user_groups"):
        await desk.refused(operation, {"userId": NOBODY}, Key.USER_NOT_FOUND)


async def test_times_that_end_before_they_begin_are_refused(desk):
    await made(desk, "a")
    who = desk.bench.person(None).user_id
    form = {"code": "a", "targets": targets(who), "enableTime": 2_000, "endTime": 2_000}
    assert (await desk.refused("assign_role", form, Key.BAD_REQUEST))["field"] == "endTime"


async def test_who_is_deleted_is_in_nothing_any_more(desk):
    one, two = (desk.bench.person(None).user_id for _ in range(2))
    await made(desk, "a", "b")
    for code in ("a", "b"):
        await desk.done("assign_role", code=code, targets=targets(one, two))
        await desk.done("add_group_members", code=code, userIds=[one, two])
    assert memberships(desk) == 8
    await desk.done("delete_users_batch", userIds=[one])
    assert memberships(desk) == 4
    assert (await desk.done("list_group_members", code="a")).total_count == 1
    await desk.done("delete_roles_batch", codeList=["a", "a"])
    await desk.done("delete_groups_batch", codeList=["a", "b"])
    assert memberships(desk) == 1
    await desk.refused("add_group_members", {"code": "a", "userIds": [two]}, Key.GROUP_NOT_FOUND)


async def test_what_was_done_is_in_the_audit_log(desk):
    who = desk.bench.person(None).user_id
    await made(desk, "a")
    await desk.done("assign_role", code="a", targets=targets(who))
    await desk.done("revoke_role", code="a", targets=targets(who))
    await desk.done("revoke_role", code="a", targets=targets(who))
    await desk.done("update_role", code="a", newCode="b", name="B")
    await desk.done("delete_roles_batch", codeList=["b"])
    actor = "management:key-1"
    assert desk.audit("role_made") == [("", actor, {"code": "a"})]
    assert desk.audit("role_joined") == [(who, actor, {"code": "a"})]
    assert desk.audit("role_left") == [(who, actor, {"code": "a"})]
    assert desk.audit("role_changed") == [("", actor, {"code": "b", "before": "a"})]
    assert desk.audit("role_deleted") == [("", actor, {"code": "b"})]


# --- another pool ---------------------------------------------------------------------------------------


def other_pool(desk: Desk) -> Any:
    """A call with the key of a second pool."""
    bench = desk.bench
    now = bench.ports.now()

    def step(tx):
        pools.insert(tx, PoolRow("pool-2", "Two", "+86", "zh-CN", PoolPolicy(), now))
        keys.insert_access_key(tx, AccessKeyRow("key-2", "pool-2", bench.ports.sha256("s"), now))

    bench.store.write_now(step)
    return desk.call(manager=ManagementToken("pool-2", "key-2", Millis(now + HOUR)))


async def test_cve_2025_61524_the_key_of_one_pool_does_nothing_to_the_roles_of_another(desk):
    """Row 93: each operation with pool 2's key, at pool 1's role, group and user."""
    who = desk.bench.person(None).user_id
    await made(desk, "a")
    await desk.done("assign_role", code="a", targets=targets(who))
    await desk.done("add_group_members", code="a", userIds=[who])
    stranger = other_pool(desk)
    before = desk.bench.all("SELECT * FROM circles"), desk.bench.all("SELECT * FROM memberships")
    asked: dict[str, dict[str, Any]] = {
        "get_role": {"code": "a"},
        "update_role": {"code": "a", "newCode": "mine", "name": "Mine"},
        "delete_roles_batch": {"codeList": ["a"]},
        "assign_role": {"code": "a", "targets": targets(who)},
        "revoke_role": {"code": "a", "targets": targets(who)},
        "assign_role_batch": {"roles": [{"code": "a"}], "targets": targets(who)},
        "revoke_role_batch": {"roles": [{"code": "a"}], "targets": targets(who)},
        "list_role_members": {"code": "a"},
        "get_user_roles": {"userId": who},
        "get_group": {"code": "a"},
        "update_group": {"code": "a", "description": "mine"},
        "delete_groups_batch": {"codeList": ["a"]},
        "add_group_members": {"code": "a", "userIds": [who]},
        "remove_group_members": {"code": "a", "userIds": [who]},
        "list_group_members": {"code": "a"},
        "get_user_groups": {"userId": who},
    }
    unknown = {Key.ROLE_NOT_FOUND, Key.GROUP_NOT_FOUND, Key.USER_NOT_FOUND}
    for operation, form in asked.items():
        assert (await desk.ask(operation, form, stranger)).key in unknown, operation
    for operation in ("list_roles", "list_groups"):
        assert (await desk.ask(operation, {}, stranger)).total_count == 0
    assert (await desk.ask("create_role", {"code": "a"}, stranger)).code == "a", "codes are the pool's own"
    await desk.ask("delete_roles_batch", {"codeList": ["a"]}, stranger)
    assert before == (
        desk.bench.all("SELECT * FROM circles"),
        desk.bench.all("SELECT * FROM memberships"),
    )


# --- what it costs --------------------------------------------------------------------------------------

ONE = {
    "pool_id": "p",
    "kind": "role",
    "code": "a",
    "circle_id": "c",
    "user_id": "u",
    "begin": "a",
    "end": "b",
    "now": 1,
    "limit": 10,
    "skip": 0,
}
LOOKED_UP = {
    "_FIND": "circles_",
    "_SHARE": "circles_",
    "_HOLD": "circles_",
    "_COUNT": "circles_",
    "_PAGE": "circles_",
    "_FOUND_COUNT": "circles_",
    "_FOUND_PAGE": "circles_",
    "_MEMBER_COUNT": "memberships_",
    "_MEMBERS": "memberships_of_circle",
    "_OF_USER": "memberships_of_user",
    "_LEAVE": "memberships_pkey",
    "_DELETE_MEMBERS": "memberships_",
}


@pytest.mark.parametrize("name", LOOKED_UP)
async def test_every_look_up_goes_by_an_index(desk, name):
    plan = explain(desk.bench.url, getattr(circles, name), **ONE)
    assert not plan.whole, plan.text
    assert any(index.startswith(LOOKED_UP[name]) for index in plan.indexes), plan.text


async def test_deleting_a_user_finds_their_memberships_by_an_index(desk):
    [statement] = [one for one in management._DELETE if "memberships" in one.text]
    plan = explain(desk.bench.url, statement, user_id="u")
    assert "memberships_of_user" in plan.indexes, plan.text
