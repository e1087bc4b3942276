"""Each refusal of changing, binding and unbinding an address has a story that provokes it; walked like the phone's."""

from typing import Any

import pytest

from ostiary.client.errors import APIError
from ostiary.contract.keys import Key
from tests.journeys.hands import Stories, refusal, send, spend_guesses, wrong
from tests.journeys.test_email_change_story import NO_OLD, code_at, pair, prove
from tests.service import BIND_EMAIL, UNBIND_EMAIL, UPDATE_EMAIL, Person, Service

OPERATIONS = ("verify_update_email_request", "update_email", "bind_email", "unbind_email")
STORIES = Stories(OPERATIONS)
story = STORIES.story

ELSEWHERE = {
    **{(operation, Key.APP_NOT_ALLOWED): "tests/rules/test_email_change.py" for operation in OPERATIONS},
    ("update_email", Key.OLD_EMAIL_MISMATCH): "tests/rules/test_email_change.py: as for the phone",
}
"""What cannot be had from outside, and where it is proven instead."""


def verify(who: Person, *typed: str | None) -> APIError:
    return refusal(who.client.verify_update_email_request, pair(*typed))  # type: ignore[arg-type] # up to four texts


def without_address(service: Service) -> Person:
    """Somebody who has a number and a password, and no address."""
    ann = service.person()
    service.management.update_user(ann.user_id, options={"clearFields": ["email"]})
    return ann


# --- verify-update-email-request ----------------------------------------------------------------------------


