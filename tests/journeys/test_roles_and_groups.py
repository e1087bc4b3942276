"""Roles and groups: an administrator sets them, the people concerned read them, and nobody else's are touched."""

import asyncio
import itertools
from datetime import datetime
from typing import Any

import genauth
import pytest

from ostiary import AsyncManagementClient, compat
from ostiary.client import errors
from tests.service import Service

_numbers = itertools.count(1)


def fresh(word: str) -> str:
    """A code that nobody has."""
    return f"{word}-{next(_numbers)}"


def now(service: Service) -> int:
    """The service's own clock, in milliseconds: when a user was made just now."""
    made = service.management.create_user(username=fresh("clock")).data.created_at
    return int(datetime.fromisoformat(made).timestamp() * 1_000)


def target(user_id: str) -> list[Any]:
    return [{"targetType": "USER", "targetIdentifier": user_id}]


# --- through the SDK ------------------------------------------------------------------------------------


def test_a_role_from_its_making_to_its_end(service: Service):
    admin, who = service.management, service.person()
    code, later = fresh("editor"), fresh("writer")
    role = admin.create_role(code, description="May change texts").data
    assert (role.code, role.name, role.status, role.namespace) == (code, code, "ENABLE", "default")
    with pytest.raises(errors.Conflict) as taken:
        admin.create_role(code)
    assert taken.value.key == "role_taken"
    assert admin.get_role(code).data == role
    assert who.client.get_role_list().data == []

    admin.assign_role(target(who.user_id), code)
    admin.assign_role(target(who.user_id), code)  # again is no more
    [mine] = who.client.get_role_list().data
    assert mine == role
    members = admin.list_role_members(code).data
    assert (members.total_count, [one.user_id for one in members.list]) == (1, [who.user_id])
    assert [one.code for one in admin.get_user_roles(who.username, "username").data.list] == [code]

    assert admin.update_role("Editor", later, code, status="DISABLE").data.success
    assert who.client.get_role_list().data == [], "a disabled role is nobody's"
    assert admin.list_role_members(later).data.total_count == 1, "and keeps its members"
    admin.update_role("Editor", later, later, status="ENABLE")
    [mine] = who.client.get_role_list().data
    assert (mine.id, mine.code, mine.name, mine.description) == (role.id, later, "Editor", "May change texts")
    with pytest.raises(errors.NotFound) as gone:
        admin.get_role(code)
    assert gone.value.key == "role_not_found"

    admin.revoke_role(target(who.user_id), later)
    admin.revoke_role(target(who.user_id), later)  # who does not have it is passed over
    assert who.client.get_role_list().data == []
    admin.assign_role_batch(target(who.user_id), [{"code": later}])
    admin.revoke_role_batch(target(who.user_id), [{"code": later}])
    admin.assign_role(target(who.user_id), later)
    admin.delete_roles_batch([later])
    assert who.client.get_role_list().data == []


def test_a_group_from_its_making_to_its_end(service: Service):
    admin, one, two = service.management, service.person(), service.person()
    code = fresh("berlin")
    group = admin.create_group("place", "Who works there", "Berlin", code).data
    assert (group.code, group.name, group.type, group.members) == (code, "Berlin", "place", [])
    with pytest.raises(errors.Conflict):
        admin.create_group("place", "Another one", "Berlin", code)
    admin.add_group_members([one.user_id, two.user_id], code)
    assert [mine.code for mine in one.client.get_group_list().data] == [code]
    assert one.client.get_group_list().data[0].members == [], "who else is in it is not told"
    page = admin.list_group_members(code, limit=1).data
    assert (page.total_count, len(page.list)) == (2, 1)
    assert {page.list[0].user_id, admin.list_group_members(code, page=2, limit=1).data.list[0].user_id} == {
        one.user_id, two.user_id
    }  # fmt: skip
    assert admin.update_group("Who worked there", code, name="Berlin-Mitte").data.name == "Berlin-Mitte"
    assert admin.get_group(code).data.description == "Who worked there"
    admin.remove_group_members([one.user_id], code)
    assert one.client.get_group_list().data == []
    assert [mine.code for mine in admin.get_user_groups(two.user_id).data.list] == [code]
    admin.delete_groups_batch([code])
    assert two.client.get_group_list().data == []
    assert admin.get_user(two.user_id).data.user_id == two.user_id, "members stay users"


