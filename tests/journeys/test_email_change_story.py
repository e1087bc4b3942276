"""Changing, binding and unbinding one's e-mail address, as people live through it: the twin of the phone change."""

import pytest

from ostiary import AsyncAuthenticationClient, AuthenticationClient
from ostiary.client.errors import LoginExpired, UpdateTokenUsed
from ostiary.compat import AuthenticationClient as Incumbent
from tests.journeys.hands import check, key, new_code, refusal, send, texts, trail, wrong
from tests.service import BIND_EMAIL, UNBIND_EMAIL, UPDATE_EMAIL, Person, Service

NO_OLD = {"changeEmailStrategy": {"verifyOldEmail": False}}


def pair(new: str, code: str, old: str | None = None, old_typed: str | None = None) -> dict[str, str | None]:
    """The payload of verify-update-email-request."""
    return {"newEmail": new, "newEmailPassCode": code, "oldEmail": old, "oldEmailPassCode": old_typed}


def code_at(person: Person, address: str, channel: str = UPDATE_EMAIL, *, count: int = 1) -> str:
    """Have a code sent to an address, and read it there."""
    send(person.client, channel, address)
    return person.service.code(address.lower(), channel, count=count)


def prove(person: Person, new: str) -> str:
    """Both codes sent, read and typed: the update token."""
    typed = pair(new, code_at(person, new), person.email, code_at(person, person.email))
    return person.client.verify_update_email_request(typed).data.update_email_token


def email_of(client: AuthenticationClient) -> str | None:
    return client.get_profile().data.email


def test_both_addresses_proven(service: Service):
    ann, new = service.person(), service.address()
    other = ann.signed_in()
    granted = ann.client.verify_update_email_request(
        pair(new, code_at(ann, new), ann.email, code_at(ann, ann.email))
    ).data
    assert granted.update_email_token.startswith("uet_")
    assert granted.token_expires_in == 60
    assert email_of(ann.client) == ann.email, "nothing has moved yet"
    done = ann.client.update_email(granted.update_email_token)
    assert (done.status_code, done.data.success) == (200, True)
    profile = ann.client.get_profile().data
    assert (profile.email, profile.email_verified) == (new, True)
    with pytest.raises(LoginExpired):
        other.get_profile()
    with pytest.raises(UpdateTokenUsed):
        ann.client.update_email(granted.update_email_token)
    assert email_of(ann.client) == new


def test_old_address_new_address_and_number_are_told(service: Service):
    ann, new = service.person(), service.address()
    ann.client.update_email(prove(ann, new))
    for to in (ann.email, new, str(ann.phone)):
        told = service.message(to, "email_changed")["text"]
        assert "p****@example.com" in told
        assert "n****@example.org" in told
        assert new not in told


def test_a_factor_at_the_address_that_is_given_up_follows_to_the_new_one(service: Service):
    ann, new = service.person(), service.address()
    begun = ann.client.send_enroll_factor_request({"email": ann.email}, "EMAIL").data
    code = service.code(ann.email, "CHANNEL_BIND_MFA")
    ann.client.enroll_factor({"passCode": code}, begun.enrollment_token, "EMAIL")
    ann.client.update_email(prove(ann, new))
    [factor] = ann.client.list_enrolled_factors().data
    assert factor.profile == {"email": new}
    assert "factor_followed" in trail(service, ann.user_id)


def test_an_address_is_the_same_however_it_is_written(service: Service):
    ann, new = service.person(), service.address()
    code, old = code_at(ann, new.title()), code_at(ann, ann.email.upper())
    typed = pair(f" {new.upper()} ", f"{code[:3]}-{code[3:]}", ann.email.title(), old)
    ann.client.update_email(ann.client.verify_update_email_request(typed).data.update_email_token)
    assert email_of(ann.client) == new
    assert key(ann.client.verify_update_email_request, pair(new.upper(), "123456")) == "same_email"


def test_without_the_old_address_the_sign_in_must_be_young(service: Service):
    with service.settings(**NO_OLD, stepUpMaxAge=60):
        ann, new = service.person(), service.address()
        code = code_at(ann, new)
        service.advance(61)
        assert key(ann.client.verify_update_email_request, pair(new, code)) == "reauth_required"
        again = ann.signed_in()
        again.update_email(again.verify_update_email_request(pair(new, code)).data.update_email_token)
        assert email_of(again) == new


def test_which_of_two_codes_is_wrong_is_not_told_and_each_channel_pays_once(service: Service):
    ann, new = service.person(), service.address()
    code, old = code_at(ann, new), code_at(ann, ann.email)
    for typed in (
        pair(new, wrong(code), ann.email, old),
        pair(new, code, ann.email, wrong(old)),
        pair(new, wrong(code), ann.email, wrong(old)),
    ):
        assert key(ann.client.verify_update_email_request, typed) == "code_wrong"
    swapped = pair(new, old, ann.email, code)
    assert key(ann.client.verify_update_email_request, swapped) == "code_wrong", "a code is its address' own"
    ann.client.verify_update_email_request(pair(new, code, ann.email, old))


