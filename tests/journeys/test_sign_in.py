"""Signing in with a password or a code, through the real service and our SDK."""

from typing import Literal

import pytest

from ostiary.client.errors import (
    APIError,
    ClientAuthenticationError,
    CodeExpired,
    CodeWrong,
    GuessesSpent,
    NotFound,
    NotServed,
    ParameterError,
    UserLocked,
    WrongCredentials,
)
from tests.service import Service

LOGIN: Literal["CHANNEL_LOGIN"] = "CHANNEL_LOGIN"
REGISTER: Literal["CHANNEL_REGISTER"] = "CHANNEL_REGISTER"
EVERYTHING = "openid profile username email phone offline_access"


def asked(service: Service, number: str, *, client=None, count: int = 1) -> str:
    """Have a LOGIN code sent, and read it from the phone."""
    (client or service.client()).send_sms(LOGIN, number.removeprefix("+86"))
    return service.code(number, LOGIN, count=count)


def wrong(code: str) -> str:
    return code[:-1] + str((int(code[-1]) + 1) % 10)


# ── with a password ─────────────────────────────────────────────────────────────────────────


def test_every_name_of_an_account_signs_in(service: Service):
    person = service.person(sign_in=False)
    client = service.client()
    ways = [
        client.sign_in_by_username_password(person.username.upper(), person.password),
        client.sign_in_by_email_password(person.email.upper(), person.password),
        client.sign_in_by_phone_password(person.national, person.password),
        client.sign_in_by_phone_password(str(person.phone), person.password),
        client.sign_in_by_account_password(person.username, person.password),
        client.sign_in_by_account_password(person.email, person.password),
        client.sign_in_by_account_password(person.national, person.password),
    ]
    for answer in ways:
        assert client.get_user_info_by_access_token(str(answer.data.access_token)).sub == person.user_id


def test_a_wrong_password_and_an_unknown_name_are_one_answer(service: Service):
    person = service.person(sign_in=False)
    client = service.client()
    refusals = []
    for name, password in ((person.username, "not the password"), ("nobody at all", person.password)):
        with pytest.raises(WrongCredentials) as refused:
            client.sign_in_by_account_password(name, password)
        refusals.append((refused.value.message, refused.value.status_code, refused.value.api_code))
    assert refusals[0] == refusals[1]
    assert refusals[0][1:] == (403, 2333)


def test_a_user_name_that_looks_like_a_number_is_not_in_its_owners_way(service: Service):
    owner = service.person(sign_in=False)
    client = service.client()
    client.sign_up_by_username_password(owner.national, "the squatter's password")
    answer = client.sign_in_by_account_password(owner.national, owner.password)
    assert client.get_user_info_by_access_token(str(answer.data.access_token)).sub == owner.user_id
    with pytest.raises(WrongCredentials):
        client.sign_in_by_account_password(owner.national, "the squatter's password")


def test_what_tokens_a_sign_in_gives(service: Service):
    person = service.person(sign_in=False)
    client = service.client()
    bare = client.sign_in_by_username_password(person.username, person.password).data
    assert (bare.scope, bare.refresh_token, bare.token_type) == ("openid", None, "bearer")
    assert bare.expire_in == bare.expires_in == 7_200
    full = client.sign_in_by_username_password(
        person.username, person.password, options={"scope": f"{EVERYTHING} made-up"}
    ).data
    assert full.scope == EVERYTHING
    assert full.refresh_token


