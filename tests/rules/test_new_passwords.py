"""Which passwords may be chosen."""

import msgspec
import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.credentials import folded
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.guards.new_passwords import common, rules

NAMES = ("alice", "alice.w@example.com", None, "+8613800138000")


def verdict(password, *, policy=None, names=NAMES):
    refused = rules.judge(policy or PoolPolicy(), password, names, common.passwords())
    return refused.key if refused else None


@pytest.mark.parametrize(
    ("password", "key"),
    [
        ("1234567", Key.PASSWORD_TOO_SHORT),
        ("       ", Key.PASSWORD_TOO_SHORT),
        ("ｐａｓｓｗｏｒｄ", Key.PASSWORD_COMMON),  # full width
        ("PassWord1", Key.PASSWORD_COMMON),
        ("qwertyuiop", Key.PASSWORD_COMMON),
        ("13800138000", Key.PASSWORD_COMMON),
        ("138-0013-8000", Key.PASSWORD_COMMON),
        ("（138）0013.8000", Key.PASSWORD_COMMON),
        ("+86 138 0013 8000", Key.PASSWORD_COMMON),
        ("008613800138000", Key.PASSWORD_COMMON),
        ("13800138000abc", Key.PASSWORD_COMMON),
        ("13800138000abcd", None),
        ("13900139001x", None),
        ("Alice.W@Example.com", Key.PASSWORD_COMMON),
        ("alice.w12", Key.PASSWORD_COMMON),
        ("alicew12", Key.PASSWORD_COMMON),
        ("a-l-i-c-e-12", Key.PASSWORD_COMMON),
        ("alice123", Key.PASSWORD_COMMON),
        ("alice2026", None),
        ("密码密码密码密码", None),
        ("correct horse", None),
        ("correct 👩\u200d💻 horse", None),
        ("correct\u3000horse", None),
        ("correct\thorse", Key.BAD_REQUEST),
        ("correct\x00horse", Key.BAD_REQUEST),
        ("correct\x9bhorse", Key.BAD_REQUEST),
        ("\ufdfa" * 64, Key.BAD_REQUEST),  # one character that NFKC makes eighteen of
        ("x" * 1_024, None),
    ],
)
def test_what_may_be_chosen(password, key):
    assert verdict(password) == key


def test_the_pool_says_how_long():
    longer = msgspec.structs.replace(PoolPolicy(), password_min_length=12)
    refused = rules.judge(longer, "correct hor", (), (), "newPassword")
    assert refused is not None
    assert refused.facts() == {"field": "newPassword", "minLength": 12}
    assert verdict("correct hors", policy=longer) is None


def test_the_pool_may_allow_common_ones():
    lax = msgspec.structs.replace(PoolPolicy(), refuse_common_passwords=False)
    assert verdict("password1", policy=lax) is None


def test_names_of_three_letters_are_no_names():
    assert verdict("bob-2027", names=("bob",)) is None


def test_the_list_is_folded_and_long_enough_to_matter():
    listed = common.passwords()
    assert len(listed) == 16_290
    assert all(entry == folded(entry) and len(entry) >= 8 for entry in listed)
