"""What an account is called, what a scope opens, what a refresh token is worth: pure rules."""

import itertools

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.signin import (
    SigninByCredentials,
    SignInByPassCodePayload,
    SignInByPasswordPayload,
    SignInOptions,
    SignUp,
    SignUpByPassCode,
    SignUpByPassword,
)
from ostiary.contract.tokens import TokenEndPointParams
from ostiary.server.core import scopes
from ostiary.server.core.credentials import Names, read_email, read_username, username_key
from ostiary.server.core.people import Account, Facts, Pool, Session
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import rules as oidc
from ostiary.server.features.oidc.rules import Verdict
from ostiary.server.features.sign_in import rules as sign_in
from ostiary.server.features.sign_up import rules as sign_up

NOW = 1_000_000
FACTS = Facts(Pool("p", "Pool", "+86", "zh-CN", PoolPolicy()), None)


def facts(**policy):
    return Facts(Pool("p", "Pool", "+86", "zh-CN", PoolPolicy(**policy)), None)


def key_of(answer):
    return answer.key if isinstance(answer, Refused) else None


# ── names ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("same", ["Alice", "ALICE", " alice ", "ａｌｉｃｅ", "ＡLice"])
def test_a_user_name_has_one_key_whatever_its_case_and_width(same):
    assert username_key(same) == "alice"


@pytest.mark.parametrize("text", ["straße", "ǅ", "ﬁn", "İstanbul", "ᾳ"])
def test_a_key_of_a_key_is_the_key(text):
    assert username_key(username_key(text)) == username_key(text)


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "a\u202eb", "\u200b", "a\x00"])
def test_what_nobody_could_read_is_no_user_name(text):
    assert read_username(text) is None


@pytest.mark.parametrize("same", ["Bob@Example.com", " bob@example.COM", "ｂob@example.com"])
def test_an_address_has_one_spelling(same):
    assert read_email(same) == "bob@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        "bob@",
        "@example.com",
        "bob@example",
        "bo b@example.com",
        "bob@@example.com",
        "bob@exa mple.com",
        "<bob@example.com>",
        "bob@example.com,eve@example.com",
        "a" * 65 + "@example.com",
        "bob@example..com",
        "bob@" + "x" * 250 + ".com",
        "bob@example.com\nbcc:eve@example.com",
        "bob@.example.com",
    ],
)
def test_what_mail_could_not_be_sent_to_is_no_address(text):
    assert read_email(text) is None


def test_names_and_passwords_are_in_no_repr():
    shown = repr(sign_in.ByPassword(Names("alice", "a@b.cc", None), "hunter22", None, "openid")) + repr(
        sign_up.ByPassword("hunter22", None, "alice", "a@b.cc")
    )
    assert "hunter22" not in shown
    assert "a@b.cc" not in shown


# ── scopes ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "openid"),
        ("", "openid"),
        ("profile", "openid profile"),
        ("openid  profile profile", "openid profile"),
        ("openid admin OPENID phone", "openid phone"),
    ],
)
def test_known_scopes_are_granted_once_and_openid_always(asked, granted):
    assert scopes.granted(asked) == granted


@pytest.mark.parametrize(
    ("asked", "narrowed"),
    [
        (None, "openid phone"),
        ("phone", "phone"),
        ("phone openid phone", "phone openid"),
        ("email", None),
        ("", None),
    ],
)
def test_a_refresh_may_ask_for_less_never_for_more(asked, narrowed):
    assert scopes.narrowed(asked, "openid phone") == narrowed


def test_a_scope_opens_its_own_claims_only():
    assert scopes.opens("openid") == {"sub"}
    assert scopes.opens("phone") == {"phone_number", "phone_number_verified"}
    claims = [claim for names in scopes.CLAIMS.values() for claim in names]
    assert len(claims) == len(set(claims))


# ── signing in ──────────────────────────────────────────────────────────────────────────────


def by_password(**names):
    payload = SignInByPasswordPayload(password="12345678", **names)
    return SigninByCredentials(connection="PASSWORD", password_payload=payload)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"account": "Alice"}, Names("alice", None, None)),
        ({"account": "Bob@Example.com"}, Names("bob@example.com", "bob@example.com", None)),
        ({"account": "138 0013 8000"}, Names("138 0013 8000", None, E164("+8613800138000"))),
        ({"username": "13800138000"}, Names("13800138000", None, None)),
        ({"email": "Bob@Example.com"}, Names(None, "bob@example.com", None)),
        ({"phone": "+86 13800138000"}, Names(None, None, E164("+8613800138000"))),
    ],
)
def test_an_account_is_looked_for_by_what_was_typed(given, names):
    ask = sign_in.read_by_password(by_password(**given), FACTS)
    assert isinstance(ask, sign_in.ByPassword)
    assert ask.names == names


@pytest.mark.parametrize(
    ("given", "field"),
    [({"phone": "abc"}, "phone"), ({"email": "bob"}, "email"), ({"phone": "+1 13800138000"}, "phone")],
)
def test_what_can_be_no_number_or_address_is_told(given, field):
    refused = sign_in.read_by_password(by_password(**given), FACTS)
    assert isinstance(refused, Refused)
    assert (refused.key, refused.data) == (Key.BAD_CONTACT, {"field": field})


