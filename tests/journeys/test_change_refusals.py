"""Each refusal of changing, binding and unbinding has a story that provokes it, with the answer a client sees.

The table is walked twice: every story is told on both databases, and every key an operation lists has a story.
"""

from typing import Any

import pytest

from ostiary.client.errors import APIError
from ostiary.contract.keys import Key
from tests.journeys.hands import (
    NO_OLD,
    Stories,
    new_code,
    old_code,
    pair,
    prove,
    refusal,
    send,
    spend_guesses,
    wrong,
)
from tests.service import BIND, LOGIN, UNBIND, Person, Service

OPERATIONS = ("verify_update_phone_request", "update_phone", "bind_phone", "unbind_phone")
STORIES = Stories(OPERATIONS)
story = STORIES.story

ELSEWHERE = {
    **{
        (
            operation,
            Key.APP_NOT_ALLOWED,
        ): "test_change_order.py: no operation of this version makes a second application"
        for operation in OPERATIONS
    },
    (
        "update_phone",
        Key.OLD_PHONE_MISMATCH,
    ): "test_change_order.py: whoever changes the number voids the token, too, and so it says update_token_invalid",
}
"""What cannot be had from outside, and where it is proven instead."""


def verify(who: Person, *typed: str | None) -> APIError:
    return refusal(who.client.verify_update_phone_request, pair(*typed))  # type: ignore[arg-type] # up to four texts


def alone(service: Service) -> Person:
    """Somebody whose only way in is the number: no user name, no address."""
    number = service.number()
    user = service.management.create_user(phone=number, phone_verified=True).data
    send(service.client(), LOGIN, number)
    code = service.code(number, LOGIN)
    tokens = service.client().sign_in_by_phone_passcode(number.removeprefix("+86"), code).data
    return Person(service, user.user_id, "", "", "", number, service.client(tokens.access_token))


# --- verify-update-phone-request ----------------------------------------------------------------------------


