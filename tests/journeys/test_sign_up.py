"""Registering, through the real service and our SDK."""

from typing import Any, Literal

import pytest

from ostiary.client.errors import (
    APIError,
    CodeExpired,
    CodeWrong,
    EmailTaken,
    NotLoggedIn,
    ParameterError,
    PhoneTaken,
    UsernameTaken,
)
from tests.service import Service

LOGIN: Literal["CHANNEL_LOGIN"] = "CHANNEL_LOGIN"
REGISTER: Literal["CHANNEL_REGISTER"] = "CHANNEL_REGISTER"
PASSWORD = "a password of one's own"


def fresh(service: Service) -> str:
    """A name that nobody has."""
    return f"new-{service.number()[1:]}"


def code_for(service: Service, number: str) -> str:
    service.client().send_sms(REGISTER, number.removeprefix("+86"))
    return service.code(number, REGISTER)


def test_a_user_name_and_a_password(service: Service):
    name = fresh(service)
    client = service.client()
    made = client.sign_up_by_username_password(name.upper(), PASSWORD).data
    assert (made.username, made.status, made.user_source_type) == (name.upper(), "Activated", "register")
    assert len(made.user_id) == 24
    assert made.phone is None
    tokens = client.sign_in_by_username_password(name, PASSWORD).data
    assert client.with_access_token(tokens.access_token).get_profile().data.user_id == made.user_id


def test_an_address_and_a_password_leave_it_unverified(service: Service):
    address = f"{fresh(service)}@Example.com"
    client = service.client()
    made = client.sign_up_by_email_password(address, PASSWORD).data
    assert (made.email, made.email_verified) == (address.lower(), False)
    assert client.sign_in_by_email_password(address.upper(), PASSWORD).data.access_token
    with pytest.raises(EmailTaken) as refused:
        client.sign_up_by_email_password(address.upper(), PASSWORD)
    assert (refused.value.status_code, refused.value.api_code) == (409, 2200)


def test_a_number_and_its_code(service: Service):
    number = service.number()
    national = number.removeprefix("+86")
    client = service.client()
    code = code_for(service, number)
    with pytest.raises(CodeWrong):
        client.sign_up_by_phone_passcode(national, code[:-1] + str((int(code[-1]) + 1) % 10))
    made = client.sign_up_by_phone_passcode(national, code, phone_country_code="86").data
    assert (made.phone, made.phone_country_code, made.phone_verified) == (national, "+86", True)
    with pytest.raises(CodeExpired):
        client.sign_up_by_phone_passcode(national, code)


def test_signing_up_signs_nobody_in(service: Service):
    client = service.client()
    client.sign_up_by_username_password(fresh(service), PASSWORD)
    with pytest.raises(NotLoggedIn):
        client.get_profile()


def test_that_a_number_is_taken_is_told_to_who_holds_its_code(service: Service):
    person = service.person(sign_in=False)
    client = service.client()
    with pytest.raises(CodeExpired):
        client.sign_up_by_phone_passcode(person.national, "123456")
    code = code_for(service, str(person.phone))
    with pytest.raises(PhoneTaken) as refused:
        client.sign_up_by_phone_passcode(person.national, code)
    assert (refused.value.status_code, refused.value.api_code) == (409, 2035)
    with pytest.raises(CodeExpired):
        client.sign_up_by_phone_passcode(person.national, code)


def test_a_user_name_is_taken_in_every_spelling(service: Service):
    name = fresh(service)
    client = service.client()
    client.sign_up_by_username_password(name, PASSWORD)
    for spelling in (name.upper(), f"  {name}  ", name.replace("new", "ｎｅｗ")):
        with pytest.raises(UsernameTaken) as refused:
            client.sign_up_by_username_password(spelling, PASSWORD)
        assert (refused.value.status_code, refused.value.api_code) == (409, 2034)


def test_a_refused_name_takes_nothing_else_with_it(service: Service):
    """User name and address in one form: where one is taken, the other stays free."""
    taken = service.person(sign_in=False)
    client = service.client()
    name = fresh(service)
    payload = {"username": name, "email": taken.email, "password": PASSWORD}
    with pytest.raises(EmailTaken):
        client.sign_up("PASSWORD", password_payload=payload)
    made = client.sign_up("PASSWORD", password_payload=payload | {"email": f"{name}@example.com"}).data
    assert (made.username, made.email) == (name, f"{name}@example.com")


