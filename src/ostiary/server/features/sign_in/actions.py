"""Signing in: a credential is checked, a session opens, and tokens are signed once it is stored.

How a password is checked: `by_password.py`.
"""

from dataclasses import replace

from ostiary.contract.captcha import ValidatePassword, ValidatePasswordResult
from ostiary.contract.keys import Key
from ostiary.contract.signin import LoginTokenResponseData, SigninByCredentials
from ostiary.server.core.call import Call
from ostiary.server.core.contact import medium_of
from ostiary.server.core.passcode import Channel
from ostiary.server.core.phone import E164
from ostiary.server.core.refused import Refused
from ostiary.server.features.sign_in import by_password, rules
from ostiary.server.features.sign_in.by_password import NOBODY
from ostiary.server.features.sign_in.rules import ByCode, ByPassword, Unproven
from ostiary.server.guards import (
    accounts,
    audit,
    clients,
    custom_data,
    first_proof,
    grants,
    passcodes,
    sign_in_limits,
    sign_ins,
)
from ostiary.server.guards.accounts import NewAccount
from ostiary.server.guards.entry import Visit, after_lock, visit
from ostiary.server.guards.grants import Grant
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.service import Service
from ostiary.server.guards.sign_ins import Waiting
from ostiary.server.storage import contacts, people, phones, users
from ostiary.server.storage.tx import ConflictError, Tx
from ostiary.server.storage.users import UserRow


async def sign_in_by_credentials(
    service: Service, call: Call, form: SigninByCredentials | Refused
) -> LoginTokenResponseData | Refused:
    """Check a password or a code, open a session, and answer with its tokens."""
    if isinstance(form, Refused):
        return form
    named = clients.named_address(call, form.options.client_ip if form.options is not None else None)
    if isinstance(named, Refused):
        return named
    call = named
    way = _by_code if form.connection == "PASSCODE" else _by_password
    granted = await way(service, call, form)
    if isinstance(granted, Refused):
        return granted
    if isinstance(granted, Waiting):
        return await sign_ins.ask_second_factor(service.signer, granted)
    tokens = await grants.sign(service.signer, granted)
    return LoginTokenResponseData(
        scope=tokens.scope,
        access_token=tokens.access_token,
        id_token=tokens.id_token,
        refresh_token=tokens.refresh_token,
        token_type="bearer",
        expire_in=tokens.life,
        expires_in=tokens.life,
    )


# --- with a password ------------------------------------------------------------------------------------


async def _by_password(service: Service, call: Call, form: SigninByCredentials) -> Grant | Waiting | Refused:
    def come(tx: Tx) -> Visit[ByPassword] | Refused:
        return clients.enter(tx, service.ports, call, form, rules.read_by_password)

    def open_for(came: Visit[ByPassword], user: UserRow, epoch: int) -> Grant | Waiting | Refused:
        return sign_ins.open_for(came, user, "pwd", came.ask.scope, epoch=epoch)

    return await by_password.checked(service, come, open_for)


async def validate_password(
    service: Service, call: Call, form: ValidatePassword | Refused
) -> ValidatePasswordResult | Refused:
    """Look whether a password is an account's: counted like a sign-in, and nobody is signed in."""
    caller = clients.outside(call)
    if isinstance(caller, Refused):
        return caller

    def come(tx: Tx) -> Visit[ByPassword] | Refused:
        return visit(tx, service.ports, caller, form, rules.read_to_validate, lock=False)

    checked = await by_password.checked(service, come, lambda _came, _user, _epoch: True)
    if isinstance(checked, Refused) and checked.key not in {Key.WRONG_CREDENTIALS, Key.USER_LOCKED}:
        return checked
    return ValidatePasswordResult(valid=checked is True)


# --- with a code ----------------------------------------------------------------------------------------


async def _by_code(service: Service, call: Call, form: SigninByCredentials) -> Grant | Waiting | Refused:
    def step(tx: Tx) -> Grant | Waiting | Refused:
        came = clients.enter(tx, service.ports, call, form, rules.read_by_code)
        return came if isinstance(came, Refused) else _coded(came)

    return await service.store.write(step)


