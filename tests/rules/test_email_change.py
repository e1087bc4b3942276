"""The rules of changing an address: row by row, pure (phone-change.md §5 and §6, read for addresses)."""

from itertools import product

import pytest
from msgspec.structs import replace

from ostiary.contract.email_change import UpdateEmailByEmailPassCode, VerifyUpdateEmailRequest
from ostiary.contract.keys import Key
from ostiary.server.core.people import Account, Facts, Pool
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import ChangeEmailStrategy, PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.email_change import rules
from ostiary.server.features.email_change.rules import Ask, Claims, Old

OLD, NEW = "ann@example.com", "ann@example.org"
ANN = Account(
    user_id="u",
    status="Activated",
    username="ann",
    has_password=True,
    locale=None,
    session_epoch=0,
    phone_version=0,
    email_version=3,
    phone=None,
    phone_verified=False,
    email=OLD,
    email_verified=True,
)
STRICT, LAX = PoolPolicy(), PoolPolicy(change_email_strategy=ChangeEmailStrategy(verify_old_email=False))
STALE, UNPROVEN = Refused(Key.REAUTH_REQUIRED), Refused(Key.REAUTH_REQUIRED, data={"methods": ["OTP"]})


def read(policy: PoolPolicy = STRICT, /, **typed: str) -> object:
    given = {"new_email": NEW, "new_email_pass_code": "123456", **typed}
    form = VerifyUpdateEmailRequest(
        email_pass_code_payload=UpdateEmailByEmailPassCode(**given), verify_method="EMAIL_PASSCODE"
    )
    return rules.read_request(form, Facts(Pool("p", "Pool", "+86", "zh-CN", policy), ANN))


def bad(field: str, key: Key = Key.BAD_REQUEST) -> Refused:
    return Refused(key, data={"field": field})


def test_addresses_and_codes_are_read_once_into_one_spelling() -> None:
    assert read(new_email=" Ann@EXAMPLE.org", new_email_pass_code="１２３-456") == Ask(NEW, "123456")
    asked = read(old_email="ANN@example.com", old_email_pass_code="654 321")
    assert asked == Ask(NEW, "123456", Old(OLD, "654321"))


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ({"new_email": "nobody"}, bad("newEmail", Key.BAD_CONTACT)),
        ({"new_email_pass_code": "12"}, bad("newEmailPassCode")),
        ({"old_email": "a@b", "old_email_pass_code": "123456"}, bad("oldEmail", Key.BAD_CONTACT)),
        ({"old_email": OLD, "old_email_pass_code": "x"}, bad("oldEmailPassCode")),
    ],
)
def test_what_cannot_be_read_names_its_field(typed: dict[str, str], refused: Refused) -> None:
    assert read(**typed) == refused


def test_half_an_old_pair_is_a_mistake_only_where_none_is_wanted() -> None:
    assert read(LAX, old_email=OLD) == bad("oldEmailPassCode")
    assert read(LAX, old_email_pass_code="123456") == bad("oldEmail")
    for half in ({"old_email": OLD}, {"old_email_pass_code": "123456"}):
        asked = read(**half)
        assert isinstance(asked, Ask)
        assert rules.judge_request(asked, STRICT, ANN, None, None) == Refused(Key.OLD_EMAIL_REQUIRED)


@pytest.mark.parametrize(
    ("wanted", "given", "fresh", "factor", "right"), list(product((True, False), repeat=5))
)
def test_rows_6_and_7(*, wanted: bool, given: bool, fresh: bool, factor: bool, right: bool) -> None:
    ask = Ask(NEW, "123456", Old(OLD if right else NEW, "1234") if given else None)
    verdict = rules.judge_request(
        ask, STRICT if wanted else LAX, ANN, None if fresh else STALE, None if factor else UNPROVEN
    )
    if wanted and not given:
        assert verdict == Refused(Key.OLD_EMAIL_REQUIRED)
    elif not given and not fresh:
        assert verdict == STALE
    elif not factor:
        assert verdict == UNPROVEN
    elif given and not right:
        assert verdict == Refused(Key.OLD_EMAIL_MISMATCH)
    else:
        assert verdict is None


def test_an_account_without_an_address_needs_no_old_proof() -> None:
    assert not rules.wants_old(STRICT, replace(ANN, email=None))
    assert rules.judge_request(Ask(NEW, "1234"), STRICT, replace(ANN, email=None), None, None) is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, None),
        ({"email": None}, Key.EMAIL_NOT_BOUND),
        ({"username": None}, Key.LAST_WAY_IN),
        ({"has_password": False}, Key.LAST_WAY_IN),
        ({"username": None, "phone": E164("+8613800138000")}, None),
        ({"has_password": False, "phone": E164("+8613800138000")}, Key.LAST_WAY_IN),
        ({"has_password": False, "phone": E164("+8613800138000"), "phone_verified": True}, None),
    ],
)
def test_the_last_way_in_is_kept(changes: dict[str, object], key: Key | None) -> None:
    verdict = rules.judge_unbind(replace(ANN, **changes))
    assert (verdict.key if verdict else None) is key


def test_binding_is_for_accounts_without_an_address() -> None:
    assert rules.judge_bind(ANN) == Refused(Key.EMAIL_ALREADY_BOUND)
    assert rules.judge_bind(replace(ANN, email=None)) is None


@pytest.mark.parametrize(
    ("claims", "policy", "key"),
    [
        (Claims(NEW, OLD, 3, True, True), STRICT, None),
        (Claims(NEW, OLD, 3, False, True), STRICT, Key.UPDATE_TOKEN_INVALID),
        (Claims(NEW, OLD, 3, False, True), LAX, None),
        (Claims(NEW, None, 3, False, True), STRICT, None),
        (Claims(NEW, OLD, 3, True, False), STRICT, None),
        (Claims(NEW, OLD, 3, True, False), PoolPolicy(require_bound_codes=True), Key.UPDATE_TOKEN_INVALID),
        (Claims(NEW, OLD, 2, True, True), STRICT, Key.OLD_EMAIL_MISMATCH),
    ],
)
def test_the_world_as_it_is_when_the_token_is_shown(
    claims: Claims, policy: PoolPolicy, key: Key | None
) -> None:
    verdict = rules.judge_change(claims, policy, ANN)
    assert (verdict.key if verdict else None) is key
