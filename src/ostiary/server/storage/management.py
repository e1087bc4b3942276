"""What management asks of the database: the ground it stands on, and pages of users.

1. A page costs what its place costs, not what the pool holds: its ids are walked in an index, its rows joined after.
2. A search looks at no more than `MOST_MATCHES` of each field's matches, in the order of that field's index.
3. How many users a pool has stands in counters: counting a million rows would take as long as reading them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.server.core.people import App, Pool
from ostiary.server.core.policy import AppPolicy
from ostiary.server.storage import pools, user_counts, users
from ostiary.server.storage.tx import Sql, Tx
from ostiary.server.storage.users import UserRow

MOST_MATCHES = 10_000
"""Per field. Whoever searches by so short a beginning that more match does not look at them one by one."""

_NO_APP = App("", AppPolicy())

_GROUND = Sql(
    """
    SELECT p.id, p.name, p.country_code, p.locale, p.policy, a.id, a.policy
    FROM access_keys k
    JOIN pools p ON p.id = k.pool_id
    LEFT JOIN apps a ON a.id = (SELECT id FROM apps WHERE pool_id = p.id ORDER BY made_at, id LIMIT 1)
    WHERE k.id = :access_key_id AND k.pool_id = :pool_id
    """
)


def ground(tx: Tx, pool_id: str, access_key_id: str) -> tuple[Pool, App] | None:
    """The pool that an access key manages, and its first application; None where the key is not there any more."""
    row = tx.one(_GROUND, pool_id=pool_id, access_key_id=access_key_id)
    if row is None:
        return None
    pool = Pool(row[0], row[1], row[2], row[3], pools.pool_policy(row[4]))
    return pool, App(row[5], pools.app_policy(row[6])) if row[5] is not None else _NO_APP


# --- changing and deleting one user ---------------------------------------------------------------------

_CHANGE = Sql(
    """
    UPDATE users SET status = :status, username = :username, username_key = :username_key,
                     external_id = :external_id, locale = :locale, profile = :profile,
                     custom_data = :custom_data, changed_at = :now
    WHERE id = :user_id
    """
)

_DELETE = (
    Sql("DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_id = :user_id)"),
    Sql("DELETE FROM sessions WHERE user_id = :user_id"),
    Sql("DELETE FROM logins WHERE user_id = :user_id"),
    Sql("DELETE FROM one_time_tokens WHERE user_id = :user_id"),
    Sql("DELETE FROM factors WHERE user_id = :user_id"),
    Sql("DELETE FROM memberships WHERE user_id = :user_id"),
    Sql("DELETE FROM old_passwords WHERE user_id = :user_id"),
)
_DELETE_USER = Sql("DELETE FROM users WHERE id = :user_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a change makes of a user's row."""

    status: str
    username: str | None
    username_key: str | None
    external_id: str | None
    locale: str | None
    profile: Mapping[str, Any] = field(repr=False)
    custom_data: Mapping[str, Any] = field(repr=False)


def change(tx: Tx, user_id: str, fields: Fields, now: int) -> None:
    """Write a user's row anew. It is locked, and its names were seen free a moment ago."""
    tx.must(
        _CHANGE,
        user_id=user_id,
        status=fields.status,
        username=fields.username,
        username_key=fields.username_key,
        external_id=fields.external_id,
        locale=fields.locale,
        profile=users.json_text(fields.profile),
        custom_data=users.json_text(fields.custom_data),
        now=now,
    )


def delete(tx: Tx, user_id: str) -> None:
    """Forget a user: the row, sessions with refresh tokens, one-time tokens, factors, roles and groups. Number and address were released before.

    Codes are void by then and the janitor's; what the audit log says of the user stays.
    """
    for statement in _DELETE:
        tx.must(statement, expect=None, user_id=user_id)
    tx.must(_DELETE_USER, user_id=user_id)


# --- pages of users -------------------------------------------------------------------------------------

_NOT_AFTER = "\U0010ffff"
"""The last character there is: what begins with a text lies between it and the text with this behind it."""

_MATCHES = """
    SELECT user_id FROM (
        SELECT user_id FROM phones WHERE pool_id = :pool_id AND number >= :phone AND number < :phone_end
        ORDER BY number LIMIT :most) AS by_phone
    UNION SELECT user_id FROM (
        SELECT user_id FROM emails WHERE pool_id = :pool_id AND address >= :email AND address < :email_end
        ORDER BY address LIMIT :most) AS by_email
    UNION SELECT id FROM (
        SELECT id FROM users WHERE pool_id = :pool_id AND username_key >= :username AND username_key < :username_end
        ORDER BY username_key LIMIT :most) AS by_username"""


def page_of(places: str) -> Sql:
    """Whole users at the places that `places` selects (id, made_at)."""
    return Sql(
        f"""
        SELECT {users.USER_COLUMNS} FROM ({places} LIMIT :limit OFFSET :skip) AS page
        JOIN users u ON u.id = page.id {users.CONTACTS}
        ORDER BY page.made_at DESC, page.id DESC
        """
    )


_PAGE = page_of("SELECT id, made_at FROM users WHERE pool_id = :pool_id ORDER BY made_at DESC, id DESC")
_FOUND_PAGE = page_of(
    f"""
    SELECT found.id, found.made_at FROM ({_MATCHES}) AS matches JOIN users AS found ON found.id = matches.user_id
    ORDER BY found.made_at DESC, found.id DESC
    """
)
_FOUND_COUNT = Sql(f"SELECT count(*) FROM ({_MATCHES}) AS matches")


def page(tx: Tx, pool_id: str, *, limit: int, skip: int) -> tuple[int, list[UserRow]]:
    """How many users the pool has, and `limit` of them after the newest `skip`."""
    rows = tx.all(_PAGE, pool_id=pool_id, limit=limit, skip=skip)
    return user_counts.total(tx, pool_id), [users.user_row(row) for row in rows]


def search(
    tx: Tx,
    pool_id: str,
    *,
    username: str | None,
    email: str | None,
    phone: str | None,
    limit: int,
    skip: int,
) -> tuple[int, list[UserRow]]:
    """The same for users of whom one name begins like this, in the spelling it is stored in; None: not looked for.

    Beyond `MOST_MATCHES` a field's matches are not looked at.
    """
    begins = {"username": username, "email": email, "phone": phone}
    ranges = {
        end: text
        for name, begin in begins.items()  # nothing is below '': a range that is not wanted is empty
        for end, text in ((name, begin or ""), (f"{name}_end", begin + _NOT_AFTER if begin else ""))
    }
    count = tx.one(_FOUND_COUNT, pool_id=pool_id, most=MOST_MATCHES, **ranges)
    rows = tx.all(_FOUND_PAGE, pool_id=pool_id, most=MOST_MATCHES, limit=limit, skip=skip, **ranges)
    return count[0] if count else 0, [users.user_row(row) for row in rows]
