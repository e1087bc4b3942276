"""Changing a user: what is absent stays, what is to be emptied is named in `options.clearFields`.

1. Everything that could refuse is looked at first; a rival in between makes the step run again.
2. A number that is another one is moved by `guards/contacts.py`, and so is an address. It is unverified unless the call says otherwise.
3. A new password ends the user's codes, one-time tokens and sessions: who is signed in now may be a stranger. A closed account's sessions open
   nothing and are answered `user_locked` (phone-change.md §5, row 4); opening the account again ends them.
"""

from ostiary.contract.keys import Key
from ostiary.contract.management import UpdateUser
from ostiary.contract.profile import User
from ostiary.server.core.call import Call
from ostiary.server.core.credentials import username_key
from ostiary.server.core.people import ACTIVE
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.profile import profile_of
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import users_rules as rules
from ostiary.server.features.management.errands import look, work
from ostiary.server.features.management.users import find, hold
from ostiary.server.features.management.users_rules import Change, Contacts
from ostiary.server.guards import (
    accounts,
    audit,
    contacts,
    custom_data,
    new_passwords,
    password_change,
    sessions,
)
from ostiary.server.guards.entry import Errand
from ostiary.server.guards.new_passwords import Wanted
from ostiary.server.guards.service import Service
from ostiary.server.storage import emails, management, phones, tokens, users
from ostiary.server.storage.management import Fields
from ostiary.server.storage.tx import ConflictError
from ostiary.server.storage.users import UserRow


async def update_user(service: Service, call: Call, form: UpdateUser | Refused) -> User | Refused:
    """Change a user."""
    password_hash = await _hashed(service, call, form)
    if isinstance(password_hash, Refused):
        return password_hash

    def change(errand: Errand[Change]) -> User | Refused:
        (row,) = hold(errand.tx, errand.pool.id, [errand.ask.user])
        return Refused(Key.USER_NOT_FOUND) if row is None else _change(errand, row, password_hash)

    return await work(service, call, form, rules.read_update, change)


async def _hashed(service: Service, call: Call, form: UpdateUser | Refused) -> str | Refused | None:
    """The hash of the new password, made outside the step; None where the form has none.

    An administrator may give a password again that the user had before: it is the user who may not.
    """
    if isinstance(form, Refused) or form.password is None:
        return None
    looked = await look(service, call, form, rules.read_update, _policy_and_names)
    if isinstance(looked, Refused):
        return looked
    policy, row, new = looked
    names = (row.username, row.email, row.phone, new.username, new.email, new.phone)
    encrypt_type = form.options.password_encrypt_type if form.options is not None else None
    wanted = Wanted(form.password, encrypt_type, names=names)
    return await new_passwords.hashed(service.passwords, service.password_keys, policy, wanted)


def _policy_and_names(errand: Errand[Change]) -> tuple[PoolPolicy, UserRow, Contacts] | Refused:
    row = find(errand.tx, errand.pool.id, errand.ask.user)
    if row is None:
        return Refused(Key.USER_NOT_FOUND)
    return errand.pool.policy, row, errand.ask.contacts


def _change(errand: Errand[Change], row: UserRow, password_hash: str | None) -> User | Refused:
    unfit = custom_data.judge(errand.tx, errand.pool.id, errand.ask.form.custom_data, by="administrator")
    if unfit is not None:
        return unfit
    after = _fields(errand.ask, row)
    if isinstance(after, Refused):
        return after
    refused = rules.judge_new_number(errand.ask.contacts.phone, row.phone) or _taken(errand, row, after)
    if refused is not None:
        return refused
    _move_phone(errand, row)
    _move_email(errand, row)
    management.change(errand.tx, row.id, after, errand.now)
    if password_hash is not None:
        password_change.set_password(errand, row, password_hash)
    elif after.status != row.status:
        _close_or_open(errand, row, after)
    audit.note(
        errand,
        "user_updated",
        user_id=row.id,
        actor=errand.actor,
        fields=" ".join(rules.asked(errand.ask)),
        status=after.status if after.status != row.status else None,
    )
    changed = users.must_load(errand.tx, errand.pool.id, row.id)
    return accounts.to_user(changed, with_custom_data=True)


def _close_or_open(errand: Errand[Change], row: UserRow, after: Fields) -> None:
    tokens.void_all(errand.tx, row.id, errand.now)
    if after.status == ACTIVE:
        sessions.end_all(errand, row.account)


def _fields(ask: Change, row: UserRow) -> Fields | Refused:
    """What the row's own columns become."""
    data = rules.merged(row.custom_data, ask.form.custom_data, clear="custom_data" in ask.cleared)
    if isinstance(data, Refused):
        return data
    username = ask.becomes("username", row.username)
    kept = {name: fact for name, fact in row.profile.items() if name not in ask.cleared}
    profile = {**kept, **profile_of(ask.form)}
    return Fields(
        status=ask.becomes("status", row.status),
        username=username,
        username_key=username_key(username) if username is not None else None,
        external_id=ask.becomes("external_id", row.external_id),
        locale=profile.get("locale"),
        profile=profile,
        custom_data=data,
    )


def _taken(errand: Errand[Change], row: UserRow, after: Fields) -> Refused | None:
    """Whether one of the new names is another user's."""
    tx, pool_id = errand.tx, errand.pool.id
    email, phone = errand.ask.contacts.email, errand.ask.contacts.phone
    holders = (
        (
            Key.USERNAME_TAKEN,
            users.with_username(tx, pool_id, after.username_key) if after.username_key else None,
        ),
        (Key.EMAIL_TAKEN, emails.holder(tx, pool_id, email) if email else None),
        (Key.PHONE_TAKEN, phones.holder(tx, pool_id, phone) if phone else None),
        (
            Key.USER_EXISTS,
            users.with_external_id(tx, pool_id, after.external_id) if after.external_id else None,
        ),
    )
    return next((Refused(key) for key, holder in holders if holder not in {None, row.id}), None)


def _move_phone(errand: Errand[Change], row: UserRow) -> None:
    number = errand.ask.becomes("phone", row.phone)
    verified = errand.ask.form.phone_verified
    if number == row.phone:
        if number is not None and verified not in {None, row.phone_verified}:
            contacts.mark(errand, row.account, "sms", verified=verified is True)
        return
    moved = contacts.move(
        errand, row.account, "sms", number, verified=verified is True, actor=errand.actor, by="administrator"
    )
    if not moved:
        raise ConflictError("the number was taken by a rival a moment ago")


def _move_email(errand: Errand[Change], row: UserRow) -> None:
    address = errand.ask.becomes("email", row.email)
    verified = errand.ask.form.email_verified
    if address == row.email:
        if address is not None and verified not in {None, row.email_verified}:
            contacts.mark(errand, row.account, "email", verified=verified is True)
        return
    moved = contacts.move(
        errand,
        row.account,
        "email",
        address,
        verified=verified is True,
        actor=errand.actor,
        by="administrator",
    )
    if not moved:
        raise ConflictError("the address was taken by a rival a moment ago")
