"""A pool's signing keys: made, kept with their private half sealed, and used.

Signing costs a millisecond and making an RSA key a hundred: both belong in threads, never inside a transaction.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.jwk import ECKey, KeyParameters, RSAKey
from joserfc.jwk import Key as JoseKey

from ostiary.server.core.ports import Ports
from ostiary.server.guards import sealing
from ostiary.server.guards.token_form import canonical
from ostiary.server.storage.keys import SigningKeyRow

_RSA_BITS = 2_048
ALGORITHMS: Mapping[str, type[RSAKey | ECKey]] = {"RS256": RSAKey, "ES256": ECKey}
"""Algorithm → kind of key. A row of `signing_keys` with another one is not used."""
_PKCS1 = padding.PKCS1v15()
_SHA256 = SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_HALF = 32
"""Bytes of each of the two numbers of an ES256 signature (RFC 7518 §3.4)."""


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
        self._public = ALGORITHMS[row.alg].import_key(self.jwk).public_key
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
        """The payload where the signature is this key's by its own algorithm, else None.

        The header is the caller's to judge (`token_form.header`). joserfc, which signs, would read it once more: that
        takes three times as long as the signature.
        """
        text, _, signature = token.rpartition(".")
        given, payload = canonical(signature), canonical(text.partition(".")[2])
        if not given or payload is None:
            return None
        try:
            self._check(text.encode("ascii"), given)
        except (InvalidSignature, ValueError):
            return None
        return payload

    def _check(self, text: bytes, signature: bytes) -> None:
        """Raises InvalidSignature."""
        if isinstance(self._public, rsa.RSAPublicKey):
            self._public.verify(signature, text, _PKCS1, _SHA256)
            return
        if len(signature) != 2 * _HALF:
            raise InvalidSignature
        r, s = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
        self._public.verify(encode_dss_signature(r, s), text, _ECDSA)


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
