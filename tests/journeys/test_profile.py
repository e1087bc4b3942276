"""Reading one's own account, through the real service and our SDK."""

import pytest

from ostiary.client.errors import LoginExpired, LoginInvalid, NotLoggedIn, UserLocked
from tests.service import Service


def test_an_account_as_its_owner_sees_it(service: Service):
    person = service.person()
    seen = person.client.get_profile().data
    assert seen.user_id == person.user_id
    assert (seen.username, seen.email, seen.email_verified) == (person.username, person.email, True)
    assert (seen.phone, seen.phone_country_code, seen.phone_verified) == (person.national, "+86", True)
    assert (seen.status, seen.work_status, seen.gender) == ("Activated", "Active", "U")
    assert seen.created_at.endswith("Z")


def test_what_is_not_set_and_not_asked_for_is_left_out(service: Service):
    person = service.person(phone=False)
    headers = {"authorization": str(person.client._access_token)}
    bare = service.http.get("/api/v3/get-profile", headers=headers).json()["data"]
    assert (
        not {"phone", "phoneCountryCode", "nickname", "customData", "identities", "departmentIds"}
        & bare.keys()
    )
    assert not any("password" in name.lower() and name != "passwordLastSetAt" for name in bare)
    asked = service.http.get(
        "/api/v3/get-profile?withCustomData=True&withIdentities=true&withDepartmentIds=1", headers=headers
    ).json()["data"]
    assert (asked["customData"], asked["identities"], asked["departmentIds"]) == ({}, [], [])


def test_only_a_token_that_is_good_reads_an_account(service: Service):
    person = service.person()
    with pytest.raises(NotLoggedIn):
        service.client().get_profile()
    with pytest.raises(NotLoggedIn):
        service.client("garbage").get_profile()
    token = str(person.client._access_token)
    with pytest.raises(LoginInvalid):
        service.client(token[:-8] + ("AAAAAAAA" if token[-8:] != "AAAAAAAA" else "BBBBBBBB")).get_profile()
    service.management.update_user(person.user_id, status="Suspended")
    with pytest.raises((UserLocked, LoginExpired)):
        person.client.get_profile()


def test_a_deleted_account_is_signed_out(service: Service):
    person = service.person()
    service.management.delete_users_batch([person.user_id])
    with pytest.raises(LoginExpired):
        person.client.get_profile()