def test_a_taken_address_is_told_only_to_who_holds_its_code(service: Service):
    ann, ben = service.person(), service.person()
    code, old = code_at(ann, ben.email), code_at(ann, ann.email)
    assert (
        key(ann.client.verify_update_email_request, pair(ben.email, wrong(code), ann.email, old))
        == "code_wrong"
    )
    assert key(ann.client.verify_update_email_request, pair(ben.email, code, ann.email, old)) == "email_taken"
    assert not check(ann.client, UPDATE_EMAIL, ben.email, code), "the new address' code is used"
    assert check(ann.client, UPDATE_EMAIL, ann.email, old), "the old one's is not"


def test_a_bound_address_is_a_way_in_and_the_last_one_is_kept(service: Service):
    ann, address = service.person(email_verified=True), service.address()
    assert key(ann.client.bind_email, "123456", address) == "email_already_bound"
    ann.client.unbind_email(code_at(ann, ann.email, UNBIND_EMAIL))
    assert email_of(ann.client) is None
    assert service.message(ann.email, "email_unbound")
    assert service.message(str(ann.phone), "email_unbound")
    ann.client.bind_email(code_at(ann, address, BIND_EMAIL), address)
    profile = ann.client.get_profile().data
    assert (profile.email, profile.email_verified) == (address, True)
    assert service.message(address, "email_bound")
    ann.client.unbind_phone(_unbind_code(ann))
    service.management.update_user(ann.user_id, options={"clearFields": ["username"]})
    assert key(ann.client.unbind_email, "123456") == "last_way_in"


def _unbind_code(ann: Person) -> str:
    send(ann.client, "CHANNEL_UNBIND_PHONE", str(ann.phone))
    return ann.service.code(str(ann.phone), "CHANNEL_UNBIND_PHONE")


def test_what_happens_to_the_number_ends_what_was_proven_of_the_address(service: Service):
    """Codes and tokens of the account die with any change of a contact, by whichever door."""
    ann, new = service.person(), service.address()
    token = prove(ann, new)
    service.management.update_user(ann.user_id, phone=service.number(), phone_verified=True)
    assert key(ann.client.update_email, token) == "update_token_invalid"


def test_an_address_set_by_the_administrator_is_told_and_ends_a_pending_change(service: Service):
    ann, new = service.person(), service.address()
    token = prove(ann, new)
    service.management.update_user(ann.user_id, email=service.address(), email_verified=True)
    assert service.message(ann.email, "email_changed")
    assert key(ann.client.update_email, token) == "update_token_invalid"
    assert refusal(ann.client.update_email, "uet_other").key == "update_token_invalid"


def test_an_unproven_address_is_told_nothing(service: Service):
    """ADR 0012: nobody has shown that it is the owner's."""
    ann, new = service.person(email_verified=False), service.address()
    service.management.update_user(ann.user_id, email=new)
    assert service.message(str(ann.phone), "email_changed")
    for address in (ann.email, new):
        assert not texts(service, address, "email_changed")


async def test_the_same_by_the_async_client(service: Service):
    ann, new = service.person(), service.address()
    token = ann.client._access_token
    async with AsyncAuthenticationClient(
        service.ids["appId"], service.url, access_token=token, lang="en-US"
    ) as client:
        for address in (new, ann.email):
            await client.send_email("CHANNEL_UPDATE_EMAIL", address)
        codes = [service.code(address, UPDATE_EMAIL) for address in (new, ann.email)]
        granted = await client.verify_update_email_request(pair(new, codes[0], ann.email, codes[1]))
        assert (await client.update_email(granted.data.update_email_token)).data.success
        assert (await client.get_profile()).data.email == new


def test_the_same_in_the_incumbent_s_shapes(service: Service):
    ann, new = service.person(), service.address()
    client = Incumbent(
        app_id=service.ids["appId"], app_host=service.url, access_token=ann.client._access_token
    )
    for address in (new, ann.email):
        assert client.send_email("CHANNEL_UPDATE_EMAIL", address)["statusCode"] == 200
    codes = [service.code(address, UPDATE_EMAIL) for address in (new, ann.email)]
    granted = client.verify_update_email_request(pair(new, codes[0], ann.email, codes[1]), "EMAIL_PASSCODE")
    assert granted["data"]["tokenExpiresIn"] == 60
    assert client.update_email(granted["data"]["updateEmailToken"])["data"] == {"success": True}
    assert client.unbind_email("123456")["apiCode"] == 2300
    assert new_code(ann, service.number())
