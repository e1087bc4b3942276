"""Numbers stand in a table of their own, key (pool, number): what stands there is not free (phone-change.md §3)."""

from ostiary.server.storage.tx import Sql, Tx

_HOLDER = Sql("SELECT user_id FROM phones WHERE pool_id = :pool_id AND number = :number")

_CLAIM = Sql(
    """
    INSERT INTO phones (pool_id, number, user_id, verified, version, set_at)
    VALUES (:pool_id, :number, :user_id, :verified, :version, :now)
    ON CONFLICT DO NOTHING
    """
)

_RELEASE = Sql("DELETE FROM phones WHERE pool_id = :pool_id AND number = :number AND user_id = :user_id")

_RAISE_VERSION = Sql(
    "UPDATE users SET phone_version = phone_version + 1, changed_at = :now WHERE id = :user_id AND phone_version = :version"
)

_VERIFY = Sql(
    "UPDATE phones SET verified = 1 WHERE pool_id = :pool_id AND number = :number AND user_id = :user_id AND verified = 0"
)


def holder(tx: Tx, pool_id: str, number: str) -> str | None:
    """Whose number it is, verified or not; None where it is free."""
    row = tx.one(_HOLDER, pool_id=pool_id, number=number)
    return row[0] if row else None


def claim(tx: Tx, pool_id: str, number: str, user_id: str, *, verified: bool, version: int, now: int) -> bool:
    """Take a free number: of any number of claimants exactly one is told True. Uniqueness is this row count."""
    return (
        tx.run(
            _CLAIM,
            pool_id=pool_id,
            number=number,
            user_id=user_id,
            verified=int(verified),
            version=version,
            now=now,
        )
        == 1
    )


def put(tx: Tx, pool_id: str, number: str, user_id: str, *, verified: bool, version: int, now: int) -> None:
    """Take a number that was seen free a moment ago; a rival's row makes the step run again."""
    tx.must(
        _CLAIM,
        pool_id=pool_id,
        number=number,
        user_id=user_id,
        verified=int(verified),
        version=version,
        now=now,
    )


def release(tx: Tx, pool_id: str, number: str, user_id: str) -> None:
    """Free a number that is this user's. Only after the new one was claimed, never the other way round."""
    tx.must(_RELEASE, pool_id=pool_id, number=number, user_id=user_id)


def raise_version(tx: Tx, user_id: str, version: int, now: int) -> None:
    """The account's number is another one now; whoever saw the old version finds it gone."""
    tx.must(_RAISE_VERSION, user_id=user_id, version=version, now=now)


def verify(tx: Tx, pool_id: str, number: str, user_id: str) -> None:
    """A right LOGIN code proves a number that an administrator or an import had set unproven."""
    tx.must(_VERIFY, expect=None, pool_id=pool_id, number=number, user_id=user_id)
