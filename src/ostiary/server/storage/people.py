"""Who is there: pool, application, account and session in one look; the rows a step stands on."""

from ostiary.server.core.people import Account, App, Pool, Scene, Session
from ostiary.server.core.second_factor import KINDS
from ostiary.server.storage.pools import app_policy, pool_policy
from ostiary.server.storage.tx import Row, Sql, Tx

_ACCOUNT = """
    u.status, u.username, u.password_hash IS NOT NULL, u.locale, u.session_epoch, u.phone_version, u.email_version,
    ph.number, ph.verified, e.address, e.verified"""
_WITH_THEIRS = """
    LEFT JOIN phones ph ON ph.user_id = u.id
    LEFT JOIN emails e ON e.user_id = u.id
    LEFT JOIN factors f ON f.user_id = u.id"""
"""A row for each second factor, one where there is none: joined, they cost a third of what a subquery does."""

_SCENE = Sql(
    f"""
    SELECT p.id, p.name, p.country_code, p.locale, p.policy, a.policy, {_ACCOUNT},
           s.epoch, s.scope, s.methods, s.opened_at, s.checked_at, s.ends_at, s.ended_at, f.kind
    FROM apps a
    JOIN pools p ON p.id = a.pool_id
    LEFT JOIN users u ON u.id = :user_id AND u.pool_id = p.id
    LEFT JOIN sessions s ON s.id = :session_id AND s.user_id = u.id {_WITH_THEIRS}
    WHERE a.id = :app_id
    """
)

_APP_OF_POOL = Sql("SELECT id FROM apps WHERE pool_id = :pool_id ORDER BY made_at, id LIMIT 1")

_POOL = Sql("SELECT id, name, country_code, locale, policy FROM pools WHERE id = :pool_id")

_LOCK_USER = Sql("SELECT id FROM users WHERE id = :user_id FOR UPDATE", holds=("user_id",))

_ACCOUNT_BY_ID = Sql(
    f"""
    SELECT {_ACCOUNT}, f.kind FROM users u {_WITH_THEIRS}
    WHERE u.id = :user_id AND u.pool_id = :pool_id
    """
)


def lock_user(tx: Tx, user_id: str) -> None:
    """Hold the user's row until the commit: the first lock of every step (SQLite's one writer needs none)."""
    if tx.dialect == "postgresql":
        tx.must(_LOCK_USER, expect=None, user_id=user_id)


def scene(tx: Tx, app_id: str, user_id: str, session_id: str) -> Scene | None:
    """Pool, application, account and session, or None where there is no such application."""
    rows = tx.all(_SCENE, app_id=app_id, user_id=user_id, session_id=session_id)
    if not rows:
        return None
    row = rows[0]
    return Scene(
        pool=_pool(row[:5]),
        app=App(app_id, app_policy(row[5])),
        account=_account(user_id, row[6:17], rows) if row[6] is not None else None,
        session=Session(session_id, *row[17:24]) if row[17] is not None else None,
    )


def first_app(tx: Tx, pool_id: str) -> str | None:
    """The pool's own application: stands in where a client names only the pool."""
    row = tx.one(_APP_OF_POOL, pool_id=pool_id)
    return row[0] if row else None


def pool(tx: Tx, pool_id: str) -> Pool | None:
    """One pool."""
    row = tx.one(_POOL, pool_id=pool_id)
    return _pool(row) if row else None


def account(tx: Tx, pool_id: str, user_id: str) -> Account | None:
    """One account of this pool."""
    rows = tx.all(_ACCOUNT_BY_ID, pool_id=pool_id, user_id=user_id)
    return _account(user_id, rows[0][:11], rows) if rows else None


def _pool(row: Row) -> Pool:
    return Pool(row[0], row[1], row[2], row[3], pool_policy(row[4]))


def _account(user_id: str, row: Row, rows: list[Row]) -> Account:
    """From `_ACCOUNT`, and the kinds of second factors that end the rows."""
    (
        status,
        username,
        has_password,
        locale,
        session_epoch,
        phone_version,
        email_version,
        phone,
        phone_verified,
        email,
        email_verified,
    ) = row
    enrolled = {row[-1] for row in rows}
    return Account(
        user_id,
        status,
        username,
        bool(has_password),
        locale,
        session_epoch,
        phone_version,
        email_version,
        phone,
        bool(phone_verified),
        email,
        bool(email_verified),
        tuple(kind for kind in KINDS if kind in enrolled),
    )
