"""One-time tokens at rest: only their MAC. One per user and kind; a newer one overwrites it."""

import msgspec

from ostiary.server.storage.tx import Sql, Tx


class TokenRow(msgspec.Struct, frozen=True):
    """A one-time token as it is kept. Moments in ms; `done` 1: what it was for was done with it."""

    user_id: str
    kind: str
    pool_id: str
    mac: bytes
    key_id: str
    session_id: str
    app_id: str
    claims: str
    made_at: int
    ends_at: int
    used_at: int | None = None
    void_at: int | None = None
    done: int = 0


_COLUMNS = "user_id, kind, pool_id, mac, key_id, session_id, app_id, claims, made_at, ends_at"

_PUT = Sql(
    f"""
    INSERT INTO one_time_tokens ({_COLUMNS})
    VALUES (:user_id, :kind, :pool_id, :mac, :key_id, :session_id, :app_id, :claims, :made_at, :ends_at)
    ON CONFLICT (user_id, kind) DO UPDATE SET
        pool_id = :pool_id, mac = :mac, key_id = :key_id, session_id = :session_id, app_id = :app_id,
        claims = :claims, made_at = :made_at, ends_at = :ends_at, used_at = NULL, void_at = NULL, done = 0
    """
)

_LOAD = Sql(
    f"SELECT {_COLUMNS}, used_at, void_at, done FROM one_time_tokens WHERE user_id = :user_id AND kind = :kind"
)

_OWNER = Sql("SELECT user_id FROM one_time_tokens WHERE mac = :mac AND session_id = '' AND kind = :kind")

_TAKE = Sql(
    """
    UPDATE one_time_tokens SET used_at = :now
    WHERE user_id = :user_id AND kind = :kind AND mac = :mac AND session_id = :session_id AND app_id = :app_id
      AND pool_id = :pool_id AND used_at IS NULL AND void_at IS NULL AND ends_at > :now
    """
)

_DONE = Sql(
    "UPDATE one_time_tokens SET done = 1 WHERE user_id = :user_id AND kind = :kind AND used_at IS NOT NULL"
)

_VOID = Sql(
    "UPDATE one_time_tokens SET void_at = :now WHERE user_id = :user_id AND used_at IS NULL AND void_at IS NULL"
)


def put(tx: Tx, row: TokenRow) -> None:
    """Keep a new token; the user's older one of this kind is gone."""
    tx.must(
        _PUT,
        user_id=row.user_id,
        kind=str(row.kind),  # SQLite's module is slow at strings that are members of an enumeration
        pool_id=row.pool_id,
        mac=row.mac,
        key_id=row.key_id,
        session_id=row.session_id,
        app_id=row.app_id,
        claims=row.claims,
        made_at=row.made_at,
        ends_at=row.ends_at,
    )


def load(tx: Tx, user_id: str, kind: str) -> TokenRow | None:
    """The user's token of a kind, under the user's lock."""
    row = tx.one(_LOAD, user_id=user_id, kind=str(kind))
    return TokenRow(*row) if row else None


def owner(tx: Tx, kind: str, mac: bytes) -> str | None:
    """Whose token this is, of those that belong to no session; not locked."""
    row = tx.one(_OWNER, kind=kind, mac=mac)
    return row[0] if row else None


def take(tx: Tx, row: TokenRow, now: int) -> bool:
    """Use the token up: exactly one of any number of takers is told True."""
    return (
        tx.run(
            _TAKE,
            user_id=row.user_id,
            kind=row.kind,
            mac=row.mac,
            session_id=row.session_id,
            app_id=row.app_id,
            pool_id=row.pool_id,
            now=now,
        )
        == 1
    )


def mark_done(tx: Tx, user_id: str, kind: str) -> None:
    """What the taken token was for has been done in this transaction."""
    tx.must(_DONE, user_id=user_id, kind=str(kind))


def void_all(tx: Tx, user_id: str, now: int) -> None:
    """Void every unused token of a user."""
    tx.must(_VOID, expect=None, user_id=user_id, now=now)
