"""A person's own password: changed with the old one, set anew with a code when it is forgotten."""

import asyncio
from typing import Any, Final

import pytest

from ostiary import AsyncAuthenticationClient, compat
from ostiary.client.errors import InvalidOperation, LoginExpired, ParameterError, WrongCredentials
from tests.journeys.hands import key, refusal, send, texts, wrong
from tests.service import Person, Service

RESET: Final = "CHANNEL_RESET_PASSWORD"
BETTER = "four words that nobody says"


def by_phone(person: Person, code: str) -> dict[str, Any]:
    return {"phone_pass_code_payload": {"phoneNumber": person.national, "passCode": code}}


def reset_code(person: Person, *, count: int = 1) -> str:
    """Have a code sent to the person's number, by somebody who is not signed in."""
    send(person.service.client(), RESET, person.national)
    return person.service.code(str(person.phone), RESET, count=count)


def reset_token(person: Person) -> str:
    """The code was right: the token."""
    granted = person.service.client().verify_reset_password_request(
        "PHONE_PASSCODE", **by_phone(person, reset_code(person))
    )
    assert granted.data.token_expires_in == 300
    return granted.data.password_reset_token


# --- changed, with the old one --------------------------------------------------------------------------


def test_a_password_is_changed_by_who_knows_the_old_one(service: Service):
    person = service.person()
    other = person.signed_in("openid offline_access")
    person.client.update_password(BETTER, old_password=person.password)
    person.client.get_profile()
    with pytest.raises(LoginExpired):
        other.get_profile()
    with pytest.raises(WrongCredentials):
        person.signed_in()
    assert service.signed_in(person.username, BETTER).get_profile().data.user_id == person.user_id
    for contact in (str(person.phone), person.email):
        assert "password" in service.message(contact, "password_changed")["text"] or (
            "密码" in service.message(contact, "password_changed")["text"]
        )


def test_an_old_password_that_is_missing_or_wrong(service: Service):
    person = service.person()
    assert key(person.client.update_password, BETTER) == "old_password_required"
    assert key(person.client.update_password, BETTER, old_password="no") == "old_password_wrong"
    with pytest.raises(WrongCredentials):
        service.signed_in(person.username, BETTER)
    assert texts(service, person.email, "password_changed") == []
    person.signed_in()


def test_guesses_at_the_old_password_end(service: Service):
    """A stolen session has half of a day's guesses, and then not even the right password helps it."""
    person = service.person()
    for turn in range(5):
        assert key(person.client.update_password, BETTER, old_password=f"no {turn}") == "old_password_wrong"
    spent = refusal(person.client.update_password, BETTER, old_password=person.password)
    assert spent.key == "guesses_spent"
    assert spent.retry_after is not None
    assert spent.retry_after > 80_000
    person.signed_in().update_password(BETTER, old_password=person.password)


def test_a_right_old_password_costs_no_guess(service: Service):
    person = service.person()
    for _ in range(7):
        assert key(person.client.update_password, "short", old_password=person.password) == (
            "password_too_short"
        )
    person.client.update_password(BETTER, old_password=person.password)


def test_a_first_password_wants_a_sign_in_that_is_young(service: Service):
    number = service.number()
    client = service.client()
    send(client, "CHANNEL_REGISTER", number)
    client.sign_up_by_phone_passcode(number, service.code(number, "CHANNEL_REGISTER"))
    send(client, "CHANNEL_LOGIN", number)
    tokens = client.sign_in_by_phone_passcode(number, service.code(number, "CHANNEL_LOGIN")).data
    mine = client.with_access_token(tokens.access_token)
    assert not mine.get_security_level().data.password_set
    service.advance(minutes=16)
    stale = refusal(mine.update_password, BETTER)
    assert (stale.key, stale.data["methods"]) == ("reauth_required", ["PHONE_PASSCODE"])
    send(client, "CHANNEL_LOGIN", number)
    tokens = client.sign_in_by_phone_passcode(number, service.code(number, "CHANNEL_LOGIN", count=2)).data
    mine = client.with_access_token(tokens.access_token)
    mine.update_password(BETTER)
    assert mine.get_security_level().data.password_set


