"""What management asks of the database: the ground it stands on, and pages of users.

1. A page costs what its place costs, not what the pool holds: its ids are walked in an index, its rows joined after.
2. A search looks at no more than `MOST_MATCHES` of each field's matches, in the order of that field's index.
3. How many users a pool has stands in counters: counting a million rows would take as long as reading them.
"""

from ostiary.server.core.people import App, Pool
from ostiary.server.core.policy import AppPolicy
from ostiary.server.storage import pools
from ostiary.server.storage.tx import Sql, Tx

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
