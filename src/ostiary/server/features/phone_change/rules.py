r"""Changing one's own phone number: the rules.

The story, in five sentences
----------------------------
A signed-in user asks for a code at the new number (and, where the pool says so, at the old one).
`read_request` gives what they typed its meaning; `judge_request` says whether the codes may be looked at.
When every code is right they are granted a one-time token that remembers what was proven, and against which number.
`judge_change` looks at the token's claims when it is shown, and at the world as it is by then.
Whatever is decided is stored: a wrong code is a fact, not an accident.

Rule 1: every decision about changing, binding and unbinding a number is made in this file.
Rule 2: this file reads no clock, draws no random number, and knows neither SQL nor HTTP.
Rule 3: the order of checks is the order of the rows in docs/phone-change.md; each says which row it is.

States of a change:  (nothing) --grant--> granted --take, judge_change--> moved
                                             \\--expired / voided / refused when taken--> dead
"""

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.profile import BindPhone, UnbindPhone, UpdatePhone, VerifyUpdatePhoneRequest
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.phone import E164, can_be_texted, country_code, read_number
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused


class Old(msgspec.Struct, frozen=True):
    """The old pair: the number the caller says is theirs, and the code that came to it."""

    number: E164
    code: str


class Ask(msgspec.Struct, frozen=True):
    """The user's wish, already parsed: numbers are E.164, codes are digits."""

    new_number: E164
    new_code: str
    old: Old | None = None


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What an update token was granted for, and against which number."""

    new_number: str
    old_number: str | None
    version: int
    """Which number it was: an account's numbers are counted, so a number that came back is another one."""
    old_proven: bool
    all_bound: bool
    """Whether every code was asked for by the signed-in user."""


# --- rows 2 and 3: what the form means ------------------------------------------------------------------


def read_request(form: VerifyUpdatePhoneRequest, facts: Facts) -> Ask | Refused:
    """Rows 2 and 3 for a change. Half an old pair is refused here where none is wanted; where one is, by row 6."""
    typed = form.phone_pass_code_payload
    new_code = _read_code(typed.new_phone_pass_code, "newPhonePassCode")
    if isinstance(new_code, Refused):
        return new_code
    old = _read_old(form, facts)
    if isinstance(old, Refused) and old.key is not Key.BAD_CONTACT:
        return old
    new_number = _read_new_number(
        typed.new_phone_number, typed.new_phone_country_code, facts, "newPhoneNumber"
    )
    if isinstance(new_number, Refused):
        return new_number
    return old if isinstance(old, Refused) else Ask(new_number, new_code, old)


def _read_old(form: VerifyUpdatePhoneRequest, facts: Facts) -> Old | Refused | None:
    """The old pair; None where it is not there, or half of it is and row 6 will ask for the rest."""
    typed = form.phone_pass_code_payload
    code = None
    if typed.old_phone_pass_code is not None:
        code = read_passcode(typed.old_phone_pass_code)
        if code is None:
            return Refused(Key.BAD_REQUEST, data={"field": "oldPhonePassCode"})
    if (typed.old_phone_number is None) != (code is None) and not wants_old(facts.pool.policy, facts.account):
        missing = "oldPhoneNumber" if typed.old_phone_number is None else "oldPhonePassCode"
        return Refused(Key.BAD_REQUEST, data={"field": missing})
    if typed.old_phone_number is None:
        return None
    number = read_number(typed.old_phone_number, typed.old_phone_country_code, facts.pool.country_code)
    if number is None:
        return Refused(Key.BAD_CONTACT, data={"field": "oldPhoneNumber"})
    return Old(number, code) if code is not None else None


def read_bind(form: BindPhone, facts: Facts) -> Ask | Refused:
    """Rows 2 and 3 for a first number."""
    code = _read_code(form.pass_code, "passCode")
    if isinstance(code, Refused):
        return code
    number = _read_new_number(form.phone_number, form.phone_country_code, facts, "phoneNumber")
    return number if isinstance(number, Refused) else Ask(number, code)


