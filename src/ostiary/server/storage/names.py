"""Which of many names are somebody's: one question, however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from ostiary.server.storage.tx import Sql, Tx


@dataclass(slots=True)
class NameSets:
    """Names in their one spelling, by kind."""

    usernames: set[str] = field(default_factory=set, repr=False)
    """What is unique about user names (`username_key`)."""
    emails: set[str] = field(default_factory=set, repr=False)
    phones: set[str] = field(default_factory=set, repr=False)
    external_ids: set[str] = field(default_factory=set, repr=False)

    def add(self, other: "NameSets") -> None:
        """Take in what another one has."""
        self.usernames |= other.usernames
        self.emails |= other.emails
        self.phones |= other.phones
        self.external_ids |= other.external_ids


def _taken(among: str) -> str:
    return f"""
    SELECT 'u', username_key FROM users WHERE pool_id = :pool_id AND username_key {among.format("usernames")}
    UNION ALL SELECT 'e', address FROM emails WHERE pool_id = :pool_id AND address {among.format("emails")}
    UNION ALL SELECT 'p', number FROM phones WHERE pool_id = :pool_id AND number {among.format("phones")}
    UNION ALL SELECT 'x', external_id FROM users WHERE pool_id = :pool_id AND external_id {among.format("external_ids")}
    """


_TAKEN = Sql(
    _taken("IN (SELECT value FROM json_each(:{}))"),
    # An array, because of a subquery's size PostgreSQL knows nothing, and might read the whole table.
    postgresql=_taken("= ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(:{} AS jsonb))))"),
)


def taken(tx: Tx, pool_id: str, wanted: NameSets) -> NameSets:
    """Those of `wanted` that somebody has."""
    found = NameSets()
    kinds = {"u": found.usernames, "e": found.emails, "p": found.phones, "x": found.external_ids}
    rows = tx.all(
        _TAKEN,
        pool_id=pool_id,
        usernames=_json(wanted.usernames),
        emails=_json(wanted.emails),
        phones=_json(wanted.phones),
        external_ids=_json(wanted.external_ids),
    )
    for kind, name in rows:
        kinds[kind].add(name)
    return found


def _json(names: Iterable[str]) -> str:
    return msgspec.json.encode(list(names)).decode()
