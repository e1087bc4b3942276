"""A pool's signing keys: made, kept with their private half sealed, and used.

Signing costs a millisecond and making an RSA key a hundred: both belong in threads, never inside a transaction.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, RSAKey
from joserfc.jwk import Key as JoseKey

from ostiary.server.core.ports import Ports
from ostiary.server.guards import sealing
from ostiary.server.storage.keys import SigningKeyRow

_RSA_BITS = 2_048
ALGORITHMS: Mapping[str, type[RSAKey | ECKey]] = {"RS256": RSAKey, "ES256": ECKey}
"""Algorithm → kind of key. A row of `signing_keys` with another one is not used."""


class SigningKey:
    """A stored key, its two halves parsed when first needed (the private one costs 50 ms)."""

    def __init__(self, row: SigningKeyRow, ports: Ports) -> None:
        self.kid = row.kid
        self.pool_id = row.pool_id
        self.alg = row.alg
        self.made_at = row.made_at
        self.retired = row.retired_at is not None
        self.jwk: dict[str, Any] = msgspec.json.decode(row.public)
        """What `jwks.json` shows."""
        self.public: JoseKey = ALGORITHMS[row.alg].import_key(self.jwk)
        self._sealed = row.sealed
        self._ports = ports
        self._private: JoseKey | None = None

    def is_of(self, row: SigningKeyRow) -> bool:
        """Whether this was read from the row as it stands."""
        return self._sealed == row.sealed and self.retired == (row.retired_at is not None)

    def sign(self, typ: str, claims: Mapping[str, Any]) -> str:
        """A compact JWS over the claims. In a thread."""
        if self._private is None:
            plain = sealing.unseal(self._ports, self._sealed, "signing", self.kid, self.pool_id)
            self._private = ALGORITHMS[self.alg].import_key(msgspec.json.decode(plain))
        header = {"alg": self.alg, "kid": self.kid, "typ": typ}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._private, [self.alg])

    def signed(self, token: str) -> bytes | None:
        """The payload where the signature is this key's, else None."""
        try:
            return jws.deserialize_compact(token, self.public, [self.alg]).payload
        except (JoseError, ValueError):  # ValueError: what joserfc's parsing lets through of odd headers
            return None


def new_key(ports: Ports, pool_id: str, alg: str = "RS256") -> SigningKeyRow:
    """Make a key for a pool: a tenth of a second (RS256), so in a thread and outside transactions."""
    kid = ports.object_id()
    about: KeyParameters = {"kid": kid, "use": "sig", "alg": alg}
    key: RSAKey | ECKey = (
        ECKey.generate_key("P-256", about, private=True)
        if alg == "ES256"
        else RSAKey.generate_key(_RSA_BITS, about, private=True)
    )
    return SigningKeyRow(
        kid=kid,
        pool_id=pool_id,
        alg=alg,
        sealed=sealing.seal(ports, msgspec.json.encode(key.as_dict(private=True)), "signing", kid, pool_id),
        public=msgspec.json.encode(key.as_dict(private=False)).decode(),
        made_at=ports.now(),
    )
