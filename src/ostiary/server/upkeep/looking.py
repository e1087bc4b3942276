"""What there is, for lists and for the doctor."""

from dataclasses import dataclass

from ostiary.server.core.keyring import RootKey
from ostiary.server.core.millis import DAY
from ostiary.server.core.moments import iso
from ostiary.server.guards.signing import PUBLISHED_FIRST
from ostiary.server.storage import keys, password_keys
from ostiary.server.storage.keys import SigningKeyRow
from ostiary.server.storage.password_keys import PasswordKeyRow
from ostiary.server.upkeep.rotation import PASSWORDS, SIGNING
from ostiary.server.upkeep.site import Site


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key without its secret. `state`: makes, waiting, stays."""

    purpose: str
    id: str
    state: str
    made_at: str
    days_old: int
    pool_id: str | None


def known_keys(site: Site) -> list[KnownKey]:
    """Root keys by purpose, signing keys by pool, passwords' keys; of each the newest first."""
    now = site.ports.now()
    found = [
        KnownKey(purpose, key.id, _state(key), iso(key.made_at), (now - key.made_at) // DAY, None)
        for purpose, ring in site.ports.keys.rings.items()
        for key in ring.keys
    ]
    rows = site.store.read_now(keys.every_signing_key)
    for ring in dict.fromkeys((row.pool_id, row.alg) for row in rows):  # those that take turns
        own = [row for row in rows if (row.pool_id, row.alg) == ring]
        signs = next((row for row in reversed(own) if row.made_at <= now - PUBLISHED_FIRST), own[0])
        found += [_signing_key(row, signs, now) for row in reversed(own)]
    passwords = site.store.read_now(password_keys.every)
    return found + [_password_key(row, passwords, now) for row in reversed(passwords)]


def _state(key: RootKey) -> str:
    if key.waiting:
        return "waiting"
    return "makes" if key.retired_at is None else "stays"


def _password_key(row: PasswordKeyRow, rows: list[PasswordKeyRow], now: int) -> KnownKey:
    newest = max(other.number for other in rows if other.kind == row.kind)
    state = "makes" if row.number == newest else "stays"
    made = iso(row.made_at)
    return KnownKey(PASSWORDS, f"{row.kind}-{row.number}", state, made, (now - row.made_at) // DAY, None)


def _signing_key(row: SigningKeyRow, signs: SigningKeyRow, now: int) -> KnownKey:
    state = "makes" if row is signs else "waiting" if row.made_at > signs.made_at else "stays"
    return KnownKey(SIGNING, row.kid, state, iso(row.made_at), (now - row.made_at) // DAY, row.pool_id)