def test_supabase_1489_a_new_password_voids_what_was_pending(service: Service):
    """CVE-2026-81826 alike: what was asked for before the change opens nothing after it."""
    person = service.person()
    token = reset_token(person)
    send(person.client, "CHANNEL_UNBIND_PHONE", person.national)
    code = service.code(str(person.phone), "CHANNEL_UNBIND_PHONE")
    person.client.update_password(BETTER, old_password=person.password)
    assert key(service.client().reset_password, "another long password", token) == "one_time_token_invalid"
    assert key(person.client.unbind_phone, code) == "code_expired"


# --- forgotten ------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_set_anew_with_a_code(service: Service):
    person = service.person()
    device = person.signed_in("openid offline_access")
    token = reset_token(person)
    assert service.client().reset_password(BETTER, token).data.success
    for client in (person.client, device):
        with pytest.raises(LoginExpired):
            client.get_profile()
    assert service.signed_in(person.username, BETTER).get_profile().data.user_id == person.user_id
    for contact in (str(person.phone), person.email):
        service.message(contact, "password_reset")


def test_the_same_by_e_mail_under_asyncio(service: Service):
    person = service.person()

    async def story() -> None:
        async with AsyncAuthenticationClient(
            service.ids["appId"], service.url, app_secret=service.ids["appSecret"], lang="en-US"
        ) as client:
            await client.send_email(RESET, person.email)
            code = await asyncio.to_thread(service.code, person.email, RESET)
            granted = await client.verify_reset_password_request(
                "EMAIL_PASSCODE",
                email_pass_code_payload={"email": person.email.upper(), "passCode": code},
            )
            await client.reset_password(BETTER, granted.data.password_reset_token)

    asyncio.run(story())
    service.signed_in(person.username, BETTER)


def test_the_same_in_the_incumbents_shapes(service: Service):
    person = service.person()
    client = compat.AuthenticationClient(
        app_id=service.ids["appId"], app_host=service.url, app_secret=service.ids["appSecret"]
    )
    granted = client.verify_reset_password_request(
        "PHONE_PASSCODE",
        phone_pass_code_payload={"phoneNumber": person.national, "passCode": reset_code(person)},
    )
    assert granted["data"]["tokenExpiresIn"] == 300
    done = client.reset_password(BETTER, granted["data"]["passwordResetToken"])
    assert (done["statusCode"], done["data"]) == (200, {"success": True})
    refused = client.reset_password(BETTER + "!", granted["data"]["passwordResetToken"])
    assert refused["apiCode"] == 91011


def test_cve_2026_73431_a_reset_token_works_once_and_for_five_minutes(service: Service):
    person = service.person()
    token = reset_token(person)
    client = service.client()
    client.reset_password(BETTER, token)
    assert key(client.reset_password, "another long password", token) == "one_time_token_invalid"
    send(client, RESET, person.national)
    code = service.code(str(person.phone), RESET, count=2)
    late = client.verify_reset_password_request("PHONE_PASSCODE", **by_phone(person, code)).data
    service.advance(seconds=301)
    assert key(client.reset_password, "another long password", late.password_reset_token) == (
        "one_time_token_invalid"
    )
    service.signed_in(person.username, BETTER)


def test_cve_2023_26481_a_reset_token_is_its_owners_whoever_shows_it(service: Service):
    """With another user's access token on the request it resets its own user, and a part of it nobody."""
    person, other = service.person(), service.person()
    token = reset_token(person)
    for part in (
        token[:-1],
        token + "A",
        token.swapcase(),
        token.removeprefix("rpt_"),
        "rpt_",
        "upt_" + token[4:],
    ):
        assert key(service.client().reset_password, BETTER, part) == "one_time_token_invalid"
    other.client.reset_password(BETTER, token)
    service.signed_in(person.username, BETTER)
    other.signed_in()


