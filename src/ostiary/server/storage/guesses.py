"""Counters of wrong guesses: one row per (pool, subject, channel), its last 24 h in it. Never refunded.

A user's counters are read under that user's lock. A number's are locked here, made first where missing,
because anybody may guess at a number.
"""

import msgspec

from ostiary.server.core.codes import Counter, WrongGuess
from ostiary.server.core.millis import DAY
from ostiary.server.storage.tx import Row, Sql, Tx

_GUESSES = msgspec.json.Decoder(tuple[WrongGuess, ...])

_LOAD = """
    SELECT guesses, row_wrong, shut_at, told_half_at, told_all_at, version FROM guess_counters
    WHERE pool_id = :pool_id AND subject = :subject AND channel = :channel"""

_READ = Sql(_LOAD)
_LOCKED = Sql(_LOAD, postgresql=_LOAD + " FOR UPDATE", holds=("subject",))

_MAKE = Sql(
    """
    INSERT INTO guess_counters (pool_id, subject, channel) VALUES (:pool_id, :subject, :channel)
    ON CONFLICT DO NOTHING
    """
)

_STORE = Sql(
    """
    INSERT INTO guess_counters
        (pool_id, subject, channel, guesses, row_wrong, shut_at, told_half_at, told_all_at, ends_at, version)
    VALUES (:pool_id, :subject, :channel, :guesses, :row_wrong, :shut_at, :told_half_at, :told_all_at, :ends_at, 0)
    ON CONFLICT (pool_id, subject, channel) DO UPDATE SET
        guesses = :guesses, row_wrong = :row_wrong, shut_at = :shut_at,
        told_half_at = :told_half_at, told_all_at = :told_all_at, ends_at = :ends_at,
        version = guess_counters.version + 1
    WHERE guess_counters.version = :version
    """
)

_RESET_ROW = Sql(
    """
    UPDATE guess_counters SET row_wrong = 0, version = version + 1
    WHERE pool_id = :pool_id AND subject = :subject AND channel = :channel AND row_wrong > 0
    """
)


_FORGET = Sql("DELETE FROM guess_counters WHERE pool_id = :pool_id AND subject = :subject")


def of_user(user_id: str) -> str:
    """The subject of a user's own counters."""
    return f"user:{user_id}"


def of_number(number: str) -> str:
    """The subject of a number's (or an address') counters."""
    return f"number:{number}"


def load(tx: Tx, pool_id: str, subject: str, channel: str) -> Counter:
    """A counter under its lock: the user's row, or (for a number) its own row, made first."""
    if subject.startswith("user:"):
        return counter(
            pool_id, subject, channel, tx.one(_READ, pool_id=pool_id, subject=subject, channel=channel)
        )
    if tx.dialect == "postgresql":
        tx.must(_MAKE, expect=None, pool_id=pool_id, subject=subject, channel=channel)
    return counter(
        pool_id, subject, channel, tx.one(_LOCKED, pool_id=pool_id, subject=subject, channel=channel)
    )


def store(tx: Tx, counter: Counter) -> None:
    """Put a counter back where nobody changed it since it was read; `version` is the one that was read."""
    tx.must(
        _STORE,
        pool_id=counter.pool_id,
        subject=counter.subject,
        channel=counter.channel,
        guesses=msgspec.json.encode(counter.guesses).decode(),
        row_wrong=counter.row_wrong,
        shut_at=counter.shut_at,
        told_half_at=counter.told_half_at,
        told_all_at=counter.told_all_at,
        ends_at=max((guess.at for guess in counter.guesses), default=0) + DAY,
        version=counter.version,
    )


def end_row(tx: Tx, pool_id: str, subject: str, channel: str) -> None:
    """A right guess ends a row of wrong ones. The day's count stays."""
    tx.must(_RESET_ROW, expect=None, pool_id=pool_id, subject=subject, channel=channel)


def forget_user(tx: Tx, pool_id: str, user_id: str) -> None:
    """The account goes, and its counters with it."""
    tx.must(_FORGET, expect=None, pool_id=pool_id, subject=of_user(user_id))


def counter(pool_id: str, subject: str, channel: str, row: Row | None) -> Counter:
    """A counter of its columns, as `_LOAD` names them; None, or NULLs of an outer join: there is none yet."""
    if row is None or row[0] is None:
        return Counter(pool_id, subject, channel)
    return Counter(pool_id, subject, channel, _GUESSES.decode(row[0]), *row[1:])
