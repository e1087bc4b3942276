"""The decision tables of phone-change.md §5 and §6, as far as they are pure, written out a second time.

Each expectation is a list of rows in the order of the specification; the first one that holds answers. What codes,
counters and the world add is judged over a real store: tests/journeys/test_change_table.py.
"""

from itertools import product
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.profile import (
    BindPhone,
    UnbindPhone,
    UpdatePhoneByPhonePassCode,
    VerifyUpdatePhoneRequest,
)
from ostiary.server.core.people import ACTIVE, Account, Facts, Pool
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import ChangePhoneStrategy, PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.phone_change import rules
from ostiary.server.features.phone_change.rules import Ask, Claims

OWN, FREE, FOREIGN, FIXED, NONSENSE = (
    "+8613800138000",
    "+8613900139000",
    "+447400123456",
    "+861064821234",
    "abc",
)
STALE = Refused(Key.REAUTH_REQUIRED)
UNPROVEN = Refused(Key.REAUTH_REQUIRED, data={"methods": ["OTP"]})
SPELLED = {None: None, OWN: "138 0013 8000", FREE: "13900139000", FIXED: "010 6482 1234", NONSENSE: "abc"}


def policy(
    *, verify_old: bool = True, bound: bool = False, countries: tuple[str, ...] = ("+86",)
) -> PoolPolicy:
    return PoolPolicy(
        change_phone_strategy=ChangePhoneStrategy(verify_old_phone=verify_old),
        require_bound_codes=bound,
        allowed_countries=countries,
    )


def account(phone: str | None = OWN, *, version: int = 3, **more: Any) -> Account:
    facts: dict[str, Any] = {
        "user_id": "u", "status": ACTIVE, "username": "ann", "has_password": True, "locale": None,
        "session_epoch": 0, "phone_version": version, "email_version": 0,
        "phone": E164(phone) if phone else None, "phone_verified": True, "email": None, "email_verified": False,
        **more,
    }  # fmt: skip # a table
    return Account(**facts)


def facts(chosen: PoolPolicy, who: Account | None) -> Facts:
    return Facts(Pool("p", "Pool", "+86", "zh-CN", chosen), who)


def first(*rows: tuple[bool, Key]) -> Key | None:
    return next((key for holds, key in rows if holds), None)


def request(new: str, new_code: str, old: str | None, old_code: str | None) -> VerifyUpdatePhoneRequest:
    """With numbers spelled as people spell them; foreign ones with a country code."""
    return VerifyUpdatePhoneRequest(
        verify_method="PHONE_PASSCODE",
        phone_pass_code_payload=UpdatePhoneByPhonePassCode(
            new_phone_number=SPELLED.get(new) or "07400 123456",
            new_phone_country_code="+44" if new == FOREIGN else None,
            new_phone_pass_code=new_code,
            old_phone_number=SPELLED[old],
            old_phone_pass_code=old_code,
        ),
    )


# --- §5, rows 2, 3, 5, 6 and 7 ------------------------------------------------------------------------------

REQUESTS = list(
    product(
        (True, False),  # verifyOldPhone
        (OWN, None),  # the account's number
        (OWN, FREE, FOREIGN, FIXED, NONSENSE),  # the new one
        ("123456", "12"),  # its code
        (None, OWN, FREE, NONSENSE),  # the old number that is given
        (None, "123 456", "12x456"),  # its code
        (True, False),  # whether the session's check is too old
        (True, False),  # whether an enrolled second factor was not used in it
    )
)


def test_every_request_is_answered_by_the_first_row_that_fails() -> None:
    for verify, has, new, new_code, old, old_code, stale, unproven in REQUESTS:
        chosen, who = policy(verify_old=verify), account(has)
        wanted = verify and has is not None
        own = new == has
        expected = first(
            (new_code == "12", Key.BAD_REQUEST),  # 2
            (old_code == "12x456", Key.BAD_REQUEST),
            ((old is None) != (old_code is None) and not wanted, Key.BAD_REQUEST),
            (new in {FIXED, NONSENSE}, Key.BAD_CONTACT),  # 3
            (new == FOREIGN, Key.NUMBER_NOT_SERVED),
            (old == NONSENSE, Key.BAD_CONTACT),
            (own, Key.SAME_PHONE),  # 5
            (wanted and (old is None or old_code is None), Key.OLD_PHONE_REQUIRED),  # 6
            (not wanted and old is None and stale, Key.REAUTH_REQUIRED),
            (unproven, Key.REAUTH_REQUIRED),
            (old is not None and old != has, Key.OLD_PHONE_MISMATCH),  # 7
        )
        case = (verify, has, new, new_code, old, old_code, stale, unproven)
        ask = rules.read_request(request(new, new_code, old, old_code), facts(chosen, who))
        answer = ask
        if isinstance(ask, Ask):
            answer = rules.judge_same(ask, who) or rules.judge_request(  # type: ignore[assignment] # None: go on
                ask, chosen, who, STALE if stale else None, UNPROVEN if unproven else None
            )
        assert (answer.key if isinstance(answer, Refused) else None) == expected, case
        if expected is None:
            assert isinstance(ask, Ask)
            assert not unproven, "an enrolled second factor was used in this session"
            _invariants(ask, chosen, who, stale=stale)


