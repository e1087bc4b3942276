"""Failed sign-ins by account, name and address; and the captchas that were shown to be answered once."""

from collections.abc import Sequence

import msgspec

from ostiary.server.core.failures import Failures
from ostiary.server.storage.tx import Sql, Tx

_MOMENTS = msgspec.json.Decoder(tuple[int, ...])
MOST_KEYS = 3

_READ_TEXT = """
    SELECT key, moments, locked_until, version FROM sign_in_failures
    WHERE key IN (:first, :second, :third) ORDER BY key"""
_READ = Sql(_READ_TEXT)
_LOAD = Sql(_READ_TEXT, postgresql=_READ_TEXT + " FOR UPDATE", holds=("first", "second", "third"))
_STORE = Sql(
    """
    INSERT INTO sign_in_failures (key, moments, locked_until, version, ends_at)
    VALUES (:key, :moments, :locked_until, 0, :ends_at)
    ON CONFLICT (key) DO UPDATE SET moments = :moments, locked_until = :locked_until, ends_at = :ends_at,
        version = sign_in_failures.version + 1
    WHERE sign_in_failures.version = :version
    """
)
_FORGET = Sql(
    "DELETE FROM sign_in_failures WHERE key IN (:first, :second, :third)", holds=("first", "second", "third")
)
_USE_CAPTCHA = Sql("INSERT INTO used_captchas (id, ends_at) VALUES (:id, :ends_at) ON CONFLICT DO NOTHING")


def load(tx: Tx, keys: Sequence[str], *, lock: bool) -> dict[str, Failures]:
    """The rows of up to three keys, each of them, in one statement.

    `lock` holds those that are there, in the order of their keys. One that is not there yet can't be held: whoever
    stores it second finds another version, and the step runs again.
    """
    rows = tx.all(_LOAD if lock else _READ, **_places(keys))
    found = {row[0]: Failures(row[0], _MOMENTS.decode(row[1]), row[2], row[3]) for row in rows}
    return {key: found.get(key) or Failures(key) for key in keys}


def store(tx: Tx, row: Failures, ends_at: int) -> None:
    """Put a row back where nobody changed it since it was read."""
    tx.must(
        _STORE,
        key=row.key,
        moments=msgspec.json.encode(row.moments).decode(),
        locked_until=row.locked_until,
        version=row.version,
        ends_at=ends_at,
    )


def forget(tx: Tx, keys: Sequence[str]) -> None:
    """Forget up to three rows."""
    tx.must(_FORGET, expect=None, **_places(keys))


def use_captcha(tx: Tx, captcha_id: str, ends_at: int) -> bool:
    """Mark a captcha as answered. False: it was before."""
    return tx.run(_USE_CAPTCHA, id=captcha_id, ends_at=ends_at) == 1


def _places(keys: Sequence[str]) -> dict[str, str]:
    padded = [*keys, *([""] * (MOST_KEYS - len(keys)))]
    return dict(zip(("first", "second", "third"), padded, strict=True))
