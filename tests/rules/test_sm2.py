"""SM2 by the standard's own example (GB/T 32918.5-2017 annex C), and what must not open."""

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.server.core import sm2

PRIVATE = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
PUBLIC = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
CHANCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
C1 = (
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
)
C2 = "21886ca989ca9c7d58087307ca93092d651efa"
C3 = "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
PLAIN = b"encryption standard"
POINT = sm2.Point(int(PUBLIC[2:66], 16), int(PUBLIC[66:], 16))


def blinding():
    return secrets.token_bytes(sm2.BLINDING_BYTES)


def test_the_public_key_of_the_example():
    assert sm2.public_key(PRIVATE, blinding()) == PUBLIC


@pytest.mark.parametrize("prefix", ["04", ""])
@pytest.mark.parametrize("order", [C2 + C3, C3 + C2])
def test_the_ciphertext_of_the_example_opens_in_both_orders(prefix, order):
    assert sm2.decrypt(PRIVATE, bytes.fromhex(prefix + C1 + order), blinding()) == PLAIN


def test_the_example_is_what_encrypting_makes():
    assert sm2.encrypt(POINT, PLAIN, CHANCE, blinding()).hex() == "04" + C1 + C2 + C3


@settings(max_examples=10)
@given(plain=st.binary(min_size=1, max_size=200), number=st.integers(1, sm2.N - 1))
def test_what_was_encrypted_opens(plain, number):
    assert sm2.decrypt(PRIVATE, sm2.encrypt(POINT, plain, number, blinding()), blinding()) == plain


@pytest.mark.parametrize("place", [0, 1, 40, 64, 65, 70, -1])
def test_a_changed_bit_opens_nothing(place):
    changed = bytearray(bytes.fromhex("04" + C1 + C2 + C3))
    changed[place] ^= 1
    assert sm2.decrypt(PRIVATE, bytes(changed), blinding()) is None


@pytest.mark.parametrize("text", ["", "04", C1, "04" + C1, "04" + C1 + C3, "00" * 200, "ff" * 200])
def test_what_is_no_ciphertext_opens_nothing(text):
    assert sm2.decrypt(PRIVATE, bytes.fromhex(text), blinding()) is None


def test_a_point_of_another_curve_is_refused():
    """Multiplied with, it would tell the private key piece by piece."""
    assert not sm2.on_curve(sm2.Point(POINT.x, POINT.y + 1))
    other = f"{POINT.x:064x}{POINT.y + 1:064x}"
    assert sm2.decrypt(PRIVATE, bytes.fromhex("04" + other + C2 + C3), blinding()) is None


def test_multiplying_agrees_with_the_group():
    assert sm2.multiply(sm2.N, sm2.GENERATOR, blinding()) is None
    assert sm2.multiply(1, POINT, blinding()) == POINT
    three = sm2.multiply(3, POINT, blinding())
    assert three is not None
    assert sm2.multiply(sm2.N - 3, POINT, blinding()) == sm2.Point(three.x, sm2.P - three.y)