def _invariants(ask: Ask, chosen: PoolPolicy, who: Account, *, stale: bool) -> None:
    """What must be true of everything that is let through to its codes."""
    if chosen.change_phone_strategy.verify_old_phone and who.phone is not None:
        assert ask.old is not None, "no grant without every wanted proof"
    if ask.old is None:
        assert not stale, "without the old number's proof, the session's check is young"
    else:
        assert ask.old.number == who.phone, "an old number is the account's, whatever the policy"
        assert ask.old.code == "123456"
    assert ask.new_number in {OWN, FREE}
    assert ask.new_number != who.phone


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (request(FREE, "x", None, None), "newPhonePassCode"),
        (request(FREE, "123456", OWN, "x"), "oldPhonePassCode"),
        (request(FREE, "123456", OWN, None), "oldPhonePassCode"),
        (request(FREE, "123456", None, "123456"), "oldPhoneNumber"),
        (request(NONSENSE, "123456", None, None), "newPhoneNumber"),
        (request(FIXED, "123456", None, None), "newPhoneNumber"),
        (request(FREE, "123456", NONSENSE, "123456"), "oldPhoneNumber"),
    ],
)
def test_the_field_at_fault_is_named(form: VerifyUpdatePhoneRequest, field: str) -> None:
    refused = rules.read_request(form, facts(policy(verify_old=False), account()))
    assert isinstance(refused, Refused)
    assert refused.data == {"field": field}


def test_half_a_pair_is_row_6_where_a_pair_is_wanted() -> None:
    for old, code in ((OWN, None), (None, "123456"), (None, None)):
        ask = rules.read_request(request(FREE, "123456", old, code), facts(policy(), account()))
        assert isinstance(ask, Ask)
        refused = rules.judge_request(ask, policy(), account(), None)
        assert refused is not None
        assert refused.key is Key.OLD_PHONE_REQUIRED


def test_the_caller_s_own_number_is_not_judged_again() -> None:
    """Number data and the list of countries change; who has such a number can still leave it."""
    for own in (FOREIGN, FIXED, "+8612345"):
        who, chosen = account(own), policy(countries=("+86",))
        form = VerifyUpdatePhoneRequest(
            verify_method="PHONE_PASSCODE",
            phone_pass_code_payload=UpdatePhoneByPhonePassCode(
                new_phone_number="13900139000",
                new_phone_pass_code="123456",
                old_phone_number=own,
                old_phone_country_code="+44" if own == FOREIGN else "+86",
                old_phone_pass_code="123456",
            ),
        )
        ask = rules.read_request(form, facts(chosen, who))
        assert isinstance(ask, Ask), own
        assert rules.judge_request(ask, chosen, who, None) is None


# --- §6, rows 4 and 5 ---------------------------------------------------------------------------------------


def test_every_token_is_judged_by_the_world_as_it_is_by_now() -> None:
    cases = product(
        (True, False), (True, False), (("+86",), ("+1",), ("+1", "+86")),  # the policy by now
        (OWN, None), (True, False), (True, False), (3, 2),  # what was proven: old number, its proof, all bound, version
    )  # fmt: skip # two halves
    for verify, bound, countries, old, proven, all_bound, version in cases:
        claims = Claims(FREE, old, version, old_proven=proven, all_bound=all_bound)
        expected = first(
            (verify and old is not None and not proven, Key.UPDATE_TOKEN_INVALID),  # 4
            (bound and not all_bound, Key.UPDATE_TOKEN_INVALID),
            ("+86" not in countries, Key.UPDATE_TOKEN_INVALID),
            (version != 3, Key.OLD_PHONE_MISMATCH),  # 5
        )
        chosen = policy(verify_old=verify, bound=bound, countries=countries)
        refused = rules.judge_change(claims, chosen, account(version=3))
        assert (refused.key if refused else None) == expected


# --- binding and unbinding ----------------------------------------------------------------------------------


def test_binding_is_for_accounts_without_a_number() -> None:
    assert rules.judge_bind(account(None)) is None
    assert rules.judge_bind(account()) == Refused(Key.PHONE_ALREADY_BOUND)


def test_unbinding_leaves_another_way_in() -> None:
    """2217 unless: password with user name or verified address, or a verified address."""
    for phone, username, password, email, verified in product(
        (OWN, None), ("ann", None), (True, False), ("a@example.com", None), (True, False)
    ):
        who = account(phone, username=username, has_password=password, email=email, email_verified=verified)
        reachable = email is not None and verified
        expected = first(
            (phone is None, Key.PHONE_NOT_BOUND),
            (not (password and (username or reachable)) and not reachable, Key.LAST_WAY_IN),
        )
        refused = rules.judge_unbind(who)
        assert (refused.key if refused else None) == expected


def test_the_forms_of_binding_and_unbinding() -> None:
    free = facts(policy(), account(None))
    assert rules.read_bind(BindPhone(phone_number="13900139000", pass_code="１２３－４５６"), free) == Ask(
        E164(FREE), "123456"
    )
    for form, key, field in (
        (BindPhone(phone_number="13900139000", pass_code="12"), Key.BAD_REQUEST, {"field": "passCode"}),
        (BindPhone(phone_number="abc", pass_code="123456"), Key.BAD_CONTACT, {"field": "phoneNumber"}),
        (
            BindPhone(phone_number="01064821234", pass_code="123456"),
            Key.BAD_CONTACT,
            {"field": "phoneNumber"},
        ),
        (
            BindPhone(phone_number="+447400123456", pass_code="123456"),
            Key.BAD_CONTACT,
            {"field": "phoneNumber"},
        ),
        (
            BindPhone(phone_number="7400123456", phone_country_code="44", pass_code="123456"),
            Key.NUMBER_NOT_SERVED,
            None,
        ),
    ):
        assert rules.read_bind(form, free) == Refused(key, data=field)
    assert rules.read_unbind(UnbindPhone(pass_code=" 123 456 "), free) == "123456"
    assert rules.read_unbind(UnbindPhone(pass_code="abc"), free) == Refused(
        Key.BAD_REQUEST, data={"field": "passCode"}
    )
