"""Access keys of management clients, and the pools' signing keys (sealed; only their public half is plain)."""

from dataclasses import dataclass

from ostiary.server.core.millis import Millis
from ostiary.server.storage.tx import Row, Sql, Tx


@dataclass(frozen=True, slots=True)
class AccessKeyRow:
    """What a management client signs in with. The secret is 256 random bits; SHA-256 of it is kept."""

    id: str
    pool_id: str
    secret_hash: str
    made_at: Millis


@dataclass(frozen=True, slots=True)
class SigningKeyRow:
    """One signing key of a pool. `public` is its JWK as JSON; `sealed` its private JWK under a root key."""

    kid: str
    pool_id: str
    alg: str
    sealed: bytes
    public: str
    made_at: Millis
    retired_at: Millis | None = None


_INSERT_ACCESS_KEY = Sql(
    "INSERT INTO access_keys (id, pool_id, secret_hash, made_at) VALUES (:id, :pool_id, :secret_hash, :made_at)"
    " ON CONFLICT DO NOTHING"
)
_ACCESS_KEY = Sql("SELECT id, pool_id, secret_hash, made_at FROM access_keys WHERE id = :id")

SIGNING_COLUMNS = "kid, pool_id, alg, sealed, public, made_at, retired_at"
_INSERT_SIGNING = Sql(
    f"INSERT INTO signing_keys ({SIGNING_COLUMNS})"
    " VALUES (:kid, :pool_id, :alg, :sealed, :public, :made_at, NULL) ON CONFLICT DO NOTHING"
)
_SIGNING_SINCE = Sql(
    f"SELECT {SIGNING_COLUMNS} FROM signing_keys WHERE made_at >= :since ORDER BY made_at, kid LIMIT :most"
)
_SIGNING_OF = Sql(
    f"SELECT {SIGNING_COLUMNS} FROM signing_keys WHERE pool_id = :pool_id ORDER BY made_at, kid"
)

_RESEAL_SIGNING = Sql("UPDATE signing_keys SET sealed = :sealed WHERE kid = :kid AND sealed = :before")
_EVERY_SIGNING = Sql(f"SELECT {SIGNING_COLUMNS} FROM signing_keys ORDER BY made_at, kid")
_NEWEST_SIGNING = Sql(f"SELECT {SIGNING_COLUMNS} FROM signing_keys ORDER BY made_at DESC, kid LIMIT 1")
_DELETE_SIGNING = Sql("DELETE FROM signing_keys WHERE kid = :kid")


def insert_access_key(tx: Tx, key: AccessKeyRow) -> bool:
    """Store a new access key. False: the id is taken."""
    return (
        tx.run(
            _INSERT_ACCESS_KEY,
            id=key.id,
            pool_id=key.pool_id,
            secret_hash=key.secret_hash,
            made_at=key.made_at,
        )
        == 1
    )


def load_access_key(tx: Tx, key_id: str) -> AccessKeyRow | None:
    """One access key, or None."""
    row = tx.one(_ACCESS_KEY, id=key_id)
    return None if row is None else AccessKeyRow(row[0], row[1], row[2], Millis(row[3]))


def insert_signing_key(tx: Tx, key: SigningKeyRow) -> bool:
    """Store a new signing key. False: the id is taken."""
    return (
        tx.run(
            _INSERT_SIGNING,
            kid=key.kid,
            pool_id=key.pool_id,
            alg=key.alg,
            sealed=key.sealed,
            public=key.public,
            made_at=key.made_at,
        )
        == 1
    )


def signing_keys_since(tx: Tx, since: int, most: int = 10_000) -> list[SigningKeyRow]:
    """Keys made at or after a moment, oldest first, over all pools: what a process has not seen yet."""
    return [_signing(row) for row in tx.all(_SIGNING_SINCE, since=since, most=most)]


def signing_keys_of(tx: Tx, pool_id: str) -> list[SigningKeyRow]:
    """All keys of a pool, oldest first; the newest that is not retired signs."""
    return [_signing(row) for row in tx.all(_SIGNING_OF, pool_id=pool_id)]


def every_signing_key(tx: Tx) -> list[SigningKeyRow]:
    """All there are, over all pools."""
    return [_signing(row) for row in tx.all(_EVERY_SIGNING)]


def newest_signing_key(tx: Tx) -> SigningKeyRow | None:
    """The one that was made last, over all pools."""
    row = tx.one(_NEWEST_SIGNING)
    return None if row is None else _signing(row)


def reseal_signing_key(tx: Tx, row: SigningKeyRow, sealed: bytes) -> None:
    """Seal a key's private half anew; where somebody was faster, the step runs again."""
    tx.must(_RESEAL_SIGNING, kid=row.kid, before=row.sealed, sealed=sealed)


def delete_signing_key(tx: Tx, kid: str) -> None:
    """Take a key away: from the next look on, nothing that it signed is believed."""
    tx.must(_DELETE_SIGNING, expect=None, kid=kid)


def _signing(row: Row) -> SigningKeyRow:
    retired = None if row[6] is None else Millis(row[6])
    return SigningKeyRow(row[0], row[1], row[2], bytes(row[3]), row[4], Millis(row[5]), retired)
