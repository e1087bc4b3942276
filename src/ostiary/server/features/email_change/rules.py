"""Changing one's own e-mail address: the rules. The twin of `phone_change`, whose story and order of rows it has.

Rule 1: every decision about changing, binding and unbinding an address is made in this file.
Rule 2: this file reads no clock, draws no random number, and knows neither SQL nor HTTP.
Rule 3: an address is read once into its one spelling; nothing else is ever compared.

What differs: one channel (`CHANNEL_UPDATE_EMAIL`) goes to both addresses, and there are no countries.
"""

from dataclasses import dataclass

import msgspec

from ostiary.contract.email_change import BindEmail, UnbindEmail, UpdateEmail, VerifyUpdateEmailRequest
from ostiary.contract.keys import Key
from ostiary.server.core.credentials import read_email
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused


@dataclass(frozen=True, slots=True)
class Old:
    """The old pair: the address the caller says is theirs, and the code that came to it."""

    address: str
    code: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The user's wish, already parsed: addresses in their one spelling, codes as digits."""

    new_address: str
    new_code: str
    old: Old | None = None


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What an update token was granted for, and against which address."""

    new_address: str
    old_address: str | None
    version: int
    """Which address it was: an account's addresses are counted, so one that came back is another one."""
    old_proven: bool
    all_bound: bool
    """Whether every code was asked for by the signed-in user."""


# --- rows 2 and 3: what the form means ------------------------------------------------------------------


def read_request(form: VerifyUpdateEmailRequest, facts: Facts) -> Ask | Refused:
    """Rows 2 and 3 for a change. Half an old pair is refused here where none is wanted; where one is, by row 6."""
    typed = form.email_pass_code_payload
    new_code = _read_code(typed.new_email_pass_code, "newEmailPassCode")
    if isinstance(new_code, Refused):
        return new_code
    old_code = None
    if typed.old_email_pass_code is not None:
        old_code = read_passcode(typed.old_email_pass_code)
        if old_code is None:
            return Refused(Key.BAD_REQUEST, data={"field": "oldEmailPassCode"})
    if (typed.old_email is None) != (old_code is None) and not wants_old(facts.pool.policy, facts.account):
        missing = "oldEmail" if typed.old_email is None else "oldEmailPassCode"
        return Refused(Key.BAD_REQUEST, data={"field": missing})
    new_address = _read_address(typed.new_email, "newEmail")
    if isinstance(new_address, Refused):
        return new_address
    if typed.old_email is None:
        return Ask(new_address, new_code)
    old_address = _read_address(typed.old_email, "oldEmail")
    if isinstance(old_address, Refused):
        return old_address
    return Ask(new_address, new_code, None if old_code is None else Old(old_address, old_code))


def read_bind(form: BindEmail, _facts: Facts) -> Ask | Refused:
    """Rows 2 and 3 for a first address."""
    code = _read_code(form.pass_code, "passCode")
    if isinstance(code, Refused):
        return code
    address = _read_address(form.email, "email")
    return address if isinstance(address, Refused) else Ask(address, code)


def read_unbind(form: UnbindEmail, _facts: Facts) -> str | Refused:
    """Row 2 for giving an address up: the code is all there is."""
    return _read_code(form.pass_code, "passCode")


def read_update(form: UpdateEmail, _facts: Facts) -> str:
    """Row 2 of update-email: the token, as it came. The wire has refused the empty one."""
    return form.update_email_token


def _read_code(text: str, field: str) -> str | Refused:
    return read_passcode(text) or Refused(Key.BAD_REQUEST, data={"field": field})


def _read_address(text: str, field: str) -> str | Refused:
    return read_email(text) or Refused(Key.BAD_CONTACT, data={"field": field})


# --- rows 5 to 7: whether the codes may be looked at ----------------------------------------------------


def wants_old(policy: PoolPolicy, account: Account | None) -> bool:
    """Whether the old address must be proven: the policy says so, and there is one."""
    return policy.change_email_strategy.verify_old_email and account is not None and account.email is not None


def judge_same(ask: Ask, account: Account) -> Refused | None:
    """Row 5."""
    return Refused(Key.SAME_EMAIL) if ask.new_address == account.email else None


def judge_request(
    ask: Ask, policy: PoolPolicy, account: Account, stale: Refused | None, unproven: Refused | None
) -> Refused | None:
    """Rows 6 and 7, as for a number. `stale` is what `judge_age` says: it matters only without an old proof.

    `unproven` is what `judge_second_factor` says: an enrolled one must have been used, always.
    """
    if ask.old is None:
        return Refused(Key.OLD_EMAIL_REQUIRED) if wants_old(policy, account) else stale or unproven
    if unproven is not None:
        return unproven
    return None if ask.old.address == account.email else Refused(Key.OLD_EMAIL_MISMATCH)


def judge_bind(account: Account) -> Refused | None:
    """After row 4: binding is for accounts without an address."""
    return Refused(Key.EMAIL_ALREADY_BOUND) if account.email is not None else None


def judge_unbind(account: Account) -> Refused | None:
    """After row 4: there must be an address, and another way in once it is gone."""
    if account.email is None:
        return Refused(Key.EMAIL_NOT_BOUND)
    by_name = account.has_password and account.username is not None
    by_number = account.phone is not None and (account.phone_verified or account.has_password)
    return None if by_name or by_number else Refused(Key.LAST_WAY_IN)


# --- update-email, rows 4 and 5: the world as it is by now ----------------------------------------------


def judge_change(claims: Claims, policy: PoolPolicy, account: Account) -> Refused | None:
    """Whether what was proven is still enough, and the address still the one it was proven against."""
    unproven = claims.old_address is not None and not claims.old_proven
    if policy.change_email_strategy.verify_old_email and unproven:
        return Refused(Key.UPDATE_TOKEN_INVALID)
    if policy.require_bound_codes and not claims.all_bound:
        return Refused(Key.UPDATE_TOKEN_INVALID)
    if claims.version != account.email_version:
        return Refused(Key.OLD_EMAIL_MISMATCH)
    return None
