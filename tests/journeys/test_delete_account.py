"""Leaving for good: proven by a code or a password, done within a minute, and nothing is left but hashes."""

import asyncio
from typing import Any, Final

import pytest

from ostiary import AsyncAuthenticationClient, compat
from ostiary.client.errors import LoginExpired, NotFound, OAuthError, ParameterError, WrongCredentials
from tests.journeys.hands import key, refusal, send, wrong
from tests.service import Person, Service

DELETE: Final = "CHANNEL_DELETE_ACCOUNT"


def by_phone(person: Person, code: str) -> dict[str, Any]:
    return {"phone_pass_code_payload": {"phoneNumber": person.national, "passCode": code}}


def delete_code(person: Person) -> str:
    send(person.client, DELETE, person.national)
    return person.service.code(str(person.phone), DELETE)


def delete_token(person: Person) -> str:
    granted = person.client.verify_delete_account_request(
        "PHONE_PASSCODE", **by_phone(person, delete_code(person))
    )
    assert granted.data.token_expires_in == 60
    return granted.data.delete_account_token


def bare(service: Service) -> Person:
    """Somebody who has proven no number and no address."""
    return service.person(phone=False, email_verified=False)


def by_password(person: Person, password: str | None = None) -> dict[str, Any]:
    return {"password_payload": {"password": password or person.password}}


def test_an_account_is_gone_and_its_names_are_free(service: Service):
    person = service.person()
    client = service.client()
    tokens = client.sign_in_by_username_password(
        person.username, person.password, options={"scope": "openid offline_access"}
    ).data
    assert person.client.delete_account(delete_token(person)).data.success
    for signed_in in (person.client, client.with_access_token(tokens.access_token)):
        with pytest.raises(LoginExpired):
            signed_in.get_profile()
    with pytest.raises(OAuthError):
        client.get_new_access_token_by_refresh_token(str(tokens.refresh_token))
    with pytest.raises(WrongCredentials):
        person.signed_in()
    with pytest.raises(NotFound):
        service.management.get_user(person.user_id)
    again = service.management.create_user(
        username=person.username, email=person.email, phone=person.phone, phone_verified=True
    ).data
    assert again.user_id != person.user_id
    for contact in (str(person.phone), person.email):
        text = service.message(contact, "phone_unbound")["text"]
        assert "deletion of the account" in text or "账户注销" in text


def test_the_audit_log_keeps_hashes_only(service: Service):
    person = service.person()
    person.client.delete_account(delete_token(person))
    events = service.management.list_audit_events(user_id=person.user_id, limit=100).data.list
    assert {"user_deleted", "phone_unbound"} <= {event.event for event in events}
    told = "".join(str(event.facts) for event in events)
    assert person.national not in told
    assert person.email not in told
    assert person.username not in told


def test_by_e_mail_under_asyncio(service: Service):
    person = service.person(phone=False)

    async def story() -> None:
        async with AsyncAuthenticationClient(
            service.ids["appId"], service.url, access_token=str(person.client._access_token), lang="en-US"
        ) as client:
            await client.send_email(DELETE, person.email)
            code = await asyncio.to_thread(service.code, person.email, DELETE)
            granted = await client.verify_delete_account_request(
                "EMAIL_PASSCODE", email_pass_code_payload={"passCode": code}
            )
            assert (await client.delete_account(granted.data.delete_account_token)).data.success

    asyncio.run(story())
    with pytest.raises(LoginExpired):
        person.client.get_profile()
    service.message(person.email, "email_unbound")


def test_by_password_in_the_incumbents_shapes(service: Service):
    person = bare(service)
    client = compat.AuthenticationClient(
        app_id=service.ids["appId"], app_host=service.url, access_token=str(person.client._access_token)
    )
    refused = client.verify_delete_account_request("PASSWORD", password_payload={"password": "no"})
    assert refused["apiCode"] == 2203
    granted = client.verify_delete_account_request("PASSWORD", password_payload={"password": person.password})
    assert granted["data"]["tokenExpiresIn"] == 60
    done = client.delete_account(granted["data"]["deleteAccountToken"])
    assert (done["statusCode"], done["data"]) == (200, {"success": True})


