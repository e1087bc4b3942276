"""MACs: HMAC-SHA-256 (RFC 2104) over length-prefixed parts, so that no two lists of parts collide."""

import hashlib
import hmac

_PREFIXES = tuple(length.to_bytes(4, "big") for length in range(256))
"""What stands before a part: its length. Longer parts are rare, and get theirs made."""
_BLOCK = 64
"""Bytes that SHA-256 takes at a time: what HMAC fills a key up to."""


def mac(key: bytes, *parts: str | bytes) -> bytes:
    """The MAC under a key of which nothing is kept."""
    return hmac.digest(key, _framed(parts), "sha256")


class Begun:
    """A key that is used all the time: HMAC's two hashes over it, to be carried on in copies.

    That takes a third of what OpenSSL's own HMAC does, most of which is looking up its algorithm by name; a phone change
    makes eight. It is as secret as the key.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def mac(self, parts: tuple[str | bytes, ...]) -> bytes:
        """What `mac` gives for the key."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_framed(parts))
        outer.update(inner.digest())
        return outer.digest()


def _framed(parts: tuple[str | bytes, ...]) -> bytes:
    pieces: list[bytes] = []
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        length = len(raw)
        pieces += (_PREFIXES[length] if length < len(_PREFIXES) else length.to_bytes(4, "big"), raw)
    return b"".join(pieces)