@story("verify_update_email_request", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return verify(service.person(), "ann@nowhere", "123456")


@story("verify_update_email_request", Key.SAME_EMAIL)
def _(service: Service) -> APIError:
    ann = service.person()
    return verify(ann, ann.email.upper(), "123456")


@story("verify_update_email_request", Key.OLD_EMAIL_REQUIRED)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    return verify(ann, new, code_at(ann, new))


@story("verify_update_email_request", Key.REAUTH_REQUIRED)
def _(service: Service) -> APIError:
    with service.settings(**NO_OLD, stepUpMaxAge=60):
        ann, new = service.person(), service.address()
        code = code_at(ann, new)
        service.advance(61)
        return verify(ann, new, code)


@story("verify_update_email_request", Key.OLD_EMAIL_MISMATCH)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    return verify(ann, new, code_at(ann, new), service.person().email, "123456")


@story("verify_update_email_request", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    code, old = code_at(ann, new), code_at(ann, ann.email)
    spend_guesses(ann.client, UPDATE_EMAIL, new, code, 5)
    return verify(ann, new, code, ann.email, old)


@story("verify_update_email_request", Key.CODE_EXPIRED)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    code, old = code_at(ann, new), code_at(ann, ann.email)
    service.advance(300)
    return verify(ann, new, code, ann.email, old)


@story("verify_update_email_request", Key.CODE_WRONG)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    return verify(ann, new, wrong(code_at(ann, new)), ann.email, code_at(ann, ann.email))


@story("verify_update_email_request", Key.EMAIL_TAKEN)
def _(service: Service) -> APIError:
    ann, ben = service.person(), service.person()
    return verify(ann, ben.email, code_at(ann, ben.email), ann.email, code_at(ann, ann.email))


# --- update-email -------------------------------------------------------------------------------------------


@story("update_email", Key.UPDATE_TOKEN_USED)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    token = prove(ann, new)
    ann.client.update_email(token)
    error = refusal(ann.client.update_email, token)
    assert error.data == {"success": True}
    return error


@story("update_email", Key.UPDATE_TOKEN_INVALID)
def _(service: Service) -> APIError:
    """A token of the phone change, one of somebody else, and one that is over."""
    ann, ben, new = service.person(), service.person(), service.address()
    token = prove(ann, new)
    assert refusal(ann.client.update_email, "upt_" + token[4:]).key == "update_token_invalid"
    assert refusal(ben.client.update_email, token).key == "update_token_invalid"
    service.advance(60)
    return refusal(ann.client.update_email, token)


@story("update_email", Key.EMAIL_TAKEN)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    token = prove(ann, new)
    service.management.create_user(email=new)
    return refusal(ann.client.update_email, token)


# --- bind-email, unbind-email -------------------------------------------------------------------------------


def bind(who: Person, address: str, code: str) -> APIError:
    return refusal(who.client.bind_email, code, address)


@story("bind_email", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return bind(without_address(service), "@", "123456")


@story("bind_email", Key.EMAIL_ALREADY_BOUND)
def _(service: Service) -> APIError:
    return bind(service.person(), service.address(), "123456")


@story("bind_email", Key.REAUTH_REQUIRED)
def _(service: Service) -> APIError:
    with service.settings(stepUpMaxAge=60):
        ann, new = without_address(service), service.address()
        code = code_at(ann, new, BIND_EMAIL)
        service.advance(61)
        return bind(ann, new, code)


@story("bind_email", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann, new = without_address(service), service.address()
    code = code_at(ann, new, BIND_EMAIL)
    spend_guesses(ann.client, BIND_EMAIL, new, code, 5)
    return bind(ann, new, code)


@story("bind_email", Key.CODE_EXPIRED)
def _(service: Service) -> APIError:
    return bind(without_address(service), service.address(), "123456")


@story("bind_email", Key.CODE_WRONG)
def _(service: Service) -> APIError:
    ann, new = without_address(service), service.address()
    return bind(ann, new, wrong(code_at(ann, new, BIND_EMAIL)))


@story("bind_email", Key.EMAIL_TAKEN)
def _(service: Service) -> APIError:
    ann, ben = without_address(service), service.person()
    return bind(ann, ben.email, code_at(ann, ben.email, BIND_EMAIL))


@story("unbind_email", Key.EMAIL_NOT_BOUND)
def _(service: Service) -> APIError:
    return refusal(without_address(service).client.unbind_email, "123456")


@story("unbind_email", Key.LAST_WAY_IN)
def _(service: Service) -> APIError:
    ann = service.person(phone=False)
    service.management.update_user(ann.user_id, options={"clearFields": ["username"]})
    return refusal(ann.client.unbind_email, code_at(ann, ann.email, UNBIND_EMAIL))


@story("unbind_email", Key.REAUTH_REQUIRED)
def _(service: Service) -> APIError:
    """Twenty wrong codes in a row, over days and devices: the channel wants a new sign-in, of anybody."""
    ann = service.person()
    for day in range(4):
        service.advance(days=1 if day else 0)
        device = ann.signed_in()
        spend_guesses(device, UNBIND_EMAIL, ann.email, _next_code(ann, device), 5)
    return refusal(device.unbind_email, "123456")


def _next_code(ann: Person, client: Any) -> str:
    seen = len(ann.service.arrived(str(ann.email), UNBIND_EMAIL))
    send(client, UNBIND_EMAIL, ann.email)
    return ann.service.code(ann.email, UNBIND_EMAIL, count=seen + 1)


@story("unbind_email", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann = service.person()
    code = code_at(ann, ann.email, UNBIND_EMAIL)
    spend_guesses(ann.client, UNBIND_EMAIL, ann.email, code, 5)
    return refusal(ann.client.unbind_email, code)


@story("unbind_email", Key.CODE_EXPIRED)
def _(service: Service) -> APIError:
    return refusal(service.person().client.unbind_email, "123456")


@story("unbind_email", Key.CODE_WRONG)
def _(service: Service) -> APIError:
    ann = service.person()
    return refusal(ann.client.unbind_email, wrong(code_at(ann, ann.email, UNBIND_EMAIL)))


# --- the walk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_key_an_operation_lists_has_a_story(operation: str):
    assert STORIES.told(operation) == STORIES.listed(operation) - set(ELSEWHERE)


@pytest.mark.parametrize(("operation", "key"), STORIES, ids=str)
def test_the_story_ends_in_its_refusal(service: Service, operation: str, key: Key):
    STORIES.tell(service, operation, key)
