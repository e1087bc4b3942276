"""The pool's users, one by one: making, reading and deleting them. Changing one is `user_changes.py`.

A step looks at everything that could refuse it before it writes anything: a refusal is committed like any outcome.
However a number goes, `guards/contacts.py` takes it (with its account: `guards/leaving.py`): codes and tokens die,
addresses are told, the audit log says so.
"""

from collections.abc import Sequence

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.management import CreateUser, DeleteUsersBatch, GetUser
from ostiary.contract.profile import User
from ostiary.server.core.call import Call
from ostiary.server.core.credentials import Names
from ostiary.server.core.people import ACTIVE
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.profile import profile_of
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import users_rules as rules
from ostiary.server.features.management.errands import look, work
from ostiary.server.features.management.users_rules import Contacts, Look, Named, New
from ostiary.server.guards import accounts, audit, custom_data, leaving, new_passwords
from ostiary.server.guards.accounts import NewAccount
from ostiary.server.guards.entry import Errand
from ostiary.server.guards.new_passwords import Wanted
from ostiary.server.guards.service import Service
from ostiary.server.storage import people, users
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.users import UserRow


async def create_user(service: Service, call: Call, form: CreateUser | Refused) -> User | Refused:
    """Make a user. Number and address need no proof; they count as verified only where the call says so."""
    password_hash = await _hashed(service, call, form)
    if isinstance(password_hash, Refused):
        return password_hash
    return await work(service, call, form, rules.read_create, lambda errand: _create(errand, password_hash))


async def get_user(service: Service, call: Call, form: GetUser | Refused) -> User | Refused:
    """Read one user."""
    return await look(service, call, form, rules.read_get, _show)


async def delete_users_batch(
    service: Service, call: Call, form: DeleteUsersBatch | Refused
) -> IsSuccess | Refused:
    """Delete users: all of them, or none where one is unknown (`data.userIds` names those)."""
    return await work(service, call, form, rules.read_delete, _delete)


async def _hashed(service: Service, call: Call, form: CreateUser | Refused) -> str | Refused | None:
    """The hash of a new user's password, made outside the step; None where the form has none.

    Hashing is dear, so the form is judged before, and nothing is done for anybody whose token is not good.
    """
    if isinstance(form, Refused) or form.password is None:
        return None
    encrypt_type = form.options.password_encrypt_type if form.options is not None else None
    looked = await look(service, call, form, rules.read_create, _policy_and_names)
    if isinstance(looked, Refused):
        return looked
    policy, named = looked
    wanted = Wanted(form.password, encrypt_type, names=(named.username, named.email, named.phone))
    return await new_passwords.hashed(service.passwords, service.password_keys, policy, wanted)


def _policy_and_names(errand: Errand[New]) -> tuple[PoolPolicy, Contacts]:
    return errand.pool.policy, errand.ask.contacts


def find(tx: Tx, pool_id: str, user: Named) -> UserRow | None:
    """The user of this name."""
    if user.name is None:
        return None
    match user.kind:
        case "phone":
            return users.find(tx, pool_id, Names(phone=E164(user.name)))
        case "email":
            return users.find(tx, pool_id, Names(email=user.name))
        case "username":
            return users.find(tx, pool_id, Names(username_key=user.name))
        case "external_id":
            user_id = users.with_external_id(tx, pool_id, user.name)
            return users.load(tx, pool_id, user_id) if user_id is not None else None
        case "user_id":
            return users.load(tx, pool_id, user.name)


def hold(tx: Tx, pool_id: str, wanted: Sequence[Named]) -> list[UserRow | None]:
    """The users of these names, locked in the order of their ids, and read under that lock.

    None: there is no such user, or the name went to another one just now.
    """
    seen = [user.name if user.kind == "user_id" else _id(find(tx, pool_id, user)) for user in wanted]
    for user_id in sorted({user_id for user_id in seen if user_id is not None}):
        people.lock_user(tx, user_id)
    held = [find(tx, pool_id, user) for user in wanted]
    return [row if _id(row) == user_id else None for row, user_id in zip(held, seen, strict=True)]


def _id(row: UserRow | None) -> str | None:
    return row.id if row is not None else None


def _create(errand: Errand[New], password_hash: str | None) -> User | Refused:
    form, contacts = errand.ask.form, errand.ask.contacts
    unfit = custom_data.judge(errand.tx, errand.pool.id, form.custom_data, by="administrator")
    if unfit is not None:
        return unfit
    new = NewAccount(
        source="adminCreated",
        status=form.status or ACTIVE,
        username=contacts.username,
        email=contacts.email,
        email_verified=form.email_verified is True,
        phone=contacts.phone,
        phone_verified=form.phone_verified is True,
        external_id=form.external_id,
        password_hash=password_hash,
        profile=profile_of(form),
        custom_data=form.custom_data or {},
    )
    row = accounts.create(errand.tx, errand.ports, errand.pool.id, new, errand.now)
    if isinstance(row, Refused):
        return row
    audit.note(
        errand,
        "user_created",
        user_id=row.id,
        actor=errand.actor,
        phone=audit.contact_hash(errand.ports, errand.pool.id, row.phone),
        email=audit.contact_hash(errand.ports, errand.pool.id, row.email),
    )
    return accounts.to_user(row, with_custom_data=True)


def _show(errand: Errand[Look]) -> User | Refused:
    row = find(errand.tx, errand.pool.id, errand.ask.user)
    if row is None:
        return Refused(Key.USER_NOT_FOUND)
    return accounts.to_user(
        row,
        with_custom_data=errand.ask.custom_data,
        with_identities=errand.ask.identities,
        with_department_ids=errand.ask.department_ids,
    )


def _delete(errand: Errand[tuple[Named, ...]]) -> IsSuccess | Refused:
    held = hold(errand.tx, errand.pool.id, errand.ask)
    rows = [row for row in held if row is not None]
    if len(rows) < len(held):
        unknown = [user.typed for user, row in zip(errand.ask, held, strict=True) if row is None]
        return Refused(Key.USER_NOT_FOUND, data={"field": "userIds", "userIds": unknown})
    leaving.erase(errand, rows, actor=errand.actor)
    return IsSuccess(success=True)
