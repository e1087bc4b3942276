"""What must die when a database is put back to an earlier moment: all that may have been used since.

A code or token that was used after the backup stands in it as unused. Sessions and refresh tokens die by their
users' epochs; users are walked by their ids, so that no step takes long however many there are.
"""

from dataclasses import dataclass

from ostiary.server.storage.tx import Sql, Tx

_LAST_OF_PAGE = Sql(
    "SELECT max(id) FROM (SELECT id FROM users WHERE id > :after ORDER BY id LIMIT :limit) AS page"
)
_RAISE_EPOCHS = Sql("UPDATE users SET session_epoch = session_epoch + 1 WHERE id > :after AND id <= :last")
_END_SESSIONS = Sql(
    "UPDATE sessions SET ended_at = :now WHERE ended_at IS NULL AND user_id > :after AND user_id <= :last"
)
_VOID_CODES = Sql("UPDATE codes SET void_at = :now WHERE void_at IS NULL AND used_at IS NULL")
_VOID_TOKENS = Sql("UPDATE one_time_tokens SET void_at = :now WHERE void_at IS NULL AND used_at IS NULL")
_EXPIRE_MESSAGES = Sql(
    """
    UPDATE outbox SET state = 'expired', settled_at = :now, error = 'restored from a backup'
    WHERE state IN ('queued', 'sending') AND purpose LIKE 'CHANNEL\\_%' ESCAPE '\\'
    """
)


@dataclass(frozen=True, slots=True)
class Voided:
    """How many of each."""

    codes: int
    one_time_tokens: int
    messages: int


def void_secrets(tx: Tx, now: int) -> Voided:
    """Void codes and one-time tokens, and the messages that would carry the codes."""
    return Voided(
        codes=tx.run(_VOID_CODES, now=now),
        one_time_tokens=tx.run(_VOID_TOKENS, now=now),
        messages=tx.run(_EXPIRE_MESSAGES, now=now),
    )


def end_sessions(tx: Tx, after: str, limit: int, now: int) -> tuple[str, int] | None:
    """End the sessions of the next `limit` users behind an id: the last id, and how many users. None: no more."""
    row = tx.one(_LAST_OF_PAGE, after=after, limit=limit)
    last = row[0] if row else None
    if last is None:
        return None
    tx.run(_END_SESSIONS, after=after, last=last, now=now)
    return last, tx.run(_RAISE_EPOCHS, after=after, last=last)
