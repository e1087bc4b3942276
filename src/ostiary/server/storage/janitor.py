"""What may be forgotten, as data: rows whose life ended long ago.

Nothing is judged by whether such a row is still there (invariant I10): expiry is judged at use.
A user's guess counters, one-time tokens and the audit trail are not in here: the first two are one row per
user and channel or kind, the last is kept. A number's counters go: anybody may guess at any number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.server.core.millis import DAY, MINUTE, SECOND
from ostiary.server.storage.tx import Sql, Tx


@dataclass(frozen=True, slots=True)
class Rubbish:
    """One kind of row: how long after its end it stays, and how it is deleted, a few at a time."""

    kept: int
    """Milliseconds."""
    delete: Sql


def _by(table: str, key: str, moment: str, before: str = ":before") -> Sql:
    return Sql(
        f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {moment} < {before}"
        f" ORDER BY {moment} LIMIT :limit)"
    )


def _outbox(states: str) -> Sql:
    # Ids of messages begin with the moment they were made (outbox.new_id), so the key itself is the index.
    return Sql(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE id < :before_id"
        f" AND state IN ({states}) ORDER BY id LIMIT :limit)"
    )


RUBBISH: Mapping[str, Rubbish] = {
    "codes": Rubbish(DAY, _by("codes", "pool_id, target, channel, owner", "ends_at")),
    "guess_counters": Rubbish(
        DAY,
        Sql(
            "DELETE FROM guess_counters WHERE (pool_id, subject, channel) IN"
            " (SELECT pool_id, subject, channel FROM guess_counters WHERE substr(subject, 1, 7) = 'number:'"
            " AND ends_at < :before ORDER BY ends_at LIMIT :limit)"
        ),
    ),
    "sign_in_failures": Rubbish(0, _by("sign_in_failures", "key", "ends_at")),
    "used_captchas": Rubbish(MINUTE, _by("used_captchas", "id", "ends_at")),
    "send_limits": Rubbish(DAY, _by("send_limits", "key", "ends_at")),
    "send_minutes": Rubbish(2 * DAY, _by("send_minutes", "key, minute", "minute", ":before_second")),
    "refresh_tokens": Rubbish(
        DAY,
        Sql(
            "DELETE FROM refresh_tokens WHERE hash IN (SELECT token.hash FROM sessions AS ended"
            " JOIN refresh_tokens AS token ON token.session_id = ended.id"
            " WHERE ended.ends_at < :before AND token.ends_at < :before ORDER BY ended.ends_at LIMIT :limit)"
        ),
    ),
    "sessions": Rubbish(
        DAY,
        Sql(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at < :before"
            " AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE refresh_tokens.session_id = sessions.id)"
            " ORDER BY ends_at LIMIT :limit)"
        ),
    ),
    "logins": Rubbish(DAY, _by("logins", "session_id", "ends_at")),
    "messages": Rubbish(7 * DAY, _outbox("'sent', 'withheld', 'expired'")),
    "dead letters": Rubbish(30 * DAY, _outbox("'dead', 'no_route'")),
}


def sweep(tx: Tx, name: str, now: int, limit: int) -> int:
    """Delete up to `limit` rows of one kind; how many."""
    rubbish = RUBBISH[name]
    before = now - rubbish.kept
    return tx.run(
        rubbish.delete, before=before, before_id=f"{before:012x}", before_second=before // SECOND, limit=limit
    )
