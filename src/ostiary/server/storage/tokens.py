"""One-time tokens at rest: only their MAC. One per user and kind; a newer one overwrites it."""

from typing import Any

import msgspec

from ostiary.server.storage.tx import Sql, Tx


class Whose(msgspec.Struct, frozen=True):
    """Whom a token was granted to, where, and for what: shown by anybody else, it is not there."""

    user_id: str
    kind: str
    pool_id: str
    app_id: str
    session_id: str


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a one-time token. Moments in ms."""

    mac: bytes
    key_id: str
    claims: str
    made_at: int
    ends_at: int
    spent: int = 0
    """1: it was used, or voided."""
    done: int = 0
    """1: what it was for was done with it."""


_COLUMNS = "user_id, kind, pool_id, mac, key_id, session_id, app_id, claims, made_at, ends_at"

_PUT = Sql(
    f"""
    INSERT INTO one_time_tokens ({_COLUMNS})
    VALUES (:user_id, :kind, :pool_id, :mac, :key_id, :session_id, :app_id, :claims, :made_at, :ends_at)
    ON CONFLICT (user_id, kind) DO UPDATE SET
        pool_id = :pool_id, mac = :mac, key_id = :key_id, session_id = :session_id, app_id = :app_id,
        claims = :claims, made_at = :made_at, ends_at = :ends_at, used_at = NULL, void_at = NULL, done = 0
    """
)

_THIS = "user_id = :user_id AND kind = :kind AND pool_id = :pool_id AND app_id = :app_id AND session_id = :session_id"

_LOAD = Sql(
    f"""
    SELECT mac, key_id, claims, made_at, ends_at, used_at IS NOT NULL OR void_at IS NOT NULL, done
    FROM one_time_tokens WHERE {_THIS}
    """
)

_OWNER = Sql("SELECT user_id FROM one_time_tokens WHERE mac = :mac AND session_id = '' AND kind = :kind")

_TAKE = Sql(
    f"""
    UPDATE one_time_tokens SET used_at = :now
    WHERE {_THIS} AND mac = :mac AND used_at IS NULL AND void_at IS NULL AND ends_at > :now
    """
)

_SPEND = Sql(
    """
    UPDATE one_time_tokens SET used_at = :now
    WHERE user_id = :user_id AND kind = :kind AND used_at IS NULL AND void_at IS NULL
    """
)

_DONE = Sql(
    "UPDATE one_time_tokens SET done = 1 WHERE user_id = :user_id AND kind = :kind AND used_at IS NOT NULL"
)

_VOID = Sql(
    """
    UPDATE one_time_tokens
    SET used_at = CASE kind WHEN :spent THEN CAST(:now AS BIGINT) END,
        void_at = CASE kind WHEN :spent THEN NULL ELSE CAST(:now AS BIGINT) END,
        done = CASE kind WHEN :spent THEN 1 ELSE 0 END
    WHERE user_id = :user_id AND used_at IS NULL AND void_at IS NULL
    """
)


def put(tx: Tx, whose: Whose, token: Kept) -> None:
    """Keep a new token; the user's older one of this kind is gone."""
    tx.must(
        _PUT,
        **_this(whose),
        mac=token.mac,
        key_id=token.key_id,
        claims=token.claims,
        made_at=token.made_at,
        ends_at=token.ends_at,
    )


def load_soon(tx: Tx, whose: Whose) -> None:
    """Foretell that `load` will be asked for."""
    tx.soon(_LOAD, **_this(whose))


def load(tx: Tx, whose: Whose) -> Kept | None:
    """The token of this kind, whatever became of it, under its user's lock."""
    row = tx.one(_LOAD, **_this(whose))
    return Kept(*row) if row else None


def owner(tx: Tx, kind: str, mac: bytes) -> str | None:
    """Whose token this is, of those that belong to no session; not locked."""
    row = tx.one(_OWNER, kind=kind, mac=mac)
    return row[0] if row else None


def take(tx: Tx, whose: Whose, mac: bytes, now: int) -> bool:
    """Use the token up: exactly one of any number of takers is told True."""
    return tx.run(_TAKE, **_this(whose), mac=mac, now=now) == 1


def spend(tx: Tx, user_id: str, kind: str, now: int) -> None:
    """Use up a token that was seen unspent a moment ago, under its user's lock: anything else runs the step again."""
    tx.must(_SPEND, user_id=user_id, kind=kind, now=now)


def mark_done(tx: Tx, user_id: str, kind: str) -> None:
    """What the taken token was for has been done in this transaction."""
    tx.must(_DONE, user_id=user_id, kind=kind)


def void_all(tx: Tx, user_id: str, now: int, *, spent: str = "") -> None:
    """Void every unused token of a user. The one of the kind `spent` is what did it: it is used up, and done."""
    tx.must(_VOID, expect=None, user_id=user_id, now=now, spent=spent)


def _this(whose: Whose) -> dict[str, Any]:
    """The parameters that say whose token it is: those of `_THIS`, and some of `_PUT`."""
    return {
        "user_id": whose.user_id,
        "kind": whose.kind,
        "pool_id": whose.pool_id,
        "app_id": whose.app_id,
        "session_id": whose.session_id,
    }
