"""A day at the administrator's desk, through the real service and our SDK."""

from typing import Literal

import pytest

from ostiary import ManagementClient
from ostiary.client.errors import (
    APIError,
    LoginExpired,
    NotFound,
    NotServed,
    ParameterError,
    PhoneTaken,
    UserLocked,
    WrongCredentials,
)
from tests.service import Service

BIND: Literal["CHANNEL_BIND_PHONE"] = "CHANNEL_BIND_PHONE"
UNBIND: Literal["CHANNEL_UNBIND_PHONE"] = "CHANNEL_UNBIND_PHONE"


def test_an_administrator_helps_a_user_who_lost_their_phone(service: Service):
    desk = service.management
    person = service.person()
    new = service.number()
    person.client.send_sms(UNBIND, person.national)
    person.client.send_sms(BIND, new.removeprefix("+86"))
    token = person.client.verify_update_phone_request(
        {
            "newPhoneNumber": new,
            "newPhonePassCode": service.code(new, BIND),
            "oldPhoneNumber": person.phone,
            "oldPhonePassCode": service.code(str(person.phone), UNBIND),
        },
        "PHONE_PASSCODE",
    ).data.update_phone_token
    given = service.number()
    moved = desk.update_user(person.user_id, phone=given, phone_verified=True).data
    assert (moved.phone, moved.phone_country_code, moved.phone_verified) == (
        given.removeprefix("+86"),
        "+86",
        True,
    )
    with pytest.raises(APIError) as spent:
        person.client.update_phone(token)
    assert spent.value.key == "update_token_invalid"
    for address in (str(person.phone), given, person.email):
        assert (
            "administrator" in service.message(address, "phone_changed")["text"]
            or "管理员" in (service.message(address, "phone_changed")["text"])
        )
    found = desk.get_user(given, user_id_type="phone").data
    assert found.user_id == person.user_id
    bare = desk.update_user(person.user_id, options={"clearFields": ["phone"]}).data
    assert bare.phone is None
    assert person.client.get_profile().data.phone is None


def test_an_administrator_suspends_and_deletes(service: Service):
    desk = service.management
    person = service.person()
    desk.update_user(person.user_id, status="Suspended")
    with pytest.raises((LoginExpired, UserLocked)):
        person.client.get_profile()
    with pytest.raises((UserLocked, WrongCredentials)):
        person.signed_in()
    desk.update_user(person.user_id, status="Activated", password="quite another one")
    with pytest.raises(WrongCredentials):
        person.signed_in()
    again = service.signed_in(person.username, "quite another one")
    assert again.get_profile().data.user_id == person.user_id
    before = desk.list_users().data.total_count
    assert desk.delete_users_batch([person.user_id]).data.success
    assert desk.list_users().data.total_count == before - 1
    with pytest.raises(LoginExpired):
        again.get_profile()
    with pytest.raises(WrongCredentials):
        service.signed_in(person.username, "quite another one")
    with pytest.raises(NotFound):
        desk.get_user(person.user_id)
    with pytest.raises(NotFound) as unknown:
        desk.delete_users_batch([person.user_id])
    assert unknown.value.data["userIds"] == [person.user_id]
    reborn = service.person(phone=str(person.phone))
    assert reborn.user_id != person.user_id


def test_what_the_desk_is_told(service: Service):
    desk = service.management
    person = service.person(sign_in=False)
    with pytest.raises(PhoneTaken):
        desk.create_user(phone=person.national)
    with pytest.raises(ParameterError) as wrong:
        desk.update_security_settings(verify_code_length=4)
    assert wrong.value.data["field"] == "verifyCodeLength"
    with pytest.raises(NotServed) as later:
        desk.create_user(username="x", options={"keepPassword": True})
    assert later.value.data["field"] == "keepPassword"
    found = desk.list_users(keywords=person.username, options={"withCustomData": True}).data
    assert person.user_id in [user.user_id for user in found.list]
    stranger = ManagementClient(
        service.ids["accessKeyId"], "wrong", host=service.url, http_client=service.http
    )
    with pytest.raises(APIError) as key:
        stranger.list_users()
    assert key.value.key == "access_key_invalid"


def test_settings_hold_from_the_next_request_on(service: Service):
    person = service.person()
    with service.settings(verifyCodeLength=8, changePhoneStrategy={"verifyOldPhone": False}):
        shown = service.management.get_security_settings().data
        assert (shown.verify_code_length, shown.change_phone_strategy.verify_old_phone) == (8, False)
        new = service.number()
        person.client.send_sms(BIND, new)
        code = service.code(new, BIND)
        assert len(code) == 8
        granted = person.client.verify_update_phone_request(
            {"newPhoneNumber": new, "newPhonePassCode": code}, "PHONE_PASSCODE"
        )
        assert granted.data.update_phone_token.startswith("upt_")
    assert service.management.get_security_settings().data.verify_code_length == 6