@pytest.mark.parametrize(("right", "active"), list(itertools.product([True, False], repeat=2)))
def test_that_an_account_is_locked_is_told_to_its_owner_alone(right, active):
    verdict = key_of(sign_in.judge_password(right=right, active=active))
    if not right:
        assert verdict is Key.WRONG_CREDENTIALS
    else:
        assert verdict is (None if active else Key.USER_LOCKED)


@pytest.mark.parametrize(("auto", "disabled"), list(itertools.product([True, False], repeat=2)))
def test_a_newcomer_with_a_right_code_gets_an_account_where_both_sides_want_it(auto, disabled):
    payload = SignInByPassCodePayload(phone="13800138000", pass_code="123456")
    form = SigninByCredentials(
        connection="PASSCODE", pass_code_payload=payload, options=SignInOptions(auto_register=auto)
    )
    ask = sign_in.read_by_code(form, FACTS)
    assert isinstance(ask, sign_in.ByCode)
    verdict = key_of(sign_in.judge_newcomer(ask, PoolPolicy(register_disabled=disabled)))
    assert verdict is (Key.USER_NOT_FOUND if not auto else Key.SIGN_UP_DISABLED if disabled else None)


@pytest.mark.parametrize(
    ("code", "phone", "key", "field"),
    [
        ("12ab", "13800138000", Key.BAD_REQUEST, "passCode"),
        ("123456", "abc", Key.BAD_CONTACT, "phone"),
        ("123456", None, Key.PARAMETERS_INCOMPLETE, "phone"),
    ],
)
def test_a_code_and_its_number_are_read_before_anything_is_compared(code, phone, key, field):
    payload = SignInByPassCodePayload(phone=phone, pass_code=code)
    refused = sign_in.read_by_code(
        SigninByCredentials(connection="PASSCODE", pass_code_payload=payload), FACTS
    )
    assert isinstance(refused, Refused)
    assert (refused.key, refused.data) == (key, {"field": field})


# ── registering ─────────────────────────────────────────────────────────────────────────────


def new(password="12345678", **names):
    payload = SignUpByPassword(password=password, **names)
    return SignUp(connection="PASSWORD", password_payload=payload)


def new_by_code(phone, code="123456"):
    return SignUp(connection="PASSCODE", pass_code_payload=SignUpByPassCode(phone=phone, pass_code=code))


@pytest.mark.parametrize(
    ("form", "key"),
    [
        (new(username="alice"), None),
        (new(email="alice@example.com"), None),
        (new(), Key.PARAMETERS_INCOMPLETE),
        (new(username="a\nb"), Key.BAD_REQUEST),
        (new(email="alice"), Key.BAD_CONTACT),
        (new_by_code("13800138000"), None),
        (new_by_code("01012345678"), Key.BAD_CONTACT),
        (new_by_code("+1 650 253 0000"), Key.BAD_CONTACT),
        (new_by_code("13800138000", "x"), Key.BAD_REQUEST),
    ],
)
def test_a_form_to_register_with(form, key):
    assert key_of(sign_up.read_sign_up(form, FACTS)) is key


def test_a_number_of_a_country_that_is_not_served_can_not_register():
    assert key_of(sign_up.read_sign_up(new_by_code("13800138000"), facts(allowed_countries=("+1",)))) is (
        Key.NUMBER_NOT_SERVED
    )


def test_a_closed_pool_says_so_before_it_judges_a_password():
    closed = facts(register_disabled=True)
    assert key_of(sign_up.read_sign_up(new("short", username="alice"), closed)) is Key.SIGN_UP_DISABLED
    assert key_of(sign_up.read_sign_up(new_by_code("13800138000"), closed)) is Key.SIGN_UP_DISABLED


# ── refreshing ──────────────────────────────────────────────────────────────────────────────


def judge(
    *, used=False, status="Activated", epoch=0, ended=None, session_ends=NOW + 1, ends=NOW + 1, made=NOW
):
    account = Account("u", status, None, True, None, 0, 0, 0, None, False, None, False)
    session = Session("s", epoch, "openid", "pwd", 0, 0, session_ends, ended)
    return oidc.judge_refresh(
        used=used, made_at=made, ends_at=ends, session=session, account=account, now=NOW
    )


def test_a_refresh_token_is_good_once():
    assert judge() is Verdict.GOOD
    assert judge(used=True) is Verdict.REUSED


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize(
    "dead", [{"status": "Suspended"}, {"epoch": 1}, {"ended": NOW - 1}, {"session_ends": NOW}]
)
def test_nothing_comes_of_a_refresh_token_whose_sign_in_is_over(dead, used):
    assert judge(used=used, **dead) is Verdict.DEAD


@pytest.mark.parametrize("dead", [{"ends": NOW}, {"made": NOW + 5_001}])
def test_a_refresh_token_is_live_until_its_end_and_not_from_the_future(dead):
    assert judge(**dead) is Verdict.DEAD


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (TokenEndPointParams(grant_type="password"), "unsupported_grant_type"),
        (TokenEndPointParams(grant_type="authorization_code", code="c"), "unsupported_grant_type"),
        (TokenEndPointParams(grant_type="refresh_token"), None),
    ],
)
def test_only_a_refresh_token_is_exchanged(form, error):
    refused = oidc.read_grant(form, FACTS)
    assert isinstance(refused, Refused)
    assert (refused.data or {}).get("error") == error
