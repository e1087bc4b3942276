"""Links by e-mail: what opens them is the seed of a code's row, sealed so that only we read whose it is.

A link is made anew each time it is needed and kept nowhere. Who has the database without the key can make none; who
sees the link without the key learns neither pool nor address from it. AES-256-GCM (NIST SP 800-38D), its nonce drawn
from the content by HMAC: the same link is the same text, and no two contents share a nonce.
"""

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.server.core.keyring import KeyRing

_NONCE_BYTES = 12
_LONGEST = 2_048
_BOUND = b"link"


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Which row a link opens, and the seed that row must still have."""

    pool_id: str
    address: str
    seed: bytes

    def __repr__(self) -> str:
        return "Link(…)"


def write(ring: KeyRing, key_id: str, link: Link) -> str | None:
    """The text of a link; None where its key is gone: the row is then expired."""
    key = ring.get(key_id)
    if key is None:
        return None
    plain = msgspec.json.encode(link)
    nonce = key.mac("link nonce", plain)[:_NONCE_BYTES]
    sealed = AESGCM(key.mac("link key")).encrypt(nonce, plain, _BOUND)
    name = key.id.encode()
    return base64.urlsafe_b64encode(bytes((len(name),)) + name + nonce + sealed).rstrip(b"=").decode()


def read(ring: KeyRing, text: str) -> Link | None:
    """What a link opens, None where it is none of ours (or its key is gone)."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        end = 1 + whole[0]
        key = ring.get(whole[1:end].decode())
        if key is None:
            return None
        nonce, sealed = whole[end : end + _NONCE_BYTES], whole[end + _NONCE_BYTES :]
        plain = AESGCM(key.mac("link key")).decrypt(nonce, sealed, _BOUND)
        return msgspec.json.decode(plain, type=Link)
    except (binascii.Error, ValueError, IndexError, InvalidTag, msgspec.DecodeError):
        return None
