"""Addresses stand in a table of their own, key (pool, address), as numbers do: what stands there is not free."""

from ostiary.server.storage.tx import Sql, Tx

_HOLDER = Sql("SELECT user_id FROM emails WHERE pool_id = :pool_id AND address = :address")

_CLAIM = Sql(
    """
    INSERT INTO emails (pool_id, address, user_id, verified, version, set_at)
    VALUES (:pool_id, :address, :user_id, :verified, :version, :now)
    ON CONFLICT DO NOTHING
    """
)

_RELEASE = Sql("DELETE FROM emails WHERE pool_id = :pool_id AND address = :address AND user_id = :user_id")

_VERIFY = Sql(
    "UPDATE emails SET verified = 1 WHERE pool_id = :pool_id AND address = :address AND user_id = :user_id"
)

_RAISE_VERSION = Sql(
    "UPDATE users SET email_version = email_version + 1, changed_at = :now WHERE id = :user_id AND email_version = :version"
)


def holder(tx: Tx, pool_id: str, address: str) -> str | None:
    """Whose address it is, verified or not; None where it is free."""
    row = tx.one(_HOLDER, pool_id=pool_id, address=address)
    return row[0] if row else None


def claim(
    tx: Tx, pool_id: str, address: str, user_id: str, *, verified: bool, version: int, now: int
) -> bool:
    """Take a free address: of any number of claimants exactly one is told True. Uniqueness is this row count."""
    return (
        tx.run(
            _CLAIM,
            pool_id=pool_id,
            address=address,
            user_id=user_id,
            verified=int(verified),
            version=version,
            now=now,
        )
        == 1
    )


def put(tx: Tx, pool_id: str, address: str, user_id: str, *, verified: bool, version: int, now: int) -> None:
    """Take an address that was seen free a moment ago; a rival's row makes the step run again."""
    tx.must(
        _CLAIM,
        pool_id=pool_id,
        address=address,
        user_id=user_id,
        verified=int(verified),
        version=version,
        now=now,
    )


def release(tx: Tx, pool_id: str, address: str, user_id: str) -> None:
    """Free an address that is this user's. Only after the new one was claimed, never the other way round."""
    tx.must(_RELEASE, pool_id=pool_id, address=address, user_id=user_id)


def verify(tx: Tx, pool_id: str, address: str, user_id: str) -> None:
    """A right LOGIN code proves an address that was stored unproven."""
    tx.must(_VERIFY, expect=None, pool_id=pool_id, address=address, user_id=user_id)


def raise_version(tx: Tx, user_id: str, version: int, now: int) -> None:
    """The account's address is another one now; whoever saw the old version finds it gone."""
    tx.must(_RAISE_VERSION, user_id=user_id, version=version, now=now)
