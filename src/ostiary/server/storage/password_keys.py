"""The installation's keys that clients encrypt passwords with: private halves sealed, public ones as clients read them."""

from dataclasses import dataclass, field

from ostiary.server.core.millis import Millis
from ostiary.server.storage.tx import Sql, Tx


@dataclass(frozen=True, slots=True)
class PasswordKeyRow:
    """One key. `kind`: rsa, sm2; `number` counts from 1 within its kind; `public`: a PEM, or 130 hex digits."""

    kind: str
    number: int
    sealed: bytes = field(repr=False)
    public: str
    made_at: Millis


_INSERT = Sql(
    "INSERT INTO password_keys (kind, number, sealed, public, made_at)"
    " VALUES (:kind, :number, :sealed, :public, :made_at) ON CONFLICT DO NOTHING"
)
_EVERY = Sql("SELECT kind, number, sealed, public, made_at FROM password_keys ORDER BY kind, number")
_RESEAL = Sql(
    "UPDATE password_keys SET sealed = :sealed WHERE kind = :kind AND number = :number AND sealed = :before"
)
_DELETE = Sql("DELETE FROM password_keys WHERE kind = :kind AND number = :number")


def insert(tx: Tx, key: PasswordKeyRow) -> bool:
    """Store a new key. False: another process was faster with this number."""
    return (
        tx.run(
            _INSERT,
            kind=key.kind,
            number=key.number,
            sealed=key.sealed,
            public=key.public,
            made_at=key.made_at,
        )
        == 1
    )


def every(tx: Tx) -> list[PasswordKeyRow]:
    """All keys, each kind's oldest first."""
    return [PasswordKeyRow(row[0], row[1], bytes(row[2]), row[3], Millis(row[4])) for row in tx.all(_EVERY)]


def reseal(tx: Tx, key: PasswordKeyRow, sealed: bytes) -> None:
    """Seal a key's private half anew; where somebody was faster, the step runs again."""
    tx.must(_RESEAL, kind=key.kind, number=key.number, before=key.sealed, sealed=sealed)


def delete(tx: Tx, key: PasswordKeyRow) -> None:
    """Take a key away: what was encrypted with it does not open any more."""
    tx.must(_DELETE, expect=None, kind=key.kind, number=key.number)
