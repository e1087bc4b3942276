"""How many users a pool has. Exact, because it is counted in the transaction that makes or deletes them.

Sixteen rows a pool, by the last digit of the user's id, so that sign-ups do not queue for one row.
Locks: after the users' rows and before numbers and addresses, several shards in their order.
"""

from collections import Counter
from collections.abc import Iterable

from ostiary.server.storage.tx import Sql, Tx

_ADD = Sql(
    """
    INSERT INTO user_counts (pool_id, shard, users) VALUES (:pool_id, :shard, :amount)
    ON CONFLICT (pool_id, shard) DO UPDATE SET users = user_counts.users + :amount
    """
)
_TOTAL = Sql(
    "SELECT coalesce(sum(users), 0) FROM user_counts WHERE pool_id = :pool_id",
    postgresql="SELECT coalesce(sum(users), 0)::bigint FROM user_counts WHERE pool_id = :pool_id",
)


def added(tx: Tx, pool_id: str, user_id: str) -> None:
    """One more."""
    tx.must(_ADD, pool_id=pool_id, shard=user_id[-1:], amount=1)


def removed(tx: Tx, pool_id: str, user_ids: Iterable[str]) -> None:
    """These are going."""
    for shard, gone in sorted(Counter(user_id[-1:] for user_id in user_ids).items()):
        tx.must(_ADD, pool_id=pool_id, shard=shard, amount=-gone)


def total(tx: Tx, pool_id: str) -> int:
    """How many there are."""
    row = tx.one(_TOTAL, pool_id=pool_id)
    return int(row[0]) if row else 0
