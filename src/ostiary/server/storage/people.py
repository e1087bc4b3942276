"""Who is there: pool, application, account and session in one look; the rows a step stands on."""

from ostiary.server.core.people import Account, App, Pool, Scene, Session
from ostiary.server.storage.pools import app_policy, pool_policy
from ostiary.server.storage.tx import Row, Sql, Tx

_ACCOUNT = """
    u.id, u.status, u.username, u.password_hash IS NOT NULL, u.locale, u.session_epoch, u.phone_version,
    u.email_version, ph.number, ph.verified, e.address, e.verified, (
        SELECT max(CASE kind WHEN 'OTP' THEN ' OTP' ELSE '' END) || max(CASE kind WHEN 'SMS' THEN ' SMS' ELSE '' END)
            || max(CASE kind WHEN 'EMAIL' THEN ' EMAIL' ELSE '' END)
        FROM factors WHERE factors.user_id = u.id)"""
_ACCOUNT_WIDTH = 13

_SCENE = Sql(
    f"""
    SELECT p.id, p.name, p.country_code, p.locale, p.policy, a.id, a.policy, {_ACCOUNT},
           s.id, s.epoch, s.scope, s.methods, s.opened_at, s.checked_at, s.ends_at, s.ended_at
    FROM apps a
    JOIN pools p ON p.id = a.pool_id
    LEFT JOIN users u ON u.id = :user_id AND u.pool_id = p.id
    LEFT JOIN phones ph ON ph.user_id = u.id
    LEFT JOIN emails e ON e.user_id = u.id
    LEFT JOIN sessions s ON s.id = :session_id AND s.user_id = u.id
    WHERE a.id = :app_id
    """
)

_APP_OF_POOL = Sql("SELECT id FROM apps WHERE pool_id = :pool_id ORDER BY made_at, id LIMIT 1")

_POOL = Sql("SELECT id, name, country_code, locale, policy FROM pools WHERE id = :pool_id")

_LOCK_USER = Sql("SELECT id FROM users WHERE id = :user_id FOR UPDATE")

_ACCOUNT_BY_ID = Sql(
    f"""
    SELECT {_ACCOUNT} FROM users u
    LEFT JOIN phones ph ON ph.user_id = u.id
    LEFT JOIN emails e ON e.user_id = u.id
    WHERE u.id = :user_id AND u.pool_id = :pool_id
    """
)


def lock_user(tx: Tx, user_id: str) -> None:
    """Hold the user's row until the commit: the first lock of every step (SQLite's one writer needs none)."""
    if tx.dialect == "postgresql":
        tx.must(_LOCK_USER, expect=None, user_id=user_id)


def scene(tx: Tx, app_id: str, user_id: str, session_id: str) -> Scene | None:
    """Pool, application, account and session, or None where there is no such application."""
    row = tx.one(_SCENE, app_id=app_id, user_id=user_id, session_id=session_id)
    if row is None:
        return None
    account = row[7 : 7 + _ACCOUNT_WIDTH]
    session = row[7 + _ACCOUNT_WIDTH :]
    return Scene(
        pool=_pool(row[:5]),
        app=App(row[5], app_policy(row[6])),
        account=_account(account) if account[0] is not None else None,
        session=Session(*session) if session[0] is not None else None,
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
    row = tx.one(_ACCOUNT_BY_ID, pool_id=pool_id, user_id=user_id)
    return _account(row) if row else None


def _pool(row: Row) -> Pool:
    return Pool(row[0], row[1], row[2], row[3], pool_policy(row[4]))


def _account(row: Row) -> Account:
    return Account(
        user_id=row[0],
        status=row[1],
        username=row[2],
        has_password=bool(row[3]),
        locale=row[4],
        session_epoch=row[5],
        phone_version=row[6],
        email_version=row[7],
        phone=row[8],
        phone_verified=bool(row[9]),
        email=row[10],
        email_verified=bool(row[11]),
        factors=tuple((row[12] or "").split()),
    )
