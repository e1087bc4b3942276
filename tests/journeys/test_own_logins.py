"""A user's own sign-ins: the history, the applications, the devices; and ending what lives on one."""

from typing import Any

import pytest

from ostiary import AsyncAuthenticationClient, AuthenticationClient
from ostiary.client.errors import LoginExpired, NotFound, OAuthError
from ostiary.contract.operations import BY_NAME
from ostiary.server.storage import janitor, logins
from tests.explain import explain
from tests.service import LOGIN, Person, Service
from tests.workbench import Workbench

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1"
)


def sign_in(
    person: Person, device_id: str = "", agent: str = CHROME, scope: str = "openid offline_access"
) -> Any:
    """A sign-in by hand, for headers that a browser's program sends."""
    service = person.service
    headers = {"user-agent": agent, "x-authing-app-id": service.ids["appId"]}
    if device_id:
        headers["x-authing-device-id"] = device_id
    form = {
        "connection": "PASSWORD",
        "passwordPayload": {"username": person.username, "password": person.password},
        "options": {"scope": scope},
        "client_id": service.ids["appId"],
        "client_secret": service.ids["appSecret"],
    }
    answer = service.http.post("/api/v3/signin", json=form, headers=headers).json()
    assert answer["statusCode"] == 200, answer
    return answer["data"]


def client_of(person: Person, tokens: Any) -> AuthenticationClient:
    return person.service.client(tokens["access_token"])


def is_over(service: Service, tokens: Any) -> bool:
    """Whether a sign-in is over, both its tokens with it."""
    try:
        service.client(tokens["access_token"]).get_profile()
    except LoginExpired:
        with pytest.raises(OAuthError) as refused:
            service.client().get_new_access_token_by_refresh_token(tokens["refresh_token"])
        assert refused.value.error == "invalid_grant"
        assert not service.client().introspect_token(tokens["access_token"]).active
        return True
    return False


# ── the history ─────────────────────────────────────────────────────────────────────────────


def test_every_sign_in_stands_in_the_history_newest_first(service: Service):
    person = service.person(sign_in=False)
    sign_in(person)
    service.advance(minutes=1)
    assert person.phone is not None
    service.client().send_sms(LOGIN, person.national)
    service.client().sign_in_by_phone_passcode(person.national, service.code(person.phone, LOGIN))
    service.advance(minutes=1)
    client = client_of(person, sign_in(person, agent=PHONE))
    with pytest.raises(Exception, match="incorrect"):
        service.client().sign_in_by_username_password(person.username, "not their password")
    found = client.get_login_history().data
    assert found.total_count == 3
    newest, by_code, oldest = found.list
    assert [row.login_method for row in found.list] == ["PASSWORD", "PHONE_PASSCODE", "PASSWORD"]
    assert newest.login_at > by_code.login_at > oldest.login_at
    assert (newest.user_id, newest.app_id, newest.success, newest.client_ip) == (
        person.user_id,
        service.ids["appId"],
        True,
        "127.0.0.1",
    )
    assert newest.app_name
    agent = newest.parsed_user_agent
    assert (newest.user_agent, agent.device, agent.os) == (PHONE, "Mobile", "iPhone")
    assert (oldest.parsed_user_agent.browser, oldest.parsed_user_agent.os) == ("Chrome", "Windows")