def test_the_last_sign_in_stands_in_the_profile(service: Service):
    person = service.person(sign_in=False)
    assert service.management.get_user(person.user_id).data.logins_count == 0
    client = person.signed_in()
    seen = client.get_profile().data
    assert (seen.logins_count, seen.last_login_app, seen.last_ip) == (1, service.ids["appId"], "127.0.0.1")
    assert seen.last_login is not None
    assert seen.last_login >= seen.created_at


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"password": "x"}, "account"),
        ({"account": "x"}, "password"),
        ({"account": "x", "password": ""}, "password"),
        ({"phone": "abc", "password": "x"}, "phone"),
        ({"email": "abc", "password": "x"}, "email"),
    ],
)
def test_a_form_that_can_not_be_meant_names_its_field(service: Service, payload: dict[str, str], field: str):
    with pytest.raises(APIError) as refused:
        service.client().sign_in_by_credentials("PASSWORD", password_payload=payload)
    assert refused.value.status_code == 400
    assert (refused.value.data or {})["field"] == field


def test_a_closed_account_says_so_to_its_owner_alone(service: Service):
    person = service.person(sign_in=False)
    service.management.update_user(person.user_id, status="Suspended")
    client = service.client()
    with pytest.raises(WrongCredentials):
        client.sign_in_by_username_password(person.username, "not the password")
    with pytest.raises(UserLocked):
        client.sign_in_by_username_password(person.username, person.password)
    code = asked(service, str(person.phone))
    with pytest.raises(CodeWrong):
        client.sign_in_by_phone_passcode(person.national, wrong(code))
    with pytest.raises(UserLocked):
        client.sign_in_by_phone_passcode(person.national, code)
    service.management.update_user(person.user_id, status="Activated")
    assert person.signed_in().get_profile().data.user_id == person.user_id


# ── with a code ─────────────────────────────────────────────────────────────────────────────


def test_a_code_signs_in_once(service: Service):
    person = service.person(sign_in=False)
    code = asked(service, str(person.phone))
    client = service.client()
    with pytest.raises(CodeWrong) as refused:
        client.sign_in_by_phone_passcode(person.national, wrong(code))
    assert (refused.value.status_code, refused.value.api_code) == (422, 2001)
    spaced = f" {code[:3]}-{code[3:]} "
    tokens = client.sign_in_by_phone_passcode(person.national, spaced).data
    assert client.with_access_token(tokens.access_token).get_profile().data.user_id == person.user_id
    with pytest.raises(CodeExpired) as used:
        client.sign_in_by_phone_passcode(person.national, code)
    assert (used.value.status_code, used.value.api_code) == (422, 2300)


def test_a_code_asked_for_with_a_token_attached_still_signs_in(service: Service):
    """Real clients attach a token to every call; a LOGIN code belongs to nobody all the same."""
    person, other = service.person(), service.person()
    code = asked(service, str(person.phone), client=person.client)
    tokens = service.client().sign_in_by_phone_passcode(person.national, code).data
    assert other.client.with_access_token(tokens.access_token).get_profile().data.user_id == person.user_id
    service.advance(61)
    code = asked(service, str(person.phone), client=other.client, count=2)
    assert other.client.sign_in_by_phone_passcode(person.national, code).data.access_token


def test_a_stale_token_does_not_shut_the_door(service: Service):
    person = service.person()
    person.client.revoke_token(str(person.client._access_token))
    code = asked(service, str(person.phone), client=person.client)
    assert person.client.sign_in_by_phone_passcode(person.national, code).data.access_token
    assert person.client.sign_in_by_username_password(person.username, person.password).data.access_token


def test_a_code_of_another_channel_opens_nothing(service: Service):
    person = service.person(sign_in=False)
    service.client().send_sms(REGISTER, person.national)
    code = service.code(str(person.phone), REGISTER)
    with pytest.raises(CodeExpired):
        service.client().sign_in_by_phone_passcode(person.national, code)


def test_a_number_without_an_account_is_told_so_once_its_code_was_right(service: Service):
    number = service.number()
    national = number.removeprefix("+86")
    client = service.client()
    code = asked(service, number)
    with pytest.raises(CodeWrong):
        client.sign_in_by_phone_passcode(national, wrong(code))
    with pytest.raises(NotFound) as refused:
        client.sign_in_by_phone_passcode(national, code)
    assert refused.value.api_code == 2004
    with pytest.raises(CodeExpired):
        client.sign_in_by_phone_passcode(national, code, options={"autoRegister": True})


