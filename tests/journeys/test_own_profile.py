"""A person's own page: changing the profile, seeing what protects the account, choosing a country."""

import asyncio
import json

import msgspec

from ostiary import AsyncAuthenticationClient
from ostiary.client.errors import ParameterError
from ostiary.contract.own_page import CountryDetailInfo
from tests.journeys.hands import refusal
from tests.service import Service


def test_a_profile_is_changed_by_its_owner(service: Service):
    person = service.person()
    before = person.client.get_profile().data
    changed = person.client.update_profile(
        nickname="Ana",
        photo="https://example.com/ana.png",
        gender="F",
        locale="zh-CN",
        birthdate="1990-07-03",
    ).data
    assert (changed.nickname, changed.gender, changed.birthdate) == ("Ana", "F", "1990-07-03")
    again = person.client.update_profile(city="Wuhan").data
    assert (again.nickname, again.city, again.username) == ("Ana", "Wuhan", before.username)
    assert again.updated_at >= before.updated_at
    assert person.client.get_profile().data.photo == "https://example.com/ana.png"


def test_cve_2026_27946_nothing_else_can_be_set_through_the_profile(service: Service):
    """GHSA-5v7g-9h8f-8pgg alike: every field of an account is sent; only those of the list change."""
    person = service.person()
    for fields, key in (
        ({"phone": service.number()}, "phone_by_other_door"),
        ({"email": "other@example.com"}, "email_by_other_door"),
        ({"phone_verified": False}, "field_not_editable"),
        ({"email_verified": True}, "field_not_editable"),
        ({"password": "another password"}, "field_not_editable"),
        ({"status": "Archived"}, "field_not_editable"),
        ({"external_id": "boss"}, "field_not_editable"),
    ):
        error = refusal(person.client.update_profile, nickname="never", **fields)
        assert error.key == key
    told = {"authorization": str(person.client._access_token)}
    before = person.client.get_profile().data
    extra = {
        "userId": "6a1b2c3d4e5f60718293a4b5",
        "userPoolId": "x",
        "loginsCount": 7,
        "registerSource": ["x"],
        "identities": [{}],
        "sessionEpoch": 9,
        "passwordHash": "x",
    }
    answer = service.http.post("/api/v3/update-profile", json=extra, headers=told).json()
    assert answer["statusCode"] == 200
    after = person.client.get_profile().data
    assert {**json.loads(_text(after)), "updatedAt": ""} == {**json.loads(_text(before)), "updatedAt": ""}


def test_a_user_name_is_one_persons(service: Service):
    one, other = service.person(), service.person(sign_in=True)
    error = refusal(one.client.update_profile, username=other.username.upper())
    assert error.key == "username_taken"
    assert one.client.update_profile(username=one.username.upper()).data.username == one.username.upper()
    assert service.signed_in(one.username, one.password).get_profile().data.user_id == one.user_id


def test_a_picture_is_a_link_to_the_web(service: Service):
    person = service.person()
    refused = refusal(person.client.update_profile, photo="javascript:alert(1)")
    assert isinstance(refused, ParameterError)
    assert refused.data == {"field": "photo"}


def test_what_protects_an_account(service: Service):
    whole = service.person().client.get_security_level().data
    assert (whole.password_set, whole.password_security_level, whole.mfa_enrolled) == (True, 2, False)
    assert (whole.phone_binded, whole.email_binded, whole.security_score) == (True, True, 70)
    bare = service.person(phone=False, email_verified=False).client.get_security_level().data
    assert (bare.phone_binded, bare.email_binded, bare.security_score) == (False, False, 20)


def test_countries_for_a_form_before_anybody_signs_in(service: Service):
    async def list_them() -> list[CountryDetailInfo]:
        async with AsyncAuthenticationClient(service.ids["appId"], service.url) as client:
            return (await client.get_country_list()).data

    listed = asyncio.run(list_them())
    assert next(country for country in listed if country.alpha2 == "JP").phone_country_code == "+81"
    bare = service.http.get("/api/v3/get-country-list").json()["data"]
    assert bare[0].keys() == {"alpha2", "alpha3", "phoneCountryCode", "flag", "name"}
    assert set(bare[0]["name"]) == {"zh-CN", "en-US", "zh-TW", "ja-JP"}


def _text(user: object) -> str:

    return msgspec.json.encode(user).decode()