def test_the_history_is_asked_for_in_parts(service: Service):
    person = service.person(sign_in=False)
    tokens = [sign_in(person)]
    for _ in range(3):
        service.advance(minutes=1)
        tokens.append(sign_in(person))
    client = client_of(person, tokens[0])
    whole = client.get_login_history().data.list
    pages = [client.get_login_history(page=page, limit=3).data for page in (1, 2, 3)]
    assert [len(page.list) for page in pages] == [3, 1, 0]
    assert [row.login_at for page in pages for row in page.list] == [row.login_at for row in whole]
    assert {page.total_count for page in pages} == {4}
    assert client.get_login_history(app_id=service.ids["appId"]).data.total_count == 4
    assert client.get_login_history(app_id="another").data.total_count == 0
    assert client.get_login_history(client_ip="127.0.0.1").data.total_count == 4
    assert client.get_login_history(client_ip="::ffff:127.0.0.1").data.total_count == 4
    assert client.get_login_history(client_ip="2001:db8::1").data.total_count == 0
    assert client.get_login_history(success=True).data.total_count == 4
    assert client.get_login_history(success=False).data.list == []
    from datetime import datetime

    moments = [int(datetime.fromisoformat(row.login_at).timestamp() * 1_000) for row in whole]
    assert client.get_login_history(start=moments[1]).data.total_count == 2
    assert client.get_login_history(end=moments[1]).data.total_count == 2
    assert client.get_login_history(start=moments[2], end=moments[1]).data.total_count == 1
    answer = service.http.get(
        "/api/v3/get-my-login-history",
        params={"clientIp": "nowhere"},
        headers={"authorization": tokens[0]["access_token"]},
    ).json()
    assert (answer["statusCode"], answer["data"]["field"]) == (400, "clientIp")


def test_a_user_sees_their_own_sign_ins_only_and_for_as_long_as_the_pool_says(service: Service):
    person, other = service.person(sign_in=False), service.person()
    sign_in(person)
    sign_in(person)
    assert other.client.get_login_history().data.total_count == 1
    service.advance(days=3)
    client = client_of(person, sign_in(person))
    assert client.get_login_history().data.total_count == 3
    with service.settings(loginHistoryDays=2):
        assert client.get_login_history().data.total_count == 1
        assert len(client.list_my_devices().data) == 3, "those still live: who can't see them can't end them"
    service.advance(days=88)
    assert client_of(person, sign_in(person)).get_login_history().data.total_count == 2


# ── applications ────────────────────────────────────────────────────────────────────────────


def test_the_applications_say_where_a_sign_in_lives(service: Service):
    person = service.person(sign_in=False)
    tokens = sign_in(person)
    [app] = client_of(person, tokens).get_logged_in_apps().data
    assert (app.app_id, app.active, bool(app.app_name)) == (service.ids["appId"], True, True)
    assert service.person().client.get_logged_in_apps().data[0].active


# ── devices ─────────────────────────────────────────────────────────────────────────────────


def test_ending_one_device_ends_exactly_that_one(service: Service):
    person = service.person(sign_in=False)
    laptop, phone, again = (
        sign_in(person, "laptop"),
        sign_in(person, "phone", PHONE),
        sign_in(person, "phone"),
    )
    silent = sign_in(person)
    client = client_of(person, laptop)
    devices = {entry.device.device_id: entry for entry in client.list_my_devices().data}
    assert len(devices) == 3
    assert (devices["laptop"].device.name, devices["laptop"].device.type) == ("Chrome, Windows", "Browser")
    assert all(entry.online for entry in devices.values())
    client.revoke_my_device_session("phone")
    assert is_over(service, phone)
    assert is_over(service, again)
    assert not is_over(service, laptop)
    assert not is_over(service, silent)
    online = {entry.device.device_id: entry.online for entry in client.list_my_devices().data}
    assert (online["laptop"], online["phone"]) == (True, False)
    client.revoke_my_device_session("phone")  # a second time there is nothing left to end
    [nameless] = set(devices) - {"laptop", "phone"}
    client.revoke_my_device_session(nameless)
    assert is_over(service, silent)
    client.revoke_my_device_session("laptop")
    assert is_over(service, laptop)


def test_an_unbound_device_is_off_the_list_until_it_signs_in_again(service: Service):
    person = service.person(sign_in=False)
    here, tablet = sign_in(person, "here"), sign_in(person, "tablet")
    client = client_of(person, here)
    client.unbind_my_device("tablet")
    assert is_over(service, tablet)
    assert [entry.device.device_id for entry in client.list_my_devices().data] == ["here"]
    for call in (client.unbind_my_device, client.revoke_my_device_session):
        with pytest.raises(NotFound) as refused:
            call("tablet")
        assert (refused.value.key, refused.value.api_code) == ("device_not_found", 91017)
    assert client.get_login_history().data.total_count == 2
    sign_in(person, "tablet")
    assert [entry.device.device_id for entry in client.list_my_devices(limit=1).data] == ["tablet"]
    assert [entry.device.device_id for entry in client.list_my_devices(page=2, limit=1).data] == ["here"]