def read_unbind(form: UnbindPhone, _facts: Facts) -> str | Refused:
    """Row 2 for giving a number up: the code is all there is."""
    return _read_code(form.pass_code, "passCode")


def read_update(form: UpdatePhone, _facts: Facts) -> str:
    """Row 2 of update-phone: the token, as it came. The wire has refused the empty one."""
    return form.update_phone_token


def _read_code(text: str, field: str) -> str | Refused:
    return read_passcode(text) or Refused(Key.BAD_REQUEST, data={"field": field})


def _read_new_number(text: str, code: str | None, facts: Facts, field: str) -> E164 | Refused:
    """A number that is new to the account: valid, no fixed line, in a country that is served."""
    number = read_number(text, code, facts.pool.country_code)
    if number is None:
        return Refused(Key.BAD_CONTACT, data={"field": field})
    if facts.account is not None and number == facts.account.phone:
        return (
            number  # the caller's own: neither re-validated nor held against allowedCountries; row 5 answers
        )
    if not can_be_texted(number):
        return Refused(Key.BAD_CONTACT, data={"field": field})
    if country_code(number) not in facts.pool.policy.allowed_countries:
        return Refused(Key.NUMBER_NOT_SERVED)
    return number


# --- rows 5 to 7: whether the codes may be looked at ----------------------------------------------------


def wants_old(policy: PoolPolicy, account: Account | None) -> bool:
    """Whether the old number must be proven: the policy says so, and there is one."""
    return policy.change_phone_strategy.verify_old_phone and account is not None and account.phone is not None


def judge_same(ask: Ask, account: Account) -> Refused | None:
    """Row 5."""
    return Refused(Key.SAME_PHONE) if ask.new_number == account.phone else None


def judge_request(
    ask: Ask, policy: PoolPolicy, account: Account, stale: Refused | None, unproven: Refused | None = None
) -> Refused | None:
    """Rows 6 and 7. `stale` is what `judge_age` says of this session: it matters only without an old proof.

    `unproven` is what `judge_second_factor` says of it: an enrolled one must have been used, always.
    """
    if ask.old is None:
        return Refused(Key.OLD_PHONE_REQUIRED) if wants_old(policy, account) else stale or unproven
    if unproven is not None:
        return unproven
    return None if ask.old.number == account.phone else Refused(Key.OLD_PHONE_MISMATCH)


def judge_bind(account: Account) -> Refused | None:
    """After row 4: binding is for accounts without a number."""
    return Refused(Key.PHONE_ALREADY_BOUND) if account.phone is not None else None


def judge_unbind(account: Account) -> Refused | None:
    """After row 4: there must be a number, and another way in once it is gone."""
    if account.phone is None:
        return Refused(Key.PHONE_NOT_BOUND)
    by_name = account.has_password and account.username is not None
    return (
        None
        if by_name or (account.email is not None and account.email_verified)
        else Refused(Key.LAST_WAY_IN)
    )


# --- update-phone, rows 4 and 5: the world as it is by now ----------------------------------------------


def judge_change(claims: Claims, policy: PoolPolicy, account: Account) -> Refused | None:
    """Whether what was proven is still enough, and the number still the one it was proven against."""
    unproven = claims.old_number is not None and not claims.old_proven
    if policy.change_phone_strategy.verify_old_phone and unproven:
        return Refused(Key.UPDATE_TOKEN_INVALID)
    if policy.require_bound_codes and not claims.all_bound:
        return Refused(Key.UPDATE_TOKEN_INVALID)
    if country_code(E164(claims.new_number)) not in policy.allowed_countries:
        return Refused(Key.UPDATE_TOKEN_INVALID)
    if claims.version != account.phone_version:
        return Refused(Key.OLD_PHONE_MISMATCH)
    return None
