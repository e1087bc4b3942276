"""Second factors, enumerated: which is wanted of whom, which codes are good when, and what a session has proven."""

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.server.core import second_factor
from ostiary.server.core.people import ACTIVE, Account
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.second_factor import KINDS, METHODS, read_recovery_code, short_label
from ostiary.server.features.second_factors import rules as feature_rules
from ostiary.server.guards.second_factors import otp, rules
from ostiary.server.guards.second_factors.rules import Candidate, Verdict

SECRETS = st.binary(min_size=20, max_size=20)
NOW = st.integers(min_value=10**12, max_value=4 * 10**12)


def subsets(of: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [chosen for size in range(len(of) + 1) for chosen in combinations(of, size)]


def account(**facts: Any) -> Account:
    known: dict[str, Any] = {
        "user_id": "u", "status": ACTIVE, "username": "ann", "has_password": True, "locale": None,
        "session_epoch": 0, "phone_version": 0, "email_version": 0, "phone": E164("+8613800138000"),
        "phone_verified": True, "email": "a@example.com", "email_verified": True,
    }  # fmt: skip # a table
    return Account(**{**known, **facts})


# --- what is wanted -----------------------------------------------------------------------------------------


def test_a_factor_that_is_enrolled_and_in_use_is_wanted_at_every_door() -> None:
    for first, proven in product(("pwd", "sms", "email"), product((True, False, None), repeat=3)):
        candidates = [
            Candidate(kind, was) for kind, was in zip(KINDS, proven, strict=True) if was is not None
        ]
        for has_password, phone, email in product(
            (True, False), (E164("+8613800138000"), None), ("a@b.cd", None)
        ):
            who = account(has_password=has_password, phone=phone, email=email)
            for always in (True, False):
                verdict = rules.judge_sign_in(candidates, who, first, always=always)
                _judged(verdict, candidates, first, always, has_password, phone, email)


def _judged(verdict, candidates, first, always, has_password, phone, email) -> None:
    if not candidates:
        assert verdict is (Verdict.NOTHING if always else Verdict.IN)
    elif not all(candidate.proven for candidate in candidates):
        assert verdict is Verdict.SECOND
    else:
        ways = {"pwd": has_password, "sms": phone is not None, "email": email is not None}
        other = any(there for way, there in ways.items() if way != first)
        enough = Verdict.NOTHING if always else Verdict.IN
        assert verdict is (Verdict.ANOTHER_FIRST if other else enough)


def test_what_is_enrolled_is_never_passed_by() -> None:
    """Everything that can be enrolled, stand in and be asked for: a stand-in is for who has enrolled nothing."""
    for enrolled, standing_in, asked in product(subsets(KINDS), subsets(("SMS", "EMAIL")), subsets(KINDS)):
        taken = rules.kinds_taken(enrolled, standing_in, asked)
        if enrolled:
            assert set(taken) == (set(enrolled) & set(asked) or set(enrolled))
        else:
            assert set(taken) == set(standing_in) & set(asked)


def test_a_session_has_used_a_factor_only_by_that_factor() -> None:
    """Whatever is enrolled, in use, and said in `sessions.methods`: a code to the account's number is no factor."""
    for enrolled, enabled in product(subsets(KINDS), subsets(KINDS)):
        policy = PoolPolicy(enabled_factors=enabled)  # type: ignore[arg-type] # subsets of the three
        wanted = second_factor.in_use(policy, enrolled)
        assert set(wanted) == set(enrolled) & set(enabled)
        for methods in subsets(("pwd", "sms", "email", "recovery", *METHODS.values())):
            used = {kind for kind, word in METHODS.items() if word in methods}
            assert second_factor.was_used(wanted, " ".join(methods)) == (
                not wanted or bool(used & set(wanted))
            )


def test_amr_says_how_it_was_signed_in() -> None:
    for methods, amr in (
        ("pwd", ["pwd"]),
        ("sms", ["sms"]),
        ("pwd otp", ["pwd", "otp", "mfa"]),
        ("pwd mfa-sms", ["pwd", "sms", "mfa"]),
        ("sms mfa-sms", ["sms", "mfa"]),
        ("email mfa-email", ["email", "mfa"]),
        ("pwd recovery", ["pwd", "recovery", "mfa"]),
        ("", []),
    ):
        assert second_factor.amr(methods) == amr


def test_one_of_each_kind_that_is_in_use() -> None:
    for enabled, enrolled in product(subsets(KINDS), subsets(KINDS)):
        policy = PoolPolicy(enabled_factors=enabled)  # type: ignore[arg-type] # subsets of the three
        free = feature_rules.to_enroll(policy, enrolled)
        for kind in KINDS:
            refused = feature_rules.judge_kind(kind, policy, account(factors=enrolled))
            assert (refused is None) == (kind in free)
        assert free == [kind for kind in KINDS if kind in enabled and kind not in enrolled]


# --- the authenticator's code -------------------------------------------------------------------------------


def test_the_vectors_of_rfc_6238() -> None:
    """Appendix B, the last six of its eight digits."""
    secret = b"12345678901234567890"
    for seconds, code in (
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ):
        assert otp.code_at(secret, otp.step_at(seconds * 1_000)) == code


@given(SECRETS, NOW, st.integers(-5, 5), st.integers(-5, 5))
def test_a_code_is_good_one_step_around_and_later_than_the_last(
    secret: bytes, now: int, away: int, last_away: int
) -> None:
    """The window (±1) and the replay rule, against every step near now."""
    current = otp.step_at(now)
    shown, last = current + away, current + last_away
    code = otp.code_at(secret, shown)
    matches = {step for step in range(current - 1, current + 2) if otp.code_at(secret, step) == code}
    good = otp.matching_step(secret, code, now, last)
    assert good == min((step for step in matches if step > last), default=None)
    if abs(away) <= 1 and shown > last:
        assert good is not None
    if not matches:
        assert good is None


@given(SECRETS, NOW)
def test_no_code_is_good_twice_whenever_it_is_shown(secret: bytes, now: int) -> None:
    code = otp.code_at(secret, otp.step_at(now))
    step = otp.matching_step(secret, code, now, 0)
    assert step is not None
    if len({otp.code_at(secret, step + near) for near in range(4)}) == 4:  # no two neighbours are alike
        for later in range(0, 90_001, 15_000):
            assert otp.matching_step(secret, code, now + later, step) is None


def test_the_recovery_code_is_read_however_it_was_written_down() -> None:
    digits = "b4718ec0874a087fbccbcd54"
    for text in (
        "b471-8ec0-874a-087f-bccb-cd54",
        "B471 8EC0 874A 087F BCCB CD54",
        "b4718ec0874a087fbccbcd54",
        "  ｂ471–8ec0—874a-087f-bccb-cd54\u200b",
    ):
        assert read_recovery_code(text) == digits
    for text in ("", "b471-8ec0-874a-087f-bccb", "g471-8ec0-874a-087f-bccb-cd54", "b471" * 40, "null"):
        assert read_recovery_code(text) is None


# ── the picture ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sign", ["😀", "字", "é", "a", " ", "/", "%"])
def test_every_name_fits_into_a_picture_and_an_ordinary_one_is_whole(sign: str) -> None:
    long = short_label(sign * 256)
    assert long == sign * 256 or (long.endswith("…") and (sign * 256).startswith(long[:-1].rstrip()))
    link = otp.uri(b"\xff" * 20, long, long)
    assert otp.qr_data_url(link).startswith("data:image/png;base64,")
    assert short_label(sign * 30) == sign * 30


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=256))
def test_a_label_is_a_beginning_of_the_name(name: str) -> None:
    label = short_label(name)
    assert label == name or name.startswith(label[:-1])
    assert len(otp.uri(b"\xff" * 20, label, label)) < 2_331