def test_pages_of_roles_and_groups_newest_first_and_by_the_beginning_of_the_code(service: Service):
    admin, begin = service.management, fresh("paged")
    for number in range(3):
        admin.create_role(f"{begin}-{number}")
        admin.create_group("t", "d", "n", f"{begin}-{number}")
    page = admin.list_roles(limit=2, keywords=begin).data
    assert (page.total_count, [role.code for role in page.list]) == (3, [f"{begin}-2", f"{begin}-1"])
    assert [role.code for role in admin.list_roles(2, 2, begin).data.list] == [f"{begin}-0"]
    assert admin.list_roles(limit=1).data.total_count >= 3
    groups = admin.list_groups(begin, limit=2).data
    assert (groups.total_count, [group.code for group in groups.list]) == (3, [f"{begin}-2", f"{begin}-1"])
    assert admin.list_roles(keywords=begin.upper()).data.list == [], "upper and lower case are two"


def test_what_else_is_mine(service: Service):
    who = service.person()
    apps = who.client.get_accessible_apps().data
    assert service.ids["appId"] in {app.app_id for app in apps}
    assert who.client.get_tenant_list().data == []
    assert who.client.get_department_list().data.total_count == 0
    resources = who.client.get_authorized_resources(resource_type="API").data
    assert (resources.total_count, resources.list) == (0, [])
    with pytest.raises(errors.NotLoggedIn):
        service.client().get_role_list()


def test_all_at_once_for_tasks(service: Service):
    async def story() -> list[str]:
        who = await asyncio.to_thread(service.person)
        ids = service.ids
        async with AsyncManagementClient(ids["accessKeyId"], ids["accessKeySecret"], service.url) as admin:
            codes = [fresh(f"at-once-{number}") for number in range(4)]
            await asyncio.gather(*(admin.create_role(code) for code in codes))
            await asyncio.gather(*(admin.assign_role(target(who.user_id), code) for code in codes))
            assert sorted(codes) == [
                role.code for role in (await admin.get_user_roles(who.user_id)).data.list
            ]
            return [role.code for role in who.client.get_role_list().data]

    assert len(asyncio.run(story())) == 4


@pytest.mark.parametrize("library", [genauth, compat], ids=["genauth", "compat"])
def test_a_program_of_the_incumbents(service: Service, library):
    ids = service.ids
    admin = library.ManagementClient(
        access_key_id=ids["accessKeyId"],
        access_key_secret=ids["accessKeySecret"],
        host=service.url,
        lang="en-US",
    )
    who, code = service.person(), fresh("theirs")
    assert admin.create_role(code, name="Theirs")["data"]["code"] == code
    assert admin.create_role(code)["apiCode"] == 91051
    assert admin.assign_role(target(who.user_id), code)["data"] == {"success": True}
    assert admin.get_user_roles(who.user_id)["data"]["totalCount"] == 1
    assert admin.create_group("t", "d", "n", code)["statusCode"] == 200
    assert admin.add_group_members([who.user_id], code)["statusCode"] == 200
    members = admin.list_group_members(code, with_custom_data=True)["data"]
    assert [one["userId"] for one in members["list"]] == [who.user_id]
    mine = library.AuthenticationClient(ids["appId"], service.url, app_secret=ids["appSecret"])
    tokens = mine.sign_in_by_username_password(who.username, who.password)["data"]
    mine.set_access_token(tokens["access_token"])
    assert [role["code"] for role in mine.get_role_list()["data"]] == [code]
    assert [group["code"] for group in mine.get_group_list()["data"]] == [code]
    assert mine.get_accessible_apps()["statusCode"] == 200
    assert mine.get_authorized_resources()["data"] == {"totalCount": 0, "list": []}
    assert admin.list_role_members(code)["data"]["totalCount"] == 1
    assert admin.delete_roles_batch([code])["data"] == {"success": True}
    assert admin.delete_groups_batch([code])["data"] == {"success": True}


def test_a_role_ends_by_the_clock(service: Service):
    admin, who = service.management, service.person()
    hour, start = 3_600_000, now(service)
    soon, done, always = (fresh(name) for name in ("soon", "done", "always"))
    for code in (soon, done, always):
        admin.create_role(code)
    admin.assign_role(target(who.user_id), soon, enable_time=start + hour)
    admin.assign_role(target(who.user_id), done, end_time=start + hour)
    admin.assign_role(target(who.user_id), always)
    assert {role.code for role in who.client.get_role_list().data} == {done, always}
    assert admin.list_role_members(soon).data.total_count == 0
    service.advance(minutes=61)
    again = service.signed_in(who.username, who.password)
    assert {role.code for role in again.get_role_list().data} == {soon, always}
    admin.update_role("Always", always, always, disable_time=str(now(service) + 60_000))
    assert {role.code for role in again.get_role_list().data} == {soon, always}
    service.advance(minutes=2)
    assert {role.code for role in again.get_role_list().data} == {soon}