def test_with_auto_register_a_newcomer_gets_an_account(service: Service):
    number = service.number()
    national = number.removeprefix("+86")
    client = service.client()
    options = {"autoRegister": True, "scope": EVERYTHING}
    tokens = client.sign_in_by_phone_passcode(national, asked(service, number), options=options).data
    made = client.with_access_token(tokens.access_token).get_profile().data
    assert (made.phone, made.phone_country_code, made.phone_verified) == (national, "+86", True)
    assert (made.user_source_type, made.logins_count) == ("register", 1)
    service.advance(61)
    again = client.sign_in_by_phone_passcode(national, asked(service, number, count=2), options=options).data
    assert client.with_access_token(again.access_token).get_profile().data.user_id == made.user_id


def test_where_registering_is_off_auto_register_is_too(service: Service):
    number = service.number()
    code = asked(service, number)
    with service.settings(registerDisabled=True), pytest.raises(APIError) as refused:
        service.client().sign_in_by_phone_passcode(
            number.removeprefix("+86"), code, options={"autoRegister": True}
        )
    assert (refused.value.key, refused.value.api_code) == ("sign_up_disabled", 2031)


def test_a_right_code_verifies_a_number_that_an_administrator_set(service: Service):
    person = service.person(phone=False)
    number = service.number()
    service.management.update_user(person.user_id, phone=number)
    assert service.management.get_user(person.user_id).data.phone_verified is False
    service.client().sign_in_by_phone_passcode(number.removeprefix("+86"), asked(service, number))
    assert service.management.get_user(person.user_id).data.phone_verified is True


def test_ten_wrong_codes_are_a_day(service: Service):
    person = service.person(sign_in=False)
    client = service.client()
    for round_ in (1, 2):
        code = asked(service, str(person.phone), count=round_)
        for _ in range(5):
            with pytest.raises(CodeWrong):
                client.sign_in_by_phone_passcode(person.national, wrong(code))
        with pytest.raises((CodeExpired, GuessesSpent)):
            client.sign_in_by_phone_passcode(person.national, code)
        service.advance(61)
    code = asked(service, str(person.phone), count=3)
    with pytest.raises(GuessesSpent) as spent:
        client.sign_in_by_phone_passcode(person.national, code)
    assert 80_000 < int((spent.value.data or {})["retryAfter"]) <= 86_400
    # The password, and so the account, is not touched by it.
    assert person.signed_in().get_profile().data.user_id == person.user_id


# ── the application, and what is built later ────────────────────────────────────────────────


@pytest.mark.parametrize(
    "options",
    [
        {"app_secret": "not the secret"},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_basic"},
    ],
)
def test_an_application_that_is_not_itself_signs_nobody_in(service: Service, options: dict[str, str]):
    person = service.person(sign_in=False)
    with pytest.raises(ClientAuthenticationError):
        service.client(**options).sign_in_by_username_password(person.username, person.password)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"connection": "LDAP", "ldapPayload": {"sAMAccountName": "a", "password": "b"}}, "connection"),
        ({"options": {"tenantId": "t"}}, "tenantId"),
    ],
)
def test_what_is_built_later_says_so(service: Service, form: dict[str, object], field: str):
    plain = {"connection": "PASSWORD", "passwordPayload": {"account": "a", "password": "b"}}
    answer = service.http.post("/api/v3/signin", json=plain | form).json()
    assert answer["statusCode"] == 501
    assert answer["data"]["field"] == field


def test_our_sdk_calls_a_later_option_not_served_and_a_missing_payload_a_mistake(service: Service):
    client = service.client()
    with pytest.raises(NotServed):
        client.sign_in_by_username_password("a", "b", options={"tenantId": "t"})
    with pytest.raises(ParameterError):
        client.sign_in_by_credentials("PASSCODE", pass_code_payload={"phone": "13800138000", "passCode": "x"})