def test_the_profile_comes_along(service: Service):
    client = service.client()
    profile = {
        "nickname": "小新",
        "gender": "F",
        "locale": "en-US",
        "birthdate": "1990-01-02",
        "givenName": "New",
    }
    made = client.sign_up_by_username_password(fresh(service), PASSWORD, profile=profile).data
    assert (made.nickname, made.gender, made.locale, made.given_name) == ("小新", "F", "en-US", "New")
    assert made.custom_data == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("photo", "javascript:alert(1)"),
        ("profile", "data:text/html,x"),
        ("birthdate", "not a day"),
        ("name", "a\r\nb"),
    ],
)
def test_a_profile_holds_nothing_that_its_owner_could_not_write_later(
    service: Service, field: str, value: str
):
    written: dict[str, Any] = {field: value}
    with pytest.raises(ParameterError) as refused:
        service.client().sign_up_by_username_password(fresh(service), PASSWORD, profile=written)
    assert refused.value.data == {"field": field, "path": f"profile.{field}"}
    user = service.management.create_user(username=fresh(service)).data
    for call in (
        lambda: service.management.create_user(username=fresh(service), **written),
        lambda: service.management.update_user(user.user_id, **written),
    ):
        with pytest.raises(ParameterError) as refused:
            call()
        assert refused.value.data == {"field": field}


@pytest.mark.parametrize(
    ("form", "answer", "field"),
    [
        ({"passwordPayload": {"username": "a-name", "password": "1234567"}}, (422, 2029), "password"),
        ({"passwordPayload": {"email": "nowhere", "password": PASSWORD}}, (400, 2028), "email"),
        ({"passwordPayload": {"username": "   ", "password": PASSWORD}}, (400, None), "username"),
        ({"passwordPayload": {"password": PASSWORD}}, (400, 2231), "username"),
        ({}, (400, 2231), "passwordPayload"),
        (
            {"connection": "PASSCODE", "passCodePayload": {"phone": "01012345678", "passCode": "123456"}},
            (400, 2028),
            "phone",
        ),
        (
            {"connection": "PASSCODE", "passCodePayload": {"phone": "+1 6502530000", "passCode": "123456"}},
            (400, 2028),
            "phone",
        ),
        (
            {
                "connection": "PASSCODE",
                "passCodePayload": {"phone": "6502530000", "phoneCountryCode": "+1", "passCode": "123456"},
            },
            (422, 91007),
            None,
        ),
    ],
)
def test_what_nobody_can_register_with(
    service: Service, form: dict[str, object], answer: tuple[int, int | None], field: str | None
):
    client = service.client()
    body = {"connection": "PASSWORD"} | form
    with pytest.raises(APIError) as refused:
        client.sign_up(
            body["connection"],  # type: ignore[arg-type] # either of the two
            password_payload=body.get("passwordPayload"),  # type: ignore[arg-type] # as it comes over the wire
            pass_code_payload=body.get("passCodePayload"),  # type: ignore[arg-type] # the same
        )
    assert (refused.value.status_code, refused.value.api_code) == answer
    assert (refused.value.data or {}).get("field") == field


def test_where_registering_is_off_nobody_registers(service: Service):
    number = service.number()
    client = service.client()
    code = code_for(service, number)
    with service.settings(registerDisabled=True):
        for refused_way in (
            lambda: client.sign_up_by_username_password(fresh(service), PASSWORD),
            lambda: client.sign_up_by_phone_passcode(number.removeprefix("+86"), code),
        ):
            with pytest.raises(APIError) as refused:
                refused_way()
            assert (refused.value.key, refused.value.status_code) == ("sign_up_disabled", 403)
    assert client.sign_up_by_phone_passcode(number.removeprefix("+86"), code).data.phone_verified


def test_the_application_is_found_by_header_or_by_the_pools_first(service: Service):
    form = {"connection": "PASSWORD", "passwordPayload": {"username": fresh(service), "password": PASSWORD}}
    nowhere = service.http.post("/api/v3/signup", json=form).json()
    assert (nowhere["statusCode"], nowhere["apiCode"]) == (404, 2011)
    headers = {"x-authing-userpool-id": service.ids["userPoolId"]}
    assert service.http.post("/api/v3/signup", json=form, headers=headers).json()["statusCode"] == 200


def test_a_code_to_sign_in_with_is_none_to_register_with(service: Service):
    number = service.number()
    service.client().send_sms(LOGIN, number.removeprefix("+86"))
    with pytest.raises(CodeExpired):
        service.client().sign_up_by_phone_passcode(number.removeprefix("+86"), service.code(number, LOGIN))
