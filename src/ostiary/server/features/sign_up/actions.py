"""Registering: an account by a password or by a code. Of several who want one name, exactly one gets it."""

from collections.abc import Callable

from ostiary.contract.profile import User
from ostiary.contract.signin import SignUp
from ostiary.server.core.call import Call
from ostiary.server.core.passcode import Channel
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.sign_up import rules
from ostiary.server.features.sign_up.rules import ByCode, ByPassword
from ostiary.server.guards import accounts, audit, clients, new_passwords, passcodes
from ostiary.server.guards.accounts import NewAccount
from ostiary.server.guards.entry import Visit, visit
from ostiary.server.guards.new_passwords import Wanted
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.service import Service
from ostiary.server.storage.tx import Tx

Came = Visit[ByPassword | ByCode]


async def sign_up(service: Service, call: Call, form: SignUp | Refused) -> User | Refused:
    """Make an account. Nobody is signed in by it."""
    if isinstance(form, Refused):
        return form
    caller = clients.outside(call)
    if isinstance(caller, Refused):
        return caller

    def come(tx: Tx) -> Came | Refused:
        return visit(tx, service.ports, caller, form, rules.read_sign_up, lock=False)

    password_hash = None
    if form.connection == "PASSWORD":
        hashed = await _hash(service, come)
        if isinstance(hashed, Refused):
            return hashed
        password_hash = hashed

    def step(tx: Tx) -> User | Refused:
        came = come(tx)
        return came if isinstance(came, Refused) else _register(came, form, password_hash)

    return await service.store.write(step)


async def _hash(service: Service, come: Callable[[Tx], Came | Refused]) -> str | Refused:
    """The password's hash; looked at before, so that a closed pool and a short password cost nobody 20 ms."""

    def look(tx: Tx) -> tuple[PoolPolicy, ByPassword | ByCode] | Refused:
        came = come(tx)
        return came if isinstance(came, Refused) else (came.pool.policy, came.ask)

    looked = await service.store.read(look)
    if isinstance(looked, Refused):
        return looked
    policy, ask = looked
    assert isinstance(ask, ByPassword)
    wanted = Wanted(ask.password, ask.encrypt_type, names=(ask.username, ask.email))
    return await new_passwords.hashed(service.passwords, service.password_keys, policy, wanted)


def _register(came: Came, form: SignUp, password_hash: str | None) -> User | Refused:
    ask = came.ask
    custom_data = (form.profile.custom_data if form.profile is not None else None) or {}
    profile = accounts.profile_of(form.profile)
    if isinstance(ask, ByPassword):
        new = NewAccount(
            source="register",
            username=ask.username,
            email=ask.email,
            password_hash=password_hash,
            profile=profile,
            custom_data=custom_data,
        )
        return _make(came, new, "password", ask.email)
    proofs = passcodes.prove(came, [Typed(Channel.REGISTER, ask.number, ask.code)])
    if isinstance(proofs, Refused):
        return _noted(came, proofs, "code", ask.number)
    passcodes.use(came, proofs[0])
    new = NewAccount(
        source="register", phone=ask.number, phone_verified=True, profile=profile, custom_data=custom_data
    )
    return _make(came, new, "code", ask.number)


def _make(came: Came, new: NewAccount, method: str, contact: str | None) -> User | Refused:
    made = accounts.create(came.tx, came.ports, came.pool.id, new, came.now)
    if isinstance(made, Refused):
        return _noted(came, made, method, contact)
    _note(came, audit.DONE, made.id, method, contact)
    return accounts.to_user(made, with_custom_data=True)


def _noted(came: Came, refused: Refused, method: str, contact: str | None) -> Refused:
    _note(came, refused, "", method, contact)
    return refused


def _note(came: Came, verdict: Refused | str, user_id: str, method: str, contact: str | None) -> None:
    audit.note(
        came,
        "sign_up",
        verdict,
        user_id=user_id,
        method=method,
        contact=audit.contact_hash(came.ports, came.pool.id, contact),
    )
