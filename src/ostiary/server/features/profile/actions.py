"""The signed-in user's own account: reading it, changing its profile, and what protects it."""

from ostiary.contract.keys import Key
from ostiary.contract.own_page import GetSecurityInfo, UpdateUserProfile
from ostiary.contract.profile import GetProfile, User
from ostiary.server.core.call import Call
from ostiary.server.core.credentials import read_username, username_key
from ostiary.server.core.custom_field import merged
from ostiary.server.core.refused import Refused
from ostiary.server.features.profile import rules
from ostiary.server.guards import accounts, audit, custom_data
from ostiary.server.guards.entry import Step, as_asked
from ostiary.server.guards.service import Service, in_one_look, in_one_step
from ostiary.server.storage import management, users
from ostiary.server.storage.management import Fields
from ostiary.server.storage.users import UserRow


async def get_profile(service: Service, call: Call, form: GetProfile | Refused) -> User | Refused:
    """Read the account."""
    return await in_one_look(service, call, form, as_asked, _show)


async def update_profile(service: Service, call: Call, form: UpdateUserProfile | Refused) -> User | Refused:
    """Change what its owner may change, and answer with the account as it is then."""
    return await in_one_step(service, call, form, rules.read_update, _update)


async def get_security_level(service: Service, call: Call, _form: None) -> GetSecurityInfo | Refused:
    """Read what protects the account."""

    def see(step: Step[None]) -> GetSecurityInfo:
        user = _loaded(step)
        todays = user.password_hash is not None and not service.passwords.needs_rehash(user.password_hash)
        return rules.security_info(step.account, hash_is_todays=todays)

    return await in_one_look(service, call, None, as_asked, see)


def _show(step: Step[GetProfile]) -> User:
    return accounts.to_user(
        _loaded(step),
        with_custom_data=step.ask.with_custom_data is True,
        with_identities=step.ask.with_identities is True,
        with_department_ids=step.ask.with_department_ids is True,
    )


def _update(step: Step[UpdateUserProfile]) -> User | Refused:
    form = step.ask
    row = _loaded(step)
    fields = _fields(step, row)
    if isinstance(fields, Refused):
        return fields
    management.change(step.tx, row.id, fields, step.now)
    audit.note(step, "profile_updated", user_id=row.id, fields=" ".join(rules.asked(form)))
    return accounts.to_user(_loaded(step), with_custom_data=True)


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


def _loaded(step: Step[object]) -> UserRow:
    return users.must_load(step.tx, step.pool.id, step.account.user_id)
