"""The signed-in user's own account: reading it, changing its profile, and what protects it."""

from ostiary.contract.keys import Key
from ostiary.contract.own_page import GetSecurityInfo, UpdateUserProfile
from ostiary.contract.profile import GetProfile, User
from ostiary.server.core.call import Call
from ostiary.server.core.credentials import read_username, username_key
from ostiary.server.core.custom_field import merged
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused
from ostiary.server.features.profile import rules
from ostiary.server.guards import accounts, audit, custom_data
from ostiary.server.guards.entry import Step, enter
from ostiary.server.guards.service import Service
from ostiary.server.storage import management, users
from ostiary.server.storage.management import Fields
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.users import UserRow


async def get_profile(service: Service, call: Call, form: GetProfile | Refused) -> User | Refused:
    """Read the account; any application's token may, `selfService` or not."""

    def step(tx: Tx) -> User | Refused:
        entered = enter(tx, service.ports, call, form, _as_asked, lock=False, manages_account=False)
        if isinstance(entered, Refused):
            return entered
        user = _loaded(entered)
        if isinstance(user, Refused):
            return user
        return accounts.to_user(
            user,
            with_custom_data=entered.ask.with_custom_data is True,
            with_identities=entered.ask.with_identities is True,
            with_department_ids=entered.ask.with_department_ids is True,
        )

    return await service.store.read(step)


async def update_profile(service: Service, call: Call, form: UpdateUserProfile | Refused) -> User | Refused:
    """Change what its owner may change, and answer with the account as it is then."""

    def step(tx: Tx) -> User | Refused:
        entered = enter(tx, service.ports, call, form, rules.read_update, lock=True)
        return entered if isinstance(entered, Refused) else _update(entered)

    return await service.store.write(step)


async def get_security_level(service: Service, call: Call, _form: None) -> GetSecurityInfo | Refused:
    """Read what protects the account."""

    def step(tx: Tx) -> GetSecurityInfo | Refused:
        entered = enter(tx, service.ports, call, None, _nothing, lock=False, manages_account=False)
        if isinstance(entered, Refused):
            return entered
        user = _loaded(entered)
        if isinstance(user, Refused):
            return user
        todays = user.password_hash is not None and not service.passwords.needs_rehash(user.password_hash)
        return rules.security_info(entered.account, hash_is_todays=todays)

    return await service.store.read(step)


def _update(step: Step[UpdateUserProfile]) -> User | Refused:
    form = step.ask
    row = _loaded(step)
    if isinstance(row, Refused):
        return row
    fields = _fields(step, row)
    if isinstance(fields, Refused):
        return fields
    management.change(step.tx, row.id, fields, step.now)
    audit.note(step, "profile_updated", user_id=row.id, fields=" ".join(rules.asked(form)))
    after = _loaded(step)
    return after if isinstance(after, Refused) else accounts.to_user(after, with_custom_data=True)


def _fields(step: Step[UpdateUserProfile], row: UserRow) -> Fields | Refused:
    """What the row becomes. Everything that could refuse is looked at before anything is written."""
    form = step.ask
    refused = rules.judge_external_id(form, row.external_id) or custom_data.judge(
        step.tx, step.pool.id, form.custom_data, by="user"
    )
    if refused is not None:
        return refused
    data = merged(row.custom_data, form.custom_data)
    if data is None:
        return Refused(Key.BAD_REQUEST, data={"field": "customData"})
    username = row.username if form.username is None else read_username(form.username)
    key = username_key(username) if username is not None else None
    if key is not None and users.with_username(step.tx, step.pool.id, key) not in {None, row.id}:
        return Refused(Key.USERNAME_TAKEN)
    if username != row.username:
        spelt = accounts.judge_spelling(step.tx, step.pool.id, username=username, user_id=row.id)
        if spelt is not None:
            return spelt
    profile = {**row.profile, **rules.changed(form)}
    return Fields(
        status=row.status,
        username=username,
        username_key=key,
        external_id=row.external_id,
        locale=profile.get("locale"),
        profile=profile,
        custom_data=data,
    )


def _loaded(step: Step[object]) -> UserRow | Refused:
    """The account's row; one snapshot, or one lock, saw it a moment ago, which mypy cannot see."""
    return users.load(step.tx, step.pool.id, step.account.user_id) or Refused(Key.LOGIN_EXPIRED)


def _as_asked(form: GetProfile, _facts: Facts) -> GetProfile:
    return form


def _nothing(_form: None, _facts: Facts) -> None:
    return None
