"""How many users a pool has. Exact, because it is counted in the transaction that makes or deletes them.

Sixteen rows a pool, by the last digit of the user's id, so that sign-ups do not queue for one row.
"""

from collections import Counter
from collections.abc import Iterable

from ostiary.server.storage.tx import Sql, Tx, by_rows

_ADD = by_rows(
    16,
    "(:pool_id#, :shard#, :amount#)",
    "INSERT INTO user_counts (pool_id, shard, users)",
    "ON CONFLICT (pool_id, shard) DO UPDATE SET users = user_counts.users + excluded.users",
)
_TOTAL = Sql(
    "SELECT coalesce(sum(users), 0) FROM user_counts WHERE pool_id = :pool_id",
    postgresql="SELECT coalesce(sum(users), 0)::bigint FROM user_counts WHERE pool_id = :pool_id",
)


def added(tx: Tx, pool_id: str, user_id: str) -> None:
    """One more."""
    tx.add_up(_ADD, {(pool_id, user_id[-1:]): 1})


def removed(tx: Tx, pool_id: str, user_ids: Iterable[str]) -> None:
    """These are going."""
    gone = Counter(user_id[-1:] for user_id in user_ids)
    tx.add_up(_ADD, {(pool_id, shard): -number for shard, number in gone.items()})


def total(tx: Tx, pool_id: str) -> int:
    """How many there are."""
    row = tx.one(_TOTAL, pool_id=pool_id)
    return int(row[0]) if row else 0
