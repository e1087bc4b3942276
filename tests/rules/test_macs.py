"""MACs over lists of parts: HMAC-SHA-256 as everybody makes it, and no two lists alike."""

import gc
import hashlib
import hmac

import pytest

from ostiary.server.core import macs
from ostiary.server.core.keyring import RootKey
from ostiary.server.core.millis import Millis
from ostiary.server.guards.second_factors import otp

LISTS = [
    (),
    ("",),
    ("", ""),
    ("ab", "c"),
    ("a", "bc"),
    (b"ab", "c\u4e2d"),
    ("x" * 255,),
    ("x" * 256,),
    ("x" * 70_000, b"\0"),
]


@pytest.mark.parametrize("length", [1, 16, 32, 63, 64, 65, 131])
def test_it_is_hmac_whatever_the_keys_length(length: int) -> None:
    """RFC 2104 §2: a key that is longer than a block is hashed first."""
    secret = bytes(range(length))
    key = RootKey("a key", secret, Millis(0))
    for parts in LISTS:
        raw = [part.encode() if isinstance(part, str) else part for part in parts]
        text = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
        expected = hmac.digest(secret, text, hashlib.sha256)
        assert macs.mac(secret, *parts) == key.mac(*parts) == key.mac(*parts) == expected


def test_no_two_lists_and_no_two_keys_give_the_same() -> None:
    keys = [RootKey("a key", bytes([number]) * 32, Millis(0)) for number in range(4)]
    made = [key.mac(*parts) for key in keys for parts in LISTS]
    assert len(set(made)) == len(made)
    assert keys[0].mac("ab", "c") == keys[0].mac(b"ab", b"c"), "a text is its bytes"


def test_of_a_persons_own_secret_nothing_is_kept() -> None:
    secret = bytes(range(100, 120))
    before = len(gc.get_referrers(secret))
    otp.recovery_mac(secret, "somebody", "1234")
    assert len(gc.get_referrers(secret)) == before
