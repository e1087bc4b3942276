"""The digits of codes: uniform over the whole range, and of another code for every other circumstance (§4, I8)."""

from collections import Counter
from itertools import pairwise, product
from typing import get_args

import pytest

from ostiary.contract.common import EmailChannel, SmsChannel
from ostiary.server.core.keyring import KeyRing, RootKey
from ostiary.server.core.millis import Millis
from ostiary.server.core.passcode import Channel
from ostiary.server.core.ports import Ports
from ostiary.server.guards.passcodes import derive

RING = KeyRing(
    "codes", (RootKey("new", bytes(range(32)), Millis(9)), RootKey("old", bytes(range(32, 64)), Millis(0)))
)
NUMBER = "+8613800138000"


def digits(seed: bytes, *, key: str = "new", pool: str = "p", channel: str = "CHANNEL_BIND_PHONE",
           number: str = NUMBER, owner: str = "u", length: int = 6) -> str:  # fmt: skip # one line would be too long
    found = derive.digits(RING, seed, key, pool, channel, number, owner, length)
    assert found is not None
    return found


def chi_square(counts: list[int], expected: float) -> float:
    return sum((count - expected) ** 2 / expected for count in counts)


def test_codes_are_spread_evenly_ends_included() -> None:
    """10^5 digits: each place and each pair of neighbours as even as chance has it (chi-square, p < 10^-6 fails)."""
    made = [digits(number.to_bytes(16, "big"), length=10) for number in range(10_000)]
    for place in range(10):
        counts = Counter(code[place] for code in made)
        assert chi_square([counts[str(digit)] for digit in range(10)], 1_000) < 45, place
    pairs = Counter(left + right for code in made for left, right in pairwise(code))
    assert len(pairs) == 100
    assert chi_square(list(pairs.values()), 900) < 190  # 99 degrees of freedom
    assert {code[0] for code in made} == set("0123456789"), "leading zeros and nines are there"


def test_short_codes_reach_both_ends() -> None:
    """Every one of the 10^4 codes of four digits turns up about as often as the others, 0000 and 9999 too."""
    counts = Counter(digits(number.to_bytes(16, "little"), length=4) for number in range(20_000))
    hundreds = Counter(dict.fromkeys(range(100), 0))
    for code, count in counts.items():
        hundreds[int(code) // 100] += count
    assert chi_square(list(hundreds.values()), 200) < 190
    low = sum(counts[f"{code:04d}"] for code in range(50))
    high = sum(counts[f"{code:04d}"] for code in range(9_950, 10_000))
    assert 50 < low < 160
    assert 50 < high < 160


@pytest.mark.parametrize("length", range(4, 11))
def test_length_is_the_row_s(length: int) -> None:
    assert all(len(digits(bytes([n] * 16), length=length)) == length for n in range(50))


def test_another_circumstance_is_another_code() -> None:
    """Seed, key, pool, channel, number and owner all count: of 64 combinations no two share ten digits."""
    combinations = product(
        (b"a" * 16, b"b" * 16), ("new", "old"), ("p", "q"), ("c", "d"), (NUMBER, "+1"), ("u", "")
    )
    made = [
        digits(s, key=k, pool=p, channel=c, number=n, owner=o, length=10) for s, k, p, c, n, o in combinations
    ]
    assert len(set(made)) == len(made) == 64


def test_parts_do_not_run_into_each_other() -> None:
    """Moving a letter from one part to the next is another code: parts carry their lengths."""
    assert digits(b"s" * 16, pool="ab", channel="c", length=10) != digits(
        b"s" * 16, pool="a", channel="bc", length=10
    )
    assert digits(b"s" * 16, owner="", number="+1u", length=10) != digits(
        b"s" * 16, owner="u", number="+1", length=10
    )


def test_every_channel_has_a_code_of_its_own() -> None:
    """Each by each: one seed gives as many codes as there are channels, of which only the diagonal agrees."""
    for left, right in product(Channel, Channel):
        same = digits(b"x" * 16, channel=left, length=10) == digits(b"x" * 16, channel=right, length=10)
        assert same is (left is right)
    assert {*Channel} == {*get_args(SmsChannel), *get_args(EmailChannel)}


def test_a_code_whose_key_is_gone_has_no_digits() -> None:
    assert derive.digits(RING, b"a" * 16, "lost", "p", "c", NUMBER, "u", 6) is None


def test_seeds_come_from_the_system_and_are_128_bit() -> None:
    assert derive.SEED_BYTES == 16
    assert len({Ports.random_bytes(derive.SEED_BYTES) for _ in range(1_000)}) == 1_000
