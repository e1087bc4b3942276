"""Every number in docs/security.md is what the code does: what is not on this list may not stand there."""

import re

import msgspec
import pytest

from ostiary.server.core.millis import DAY, FUTURE_TOLERANCE, HOUR, MINUTE, SECOND
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.guards import signing_keys
from ostiary.server.guards.limits import rules as limits
from ostiary.server.guards.limits.rules import Exact
from ostiary.server.guards.notices import NOTICE_LIFE
from ostiary.server.guards.passcodes import derive
from ostiary.server.guards.passcodes.rules import WRONG_IN_A_ROW, half
from ostiary.server.guards.passwords import FLOOR_LANES, FLOOR_MEMORY_KIB, FLOOR_PASSES
from ostiary.server.web.answers import MOST_BODY
from ostiary.server.web.strict_json import DEEPEST
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "security.md")
POOL, APP = PoolPolicy(), AppPolicy()


def rounded(number: float) -> str:
    """Thousands apart, as people read them."""
    return f"{number:,.0f}".replace(",", " ")


def numbers(share: limits.Share) -> tuple[int, int]:
    """Of one number: an hour, a day."""
    hour, day = (
        next(limit.most for limit in limits.NUMBER if (limit.window, limit.share) == (window, share))
        for window in (HOUR, DAY)
    )
    return hour, day


def setting(name: str) -> str:
    """`name`, low to high."""
    field = next(one for one in msgspec.structs.fields(PoolPolicy) if one.encode_name == name)
    info = msgspec.inspect.type_info(field.type)
    assert isinstance(info, msgspec.inspect.IntType)
    return f"`{name}`, {rounded(info.ge or 0)} to {rounded(info.le or 0)}"


DIGITS, GUESSES = POOL.verify_code_length, POOL.wrong_codes_per_day
DOORS = 4
"""Two channels open an account to who is not signed in, at a number and at an address."""
TOLD = [
    f"with {DIGITS} digits and {GUESSES} wrong guesses a day",
    f"1 in {rounded(10**DIGITS / GUESSES)} a day",
    f"That is {DOORS * GUESSES} guesses, or 1 in {rounded(10**DIGITS / (DOORS * GUESSES))} a day for one account",
    f"({(DOORS + 1) * GUESSES} guesses with `selfUnlockAccount`",
    "one asker | 1 a minute",
    "all channels and spellings | {} | {}".format(*numbers("all")),
    "asks without a token | {} | {}".format(*numbers("unsigned")),
    "all but the owner | {} | {}".format(*numbers("not_owner")),
    f"one signed-in user | | {limits.USER[0].most}",
    f"asks without a token | {POOL.send_per_address_per_minute} a minute | {POOL.send_per_address_per_day}",
    f"{rounded(POOL.send_per_app_per_day)}, without a token {limits.UNSIGNED_PER_CENT_OF_APP} %",
    f"all pools | | {limits.INSTALLATION_PER_DAY}",
    f"{8 * derive.SEED_BYTES}-bit seed",
    f"argon2id, {rounded(FLOOR_MEMORY_KIB)} KiB, {FLOOR_PASSES} passes, {FLOOR_LANES} lane",
    f"{rounded(signing_keys._RSA_BITS)}-bit RSA",
    f"digits of a code | {DIGITS}",
    f"{setting('verifyCodeLength')}; under 6 only with few guesses",
    f"life of a code | {POOL.verify_code_ttl} s | {setting('verifyCodeTtl')}",
    f"kill a code | {POOL.verify_code_max_attempts} | {setting('verifyCodeMaxAttempts')}",
    f"wrong guesses in {DAY // HOUR} hours | {GUESSES} | {setting('wrongCodesPerDay')}",
    f"from one session | {half(GUESSES)} |",
    f"shut a channel | {WRONG_IN_A_ROW} |",
    f"update token | {POOL.update_token_ttl} s | {setting('updateTokenTtl')}",
    f"old number | {POOL.step_up_max_age} s | {setting('stepUpMaxAge')}",
    f"access token | {rounded(APP.access_token_life)} s",
    f"a session | {APP.session_life * SECOND // DAY} days",
    f"refresh family | {APP.refresh_token_life * SECOND // DAY} days",
    f"is tried | {NOTICE_LIFE // HOUR} hours",
    f"shortest password | {POOL.password_min_length} characters",
    f"largest body | {MOST_BODY // 1024} KiB",
    f"deepest JSON | {DEEPEST} levels",
    f"may differ by | {FUTURE_TOLERANCE // SECOND} s",
    f"{DIGITS}, {POOL.verify_code_ttl} s, once, it does not",
    f"{WRONG_IN_A_ROW}, then a new sign-in",
    f"a sign-in of {POOL.step_up_max_age} s at most",
    f"with {numbers('unsigned')[1]} asks or {GUESSES} wrong guesses",
    "an hour | 24 hours",
]
OF_OTHERS = [
    "NIST SP 800-63B-4",
    "6 digits at least, 10 minutes at most",
    "100 wrong in a row at most",
    "OWASP ASVS 5.0",
    "RFC 9700",
    "SHA-256",
    "argon2id",
]
"""Figures and names of standards."""


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("phrase", TOLD)
def test_a_figure_is_the_code_s(phrase):
    assert phrase.lower() in flat(PAGE.text).lower()


def test_no_other_number_stands_there():
    text = re.sub(r"`tests/[^`]+`", "", flat(PAGE.text)).lower()
    for phrase in sorted([*TOLD, *OF_OTHERS, *SECRETS], key=len, reverse=True):
        text = text.replace(phrase.lower(), "")
    assert not re.findall(r".{0,30}\d+.{0,30}", text)


SECRETS = ["256 random bits"]


def test_secrets_have_256_bits_by_default():
    assert len(Ports.secret()) == 43  # 32 bytes in base64 without padding
    assert POOL.short_code_allowed
    assert not msgspec.structs.replace(POOL, verify_code_length=5).short_code_allowed


def test_one_a_minute_is_one_a_minute():
    assert Exact(1, MINUTE) == limits.PAIR


def test_every_claim_names_a_test():
    sections = re.split(r"^## ", PAGE.text, flags=re.MULTILINE)
    claiming = [section for section in sections if "| shown by |" in section]
    assert len(claiming) >= 5
    for section in claiming:
        rows = [line for line in section.splitlines() if line.startswith("| ") and "shown by" not in line]
        unshown = [row for row in rows if "tests/" not in row and "| the same |" not in row]
        assert not unshown
