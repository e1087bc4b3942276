"""How often codes may be sent: every row of phone-change.md §8's table, at its edges."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.contract.keys import Key
from ostiary.server.core.codes import Sent
from ostiary.server.core.millis import DAY, HOUR, MINUTE, SECOND
from ostiary.server.guards.limits import rules
from ostiary.server.guards.limits.rules import Asker

NOW = 1_000 * DAY
OWNER, MEMBER, STRANGER = Asker("ann", owner=True), Asker("bob", owner=False), Asker("", owner=False)
_marks = count()


def asks(asker: Asker, how_many: int, *, ago: int = 0, used: bool = False, channel: str = "c") -> list[Sent]:
    return [
        Sent(NOW - ago, channel, asker.user_id, asker.owner, f"{next(_marks)}", used=used)
        for _ in range(how_many)
    ]


def fits(known: list[Sent], asker: Asker) -> bool:
    return rules.judge_exact(known, asker, rules.NUMBER, NOW) is None


# --- one number: totals, and shares -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "asker", "per_hour", "per_day"),
    [
        ("owner", OWNER, 5, 10),
        ("member", MEMBER, 4, 8),
        ("stranger", STRANGER, 3, 6),
    ],
)
def test_what_each_may_ask_alone(who: str, asker: Asker, per_hour: int, per_day: int) -> None:
    assert fits(asks(asker, per_hour - 1), asker)
    assert not fits(asks(asker, per_hour), asker)
    assert fits(asks(asker, per_hour, ago=HOUR), asker)
    assert fits(asks(asker, per_day - 1, ago=2 * HOUR), asker)
    assert not fits(asks(asker, per_day, ago=2 * HOUR), asker)
    assert fits(asks(asker, per_day, ago=DAY), asker)


@pytest.mark.parametrize(
    ("strangers", "members", "owners", "owner", "member", "stranger"),
    [  # asks within the hour → who may ask once more
        (3, 0, 0, True, True, False),
        (3, 1, 0, True, False, False),  # unsigned and non-owners together: 4
        (0, 4, 0, True, False, False),
        (3, 1, 1, False, False, False),  # 5 in all
        (0, 0, 4, True, True, True),
        (0, 0, 5, False, False, False),
        (2, 1, 1, True, True, True),
        (2, 2, 0, True, False, False),
        (2, 0, 3, False, False, False),
    ],
)
def test_the_owner_s_reserve_in_an_hour(
    strangers: int, members: int, owners: int, *, owner: bool, member: bool, stranger: bool
) -> None:
    known = asks(STRANGER, strangers) + asks(MEMBER, members) + asks(OWNER, owners)
    assert (fits(known, OWNER), fits(known, MEMBER), fits(known, STRANGER)) == (owner, member, stranger)


@pytest.mark.parametrize(
    ("strangers", "members", "owners", "owner", "member", "stranger"),
    [  # asks within the day, none of them within the hour
        (6, 0, 0, True, True, False),
        (6, 2, 0, True, False, False),
        (0, 8, 0, True, False, False),
        (6, 2, 1, True, False, False),
        (6, 2, 2, False, False, False),
        (0, 0, 9, True, True, True),
        (0, 0, 10, False, False, False),
    ],
)
def test_the_owner_s_reserve_in_a_day(
    strangers: int, members: int, owners: int, *, owner: bool, member: bool, stranger: bool
) -> None:
    old = 2 * HOUR
    known = asks(STRANGER, strangers, ago=old) + asks(MEMBER, members, ago=old) + asks(OWNER, owners, ago=old)
    assert (fits(known, OWNER), fits(known, MEMBER), fits(known, STRANGER)) == (owner, member, stranger)


def test_used_codes_leave_the_shares_and_not_the_totals() -> None:
    """An honest holder who signs in by code all day is stopped by the total alone."""
    assert fits(asks(STRANGER, 4, used=True), STRANGER)
    assert not fits(asks(STRANGER, 5, used=True), STRANGER)
    assert fits(asks(STRANGER, 9, used=True, ago=2 * HOUR), STRANGER)
    assert not fits(asks(STRANGER, 10, used=True, ago=2 * HOUR), STRANGER)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([OWNER, MEMBER, STRANGER]), st.integers(0, DAY + HOUR), st.booleans()),
        max_size=14,
    ),
    st.sampled_from([OWNER, MEMBER, STRANGER]),
)
def test_the_limits_counted_a_second_way(drawn: list[tuple[Asker, int, bool]], asker: Asker) -> None:
    """Any history: refused exactly where one of the six sentences of the table is broken, and then for long enough."""
    known = [ask for who, ago, used in drawn for ask in asks(who, 1, ago=ago, used=used)]

    def broken(now: int) -> bool:
        for hours, total, outside, unsigned in ((1, 5, 4, 3), (24, 10, 8, 6)):
            young = [ask for ask in known if now - ask.at < hours * HOUR]
            strange = [ask for ask in young if not ask.owner and not ask.used]
            if len(young) >= total:
                return True
            if not asker.owner and len(strange) >= outside:
                return True
            if not asker.user_id and len([ask for ask in strange if not ask.asker]) >= unsigned:
                return True
        return False

    until = rules.judge_exact(known, asker, rules.NUMBER, NOW)
    assert (until is not None) == broken(NOW)
    if until is not None:
        assert until > NOW
        assert broken(until - 1)
        assert not broken(until)


def test_asks_from_the_future_count_as_now() -> None:
    ahead = asks(STRANGER, 3, ago=-3 * DAY)
    assert rules.judge_exact(ahead, STRANGER, rules.NUMBER, NOW) == NOW + HOUR
    assert rules.remembered(ahead, NOW) == tuple(ahead)


# --- one number on one channel, one user --------------------------------------------------------------------


def test_one_ask_a_minute_per_asker_number_and_channel() -> None:
    known = asks(STRANGER, 1, ago=30 * SECOND)
    assert rules.judge_pair(known, STRANGER, "c", NOW) == NOW + 30 * SECOND
    assert rules.judge_pair(known, STRANGER, "other", NOW) is None
    assert rules.judge_pair(known, OWNER, "c", NOW) is None, "a stranger holds up nobody"
    assert rules.judge_pair(known, MEMBER, "c", NOW) is None
    assert rules.judge_pair(asks(STRANGER, 1, ago=MINUTE), STRANGER, "c", NOW) is None
    assert rules.judge_pair(asks(STRANGER, 1, ago=MINUTE - 1), STRANGER, "c", NOW) == NOW + 1


def test_after_a_code_that_was_used_one_may_ask_at_once() -> None:
    assert rules.judge_pair(asks(OWNER, 1, used=True), OWNER, "c", NOW) is None


def test_a_signed_in_user_has_twenty_a_day() -> None:
    assert rules.judge_exact(asks(OWNER, 19, ago=HOUR), OWNER, rules.USER, NOW) is None
    assert rules.judge_exact(asks(OWNER, 20, ago=HOUR), OWNER, rules.USER, NOW) == NOW + 23 * HOUR
    assert rules.judge_exact(asks(OWNER, 20, used=True), OWNER, rules.USER, NOW) is not None


def test_the_answer_says_when_and_is_never_too_early() -> None:
    assert rules.too_often(NOW + 1, NOW).retry_after == 1
    assert rules.too_often(NOW + 1_001, NOW).retry_after == 2
    assert rules.too_often(NOW, NOW).retry_after == 1
    assert rules.too_often(NOW + 1, NOW).key is Key.SMS_TOO_OFTEN


# --- sums ---------------------------------------------------------------------------------------------------


def coarse(
    *, unsigned: bool, address: str = "203.0.113.1", minute: int = 10, day: int = 100, app: int = 1_000
):
    rows = rules.coarse_limits(
        app_id="a", pool_id="p", address=address, number="+8613800138000", unsigned=unsigned,
        per_minute=minute, per_day=day, app_per_day=app,
    )  # fmt: skip # two lines
    assert [row.key for row in rows] == sorted(row.key for row in rows), "one order for everybody"
    return {row.key: (row.most, row.window) for row in rows}


def test_the_sums_of_an_unsigned_ask() -> None:
    assert coarse(unsigned=True) == {
        "address:p:203.0.113.1:minute": (10, MINUTE),
        "address:p:203.0.113.1:day": (100, DAY),
        "app:a": (1_000, DAY),
        "app-unsigned:a": (700, DAY),
        "number:+8613800138000": (30, DAY),
    }


def test_addresses_are_of_no_concern_to_who_is_signed_in_nor_to_a_backend_itself() -> None:
    assert coarse(unsigned=False) == {"app:a": (1_000, DAY), "number:+8613800138000": (30, DAY)}
    assert set(coarse(unsigned=True, address="")) == {"app:a", "app-unsigned:a", "number:+8613800138000"}


def test_zero_is_off_and_still_counted() -> None:
    assert coarse(unsigned=True, minute=0, day=0, app=0) == {
        "address:p:203.0.113.1:minute": (None, MINUTE),
        "address:p:203.0.113.1:day": (None, DAY),
        "app:a": (None, DAY),
        "app-unsigned:a": (None, DAY),
        "number:+8613800138000": (30, DAY),
    }


@pytest.mark.parametrize(("app", "share"), [(1, 0), (2, 1), (3, 2), (10, 7), (90, 63), (1_000, 700)])
def test_the_unsigned_share_is_whole_and_never_off_by_itself(app: int, share: int) -> None:
    assert coarse(unsigned=True, app=app)["app-unsigned:a"] == (share, DAY)


@given(st.integers(1, 10_000))
def test_unsigned_asks_never_have_more_than_seventy_per_cent(app: int) -> None:
    most = coarse(unsigned=True, app=app)["app-unsigned:a"][0]
    assert 100 * most <= 70 * app < 100 * (most + 1)
