"""Contacts stand in tables of their own, key (pool, contact): what stands there is not free (phone-change.md §3).

Numbers and addresses are the same thing twice, so their statements are made once, from the names that differ.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ostiary.server.core.contact import Medium, medium_of
from ostiary.server.storage.tx import Sql, Tx


class Book:
    """One table of contacts."""

    def __init__(self, table: str, contact: str, version: str) -> None:
        """`contact`: its column in the table; `version`: the column of `users` that counts the account's contacts."""
        here = f"pool_id = :pool_id AND {contact} = :contact"
        self._holder = Sql(f"SELECT user_id FROM {table} WHERE {here}")
        self._claim = Sql(
            f"""
            INSERT INTO {table} (pool_id, {contact}, user_id, verified, version, set_at)
            VALUES (:pool_id, :contact, :user_id, :verified, :version, :now)
            ON CONFLICT DO NOTHING
            """
        )
        self._release = Sql(f"DELETE FROM {table} WHERE {here} AND user_id = :user_id")
        raised = f"UPDATE users SET {version} = {version} + 1, changed_at = :now"
        seen = f"WHERE id = :user_id AND {version} = :version"
        self._raise_version = Sql(f"{raised} {seen}")
        self._raise_both = Sql(
            f"{raised}, session_epoch = session_epoch + 1 {seen} AND session_epoch = :epoch"
        )
        self._verify = Sql(
            f"UPDATE {table} SET verified = 1 WHERE {here} AND user_id = :user_id AND verified = 0"
        )
        self._mark = Sql(f"UPDATE {table} SET verified = :verified WHERE {here} AND user_id = :user_id")

    def holder(self, tx: Tx, pool_id: str, contact: str) -> str | None:
        """Whose contact it is, verified or not; None where it is free."""
        row = tx.one(self._holder, pool_id=pool_id, contact=contact)
        return row[0] if row else None

    def holder_soon(self, tx: Tx, pool_id: str, contact: str) -> None:
        """Foretell that `holder` will be asked for."""
        tx.soon(self._holder, pool_id=pool_id, contact=contact)

    def claim(
        self, tx: Tx, pool_id: str, contact: str, user_id: str, *, verified: bool, version: int, now: int
    ) -> bool:
        """Take a free contact: of any number of claimants exactly one is told True. Uniqueness is this row count."""
        return tx.run(self._claim, **_row(pool_id, contact, user_id, verified, version, now)) == 1

    def put(
        self, tx: Tx, pool_id: str, contact: str, user_id: str, *, verified: bool, version: int, now: int
    ) -> None:
        """Take a contact that was seen free a moment ago; a rival's row makes the step run again."""
        tx.must(self._claim, **_row(pool_id, contact, user_id, verified, version, now))

    def release(self, tx: Tx, pool_id: str, contact: str, user_id: str) -> None:
        """Free a contact that is this user's. Only after the new one was claimed, never the other way round."""
        tx.must(self._release, pool_id=pool_id, contact=contact, user_id=user_id)

    def raise_version(
        self, tx: Tx, user_id: str, version: int, now: int, *, epoch: int | None = None
    ) -> None:
        """The account's contact is another one now; whoever saw the old version finds it gone.

        With `epoch`, the sessions of the epoch that was seen end, too (`sessions.take_along` keeps one).
        """
        if epoch is None:
            tx.must(self._raise_version, user_id=user_id, version=version, now=now)
        else:
            tx.must(self._raise_both, user_id=user_id, version=version, epoch=epoch, now=now)

    def verify(self, tx: Tx, pool_id: str, contact: str, user_id: str) -> bool:
        """A right code proves a contact that was set unproven; False where it was proven, or moved, before."""
        return tx.run(self._verify, pool_id=pool_id, contact=contact, user_id=user_id) == 1

    def mark(self, tx: Tx, pool_id: str, contact: str, user_id: str, *, verified: bool) -> None:
        """An administrator says whether a contact is proven; it stays where it is."""
        tx.must(self._mark, pool_id=pool_id, contact=contact, user_id=user_id, verified=int(verified))


def _row(
    pool_id: str,
    contact: str,
    user_id: str,
    verified: bool,  # noqa: FBT001 - a row's columns
    version: int,
    now: int,
) -> dict[str, Any]:
    return {
        "pool_id": pool_id,
        "contact": contact,
        "user_id": user_id,
        "verified": int(verified),
        "version": version,
        "now": now,
    }


PHONES = Book("phones", "number", "phone_version")
EMAILS = Book("emails", "address", "email_version")
BOOKS: Mapping[Medium, Book] = MappingProxyType({"sms": PHONES, "email": EMAILS})


def holder(tx: Tx, pool_id: str, contact: str) -> str | None:
    """Whose number or address it is, verified or not; None where it is free."""
    return BOOKS[medium_of(contact)].holder(tx, pool_id, contact)
