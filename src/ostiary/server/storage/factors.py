"""Enrolled second factors: one of a kind per user, read and written under the user's lock."""

from dataclasses import dataclass, field

from ostiary.server.storage.tx import Row, Sql, Tx


@dataclass(frozen=True, slots=True)
class FactorRow:
    """One enrolled factor. `secret` is sealed (`guards/second_factors/otp` opens it); moments in ms."""

    user_id: str
    kind: str
    id: str
    pool_id: str
    target: str = field(repr=False)
    """E.164 or address; '' for an authenticator."""
    secret: bytes | None = field(repr=False)
    key_id: str
    recovery: bytes | None = field(repr=False)
    last_step: int
    made_at: int


_COLUMNS = "user_id, kind, id, pool_id, target, secret, key_id, recovery, last_step, made_at"

_OF_USER = Sql(f"SELECT {_COLUMNS} FROM factors WHERE user_id = :user_id ORDER BY made_at, kind")

_INSERT = Sql(
    f"""
    INSERT INTO factors ({_COLUMNS})
    VALUES (:user_id, :kind, :id, :pool_id, :target, :secret, :key_id, :recovery, :last_step, :made_at)
    ON CONFLICT DO NOTHING
    """
)

_ACCEPT = Sql(
    "UPDATE factors SET last_step = :step WHERE user_id = :user_id AND kind = :kind AND id = :id AND last_step < :step"
)

_FOLLOW = Sql("UPDATE factors SET target = :new WHERE user_id = :user_id AND kind = :kind AND target = :old")

_DELETE = Sql("DELETE FROM factors WHERE user_id = :user_id AND kind = :kind AND id = :id")

_KEYS = Sql("SELECT DISTINCT key_id FROM factors WHERE key_id <> ''")

_SEALED_BY_OTHERS = Sql(
    f"SELECT {_COLUMNS} FROM factors WHERE key_id <> '' AND key_id <> :key_id ORDER BY user_id LIMIT :limit"
)

_RESEAL = Sql(
    """
    UPDATE factors SET secret = :secret, key_id = :key_id
    WHERE user_id = :user_id AND kind = :kind AND id = :id AND key_id = :before
    """
)


def of_user(tx: Tx, user_id: str) -> list[FactorRow]:
    """A user's factors, oldest first."""
    return [_factor(row) for row in tx.all(_OF_USER, user_id=user_id)]


def insert(tx: Tx, row: FactorRow) -> bool:
    """Keep a factor. False: one of its kind is there already."""
    return (
        tx.run(
            _INSERT,
            user_id=row.user_id,
            kind=row.kind,
            id=row.id,
            pool_id=row.pool_id,
            target=row.target,
            secret=row.secret,
            key_id=row.key_id,
            recovery=row.recovery,
            last_step=row.last_step,
            made_at=row.made_at,
        )
        == 1
    )


def accept(tx: Tx, row: FactorRow, step: int) -> None:
    """Only later time steps are good from now on. The step was judged later a moment ago: else the step runs again."""
    tx.must(_ACCEPT, user_id=row.user_id, kind=row.kind, id=row.id, step=step)


def follow(tx: Tx, user_id: str, kind: str, old: str, new: str) -> bool:
    """Send a factor's codes to `new` from now on; False where they did not go to `old`."""
    return tx.run(_FOLLOW, user_id=user_id, kind=kind, old=old, new=new) == 1


def delete(tx: Tx, row: FactorRow) -> None:
    """Forget a factor; where it is gone already, the step runs again."""
    tx.must(_DELETE, user_id=row.user_id, kind=row.kind, id=row.id)


def sealing_keys(tx: Tx) -> frozenset[str]:
    """The root keys under which some factor's secret is sealed."""
    return frozenset(row[0] for row in tx.all(_KEYS))


def sealed_by_others(tx: Tx, key_id: str, limit: int) -> list[FactorRow]:
    """Factors whose secret is sealed under another key than this one, some at a time."""
    return [_factor(row) for row in tx.all(_SEALED_BY_OTHERS, key_id=key_id, limit=limit)]


def reseal(tx: Tx, row: FactorRow, secret: bytes, key_id: str) -> None:
    """Keep the same secret, sealed anew; a factor that was changed meanwhile is left."""
    tx.must(
        _RESEAL,
        expect=None,
        user_id=row.user_id,
        kind=row.kind,
        id=row.id,
        before=row.key_id,
        secret=secret,
        key_id=key_id,
    )


def _factor(row: Row) -> FactorRow:
    user_id, kind, factor_id, pool_id, target, secret, key_id, recovery, last_step, made_at = row
    return FactorRow(
        user_id=user_id,
        kind=kind,
        id=factor_id,
        pool_id=pool_id,
        target=target,
        secret=bytes(secret) if secret is not None else None,
        key_id=key_id,
        recovery=bytes(recovery) if recovery is not None else None,
        last_step=last_step,
        made_at=made_at,
    )
