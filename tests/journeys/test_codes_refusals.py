"""Each refusal of send-sms and pre-check-code has a story that provokes it; walked like the change's."""

from typing import Any

import pytest

from ostiary.client.errors import APIError
from ostiary.contract.keys import Key
from tests.journeys.hands import Stories, new_code, refusal, send, spend_guesses
from tests.service import BIND, BIND_EMAIL, LOGIN, UNBIND, UNBIND_EMAIL, UPDATE_EMAIL, Person, Service

OPERATIONS = ("send_sms", "send_email", "pre_check_code")
STORIES = Stories(OPERATIONS)
story = STORIES.story

ELSEWHERE = {
    (
        operation,
        Key.APP_NOT_ALLOWED,
    ): "test_codes_guesses.py: no operation of this version makes a second application"
    for operation in OPERATIONS
}

GARBAGE = "not.a.token"


def look(client: Any, channel: str, number: str, code: str) -> APIError:
    payload = {"phone": number, "passCode": code, "channel": channel}
    return refusal(client.pre_check_code, "SMS", sms_code_payload=payload)


def suspended(service: Service) -> Person:
    ann = service.person()
    service.management.update_user(ann.user_id, status="Suspended")
    return ann


def deleted(service: Service) -> Person:
    ann = service.person()
    service.management.delete_users_batch([ann.user_id])
    return ann


def forged(service: Service) -> str:
    """A real token with another signature."""
    head, claims, signature = str(service.person().client._access_token).split(".")
    flipped = "A" if signature[10] != "A" else "B"
    return f"{head}.{claims}.{signature[:10]}{flipped}{signature[11:]}"


# --- send-sms -----------------------------------------------------------------------------------------------


@story("send_sms", Key.NOT_LOGGED_IN)
def _(service: Service) -> APIError:
    return refusal(send, service.client(GARBAGE), BIND, service.number())


@story("send_sms", Key.LOGIN_INVALID)
def _(service: Service) -> APIError:
    return refusal(send, service.client(forged(service)), UNBIND, service.number())


@story("send_sms", Key.LOGIN_EXPIRED)
def _(service: Service) -> APIError:
    ann = deleted(service)
    return refusal(send, ann.client, UNBIND, str(ann.phone))


@story("send_sms", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return refusal(send, service.client(), LOGIN, "010 6482 1234")


@story("send_sms", Key.NUMBER_NOT_SERVED)
def _(service: Service) -> APIError:
    return refusal(send, service.client(), LOGIN, "07400 123456", "+44")


@story("send_sms", Key.USER_LOCKED)
def _(service: Service) -> APIError:
    return refusal(send, suspended(service).client, BIND, service.number())


@story("send_sms", Key.PHONE_NOT_BOUND)
def _(service: Service) -> APIError:
    return refusal(send, service.person(phone=False).client, UNBIND, service.number())


@story("send_sms", Key.OLD_PHONE_MISMATCH)
def _(service: Service) -> APIError:
    return refusal(send, service.person().client, UNBIND, str(service.person().phone))


@story("send_sms", Key.SMS_TOO_OFTEN)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    send(ann.client, BIND, new)
    error = refusal(send, ann.client, BIND, new)
    assert 1 <= error.data["retryAfter"] <= 60
    return error


@story("send_sms", Key.SENDING_PAUSED)
def _(service: Service) -> APIError:
    service.advance(61)  # what the tests before asked for from this address leaves the minute
    with service.settings(sendPerAddressPerMinute=1):
        send(service.client(), LOGIN, service.number())
        error = refusal(send, service.client(), LOGIN, service.number())
        send(service.person().client, BIND, service.number())  # signed-in asks are not counted by address
    assert error.data is None, "which setting it is stands in the log"
    assert "sendPerAddressPerMinute" in service.log()
    service.advance(61)
    return error


# --- send-email ---------------------------------------------------------------------------------------------


@story("send_email", Key.NOT_LOGGED_IN)
def _(service: Service) -> APIError:
    return refusal(send, service.client(GARBAGE), BIND_EMAIL, service.address())


@story("send_email", Key.LOGIN_INVALID)
def _(service: Service) -> APIError:
    return refusal(send, service.client(forged(service)), UPDATE_EMAIL, service.address())


@story("send_email", Key.LOGIN_EXPIRED)
def _(service: Service) -> APIError:
    ann = deleted(service)
    return refusal(send, ann.client, UNBIND_EMAIL, ann.email)


@story("send_email", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return refusal(send, service.client(), LOGIN, "ann@nowhere")


@story("send_email", Key.USER_LOCKED)
def _(service: Service) -> APIError:
    return refusal(send, suspended(service).client, UPDATE_EMAIL, service.address())


@story("send_email", Key.EMAIL_NOT_BOUND)
def _(service: Service) -> APIError:
    ann = service.person()
    service.management.update_user(ann.user_id, options={"clearFields": ["email"]})
    return refusal(send, ann.client, UNBIND_EMAIL, ann.email)


@story("send_email", Key.OLD_EMAIL_MISMATCH)
def _(service: Service) -> APIError:
    return refusal(send, service.person().client, UNBIND_EMAIL, service.person().email)


@story("send_email", Key.EMAIL_TOO_OFTEN)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.address()
    send(ann.client, UPDATE_EMAIL, new)
    error = refusal(send, ann.client, UPDATE_EMAIL, new.upper())
    assert 1 <= error.data["retryAfter"] <= 60
    return error


@story("send_email", Key.SENDING_PAUSED)
def _(service: Service) -> APIError:
    service.advance(61)
    with service.settings(sendPerAddressPerMinute=1):
        send(service.client(), LOGIN, service.address())
        error = refusal(send, service.client(), LOGIN, service.address())
    service.advance(61)
    return error


# --- pre-check-code -----------------------------------------------------------------------------------------


@story("pre_check_code", Key.NOT_LOGGED_IN)
def _(service: Service) -> APIError:
    return look(service.client(), BIND, service.number(), "123456")


@story("pre_check_code", Key.LOGIN_INVALID)
def _(service: Service) -> APIError:
    return look(service.client(forged(service)), BIND, service.number(), "123456")


@story("pre_check_code", Key.LOGIN_EXPIRED)
def _(service: Service) -> APIError:
    return look(deleted(service).client, BIND, service.number(), "123456")


@story("pre_check_code", Key.BAD_CONTACT)
def _(service: Service) -> APIError:
    return look(service.client(), LOGIN, "abc", "123456")


@story("pre_check_code", Key.USER_LOCKED)
def _(service: Service) -> APIError:
    return look(suspended(service).client, BIND, service.number(), "123456")


@story("pre_check_code", Key.GUESSES_SPENT)
def _(service: Service) -> APIError:
    ann, new = service.person(), service.number()
    code = new_code(ann, new)
    spend_guesses(ann.client, BIND, new, code, 5)
    error = look(ann.client, BIND, new, code)
    assert 86_000 < error.data["retryAfter"] <= 86_400
    return error


# --- the walk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_key_an_operation_lists_has_a_story(operation: str):
    assert STORIES.told(operation) == STORIES.listed(operation) - set(ELSEWHERE)


@pytest.mark.parametrize(("operation", "key"), STORIES, ids=str)
def test_the_story_ends_in_its_refusal(service: Service, operation: str, key: Key):
    STORIES.tell(service, operation, key)
