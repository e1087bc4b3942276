"""Sign-ins that were: one row each, for their owner to look at.

One look goes over the newest `MOST_LOOKED` of a user's rows, however many there are.
"""

from ostiary.server.core.logins import Login, RecentLogin
from ostiary.server.core.people import Session
from ostiary.server.storage.tx import Row, Sql, Tx

MOST_LOOKED = 1_000

_PUT = Sql(
    """
    INSERT INTO logins (session_id, pool_id, user_id, app_id, methods, address, user_agent, device_id, at, ends_at)
    VALUES (:session_id, :pool_id, :user_id, :app_id, :methods, :address, :user_agent, :device_id, :at, :ends_at)
    """
)

_NEWEST = """
    SELECT * FROM logins WHERE user_id = :user_id AND at >= :start AND at < :before
    ORDER BY at DESC, session_id DESC LIMIT :most"""
_FITS = "(:app_id = '' OR looked.app_id = :app_id) AND (:address = '' OR looked.address = :address)"
PAGE = Sql(
    f"""
    SELECT looked.app_id, a.name, looked.methods, looked.address, looked.user_agent, looked.at
    FROM ({_NEWEST}) AS looked LEFT JOIN apps a ON a.id = looked.app_id
    WHERE {_FITS} ORDER BY looked.at DESC, looked.session_id DESC LIMIT :limit OFFSET :skip
    """
)
COUNT = Sql(f"SELECT count(*) FROM ({_NEWEST}) AS looked WHERE {_FITS}")

RECENT = Sql(
    """
    SELECT looked.app_id, a.name, looked.methods, looked.address, looked.user_agent, looked.at, looked.device_id,
           s.id, s.epoch, s.scope, s.methods, s.opened_at, s.checked_at, s.ends_at, s.ended_at
    FROM (SELECT * FROM logins WHERE user_id = :user_id ORDER BY at DESC, session_id DESC LIMIT :most) AS looked
    LEFT JOIN apps a ON a.id = looked.app_id LEFT JOIN sessions s ON s.id = looked.session_id
    WHERE looked.ends_at > :now ORDER BY looked.at DESC, looked.session_id DESC
    """
)

HAS_DEVICE = Sql("SELECT 1 FROM logins WHERE user_id = :user_id AND device_id = :device_id LIMIT 1")
END_ON_DEVICE = Sql(
    """
    UPDATE sessions SET ended_at = :now WHERE user_id = :user_id AND ended_at IS NULL
    AND id IN (SELECT session_id FROM logins WHERE user_id = :user_id AND device_id = :device_id)
    """
)
FORGET_DEVICE = Sql("UPDATE logins SET device_id = '' WHERE user_id = :user_id AND device_id = :device_id")


def put(
    tx: Tx,
    session: Session,
    *,
    pool_id: str,
    user_id: str,
    app_id: str,
    address: str,
    user_agent: str,
    device_id: str,
    ends_at: int,
) -> None:
    """Store that somebody signed in."""
    tx.must(
        _PUT,
        session_id=session.id,
        pool_id=pool_id,
        user_id=user_id,
        app_id=app_id,
        methods=session.methods,
        address=address,
        user_agent=user_agent,
        device_id=device_id or session.id,
        at=session.opened_at,
        ends_at=ends_at,
    )


def page(
    tx: Tx,
    user_id: str,
    *,
    start: int,
    before: int,
    app_id: str = "",
    address: str = "",
    limit: int,
    skip: int,
) -> tuple[int, list[Login]]:
    """How many sign-ins fit, and `limit` of them after the newest `skip`; '' filters nothing."""
    wanted = {"user_id": user_id, "start": start, "before": before, "most": MOST_LOOKED}
    wanted |= {"app_id": app_id, "address": address}
    count = tx.one(COUNT, **wanted)
    rows = tx.all(PAGE, limit=limit, skip=skip, **wanted)
    return (count[0] if count else 0), [_login(row) for row in rows]


def recent(tx: Tx, user_id: str, now: int) -> list[RecentLogin]:
    """The user's newest sign-ins, newest first."""
    rows = tx.all(RECENT, user_id=user_id, now=now, most=MOST_LOOKED)
    return [
        RecentLogin(_login(row), row[6], Session(*row[7:]) if row[7] is not None else None) for row in rows
    ]


def has_device(tx: Tx, user_id: str, device_id: str) -> bool:
    """Whether the user ever signed in on it."""
    return tx.one(HAS_DEVICE, user_id=user_id, device_id=device_id) is not None


def end_on_device(tx: Tx, user_id: str, device_id: str, now: int) -> int:
    """End the user's sessions on a device; how many lived."""
    return tx.run(END_ON_DEVICE, user_id=user_id, device_id=device_id, now=now)


def forget_device(tx: Tx, user_id: str, device_id: str) -> None:
    """The device is in no list any more; the sign-ins stay in the history."""
    tx.must(FORGET_DEVICE, expect=None, user_id=user_id, device_id=device_id)


def _login(row: Row) -> Login:
    return Login(row[0], row[1] or "", row[2], row[3], row[4], row[5])
