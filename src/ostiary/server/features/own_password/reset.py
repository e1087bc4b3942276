"""A forgotten password: a code at the account's number or address, then a one-time token, then a new password.

Nobody is signed in here. What is looked at is the same whether there is an account or not; a right code is used up
either way, and proves nothing yet. The token finds its user; hashing is done for tokens that are good only.
"""

from dataclasses import dataclass, field, replace

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.own_page import ResetPassword, ResetPasswordVerify, VerifyResetPasswordRequest
from ostiary.server.core.call import Call
from ostiary.server.core.contact import Medium
from ostiary.server.core.passcode import Channel
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.own_password import rules
from ostiary.server.features.own_password.rules import ByCode, Claims
from ostiary.server.guards import (
    audit,
    clients,
    first_proof,
    new_passwords,
    one_time_tokens,
    passcodes,
    password_change,
)
from ostiary.server.guards.entry import Visit, after_lock, as_asked, visit
from ostiary.server.guards.new_passwords import Wanted
from ostiary.server.guards.one_time_tokens import AlreadyDone, TokenKind
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.service import Service
from ostiary.server.storage import contacts, people, phones, users
from ostiary.server.storage.tx import ConflictError, Tx
from ostiary.server.storage.users import UserRow

NOBODY = ""
"""In place of a user's id where there is none: statements run alike whether there is one or not."""


async def verify_reset_password_request(
    service: Service, call: Call, form: VerifyResetPasswordRequest | Refused
) -> ResetPasswordVerify | Refused:
    """Prove the account's number or address; receive a one-time token."""
    caller = clients.outside(call)
    if isinstance(caller, Refused):
        return caller

    def step(tx: Tx) -> ResetPasswordVerify | Refused:
        came = visit(tx, service.ports, caller, form, rules.read_verify, lock=False)
        return came if isinstance(came, Refused) else _verify(came)

    return await service.store.write(step)


async def reset_password(service: Service, call: Call, form: ResetPassword | Refused) -> IsSuccess | Refused:
    """Spend the token: a new password, every session ends, every verified contact is told, a lock is off."""
    caller = clients.outside(call)
    if isinstance(caller, Refused):
        return caller

    def look(tx: Tx) -> _Seen | Refused:
        came = visit(tx, service.ports, caller, form, as_asked, lock=False)
        return came if isinstance(came, Refused) else _look(came)

    seen = await service.store.read(look)
    if isinstance(seen, Refused):
        return seen
    assert isinstance(form, ResetPassword)  # the look has seen it
    wanted = Wanted(
        form.password,
        form.password_encrypt_type,
        names=(seen.row.username, seen.row.email, seen.row.phone),
        before=seen.before,
    )
    password_hash = await new_passwords.hashed(service.passwords, service.password_keys, seen.policy, wanted)
    if isinstance(password_hash, Refused):
        return password_hash  # the token is as good as before: another password can be thought of

    def step(tx: Tx) -> IsSuccess | Refused:
        came = visit(tx, service.ports, caller, form, as_asked, lock=False)
        return came if isinstance(came, Refused) else _reset(came, password_hash)

    return await service.store.write(step)


def _verify(came: Visit[ByCode]) -> ResetPasswordVerify | Refused:
    """Locks in the house's order: the user's row, the contact's counter, its code."""
    ask = came.ask
    holder = contacts.holder(came.tx, came.pool.id, ask.contact) or NOBODY
    people.lock_user(came.tx, holder)
    row = users.load(came.tx, came.pool.id, holder)
    if holder and (row is None or ask.contact not in {row.phone, row.email}):
        raise ConflictError("the number or address left its account a moment ago")
    came = after_lock(came)
    proofs = passcodes.prove(came, [Typed(Channel.RESET_PASSWORD, ask.contact, ask.code)])
    if isinstance(proofs, Refused):
        return _noted(came, proofs, row)
    passcodes.use(came, proofs[0])
    refused = rules.judge_account(row.account if row is not None else None, ask.contact)
    if refused is not None:
        return _noted(came, refused, row)
    assert row is not None  # `judge_account` refuses nobody's
    claims = rules.claims_of(row.account, row.password_set_at, ask.contact)
    token = one_time_tokens.grant_to(came, row.account, TokenKind.RESET_PASSWORD, claims, rules.RESET_TTL)
    _note(came, audit.DONE, row)
    return ResetPasswordVerify(password_reset_token=token, token_expires_in=rules.RESET_TTL)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Whose token it is, as far as hashing must know."""

    row: UserRow
    policy: PoolPolicy
    before: tuple[str, ...] = field(repr=False)


def _look(came: Visit[ResetPassword]) -> _Seen | Refused:
    owner = one_time_tokens.owner(came, TokenKind.RESET_PASSWORD, came.ask.password_reset_token)
    row = users.load(came.tx, came.pool.id, owner or NOBODY)
    if row is None:
        return Refused(Key.ONE_TIME_TOKEN_INVALID)
    return _Seen(row, came.pool.policy, new_passwords.before(came.tx, row, came.pool.policy))


def _reset(came: Visit[ResetPassword], password_hash: str) -> IsSuccess | Refused:
    """From the take on, the token is spent whatever comes."""
    token = came.ask.password_reset_token
    owner = one_time_tokens.owner(came, TokenKind.RESET_PASSWORD, token) or NOBODY
    people.lock_user(came.tx, owner)
    row = users.load(came.tx, came.pool.id, owner)
    if row is None:
        return Refused(Key.ONE_TIME_TOKEN_INVALID)
    came = after_lock(came)
    claims = one_time_tokens.take_of(came, row.account, TokenKind.RESET_PASSWORD, token, Claims)
    if isinstance(claims, Refused | AlreadyDone):
        return Refused(Key.ONE_TIME_TOKEN_INVALID)
    now = rules.standing(row.account, row.password_set_at, claims.proves)
    refused = rules.judge_reset(claims, now, row.account)
    if refused is not None:
        audit.note(came, "password_reset", refused, user_id=row.id)
        return refused
    row = _proven(came, row, claims.proves)
    password_change.set_password(came, row, password_hash, unlock=True, tell="password_reset")
    audit.note(came, "password_reset", user_id=row.id, first=row.password_hash is None)
    return IsSuccess(success=True)


def _proven(came: Visit[ResetPassword], row: UserRow, proves: Medium | None) -> UserRow:
    """A contact that was unproven when its code was right is proven now, with the password that its holder sets.

    An address only where that is what its first proof is worth (`guards/first_proof`); the password is set either way.
    Not before: who had only typed the code and gone would leave an address that looks proven, and beside it whatever a
    stranger had set. A number is an administrator's doing while it is unproven, so nothing goes with its proof.
    """
    if proves == "email" and row.email is not None:
        return first_proof.settle(came, row, row.email)
    if proves == "sms" and row.phone is not None:
        phones.verify(came.tx, came.pool.id, row.phone, row.id)
        return replace(row, phone_verified=True)
    return row


def _noted(came: Visit[ByCode], refused: Refused, row: UserRow | None) -> Refused:
    """A refusal leaves a row, whether the account is there or not."""
    _note(came, refused, row)
    return refused


def _note(came: Visit[ByCode], verdict: Refused | str, row: UserRow | None) -> None:
    audit.note(
        came,
        "verify_reset_password_request",
        verdict,
        user_id=row.id if row is not None else NOBODY,
        contact=audit.contact_hash(came.ports, came.pool.id, came.ask.contact),
    )
