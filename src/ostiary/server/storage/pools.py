"""User pools and their applications. Policies are JSON of `core/policy`, checked again when read."""

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from ostiary.server.core.millis import Millis
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.storage.tx import Row, Sql, Tx


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One user pool. `country_code` ("+86") is what a number without a code means."""

    id: str
    name: str
    country_code: str
    locale: str
    policy: PoolPolicy
    made_at: Millis


@dataclass(frozen=True, slots=True)
class AppRow:
    """One application of a pool. `secret` is sealed: `guards/sealing` opens it."""

    id: str
    pool_id: str
    name: str
    secret: bytes
    policy: AppPolicy
    made_at: Millis


POOL_COLUMNS = "id, name, country_code, locale, policy, made_at"
APP_COLUMNS = "id, pool_id, name, secret, policy, made_at"

_INSERT_POOL = Sql(
    f"INSERT INTO pools ({POOL_COLUMNS}) VALUES (:id, :name, :country_code, :locale, :policy, :made_at)"
    " ON CONFLICT DO NOTHING"
)
_POOL = Sql(f"SELECT {POOL_COLUMNS} FROM pools WHERE id = :id")
_POOLS = Sql(f"SELECT {POOL_COLUMNS} FROM pools ORDER BY made_at, id LIMIT :most")
_POLICY = Sql("SELECT policy FROM pools WHERE id = :id")
_LOCK_POLICY = Sql(
    "SELECT policy FROM pools WHERE id = :id",
    postgresql="SELECT policy FROM pools WHERE id = :id FOR UPDATE",
    holds=("id",),
)
_SET_POLICY = Sql("UPDATE pools SET policy = :policy WHERE id = :id")
_ORIGINS = Sql('SELECT id, policy FROM pools WHERE policy LIKE \'%"allowedOrigins":"_%\'')
_INSERT_APP = Sql(
    f"INSERT INTO apps ({APP_COLUMNS}) VALUES (:id, :pool_id, :name, :secret, :policy, :made_at)"
    " ON CONFLICT DO NOTHING"
)
_APP = Sql(f"SELECT {APP_COLUMNS} FROM apps WHERE id = :id")
_APPS = Sql(f"SELECT {APP_COLUMNS} FROM apps WHERE pool_id = :pool_id ORDER BY made_at, id LIMIT :most")
_SET_APP_POLICY = Sql("UPDATE apps SET policy = :policy WHERE id = :id")

_APP_OF = f"SELECT {APP_COLUMNS} FROM apps WHERE id = :id AND pool_id = :pool_id"
_FIND_APP = Sql(_APP_OF)
_HOLD_APP = Sql(_APP_OF, postgresql=f"{_APP_OF} FOR UPDATE", holds=("id",))
_APPS_PAGE = Sql(
    f"SELECT {APP_COLUMNS} FROM apps WHERE pool_id = :pool_id ORDER BY made_at, id LIMIT :limit OFFSET :skip"
)
_APPS_COUNT = Sql("SELECT count(*) FROM apps WHERE pool_id = :pool_id")
_CHANGE_APP = Sql("UPDATE apps SET name = :name, policy = :policy WHERE id = :id")
_DELETE_APP = Sql("DELETE FROM apps WHERE id = :id")
_EVERY_APP = Sql(f"SELECT {APP_COLUMNS} FROM apps ORDER BY made_at, id")
_RESEAL_APP = Sql("UPDATE apps SET secret = :secret WHERE id = :id AND secret = :before")


@lru_cache(maxsize=1_024)  # policies change seldom and are read on every request; equal text, equal policy
def pool_policy(text: str) -> PoolPolicy:
    """The stored JSON as a policy. Raises `msgspec.ValidationError` where a range is broken: nothing is guessed."""
    return msgspec.json.decode(text, type=PoolPolicy)


@lru_cache(maxsize=1_024)
def app_policy(text: str) -> AppPolicy:
    """The same for an application's."""
    return msgspec.json.decode(text, type=AppPolicy)


def policy_text(policy: PoolPolicy | AppPolicy) -> str:
    """A policy as it is stored."""
    return msgspec.json.encode(policy).decode()


def insert(tx: Tx, pool: PoolRow) -> bool:
    """Store a new pool. False: the id is taken."""
    return (
        tx.run(
            _INSERT_POOL,
            id=pool.id,
            name=pool.name,
            country_code=pool.country_code,
            locale=pool.locale,
            policy=policy_text(pool.policy),
            made_at=pool.made_at,
        )
        == 1
    )


