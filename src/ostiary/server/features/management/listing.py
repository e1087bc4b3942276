"""Listing and searching the pool's users, newest first."""

from ostiary.contract.management import ListUsersRequest, UserPaging
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import listing_rules as rules
from ostiary.server.features.management.errands import look
from ostiary.server.features.management.listing_rules import Wanted
from ostiary.server.features.management.users import find
from ostiary.server.guards import accounts
from ostiary.server.guards.entry import Errand
from ostiary.server.guards.service import Service
from ostiary.server.storage import management
from ostiary.server.storage.users import UserRow


async def list_users(service: Service, call: Call, form: ListUsersRequest | Refused) -> UserPaging | Refused:
    """List or search the pool's users, page by page."""
    return await look(service, call, form, rules.read_list, _list)


def _list(errand: Errand[Wanted]) -> UserPaging:
    ask = errand.ask
    total, rows = _found(errand)
    shown = [
        accounts.to_user(
            row,
            with_custom_data=ask.custom_data,
            with_identities=ask.identities,
            with_department_ids=ask.department_ids,
        )
        for row in rows
    ]
    return UserPaging(total_count=total, list=shown)


def _found(errand: Errand[Wanted]) -> tuple[int, list[UserRow]]:
    """How many there are, and those of the page."""
    ask, pool_id = errand.ask, errand.pool.id
    if ask.whole:
        rows = _of_whole_names(errand)
        return len(rows), rows[ask.skip : ask.skip + ask.limit]
    if ask.begins is None:
        return management.page(errand.tx, pool_id, limit=ask.limit, skip=ask.skip)
    return management.search(
        errand.tx,
        pool_id,
        username=ask.begins.username,
        email=ask.begins.email,
        phone=ask.begins.phone,
        limit=ask.limit,
        skip=ask.skip,
    )


def _of_whole_names(errand: Errand[Wanted]) -> list[UserRow]:
    """The one user that has all these names and begins as asked; nobody where they are of several."""
    first: UserRow | None = None
    for name in errand.ask.whole:
        row = find(errand.tx, errand.pool.id, name)
        if row is None or (first is not None and row.id != first.id):
            return []
        first = row
    begins = errand.ask.begins
    if first is None or (begins is not None and not begins.begin(first.username, first.email, first.phone)):
        return []
    return [first]
