"""Whose password a code resets, and what proof the end of an account wants: every case there is."""

import itertools

import msgspec
import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.people import Account, ways_in
from ostiary.server.core.phone import E164
from ostiary.server.core.refused import Refused
from ostiary.server.features.deletion import rules as deletion
from ostiary.server.features.deletion.rules import Ask
from ostiary.server.features.own_password import rules as passwords
from tests.rules.test_own_profile import ACCOUNT

PHONE, EMAIL = E164("+8613800138000"), "ana@example.com"
STATES = (None, False, True)  # not there, not proven, proven


def account(phone, email, **more) -> Account:
    return msgspec.structs.replace(
        ACCOUNT,
        phone=None if phone is None else PHONE,
        phone_verified=phone is True,
        email=None if email is None else EMAIL,
        email_verified=email is True,
        **more,
    )


@pytest.mark.parametrize(("here", "there"), list(itertools.product((False, True), STATES)))
def test_a_contact_that_was_only_typed_resets_nothing_beside_a_proven_one(here, there):
    opens = here or there is not True
    expected = None if opens else Refused(Key.USER_NOT_FOUND)
    assert passwords.judge_account(account(here, there), PHONE) == expected
    assert passwords.judge_account(account(there, here), EMAIL) == expected


def test_nobody_and_who_is_suspended():
    assert passwords.judge_account(None, PHONE) == Refused(Key.USER_NOT_FOUND)
    suspended = account(True, None, status="Suspended")
    assert passwords.judge_account(suspended, PHONE) == Refused(Key.USER_LOCKED)
    claims = passwords.Claims(1, 2, 3)
    assert passwords.judge_reset(claims, claims, suspended) == Refused(Key.USER_LOCKED)


def test_an_old_password_is_wanted_where_there_is_one():
    assert passwords.judge_old(None, has_password=True) == Refused(Key.OLD_PASSWORD_REQUIRED)
    assert passwords.judge_old("x", has_password=True) is None
    assert passwords.judge_old(None, has_password=False) is None


@pytest.mark.parametrize("changed", [(2, 2, 3), (1, 3, 3), (1, 2, 4), (1, 2, None)])
def test_a_permission_is_for_the_account_as_it_stood(changed):
    for rules, judge in (
        (passwords, lambda was, now: passwords.judge_reset(was, now, account(True, None))),
        (deletion, deletion.judge_delete),
    ):
        granted = rules.Claims(1, 2, 3)
        assert judge(granted, rules.Claims(1, 2, 3)) is None
        assert judge(granted, rules.Claims(*changed)) == Refused(Key.ONE_TIME_TOKEN_INVALID)


@pytest.mark.parametrize(("phone", "email"), list(itertools.product(STATES, STATES)))
def test_a_permission_proves_what_was_unproven_while_nothing_else_is_proven(phone, email):
    for contact, state, other in ((PHONE, phone, email), (EMAIL, email, phone)):
        if state is None:
            continue
        granted = passwords.claims_of(account(phone, email), 3, contact)
        medium = "sms" if contact == PHONE else "email"
        assert granted.proves == (None if state else medium)
        opens = state or other is not True
        expected = None if opens else Refused(Key.ONE_TIME_TOKEN_INVALID)
        assert passwords.judge_reset(granted, granted, account(phone, email)) == expected


@pytest.mark.parametrize(
    ("phone", "email", "has_password"), list(itertools.product(STATES, STATES, (False, True)))
)
def test_a_password_ends_an_account_only_where_no_code_could(phone, email, has_password):
    ways = [way for way, state in (("PHONE_PASSCODE", phone), ("EMAIL_PASSCODE", email)) if state is True]
    enough = has_password and not ways
    expected = None if enough else Refused(Key.REAUTH_REQUIRED, data={"methods": ways})
    assert deletion.judge_by_password(account(phone, email, has_password=has_password)) == expected


@pytest.mark.parametrize(
    ("ask", "there", "verdict"),
    [
        (Ask("PHONE_PASSCODE", PHONE, "1234"), True, PHONE),
        (Ask("PHONE_PASSCODE", "+8613900139000", "1234"), True, Refused(Key.OLD_PHONE_MISMATCH)),
        (Ask("PHONE_PASSCODE", PHONE, "1234"), None, Refused(Key.PHONE_NOT_BOUND)),
        (Ask("EMAIL_PASSCODE", EMAIL, "1234"), True, EMAIL),
        (Ask("EMAIL_PASSCODE", None, "1234"), False, EMAIL),
        (Ask("EMAIL_PASSCODE", "bo@example.com", "1234"), True, Refused(Key.OLD_EMAIL_MISMATCH)),
        (Ask("EMAIL_PASSCODE", None, "1234"), None, Refused(Key.EMAIL_NOT_BOUND)),
    ],
)
def test_codes_come_to_the_account_s_own_contacts(ask, there, verdict):
    assert deletion.judge_contact(ask, account(there, there)) == verdict


@pytest.mark.parametrize(("phone", "email"), list(itertools.product(STATES, STATES)))
def test_the_ways_into_an_account(phone, email):
    who = account(phone, email, has_password=True)
    by_phone = ["PHONE_PASSCODE"] if phone is not None else []
    by_email = ["EMAIL_PASSCODE"] if email else []
    assert list(ways_in(who)) == ["PASSWORD", *by_phone, *by_email]
    assert list(ways_in(who, besides="pwd")) == [*by_phone, *by_email]
    assert list(ways_in(who, besides="sms")) == ["PASSWORD", *by_email]
    assert list(ways_in(who, besides="email")) == ["PASSWORD", *by_phone]
    assert list(ways_in(who, proven_only=True)) == [*(by_phone if phone else []), *by_email]
    assert "PASSWORD" not in ways_in(msgspec.structs.replace(who, has_password=False))
