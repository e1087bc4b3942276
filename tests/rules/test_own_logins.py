"""A user's own sign-ins, and what an application may have of its own: pure rules."""

import itertools

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.own_logins import GetLoginHistory, ListMyDevices
from ostiary.contract.tokens import TokenEndPointParams
from ostiary.server.core import user_agents
from ostiary.server.core.logins import Login, RecentLogin
from ostiary.server.core.millis import DAY
from ostiary.server.core.people import Account, Facts, Pool, Session
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import rules as oidc
from ostiary.server.features.oidc.rules import OfApp
from ostiary.server.features.own_logins import rules

NOW = 1_000 * DAY
FACTS = Facts(Pool("p", "Pool", "+86", "zh-CN", PoolPolicy()), None)
ALICE = Account("alice", "Activated", "alice", True, None, 1, 0, 0, None, False, None, False)


def session(*, epoch=1, ends_at=NOW + DAY, ended_at=None):
    return Session("s", epoch, "openid", "pwd", NOW - DAY, NOW - DAY, ends_at, ended_at)


LIVES, ENDED, OVER, OF_OLD_EPOCH, GONE = (
    session(),
    session(ended_at=NOW - 1),
    session(ends_at=NOW),
    session(epoch=0),
    None,
)


def row(device="d", app="a", lives=LIVES, at=0):
    return RecentLogin(Login(app, "App", "pwd", "192.0.2.1", "", at), device, lives)


@pytest.mark.parametrize(
    ("lived", "on_line"),
    [((one,), one is LIVES) for one in (LIVES, ENDED, OVER, OF_OLD_EPOCH, GONE)]
    + [(pair, LIVES in pair) for pair in itertools.product((LIVES, ENDED, GONE), repeat=2)],
)
def test_a_device_is_on_line_where_any_sign_in_on_it_lives(lived, on_line):
    [group] = rules.of_devices([row(lives=one) for one in lived], ALICE, NOW)
    assert group.lives is on_line


def test_groups_come_as_their_last_sign_in_came():
    rows = [row("b", at=5), row("a", at=4), row("", at=3), row("b", at=2), row("c", at=1)]
    assert [group.last.device_id for group in rules.of_devices(rows, ALICE, NOW)] == ["b", "a", "c"]
    assert [group.last.login.at for group in rules.of_apps(rows, ALICE, NOW)] == [5]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("nowhere", None),
        ("192.0.2.1/8", None),
        ("1.2.3", None),
    ],
)
def test_an_address_is_asked_for_as_it_is_stored(given, meant):
    wanted = rules.read_history(GetLoginHistory(client_ip=given), FACTS)
    if isinstance(wanted, Refused):
        assert (meant, wanted.key, wanted.data) == (None, Key.BAD_REQUEST, {"field": "clientIp"})
    else:
        assert wanted.address == meant


def test_what_is_not_asked_for_filters_nothing():
    wanted = rules.read_history(GetLoginHistory(), FACTS)
    assert not isinstance(wanted, Refused)
    assert (wanted.page.number, wanted.page.limit, wanted.page.skip) == (1, 10, 0)
    assert (wanted.start, wanted.app_id, wanted.address, wanted.nothing) == (0, "", "", False)
    assert wanted.before > NOW
    assert rules.read_devices(ListMyDevices(page=3, limit=50), FACTS).skip == 100
    assert rules.oldest_shown(PoolPolicy(login_history_days=2), NOW) == NOW - 2 * DAY


@pytest.mark.parametrize(
    ("methods", "told"),
    [("pwd", "PASSWORD"), ("sms otp", "PHONE_PASSCODE OTP"), ("email", "EMAIL_PASSCODE"), ("", "")],
)
def test_how_a_sign_in_was_proven_is_told_in_the_wires_words(methods, told):
    assert rules.login_method(methods) == told


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36", "Browser"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Version/17.5 Safari/604.1", "Mobile"),
        ("okhttp/4.12", "Mobile"),
        ("curl/8.5.0", "Desktop"),
        ("ostiary-python/0.1.0", "Desktop"),
        ("", "Desktop"),
    ],
)
def test_what_sort_of_device_it_says_it_is(agent, kind):
    assert user_agents.kind(agent) == kind


# ── an application's own tokens ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("allowed", "asked", "verdict"),
    [
        (("a", "b"), None, "a b"),
        (("a", "b"), "b", "b"),
        (("a", "b"), "b a b", "b a"),
        (("a", "b"), "c", "invalid_scope"),
        (("a", "b"), "a c", "invalid_scope"),
        (("a", "b"), "A", "invalid_scope"),
        (("a", "b"), " ", "invalid_scope"),
        ((), None, "unauthorized_client"),
        ((), "a", "unauthorized_client"),
    ],
)
def test_an_application_gets_what_it_was_given_and_no_more(allowed, asked, verdict):
    said = oidc.judge_app_scope(OfApp(asked), AppPolicy(client_credentials_scopes=allowed))
    assert ((said.data or {})["error"] if isinstance(said, Refused) else said) == verdict


def test_who_cannot_prove_itself_gets_nothing_of_its_own():
    public = AppPolicy(client_credentials_scopes=("a",), token_endpoint_auth_method="none")
    said = oidc.judge_app_scope(OfApp("a"), public)
    assert isinstance(said, Refused)
    assert (said.data or {})["error"] == "unauthorized_client"
    assert public.contradiction
    assert AppPolicy(signing_alg="HS256", token_endpoint_auth_method="none").contradiction
    assert AppPolicy(signing_alg="ES256", token_endpoint_auth_method="none").contradiction is None


def test_the_grant_is_told_by_its_name():
    assert oidc.read_grant(TokenEndPointParams(grant_type="client_credentials", scope="a"), FACTS) == OfApp(
        "a"
    )


@pytest.mark.parametrize(("set_to", "access"), [("RS256", "RS256"), ("ES256", "ES256"), ("HS256", "RS256")])
def test_access_tokens_are_never_signed_with_what_an_application_knows(set_to, access):
    assert AppPolicy(signing_alg=set_to).public_alg == access