def test_a_password_that_cannot_be_taken_leaves_the_token(service: Service):
    person = service.person()
    token = reset_token(person)
    client = service.client()
    assert key(client.reset_password, "short", token) == "password_too_short"
    assert key(client.reset_password, "password123", token) == "password_common"
    client.reset_password(BETTER, token)


def test_codes_at_numbers_with_and_without_an_account_look_alike(service: Service):
    """Wrong, missing and malformed: one answer, whoever the number belongs to; nothing arrives at a stranger's."""
    person = service.person()
    nobodys = service.number()
    client = service.client()
    for number in (person.national, nobodys.removeprefix("+86")):
        payload = {"phoneNumber": number, "passCode": "123456"}
        verify = {"verify_method": "PHONE_PASSCODE", "phone_pass_code_payload": payload}
        assert key(client.verify_reset_password_request, **verify) == "code_expired"
        send(client, RESET, number)
    right = service.code(str(person.phone), RESET)
    assert texts(service, nobodys, RESET) == []
    said = set()
    for number in (person.national, nobodys.removeprefix("+86")):
        payload = {"phoneNumber": number, "passCode": wrong(right)}
        error = refusal(
            client.verify_reset_password_request, "PHONE_PASSCODE", phone_pass_code_payload=payload
        )
        said.add((error.key, error.message))
    assert len(said) == 1


def test_an_address_that_was_only_typed_resets_nobodys_password(service: Service):
    person = service.person(email_verified=False)
    client = service.client()
    client.send_email(RESET, person.email)
    code = service.code(person.email, RESET)
    refused = refusal(
        client.verify_reset_password_request,
        "EMAIL_PASSCODE",
        email_pass_code_payload={"email": person.email, "passCode": code},
    )
    assert refused.key == "user_not_found"
    person.signed_in()


def test_a_suspended_account_is_told_so_to_its_owner_only(service: Service):
    person = service.person()
    code = reset_code(person)
    service.management.update_user(person.user_id, status="Suspended")
    client = service.client()
    assert key(client.verify_reset_password_request, "PHONE_PASSCODE", **by_phone(person, wrong(code))) == (
        "code_wrong"
    )
    assert key(client.verify_reset_password_request, "PHONE_PASSCODE", **by_phone(person, code)) == (
        "user_locked"
    )


def test_guesses_at_a_reset_code_end(service: Service):
    person = service.person()
    code = reset_code(person)
    client = service.client()
    for turn in range(1, 6):
        assert (
            key(client.verify_reset_password_request, "PHONE_PASSCODE", **by_phone(person, wrong(code, turn)))
            == "code_wrong"
        )
    dead = key(client.verify_reset_password_request, "PHONE_PASSCODE", **by_phone(person, code))
    assert dead == "code_expired"


def test_forms_that_say_too_little(service: Service):
    client = service.client()
    for form, field in (
        ({"verify_method": "PHONE_PASSCODE"}, "phonePassCodePayload"),
        ({"verify_method": "EMAIL_PASSCODE"}, "emailPassCodePayload"),
        ({"verify_method": "EMAIL_PASSCODE", "email_pass_code_payload": {"passCode": "123456"}}, "email"),
    ):
        with pytest.raises(ParameterError) as missing:
            client.verify_reset_password_request(**form)
        assert missing.value.data["field"] == field
    bad = {"phoneNumber": "twelve", "passCode": "123456"}
    assert key(client.verify_reset_password_request, "PHONE_PASSCODE", phone_pass_code_payload=bad) == (
        "bad_contact"
    )
    with pytest.raises(InvalidOperation):
        client.reset_password(BETTER, "rpt_nonsense")