def test_nobody_ends_another_users_device_of_the_same_name(service: Service):
    """CVE-2020-10686: what is ended by its id has to be the caller's own."""
    person, other = service.person(sign_in=False), service.person(sign_in=False)
    own, theirs = sign_in(person, "family tablet"), sign_in(other, "family tablet")
    client_of(person, own).unbind_my_device("family tablet")
    assert is_over(service, own)
    assert not is_over(service, theirs)
    session = client_of(other, theirs).list_my_devices().data[0].device.device_id
    assert session == "family tablet"
    silent = sign_in(other)
    [nameless] = [
        entry.device.device_id
        for entry in client_of(other, theirs).list_my_devices().data
        if entry.device.device_id != "family tablet"
    ]
    with pytest.raises(NotFound):
        client_of(person, sign_in(person)).revoke_my_device_session(nameless)
    assert not is_over(service, silent)


def test_a_change_of_number_leaves_only_its_own_device_on_line(service: Service):
    from tests.journeys.hands import prove

    person = service.person(sign_in=False)
    here, there = sign_in(person, "here"), sign_in(person, "there")
    person.client = client_of(person, here)
    number = service.number()
    person.client.update_phone(prove(person, number))
    assert {entry.device.device_id: entry.online for entry in person.client.list_my_devices().data} == {
        "here": True,
        "there": False,
    }
    told = service.client().introspect_token
    assert (told(here["access_token"]).active, told(there["access_token"]).active) == (True, False)
    assert (told(here["refresh_token"]).active, told(there["refresh_token"]).active) == (True, False)


@pytest.mark.anyio
async def test_tasks_look_at_their_devices_too(sqlite_service: Service):
    service = sqlite_service
    person = service.person(sign_in=False)
    tokens = sign_in(person, "a task's")
    async with AsyncAuthenticationClient(
        service.ids["appId"], service.url, service.ids["appSecret"], tokens["access_token"]
    ) as client:
        assert (await client.get_login_history()).data.total_count == 1
        assert (await client.get_logged_in_apps()).data[0].active
        [device] = (await client.list_my_devices()).data
        await client.revoke_my_device_session(device.device.device_id)
        with pytest.raises(LoginExpired):
            await client.get_login_history()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_deleted_account_leaves_no_history(sqlite_service: Service):
    service = sqlite_service
    person = service.person()
    service.management.delete_users_batch([person.user_id])
    import sqlite3

    with sqlite3.connect(service.folder / "ostiary.db") as connection:
        rows = connection.execute("SELECT count(*) FROM logins WHERE user_id = ?", [person.user_id])
        assert rows.fetchone() == (0,)


@pytest.mark.parametrize(
    ("sql", "indexes"),
    [
        (logins.PAGE, {"logins_of_user", "apps_pkey"}),
        (logins.COUNT, {"logins_of_user"}),
        (logins.RECENT, {"logins_of_user", "sessions_pkey", "apps_pkey"}),
        (logins.HAS_DEVICE, {"logins_of_user"}),
        (logins.END_ON_DEVICE, {"logins_of_user"}),
        (logins.FORGET_DEVICE, {"logins_of_user"}),
        (janitor.RUBBISH["logins"].delete, {"logins_by_end"}),
    ],
)
async def test_sign_ins_are_found_by_index(database: str, sql: Any, indexes: set[str]) -> None:
    """A million users' sign-ins behave like a thousand's."""
    await Workbench(database).close()
    values: dict[str, Any] = dict.fromkeys(sql.names, "x")
    values |= dict.fromkeys(("start", "before", "now", "most", "limit", "skip"), 1)
    plan = explain(database, sql, **{name: values[name] for name in sql.names})
    assert not plan.whole, plan.text
    assert indexes <= plan.indexes, plan.text


def test_the_paths_are_the_incumbents():
    names = ("get_login_history", "get_logged_in_apps", "list_my_devices", "unbind_my_device")
    assert [BY_NAME[name].path.removeprefix("/api/v3/") for name in names] == [
        "get-my-login-history",
        "get-my-logged-in-apps",
        "mydevices/list",
        "mydevices/unbind",
    ]
