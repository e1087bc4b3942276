"""Listing and searching users: what the form means. Pure.

`keywords` finds by the beginning of a user name, an address or a number, `advancedFilter` by the whole of one.
Conditions hold together, so a whole name leaves one user at most, and the beginning is then asked of that one.
"""

from dataclasses import dataclass, field

from ostiary.contract.keys import Key
from ostiary.contract.management import ListUsersAdvancedFilterItem, ListUsersRequest
from ostiary.server.core.credentials import username_key
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused
from ostiary.server.core.search import email_beginning, phone_beginning
from ostiary.server.features.management.users_rules import Named, named

USUAL_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Beginnings of names in the spelling they are stored in; None: not looked for."""

    username: str | None = None
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)

    def begin(self, username: str | None, email: str | None, phone: str | None) -> bool:
        """Whether one of a user's names begins so."""
        names = (
            (self.username, username_key(username) if username is not None else None),
            (self.email, email),
            (self.phone, phone),
        )
        return any(begin and name is not None and name.startswith(begin) for begin, name in names)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of users."""

    limit: int
    skip: int
    begins: Beginnings | None
    """None: every user."""
    whole: tuple[Named, ...]
    """Names that the user must have, all of them."""
    custom_data: bool
    identities: bool
    department_ids: bool


def read_list(form: ListUsersRequest, facts: Facts) -> Wanted | Refused:
    """Which page of whom. Options that are not served were answered by the wire."""
    options = form.options
    pagination = options.pagination if options is not None else None
    limit = (pagination.limit if pagination is not None else None) or USUAL_LIMIT
    page = (pagination.page if pagination is not None else None) or 1
    whole: list[Named] = []
    for item in form.advanced_filter or ():
        condition = _read_condition(item, facts)
        if isinstance(condition, Refused):
            return condition
        whole.append(condition)
    fields = (options.fuzzy_search_on if options is not None else None) or ("username", "email", "phone")
    return Wanted(
        limit=limit,
        skip=(page - 1) * limit,
        begins=_read_beginnings(form.keywords, fields, facts) if form.keywords is not None else None,
        whole=tuple(whole),
        custom_data=options is not None and options.with_custom_data is True,
        identities=options is not None and options.with_identities is True,
        department_ids=options is not None and options.with_department_ids is True,
    )


def _read_condition(item: ListUsersAdvancedFilterItem, facts: Facts) -> Named | Refused:
    if item.value is None or item.value == "":
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "value", "path": "advancedFilter.value"})
    if not isinstance(item.value, str):
        return Refused(Key.BAD_REQUEST, data={"field": "value", "path": "advancedFilter.value"})
    return named(item.value, item.field, facts)


def _read_beginnings(keywords: str, fields: "tuple[str, ...] | list[str]", facts: Facts) -> Beginnings:
    return Beginnings(
        username=username_key(keywords) if "username" in fields else None,
        email=email_beginning(keywords) if "email" in fields else None,
        phone=phone_beginning(keywords, facts.pool.country_code) if "phone" in fields else None,
    )
