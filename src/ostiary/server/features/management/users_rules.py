"""The pool's users, one by one: what the forms mean, and what a change comes to. Pure.

1. A user is found by one name of one kind; text that can't be such a name finds nobody.
2. A new number is a real one, and no fixed line (phone-change.md §3). `allowedCountries` does not apply: it says
   where codes may go, and an administrator sends none.
3. What the profile's fields must look like is the same as for their owner (`core/profile.py`): others rely on it.
4. What is absent stays as it is. What is to be emptied is named in `options.clearFields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.management import CreateUser, DeleteUsersBatch, GetUser, UpdateUser
from ostiary.server.core import custom_field, profile
from ostiary.server.core.credentials import read_email, read_username, username_key
from ostiary.server.core.people import Facts
from ostiary.server.core.phone import E164, can_be_texted, read_number
from ostiary.server.core.refused import Refused
from ostiary.server.core.search import read_any_number

Kind = Literal["user_id", "external_id", "phone", "email", "username"]

_SNAKE = {info.encode_name: info.name for info in msgspec.structs.fields(UpdateUser)}


@dataclass(frozen=True, slots=True)
class Named:
    """One user, by a name in its one spelling; None: nobody can have this name."""

    kind: Kind
    name: str | None = field(repr=False)
    typed: str = field(repr=False, compare=False, default="")
    """As it came: what an answer calls a user whom there is not."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """User name, address and number of a form, in their one spelling; None: not given."""

    username: str | None = None
    email: str | None = field(default=None, repr=False)
    phone: E164 | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """A user to be shown, and what of them beyond the plain fields."""

    user: Named
    custom_data: bool
    identities: bool
    department_ids: bool


@dataclass(frozen=True, slots=True)
class New:
    """A user to be made."""

    form: CreateUser = field(repr=False)
    contacts: Contacts


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one user. `cleared` holds names of `UpdateUser`'s fields."""

    user: Named
    form: UpdateUser = field(repr=False)
    contacts: Contacts
    cleared: frozenset[str]

    def becomes(self, name: str, before: Any) -> Any:
        """What a field becomes: emptied, what was given, or what it was."""
        if name in self.cleared:
            return None
        given = getattr(self.contacts if name in Contacts.__slots__ else self.form, name)
        return before if given is None else given


# --- who ------------------------------------------------------------------------------------------------


def read_get(form: GetUser, facts: Facts) -> Look:
    """Who is asked for."""
    return Look(
        user=named(form.user_id, form.user_id_type, facts),
        custom_data=form.with_custom_data is True,
        identities=form.with_identities is True,
        department_ids=form.with_department_ids is True,
    )


def read_delete(form: DeleteUsersBatch, facts: Facts) -> tuple[Named, ...]:
    """Who is to go, each once."""
    kind = form.options.user_id_type if form.options is not None else None
    return tuple(dict.fromkeys(named(name, kind, facts) for name in form.user_ids))


def named(text: str, kind: str | None, facts: Facts) -> Named:
    """A name of this kind as it is stored. The wire has answered kinds that are not served."""
    match kind:
        case "phone":
            return Named("phone", read_any_number(text, facts.pool.country_code), text)
        case "email":
            return Named("email", read_email(text), text)
        case "username":
            return Named("username", username_key(text), text)
        case "external_id":
            return Named("external_id", text, text)
        case _:
            return Named("user_id", text, text)


# --- creating and changing ------------------------------------------------------------------------------


def read_create(form: CreateUser, facts: Facts) -> New | Refused:
    """A new user. The wire has seen that they have a name."""
    contacts = _read_contacts(form, facts)
    if isinstance(contacts, Refused):
        return contacts
    refused = judge_new_number(contacts.phone, None) or _judge_profile(form)
    return refused or New(form, contacts)


def read_update(form: UpdateUser, facts: Facts) -> Change | Refused:
    """Who is to change, and to what."""
    options = form.options
    cleared = frozenset(_SNAKE[name] for name in (options.clear_fields if options else None) or ())
    if any(getattr(form, name) is not None for name in cleared):
        return Refused(Key.BAD_REQUEST, data={"field": "clearFields", "path": "options.clearFields"})
    if form.phone_country_code is not None and form.phone is None:
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "phone"})
    contacts = _read_contacts(form, facts)
    if isinstance(contacts, Refused):
        return contacts
    unfit = _judge_profile(form)
    if unfit is not None:
        return unfit
    user = named(form.user_id, options.user_id_type if options else None, facts)
    return Change(user, form, contacts, cleared)


def _read_contacts(form: CreateUser | UpdateUser, facts: Facts) -> Contacts | Refused:
    username = email = phone = None
    if form.username is not None:
        username = read_username(form.username)
        if username is None:
            return Refused(Key.BAD_REQUEST, data={"field": "username"})
    if form.email is not None:
        email = read_email(form.email)
        if email is None:
            return Refused(Key.BAD_CONTACT, data={"field": "email"})
    if form.phone is not None:
        phone = read_number(form.phone, form.phone_country_code, facts.pool.country_code)
        if phone is None:
            return Refused(Key.BAD_CONTACT, data={"field": "phone"})
    return Contacts(username, email, phone)


def _judge_profile(form: CreateUser | UpdateUser) -> Refused | None:
    unfit = profile.unfit(form)
    return Refused(Key.BAD_REQUEST, data={"field": unfit}) if unfit is not None else None


def judge_new_number(number: E164 | None, before: E164 | None) -> Refused | None:
    """A number that is new to the account; the one it has is never judged again."""
    if number is None or number == before or can_be_texted(number):
        return None
    return Refused(Key.BAD_CONTACT, data={"field": "phone"})


def merged(
    before: Mapping[str, Any], given: Mapping[str, Any] | None, *, clear: bool
) -> dict[str, Any] | Refused:
    """Custom data after a change: members that are given replace their namesakes, null ones go."""
    if clear:
        return {}
    after = custom_field.merged(before, given)
    return Refused(Key.BAD_REQUEST, data={"field": "customData"}) if after is None else after


def asked(change: Change) -> list[str]:
    """The wire names of the fields that a change names, for the audit log: names, never values."""
    own = {"user_id", "options"}
    return [
        wire
        for wire, name in _SNAKE.items()
        if name not in own and (name in change.cleared or getattr(change.form, name) is not None)
    ]
