"""Deleting one's own account: proven in one call, done in another, within a minute.

A password is checked between two steps: the first pays for the guess, the second looks whether all is as it was.
"""

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.own_page import (
    DeleteAccount,
    DeleteAccountByPassword,
    VerifyDeleteAccountRequest,
    VerifyDeleteAccountRequestData,
)
from ostiary.server.core.call import Call
from ostiary.server.core.passcode import Channel
from ostiary.server.core.refused import Refused
from ostiary.server.features.deletion import rules
from ostiary.server.features.deletion.rules import Ask, Claims
from ostiary.server.guards import audit, leaving, one_time_tokens, passcodes, password_guesses, sessions
from ostiary.server.guards.entry import Step
from ostiary.server.guards.one_time_tokens import AlreadyDone, TokenKind
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.service import Service, in_one_step
from ostiary.server.storage import users
from ostiary.server.storage.users import UserRow

Granted = VerifyDeleteAccountRequestData


async def verify_delete_account_request(
    service: Service, call: Call, form: VerifyDeleteAccountRequest | Refused
) -> Granted | Refused:
    """Prove that it is the owner; receive a one-time token."""
    first: Granted | UserRow | Refused = await in_one_step(service, call, form, rules.read_verify, _verify)
    if not isinstance(first, UserRow):
        return first
    assert isinstance(form, VerifyDeleteAccountRequest)  # the first step has seen both
    assert form.password_payload is not None
    right = await _is_right(service, first, form.password_payload)
    return await in_one_step(
        service, call, form, rules.read_verify, lambda step: _checked(step, first, right=right)
    )


async def delete_account(service: Service, call: Call, form: DeleteAccount | Refused) -> IsSuccess | Refused:
    """Spend the token: the account is gone, and whoever held its number or address is told."""
    return await in_one_step(service, call, form, rules.read_delete, _delete, stands_first=True)


def _verify(step: Step[Ask]) -> Granted | UserRow | Refused:
    """By a code: all of it. By a password: the guess is paid for, and the account to compare with."""
    refused = sessions.judge_second_factor(step)
    if refused is not None:
        return _noted(step, refused)
    if step.ask.method != "PASSWORD":
        return _verify_code(step)
    refused = rules.judge_by_password(step.account) or password_guesses.reserve(step)
    return _noted(step, refused) if refused is not None else _row(step)


def _verify_code(step: Step[Ask]) -> Granted | Refused:
    contact = rules.judge_contact(step.ask, step.account)
    if isinstance(contact, Refused):
        return _noted(step, contact)
    proofs = passcodes.prove(step, [Typed(Channel.DELETE_ACCOUNT, contact, step.ask.code)])
    if isinstance(proofs, Refused):
        return _noted(step, proofs)
    passcodes.use(step, proofs[0])
    return _grant(step)


async def _is_right(service: Service, row: UserRow, typed: DeleteAccountByPassword) -> bool | Refused:
    opened = await service.password_keys.open(typed.password, typed.password_encrypt_type)
    if isinstance(opened, Refused):
        return opened
    return await service.passwords.verify(row.password_hash if opened is not None else None, opened or "")


def _checked(step: Step[Ask], seen: UserRow, *, right: bool | Refused) -> Granted | Refused:
    """The second step of the proof by password."""
    if right is not False:  # right, or not looked at
        password_guesses.release(step, step.account, right=right is True)
    if isinstance(right, Refused):
        return right
    row = _row(step)
    if not right or row.password_hash != seen.password_hash:
        return _noted(step, Refused(Key.OLD_PASSWORD_WRONG))
    refused = rules.judge_by_password(step.account)  # a contact may have been proven meanwhile
    return _noted(step, refused) if refused is not None else _grant(step)


def _grant(step: Step[Ask]) -> Granted:
    row = _row(step)
    ttl = step.pool.policy.update_token_ttl
    token = one_time_tokens.grant(step, TokenKind.DELETE_ACCOUNT, _claims(row), ttl)
    audit.note(step, "verify_delete_account_request", user_id=row.id)
    return Granted(delete_account_token=token, token_expires_in=ttl)


def _delete(step: Step[str]) -> IsSuccess | Refused:
    """From the take on, the token is spent whatever comes."""
    row = _row(step)
    claims = one_time_tokens.take(step, TokenKind.DELETE_ACCOUNT, step.ask, Claims)
    if isinstance(claims, Refused | AlreadyDone):
        return Refused(Key.ONE_TIME_TOKEN_INVALID)
    refused = rules.judge_delete(claims, _claims(row))
    if refused is not None:
        return refused
    leaving.erase(step, [row], actor="user")
    return IsSuccess(success=True)


def _row(step: Step[object]) -> UserRow:
    return users.must_load(step.tx, step.pool.id, step.account.user_id)


def _claims(row: UserRow) -> Claims:
    return Claims(row.phone_version, row.email_version, row.password_set_at)


def _noted(step: Step[Ask], refused: Refused) -> Refused:
    audit.note(step, "verify_delete_account_request", refused, user_id=step.account.user_id)
    return refused