@story("verify_update_phone_request", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return verify(service.person(), "010 6482 1234", "123456")


@story("verify_update_phone_request", Key.NUMBER_NOT_SERVED)
def _(service: Service) -> APIError:
    typed = pair("07400 123456", "123456") | {"newPhoneCountryCode": "+44"}
    return refusal(service.person().client.verify_update_phone_request, typed)


@story("verify_update_phone_request", Key.SAME_PHONE)
def _(service: Service) -> APIError:
    ann = service.person()
    return verify(ann, f"0{ann.national}", "123456")


@story("verify_update_phone_request", Key.OLD_PHONE_REQUIRED)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    return verify(ann, new, new_code(ann, new))


@story("verify_update_phone_request", Key.REAUTH_REQUIRED)
def _(service: Service) -> APIError:
    with service.settings(**NO_OLD, stepUpMaxAge=60):
        ann, new = service.person(), service.number()
        service.advance(60)
        error = verify(ann, new, new_code(ann, new))
    assert "PASSWORD" in error.data["methods"]
    return error


@story("verify_update_phone_request", Key.OLD_PHONE_MISMATCH)
def _(service: Service) -> APIError:
    ann, ben = service.person(), service.person()
    return verify(ann, service.number(), "123456", ben.phone, "123456")


@story("verify_update_phone_request", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    old = old_code(ann)
    spend_guesses(ann.client, UNBIND, str(ann.phone), old, 5)
    return verify(ann, new, new_code(ann, new), ann.phone, old)


@story("verify_update_phone_request", Key.CODE_EXPIRED)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    code, old = new_code(ann, new), old_code(ann)
    service.advance(300)
    return verify(ann, new, code, ann.phone, old)


@story("verify_update_phone_request", Key.CODE_WRONG)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    return verify(ann, new, new_code(ann, new), ann.phone, wrong(old_code(ann)))


@story("verify_update_phone_request", Key.PHONE_TAKEN)
def _(service: Service) -> APIError:
    ann, ben = service.person(), service.person()
    return verify(ann, ben.phone, new_code(ann, str(ben.phone)), ann.phone, old_code(ann))


# --- update-phone -------------------------------------------------------------------------------------------


@story("update_phone", Key.UPDATE_TOKEN_USED)
def _(service: Service) -> APIError:
    ann = service.person()
    token = prove(ann, service.number())
    ann.client.update_phone(token)
    error = refusal(ann.client.update_phone, token)
    assert error.data == {"success": True}
    return error


@story("update_phone", Key.UPDATE_TOKEN_INVALID)
def _(service: Service) -> APIError:
    return refusal(service.person().client.update_phone, "upt_made-up")


@story("update_phone", Key.PHONE_TAKEN)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    token = prove(ann, new)
    service.person(phone=new)
    return refusal(ann.client.update_phone, token)


# --- bind-phone and unbind-phone ----------------------------------------------------------------------------


def bind(who: Person, number: str, code: str, country: str | None = None) -> APIError:
    return refusal(who.client.bind_phone, code, number, country)


@story("bind_phone", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return bind(service.person(phone=False), "138", "123456")


@story("bind_phone", Key.NUMBER_NOT_SERVED)
def _(service: Service) -> APIError:
    return bind(service.person(phone=False), "07400123456", "123456", "44")


@story("bind_phone", Key.PHONE_ALREADY_BOUND)
def _(service: Service) -> APIError:
    return bind(service.person(), service.number(), "123456")


@story("bind_phone", Key.REAUTH_REQUIRED)
def _(service: Service) -> APIError:
    with service.settings(stepUpMaxAge=60):
        ann = service.person(phone=False)
        service.advance(60)
        return bind(ann, service.number(), "123456")


@story("bind_phone", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann, new = service.person(phone=False), service.number()
    code = new_code(ann, new)
    spend_guesses(ann.client, BIND, new, code, 5)
    return bind(ann, new, code)


@story("bind_phone", Key.CODE_EXPIRED)
def _(service: Service) -> APIError:
    return bind(service.person(phone=False), service.number(), "123456")


@story("bind_phone", Key.CODE_WRONG)
def _(service: Service) -> APIError:
    ann, new = service.person(phone=False), service.number()
    return bind(ann, new, wrong(new_code(ann, new)))


@story("bind_phone", Key.PHONE_TAKEN)
def _(service: Service) -> APIError:
    ann, ben = service.person(phone=False), service.person()
    return bind(ann, str(ben.phone), new_code(ann, str(ben.phone)))


@story("unbind_phone", Key.PHONE_NOT_BOUND)
def _(service: Service) -> APIError:
    return refusal(service.person(phone=False).client.unbind_phone, "123456")


@story("unbind_phone", Key.LAST_WAY_IN)
def _(service: Service) -> APIError:
    ann = alone(service)
    return refusal(ann.client.unbind_phone, old_code(ann))


@story("unbind_phone", Key.REAUTH_REQUIRED)
def _(service: Service) -> APIError:
    """Twenty wrong codes in a row, over days and devices: the channel wants a new sign-in, of anybody."""
    ann = service.person()
    for day in range(4):
        service.advance(days=1 if day else 0)
        device = ann.signed_in()
        code = _next_code(ann, device)
        spend_guesses(device, UNBIND, str(ann.phone), code, 5)
    error = refusal(device.unbind_phone, "123456")
    service.advance(61)
    fresh = ann.signed_in()
    fresh.unbind_phone(_next_code(ann, fresh))
    return error


def _next_code(ann: Person, client: Any) -> str:
    seen = len(ann.service.arrived(str(ann.phone), UNBIND))
    send(client, UNBIND, str(ann.phone))
    return ann.service.code(str(ann.phone), UNBIND, count=seen + 1)


@story("unbind_phone", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann = service.person()
    code = old_code(ann)
    spend_guesses(ann.client, UNBIND, str(ann.phone), code, 5)
    return refusal(ann.client.unbind_phone, code)


@story("unbind_phone", Key.CODE_EXPIRED)
def _(service: Service) -> APIError:
    return refusal(service.person().client.unbind_phone, "123456")


@story("unbind_phone", Key.CODE_WRONG)
def _(service: Service) -> APIError:
    ann = service.person()
    return refusal(ann.client.unbind_phone, wrong(old_code(ann)))


# --- the walk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_key_an_operation_lists_has_a_story(operation: str):
    assert STORIES.told(operation) == STORIES.listed(operation) - set(ELSEWHERE)


@pytest.mark.parametrize(("operation", "key"), STORIES, ids=str)
def test_the_story_ends_in_its_refusal(service: Service, operation: str, key: Key):
    STORIES.tell(service, operation, key)
