"""Users' rows: made, found by every name they have, read whole; the password's hash; what a sign-in leaves behind.

A name is unique by a row count (`ON CONFLICT DO NOTHING` and `must`): an exception would undo, on PostgreSQL, what
the step has paid. A number and an address stand in tables of their own (`phones`, `emails`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ostiary.server.core.credentials import Names
from ostiary.server.core.people import Account
from ostiary.server.core.phone import E164
from ostiary.server.storage import user_counts
from ostiary.server.storage.tx import Row, Sql, Tx

USER_COLUMNS = """
    u.id, u.pool_id, u.status, u.username, u.external_id, u.password_hash, u.password_set_at, u.session_epoch,
    u.phone_version, u.email_version, u.locale, u.profile, u.custom_data, u.source, u.logins_count, u.last_login_at,
    u.last_login_app, u.last_ip, u.made_at, u.changed_at, ph.number, ph.verified, e.address, e.verified"""
"""What `user_row` reads, from `users u` and `CONTACTS`."""
CONTACTS = "LEFT JOIN phones ph ON ph.user_id = u.id LEFT JOIN emails e ON e.user_id = u.id"

_INSERT = Sql(
    """
    INSERT INTO users (id, pool_id, status, username, username_key, password_hash, password_set_at, external_id,
                       locale, profile, custom_data, source, made_at, changed_at)
    VALUES (:id, :pool_id, :status, :username, :username_key, :password_hash, :password_set_at, :external_id,
            :locale, :profile, :custom_data, :source, :now, :now)
    ON CONFLICT DO NOTHING
    """
)

_LOAD = Sql(f"SELECT {USER_COLUMNS} FROM users u {CONTACTS} WHERE u.id = :user_id")

_FIND = Sql(
    f"""
    SELECT {USER_COLUMNS}
    FROM (
        SELECT user_id, 0 AS place FROM phones WHERE pool_id = :pool_id AND number = :phone
        UNION ALL SELECT user_id, CASE verified WHEN 1 THEN 1 ELSE 3 END
            FROM emails WHERE pool_id = :pool_id AND address = :email
        UNION ALL SELECT id, 2 FROM users WHERE pool_id = :pool_id AND username_key = :username_key
    ) AS named
    JOIN users u ON u.id = named.user_id {CONTACTS}
    ORDER BY named.place LIMIT 1
    """
)

_BY_USERNAME = Sql("SELECT id FROM users WHERE pool_id = :pool_id AND username_key = :username_key")
_BY_EXTERNAL_ID = Sql("SELECT id FROM users WHERE pool_id = :pool_id AND external_id = :external_id")

_SET_PASSWORD = Sql(
    "UPDATE users SET password_hash = :password_hash, password_set_at = :now, changed_at = :now WHERE id = :user_id"
)
_DROP_PASSWORD = Sql(
    "UPDATE users SET password_hash = NULL, password_set_at = NULL, changed_at = :now WHERE id = :user_id"
)
_REHASH = Sql(
    "UPDATE users SET password_hash = :password_hash WHERE id = :user_id AND password_hash = :seen_hash"
)

_SIGNED_IN = Sql(
    """
    UPDATE users SET logins_count = logins_count + 1, last_login_at = :now, last_login_app = :app_id, last_ip = :address
    WHERE id = :user_id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A row that is not there yet. `password_hash` is argon2's string; `source`: register, adminCreated, excel."""

    id: str
    pool_id: str
    status: str
    username: str | None
    username_key: str | None
    password_hash: str | None = field(repr=False)
    external_id: str | None
    locale: str | None
    profile: Mapping[str, Any] = field(repr=False)
    custom_data: Mapping[str, Any] = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user, whole. Moments in ms; `profile` and `custom_data` are decoded JSON."""

    id: str
    pool_id: str
    status: str
    username: str | None
    external_id: str | None
    password_hash: str | None = field(repr=False)
    password_set_at: int | None
    session_epoch: int
    phone_version: int
    email_version: int
    locale: str | None
    profile: dict[str, Any] = field(repr=False)
    custom_data: dict[str, Any] = field(repr=False)
    source: str
    logins_count: int
    last_login_at: int | None
    last_login_app: str | None
    last_ip: str | None
    made_at: int
    changed_at: int
    phone: E164 | None = field(repr=False)
    phone_verified: bool
    email: str | None = field(repr=False)
    email_verified: bool

    @property
    def account(self) -> Account:
        """The same user as the guards see them."""
        return Account(
            user_id=self.id,
            status=self.status,
            username=self.username,
            has_password=self.password_hash is not None,
            locale=self.locale,
            session_epoch=self.session_epoch,
            phone_version=self.phone_version,
            email_version=self.email_version,
            phone=self.phone,
            phone_verified=self.phone_verified,
            email=self.email,
            email_verified=self.email_verified,
        )


def insert(tx: Tx, user: NewUser, now: int) -> None:
    """Store a new user whose names were seen free a moment ago; a rival's row makes the step run again."""
    tx.must(
        _INSERT,
        id=user.id,
        pool_id=user.pool_id,
        status=user.status,
        username=user.username,
        username_key=user.username_key,
        password_hash=user.password_hash,
        password_set_at=now if user.password_hash is not None else None,
        external_id=user.external_id,
        locale=user.locale,
        profile=json_text(user.profile),
        custom_data=json_text(user.custom_data),
        source=user.source,
        now=now,
    )
    user_counts.added(tx, user.pool_id, user.id)


