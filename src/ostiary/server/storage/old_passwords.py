"""Hashes of passwords that an account had before its present one, as many as its pool remembers."""

from ostiary.server.storage.tx import Sql, Tx

_NEWEST = Sql("SELECT hash FROM old_passwords WHERE user_id = :user_id ORDER BY replaced_at DESC LIMIT :most")
_KEEP = Sql(
    "INSERT INTO old_passwords (user_id, replaced_at, hash) VALUES (:user_id, :now, :hash)"
    " ON CONFLICT (user_id, replaced_at) DO UPDATE SET hash = :hash"
)
_FORGET = Sql(
    """
    DELETE FROM old_passwords WHERE user_id = :user_id AND replaced_at NOT IN (
        SELECT replaced_at FROM old_passwords WHERE user_id = :user_id ORDER BY replaced_at DESC LIMIT :most
    )
    """
)


def newest(tx: Tx, user_id: str, most: int) -> list[str]:
    """The last `most` of them, newest first."""
    return [row[0] for row in tx.all(_NEWEST, user_id=user_id, most=most)] if most > 0 else []


def keep(tx: Tx, user_id: str, password_hash: str, most: int, now: int) -> None:
    """Add one, and forget all but the newest `most`. The user's row is locked."""
    if most > 0:
        tx.must(_KEEP, user_id=user_id, hash=password_hash, now=now)
    tx.must(_FORGET, expect=None, user_id=user_id, most=max(most, 0))
