"""Registering: an account by a password or by a code. Of several who want one name, exactly one gets it."""

from collections.abc import Callable, Mapping
from typing import Any

from ostiary.contract.profile import User
from ostiary.contract.signin import SignUp
from ostiary.server.core.call import Call
from ostiary.server.core.contact import medium_of
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.profile import profile_of
from ostiary.server.core.refused import Refused
from ostiary.server.features.sign_up import rules
from ostiary.server.features.sign_up.rules import Ask, ByCode, ByPassword
from ostiary.server.guards import (
    accounts,
    audit,
    clients,
    custom_data,
    new_passwords,
    passcodes,
    sign_in_limits,
)
from ostiary.server.guards.accounts import NewAccount
from ostiary.server.guards.entry import Visit, visit
from ostiary.server.guards.new_passwords import Wanted
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.service import Service
from ostiary.server.storage.tx import Tx

Came = Visit[Ask]


async def sign_up(service: Service, call: Call, form: SignUp | Refused) -> User | Refused:
    """Make an account. Nobody is signed in by it."""
    if isinstance(form, Refused):
        return form
    outside = clients.outside(call)
    if isinstance(outside, Refused):
        return outside
    caller = clients.named_address(outside, form.options.client_ip if form.options is not None else None)
    if isinstance(caller, Refused):
        return caller

    def come(tx: Tx) -> Came | Refused:
        return visit(tx, service.ports, caller, form, rules.read_sign_up, lock=False)

    password_hash = await _hash(service, come) if _has_password(form) else None
    if isinstance(password_hash, Refused):
        return password_hash

    def step(tx: Tx) -> User | Refused:
        came = come(tx)
        return came if isinstance(came, Refused) else _register(came, form, password_hash)

    return await service.store.write(step)


def _has_password(form: SignUp) -> bool:
    return form.connection == "PASSWORD" or (
        form.options is not None and form.options.password_for_phone_pass_code is not None
    )


async def _hash(service: Service, come: Callable[[Tx], Came | Refused]) -> str | Refused | None:
    """The password's hash; looked at before, so that a closed pool and a short password cost nobody 20 ms."""

    def look(tx: Tx) -> tuple[PoolPolicy, Ask] | Refused:
        came = come(tx)
        return came if isinstance(came, Refused) else (came.pool.policy, came.ask)

    looked = await service.store.read(look)
    if isinstance(looked, Refused):
        return looked
    policy, ask = looked
    if ask.by.password is None:
        return None
    wanted = Wanted(ask.by.password, ask.by.encrypt_type, names=ask.names)
    return await new_passwords.hashed(service.passwords, service.password_keys, policy, wanted)


def _register(came: Came, form: SignUp, password_hash: str | None) -> User | Refused:
    ask = came.ask
    method = "code" if isinstance(ask.by, ByCode) else "password"
    too_often = sign_in_limits.judge_sign_up(came)
    if too_often is not None:
        return _noted(came, too_often, method)
    typed = [Typed(channel, contact, code) for channel, contact, code in ask.typed]
    proofs = passcodes.prove(came, typed) if typed else ()
    if isinstance(proofs, Refused):
        return _noted(came, proofs, method)
    for proof in proofs:
        passcodes.use(came, proof)
    given = (form.profile.custom_data if form.profile is not None else None) or {}
    new = _account(ask, form, password_hash, given)
    made = (
        custom_data.judge(came.tx, came.pool.id, given, by="user")
        or accounts.judge_spelling(
            came.tx, came.pool.id, username=new.username, email=None if new.email_verified else new.email
        )
        or accounts.create(came.tx, came.ports, came.pool.id, new, came.now)
    )
    if isinstance(made, Refused):
        return _noted(came, made, method)
    sign_in_limits.signed_up(came)
    _note(came, audit.DONE, made.id, method)
    return accounts.to_user(made, with_custom_data=True)


def _account(ask: Ask, form: SignUp, password_hash: str | None, given: Mapping[str, Any]) -> NewAccount:
    """The account that is to be: what was proven is verified, an address beside a password is not (ADR 0012)."""
    number = next((contact for contact in ask.proven if medium_of(contact) == "sms"), None)
    address = next((contact for contact in ask.proven if medium_of(contact) == "email"), None)
    named = ask.by.email if isinstance(ask.by, ByPassword) else None
    return NewAccount(
        source="register",
        username=ask.by.username if isinstance(ask.by, ByPassword) else None,
        email=address or named,
        email_verified=address is not None,
        phone=E164(number) if number is not None else None,
        phone_verified=number is not None,
        password_hash=password_hash,
        profile=profile_of(form.profile),
        custom_data=given,
    )


def _noted(came: Came, refused: Refused, method: str) -> Refused:
    _note(came, refused, "", method)
    return refused


def _note(came: Came, verdict: Refused | str, user_id: str, method: str) -> None:
    by = came.ask.by
    audit.note(
        came,
        "sign_up",
        verdict,
        user_id=user_id,
        method=method,
        contact=audit.contact_hash(
            came.ports, came.pool.id, by.contact if isinstance(by, ByCode) else by.email
        ),
    )