def _coded(came: Visit[ByCode]) -> Grant | Waiting | Refused:
    """Locks in the house's order: the user's row, the contact's counter, its code."""
    ask = came.ask
    holder = contacts.holder(came.tx, came.pool.id, ask.contact) or NOBODY
    people.lock_user(came.tx, holder)
    user = users.load(came.tx, came.pool.id, holder)
    if holder and (user is None or ask.contact not in {user.phone, user.email}):
        raise ConflictError("the number or address left its account a moment ago")
    came = after_lock(came)
    proofs = passcodes.prove(came, [Typed(_channel(came), ask.contact, ask.code)])
    if isinstance(proofs, Refused):
        return _noted(came, proofs, user, "code", ask.contact)
    passcodes.use(came, proofs[0])
    if user is None:
        return _newcomer(came)
    if not user.account.active:
        return _noted(came, Refused(Key.USER_LOCKED), user, "code", ask.contact)
    medium = medium_of(ask.contact)
    if medium == "sms" and not user.phone_verified:
        phones.verify(came.tx, came.pool.id, E164(ask.contact), user.id)
        user = replace(user, phone_verified=True)
    if medium == "email" and not user.email_verified:
        if rules.judge_unproven(user.account) is Unproven.NOT_A_WAY_IN:
            refused = Refused(Key.EMAIL_TAKEN if ask.auto_register else Key.USER_NOT_FOUND)
            return _noted(came, refused, user, "code", ask.contact)
        user = first_proof.settle(came, user, ask.contact)
    if came.pool.policy.self_unlock_account.enabled:
        sign_in_limits.unlock(came, user)
    return sign_ins.open_for(came, user, medium, ask.scope, epoch=user.session_epoch, contact=ask.contact)


def _channel(came: Visit[ByCode]) -> Channel:
    """What the code was sent for: an unlock code signs in, too, where owners may unlock and asked for no other one."""
    address = came.ask.contact
    if medium_of(address) == "sms" or not came.pool.policy.self_unlock_account.enabled:
        return Channel.LOGIN
    waits = [
        passcodes.is_waiting(came, channel, address) for channel in (Channel.LOGIN, Channel.UNLOCK_ACCOUNT)
    ]
    return Channel.UNLOCK_ACCOUNT if waits == [False, True] else Channel.LOGIN


def _newcomer(came: Visit[ByCode]) -> Grant | Waiting | Refused:
    """A right code from a number or address that has no account."""
    ask = came.ask
    medium = medium_of(ask.contact)
    refused = (
        rules.judge_newcomer(ask, came.pool.policy)
        or sign_in_limits.judge_sign_up(came)
        or custom_data.judge(came.tx, came.pool.id, ask.custom_data, by="user")
    )
    new = NewAccount(
        source="register",
        phone=E164(ask.contact) if medium == "sms" else None,
        phone_verified=medium == "sms",
        email=ask.contact if medium == "email" else None,
        email_verified=medium == "email",
        custom_data=ask.custom_data,
    )
    user = refused or accounts.create(came.tx, came.ports, came.pool.id, new, came.now)
    if isinstance(user, Refused) and user.key in {Key.PHONE_TAKEN, Key.EMAIL_TAKEN}:
        raise ConflictError(
            "the number or address was free a moment ago, and is somebody's now: they sign in"
        )
    if isinstance(user, Refused):
        return _noted(came, user, None, "code", ask.contact)
    sign_in_limits.signed_up(came)
    audit.note(
        came,
        "sign_up",
        user_id=user.id,
        method="code",
        contact=audit.contact_hash(came.ports, came.pool.id, ask.contact),
    )
    return sign_ins.open_for(came, user, medium, ask.scope, epoch=user.session_epoch, contact=ask.contact)


# --- both -----------------------------------------------------------------------------------------------


def _noted(
    came: Visit[ByCode], refused: Refused, user: UserRow | None, method: str, contact: str | None
) -> Refused:
    """A refusal leaves a row, whether the account is there or not."""
    audit.note(
        came,
        "sign_in",
        refused,
        user_id=user.id if user is not None else NOBODY,
        method=method,
        contact=audit.contact_hash(came.ports, came.pool.id, contact),
    )
    return refused
