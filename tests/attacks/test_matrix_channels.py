"""Channel and every place that compares a code: only the diagonal opens (phone-change.md §4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from ostiary.contract.common import SmsChannel
from ostiary.contract.operations import OPERATIONS
from ostiary.server.core.passcode import BOUND
from tests.attacks.edge import Answer, Edge, Person
from tests.attacks.spots import spots

CHANNELS = get_args(SmsChannel)
EXPIRED = 2300


@dataclass(frozen=True)
class Door:
    """A place that compares a code."""

    channel: str
    phone: bool
    """Whether its visitor has a number; the code is for that one, or else for a new one."""
    knock: Callable[[Edge, Person, str, str], Answer]
    """(edge, who, national number, code)."""


def _new_side(edge: Edge, who: Person, number: str, code: str) -> Answer:
    payload = {"newPhoneNumber": number, "newPhonePassCode": code}
    return _verify(edge, who, payload)


def _old_side(edge: Edge, who: Person, number: str, code: str) -> Answer:
    new = edge.number()
    asked = {"channel": "CHANNEL_BIND_PHONE", "phoneNumber": new}
    assert edge.ask("/api/v3/send-sms", asked, who.access_token).verdict == 200
    payload = {
        "newPhoneNumber": new,
        "newPhonePassCode": edge.codes(f"+86{new}", "CHANNEL_BIND_PHONE")[who.user_id],
        "oldPhoneNumber": number,
        "oldPhonePassCode": code,
    }
    return _verify(edge, who, payload)


def _verify(edge: Edge, who: Person, payload: dict[str, str]) -> Answer:
    form = {"phonePassCodePayload": payload, "verifyMethod": "PHONE_PASSCODE"}
    return edge.ask("/api/v3/verify-update-phone-request", form, who.access_token)


def _bind(edge: Edge, who: Person, number: str, code: str) -> Answer:
    return edge.ask("/api/v3/bind-phone", {"phoneNumber": number, "passCode": code}, who.access_token)


def _unbind(edge: Edge, who: Person, _number: str, code: str) -> Answer:
    return edge.ask("/api/v3/unbind-phone", {"passCode": code}, who.access_token)


def _sign_in(edge: Edge, _who: Person, number: str, code: str) -> Answer:
    client = {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    payload = {"phone": number, "passCode": code}
    return edge.ask("/api/v3/signin", {"connection": "PASSCODE", "passCodePayload": payload, **client})


def _sign_up(edge: Edge, _who: Person, number: str, code: str) -> Answer:
    payload = {"phone": number, "passCode": code}
    return edge.ask("/api/v3/signup", {"connection": "PASSCODE", "passCodePayload": payload})


DOORS = {
    "verify_update_phone_request:phonePassCodePayload.newPhonePassCode": Door(
        "CHANNEL_BIND_PHONE", False, _new_side
    ),
    "verify_update_phone_request:phonePassCodePayload.oldPhonePassCode": Door(
        "CHANNEL_UNBIND_PHONE", True, _old_side
    ),
    "bind_phone:passCode": Door("CHANNEL_BIND_PHONE", False, _bind),
    "unbind_phone:passCode": Door("CHANNEL_UNBIND_PHONE", True, _unbind),
    "sign_in_by_credentials:passCodePayload.passCode": Door("CHANNEL_LOGIN", True, _sign_in),
    "sign_up:passCodePayload.passCode": Door("CHANNEL_REGISTER", False, _sign_up),
}


def test_every_place_that_compares_a_code_stands_in_the_table():
    """A field of the contract that is called like a code is a door, a look, or not served yet."""
    unserved = {
        spot_path for op in OPERATIONS for later in op.later for spot_path in (f"{op.name}:{later.path}",)
    }
    found = {
        str(spot)
        for op in OPERATIONS
        if op.request
        for spot in spots(op)
        if spot.name.lower().endswith("passcode") and str(spot) not in unserved
    }
    looks = {"pre_check_code:smsCodePayload.passCode", "pre_check_code:emailCodePayload.passCode"}
    by_mail = {
        "verify_update_email_request:emailPassCodePayload.newEmailPassCode",
        "verify_update_email_request:emailPassCodePayload.oldEmailPassCode",
        "bind_email:passCode",
        "unbind_email:passCode",
        *(
            f"verify_{what}_request:{medium}PassCodePayload.passCode"
            for what in ("reset_password", "delete_account")
            for medium in ("phone", "email")
        ),
    }  # test_cve_email.py
    factors = {"enroll_factor:enrollmentData.passCode", "mfa_factor_verify:passCode"}  # their own journeys
    assert found - {"sign_up:options.passwordForPhonePassCode"} == set(DOORS) | looks | by_mail | factors


def code_of(edge: Edge, who: Person, channel: str, number: str) -> str | None:
    """Ask for a code signed in, or as a stranger where that is refused; whichever code there is then."""
    asked = {"channel": channel, "phoneNumber": number}
    if edge.ask("/api/v3/send-sms", asked, who.access_token).verdict != 200:
        assert edge.ask("/api/v3/send-sms", asked).verdict == 200
    codes = edge.codes(f"+86{number}", channel)
    return codes.get(who.user_id) or codes.get("")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_a_code_opens_the_doors_of_its_channel_only(edge: Edge, door: Door, channel: str):
    who = edge.quick(phone=door.phone)
    number = who.phone.removeprefix("+86") if door.phone else edge.number()
    code = code_of(edge, who, channel, number)
    assert code is not None
    before = edge.all("SELECT number, version FROM phones WHERE user_id = :id", id=who.user_id)
    with edge.old_number(verified=door.knock is not _new_side):
        verdict = door.knock(edge, who, number, code).verdict
    assert verdict == (200 if channel == door.channel else EXPIRED)
    if channel != door.channel:
        assert edge.all("SELECT number, version FROM phones WHERE user_id = :id", id=who.user_id) == before
        used = "SELECT count(*) FROM codes WHERE target = :number AND used_at IS NOT NULL"
        assert edge.all(used, number=f"+86{number}")[0][0] == 0


def look(edge: Edge, who: Person | None, channel: str, number: str, code: str) -> Any:
    payload = {"channel": channel, "phone": number, "passCode": code}
    form = {"codeType": "SMS", "smsCodePayload": payload}
    return edge.ask("/api/v3/pre-check-code", form, who.access_token if who else None).json


@pytest.mark.parametrize("made_for", CHANNELS)
def test_a_look_sees_its_own_channel_only(edge: Edge, made_for: str):
    who = edge.quick()
    number = who.phone.removeprefix("+86") if made_for == "CHANNEL_UNBIND_PHONE" else edge.number()
    code = code_of(edge, who, made_for, number)
    assert code is not None
    for asked in CHANNELS:
        said = look(edge, who, asked, number, code)
        assert (said["statusCode"], said["data"]["isValid"]) == (200, asked == made_for), (made_for, asked)
        stranger = look(edge, None, asked, number, code)
        if asked in BOUND:
            assert stranger["apiCode"] == 2020
        else:
            assert stranger["data"]["isValid"] == (asked == made_for)
    assert (
        edge.all("SELECT count(*) FROM guess_counters WHERE subject LIKE :one", one=f"%{who.user_id}")[0][0]
        <= 11
    )
