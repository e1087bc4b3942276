"""Sessions and their refresh tokens."""

from dataclasses import dataclass

from ostiary.server.core.people import Session
from ostiary.server.storage.tx import Sql, Tx

_PUT = Sql(
    """
    INSERT INTO sessions (id, pool_id, user_id, app_id, epoch, scope, methods, address, device,
                          opened_at, checked_at, ends_at, ended_at)
    VALUES (:id, :pool_id, :user_id, :app_id, :epoch, :scope, :methods, :address, :device,
            :opened_at, :checked_at, :ends_at, NULL)
    ON CONFLICT DO NOTHING
    """
)

_RAISE = Sql(
    "UPDATE users SET session_epoch = session_epoch + 1 WHERE id = :user_id AND session_epoch = :epoch"
)
_KEEP = Sql(
    "UPDATE sessions SET epoch = :epoch + 1 WHERE id = :keep AND user_id = :user_id AND epoch = :epoch"
)
_END = Sql("UPDATE sessions SET ended_at = :now WHERE id = :id AND ended_at IS NULL")

_SET_METHODS = Sql("UPDATE sessions SET methods = :methods WHERE id = :id AND methods = :seen")

_PUT_REFRESH = Sql(
    """
    INSERT INTO refresh_tokens (hash, session_id, app_id, made_at, ends_at, used_at)
    VALUES (:hash, :session_id, :app_id, :made_at, :ends_at, NULL)
    """
)

_FIND_REFRESH = Sql(
    """
    SELECT r.hash, r.session_id, r.app_id, s.user_id, r.made_at, r.ends_at, r.used_at
    FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id
    WHERE r.hash = :hash
    """
)

_USE_REFRESH = Sql(
    "UPDATE refresh_tokens SET used_at = :now WHERE hash = :hash AND used_at IS NULL AND ends_at > :now"
)


@dataclass(frozen=True, slots=True)
class RefreshRow:
    """A refresh token as it is kept, and the family (session) and user it belongs to. Moments in ms."""

    hash: str
    session_id: str
    app_id: str
    user_id: str
    made_at: int
    ends_at: int
    used_at: int | None


def put(
    tx: Tx, session: Session, *, pool_id: str, user_id: str, app_id: str, address: str, device: str
) -> None:
    """Store a session that was just opened."""
    tx.must(
        _PUT,
        id=session.id,
        pool_id=pool_id,
        user_id=user_id,
        app_id=app_id,
        epoch=session.epoch,
        scope=session.scope,
        methods=session.methods,
        address=address,
        device=device,
        opened_at=session.opened_at,
        checked_at=session.checked_at,
        ends_at=session.ends_at,
    )


def set_methods(tx: Tx, session_id: str, seen: str, methods: str) -> None:
    """Note how else this session was proven; where another request noted something, the step runs again."""
    tx.must(_SET_METHODS, id=session_id, seen=seen, methods=methods)


def raise_epoch(tx: Tx, user_id: str, epoch: int, *, keep: str) -> None:
    """Kill every session of the epoch that was seen; `keep` ('' = none) moves to the new one."""
    tx.must(_RAISE, user_id=user_id, epoch=epoch)
    if keep:
        take_along(tx, user_id, epoch, keep)


def take_along(tx: Tx, user_id: str, epoch: int, keep: str) -> None:
    """One session of the epoch that was seen lives on in the next one."""
    tx.must(_KEEP, keep=keep, user_id=user_id, epoch=epoch)


def end(tx: Tx, session_id: str, now: int) -> None:
    """End one session and with it its refresh family."""
    tx.must(_END, expect=None, id=session_id, now=now)


def put_refresh(tx: Tx, token_hash: str, *, session_id: str, app_id: str, made_at: int, ends_at: int) -> None:
    """Store a refresh token by its hash."""
    tx.must(
        _PUT_REFRESH, hash=token_hash, session_id=session_id, app_id=app_id, made_at=made_at, ends_at=ends_at
    )


def find_refresh(tx: Tx, token_hash: str) -> RefreshRow | None:
    """The refresh token with this hash, and whose it is."""
    row = tx.one(_FIND_REFRESH, hash=token_hash)
    return RefreshRow(*row) if row else None


def use_refresh(tx: Tx, token_hash: str, now: int) -> bool:
    """Use a refresh token up: exactly one of any number of takers is told True."""
    return tx.run(_USE_REFRESH, hash=token_hash, now=now) == 1