def test_a_password_is_not_enough_where_a_code_can_be_sent(service: Service):
    person = service.person()
    refused = refusal(person.client.verify_delete_account_request, "PASSWORD", **by_password(person))
    assert refused.key == "reauth_required"
    assert refused.data["methods"] == ["PHONE_PASSCODE", "EMAIL_PASSCODE"]


def test_guesses_at_the_password_end(service: Service):
    person = bare(service)
    verify = person.client.verify_delete_account_request
    for turn in range(5):
        assert key(verify, "PASSWORD", **by_password(person, f"no {turn}")) == "old_password_wrong"
    assert key(verify, "PASSWORD", **by_password(person)) == "guesses_spent"


def test_a_token_is_its_session_s_its_account_s_and_good_once_for_a_minute(service: Service):
    person, other = service.person(), service.person()
    token = delete_token(person)
    assert key(other.client.delete_account, token) == "one_time_token_invalid"
    assert key(person.signed_in().delete_account, token) == "one_time_token_invalid"
    assert key(person.client.delete_account, token[:-1]) == "one_time_token_invalid"
    assert key(person.client.update_phone, token) == "update_token_invalid"
    service.advance(seconds=61)
    assert key(person.client.delete_account, token) == "one_time_token_invalid"
    person.client.get_profile()


def test_a_new_password_ends_the_permission(service: Service):
    person = service.person()
    token = delete_token(person)
    person.client.update_password("four words that nobody says", old_password=person.password)
    assert key(person.client.delete_account, token) == "one_time_token_invalid"


def test_codes_are_for_the_account_s_own_number_and_address(service: Service):
    person, stranger = service.person(), service.person()
    verify = person.client.verify_delete_account_request
    code = delete_code(person)
    assert key(verify, "PHONE_PASSCODE", **by_phone(stranger, code)) == "old_phone_mismatch"
    assert key(verify, "PHONE_PASSCODE", **by_phone(person, wrong(code))) == "code_wrong"
    typed = {"email": stranger.email, "passCode": code}
    assert key(verify, "EMAIL_PASSCODE", email_pass_code_payload=typed) == "old_email_mismatch"
    typed = {"email": person.email, "passCode": code}
    assert key(verify, "EMAIL_PASSCODE", email_pass_code_payload=typed) == "code_expired"
    typed = {"phoneNumber": "twelve", "passCode": code}
    assert key(verify, "PHONE_PASSCODE", phone_pass_code_payload=typed) == "bad_contact"
    verify("PHONE_PASSCODE", **by_phone(person, code))
    assert key(verify, "PHONE_PASSCODE", **by_phone(person, code)) == "code_expired"


def test_without_a_number_or_an_address_that_way_is_closed(service: Service):
    person = service.person(phone=False)
    verify = person.client.verify_delete_account_request
    typed = {"phoneNumber": "13800138000", "passCode": "123456"}
    assert key(verify, "PHONE_PASSCODE", phone_pass_code_payload=typed) == "phone_not_bound"
    service.management.update_user(person.user_id, options={"clearFields": ["email"]})
    assert key(verify, "EMAIL_PASSCODE", email_pass_code_payload={"passCode": "123456"}) == "email_not_bound"


def test_each_method_wants_its_payload(service: Service):
    person = service.person()
    for method, field in (
        ("PHONE_PASSCODE", "phonePassCodePayload"),
        ("EMAIL_PASSCODE", "emailPassCodePayload"),
        ("PASSWORD", "passwordPayload"),
    ):
        with pytest.raises(ParameterError) as missing:
            person.client.verify_delete_account_request(method)  # type: ignore[arg-type] # one of the three
        assert missing.value.data["field"] == field
