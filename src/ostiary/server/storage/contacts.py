"""Whose a number or an address is: the two tables seen as one."""

from ostiary.server.core.contact import medium_of
from ostiary.server.storage import emails, phones
from ostiary.server.storage.tx import Tx


def holder(tx: Tx, pool_id: str, contact: str) -> str | None:
    """Whose contact it is, verified or not; None where it is free."""
    if medium_of(contact) == "email":
        return emails.holder(tx, pool_id, contact)
    return phones.holder(tx, pool_id, contact)