def load(tx: Tx, pool_id: str, user_id: str) -> UserRow | None:
    """One user of this pool."""
    row = tx.one(_LOAD, user_id=user_id)
    # Compared here: given both conditions, a planner without statistics may walk through the whole pool.
    return user_row(row) if row and row[1] == pool_id else None


def must_load(tx: Tx, pool_id: str, user_id: str) -> UserRow:
    """A user who was seen in this snapshot, or whose row is locked. Raises AssertionError: a defect, nobody's fault."""
    user = load(tx, pool_id, user_id)
    if user is None:
        raise AssertionError("a user who is there was not found")
    return user


def find(tx: Tx, pool_id: str, names: Names) -> UserRow | None:
    """The user of any of these names: one statement, whichever of them are given and whether there is one or none.

    Where they name several users, the number's goes before the address', that before the user name's; but an address
    that nobody has proven comes last: anybody may name one at sign-up, and it would hide a user name spelt alike.
    """
    row = tx.one(
        _FIND,
        pool_id=pool_id,
        phone=names.phone,
        email=names.email,
        username_key=names.username_key,
    )
    return user_row(row) if row else None


def with_username(tx: Tx, pool_id: str, key: str) -> str | None:
    """The id of the user with this user name (its `username_key`)."""
    row = tx.one(_BY_USERNAME, pool_id=pool_id, username_key=key)
    return row[0] if row else None


def with_external_id(tx: Tx, pool_id: str, external_id: str) -> str | None:
    """The id of the user with this external id."""
    row = tx.one(_BY_EXTERNAL_ID, pool_id=pool_id, external_id=external_id)
    return row[0] if row else None


def set_password(tx: Tx, user_id: str, password_hash: str, now: int) -> None:
    """Give a user another password. The user's row is locked."""
    tx.must(_SET_PASSWORD, user_id=user_id, password_hash=password_hash, now=now)


def drop_password(tx: Tx, user_id: str, now: int) -> None:
    """Leave a user without a password. The user's row is locked."""
    tx.must(_DROP_PASSWORD, user_id=user_id, now=now)


def rehash(tx: Tx, user_id: str, password_hash: str, seen_hash: str) -> None:
    """Keep the same password under today's settings; where it was changed meanwhile, nothing happens."""
    tx.must(_REHASH, expect=None, user_id=user_id, password_hash=password_hash, seen_hash=seen_hash)


def signed_in(tx: Tx, user_id: str, *, app_id: str, address: str, now: int) -> None:
    """Count a sign-in, and remember when, where and from which address the last one was."""
    tx.must(_SIGNED_IN, user_id=user_id, app_id=app_id, address=address or None, now=now)


def user_row(row: Row) -> UserRow:
    """A row of `USER_COLUMNS`."""
    fields: Row = (
        *row[:11],
        msgspec.json.decode(row[11]),
        msgspec.json.decode(row[12]),
        *row[13:21],
        bool(row[21]),
        row[22],
        bool(row[23]),
    )
    return UserRow(*fields)


def json_text(value: Mapping[str, Any]) -> str:
    """A free object as it is stored."""
    return msgspec.json.encode(value).decode()