def load(tx: Tx, pool_id: str) -> PoolRow | None:
    """One pool, or None."""
    row = tx.one(_POOL, id=pool_id)
    return None if row is None else _pool(row)


def every(tx: Tx, most: int = 1_000) -> list[PoolRow]:
    """The pools, oldest first."""
    return [_pool(row) for row in tx.all(_POOLS, most=most)]


def policy(tx: Tx, pool_id: str, *, lock: bool = False) -> PoolPolicy | None:
    """A pool's settings; `lock` where they are about to be changed."""
    row = tx.one(_LOCK_POLICY if lock else _POLICY, id=pool_id)
    return None if row is None else pool_policy(row[0])


def set_policy(tx: Tx, pool_id: str, policy: PoolPolicy) -> bool:
    """Replace a pool's settings. False: no such pool. The caller has checked ranges."""
    return tx.run(_SET_POLICY, id=pool_id, policy=policy_text(policy)) == 1


def allowed_origins(tx: Tx) -> dict[str, frozenset[str]]:
    """Pool → the origins that may call it from a browser; pools that allow none are left out."""
    return {
        pool_id: frozenset(line.strip().rstrip("/") for line in origins.splitlines() if line.strip())
        for pool_id, text in tx.all(_ORIGINS)
        if (origins := pool_policy(text).allowed_origins)
    }


def insert_app(tx: Tx, app: AppRow) -> bool:
    """Store a new application. False: the id is taken."""
    return (
        tx.run(
            _INSERT_APP,
            id=app.id,
            pool_id=app.pool_id,
            name=app.name,
            secret=app.secret,
            policy=policy_text(app.policy),
            made_at=app.made_at,
        )
        == 1
    )


def load_app(tx: Tx, app_id: str) -> AppRow | None:
    """One application, or None."""
    row = tx.one(_APP, id=app_id)
    return None if row is None else _app(row)


def apps_of(tx: Tx, pool_id: str, most: int = 1_000) -> list[AppRow]:
    """A pool's applications, oldest first."""
    return [_app(row) for row in tx.all(_APPS, pool_id=pool_id, most=most)]


def set_app_policy(tx: Tx, app_id: str, policy: AppPolicy) -> bool:
    """Replace what an application may do. False: no such application."""
    return tx.run(_SET_APP_POLICY, id=app_id, policy=policy_text(policy)) == 1


def app_of(tx: Tx, pool_id: str, app_id: str, *, lock: bool = False) -> AppRow | None:
    """One application of this pool; `lock` where it is about to be changed."""
    row = tx.one(_HOLD_APP if lock else _FIND_APP, id=app_id, pool_id=pool_id)
    return None if row is None else _app(row)


def page_of_apps(tx: Tx, pool_id: str, *, limit: int, skip: int) -> tuple[int, list[AppRow]]:
    """How many a pool has, and `limit` of them after the oldest `skip`."""
    count = tx.one(_APPS_COUNT, pool_id=pool_id)
    rows = tx.all(_APPS_PAGE, pool_id=pool_id, limit=limit, skip=skip)
    return count[0] if count else 0, [_app(row) for row in rows]


def change_app(tx: Tx, app: AppRow) -> None:
    """Write a held one's name and policy."""
    tx.must(_CHANGE_APP, id=app.id, name=app.name, policy=policy_text(app.policy))


def delete_app(tx: Tx, app: AppRow) -> None:
    """Forget a held one. Its sessions open nothing any more, and end by their time."""
    tx.must(_DELETE_APP, id=app.id)


def every_app(tx: Tx) -> list[AppRow]:
    """All there are, over all pools."""
    return [_app(row) for row in tx.all(_EVERY_APP)]


def reseal_app(tx: Tx, app: AppRow, secret: bytes) -> None:
    """Seal an application's secret anew; where somebody was faster, the step runs again."""
    tx.must(_RESEAL_APP, id=app.id, before=app.secret, secret=secret)


def _pool(row: Row) -> PoolRow:
    return PoolRow(row[0], row[1], row[2], row[3], pool_policy(row[4]), Millis(row[5]))


def _app(row: Row) -> AppRow:
    return AppRow(row[0], row[1], row[2], bytes(row[3]), app_policy(row[4]), Millis(row[5]))
