"""Changing one's number, as people live through it: over HTTP, through the SDK, on both databases."""

import pytest

from ostiary.client.errors import LoginExpired, OAuthError, UpdateTokenUsed
from tests.journeys.hands import (
    NO_OLD,
    check,
    key,
    new_code,
    old_code,
    pair,
    phone_of,
    prove,
    refusal,
    send,
    wrong,
)
from tests.service import BIND, LOGIN, UNBIND, Service


def test_both_numbers_proven(service: Service):
    ann, new = service.person(), service.number()
    old = ann.phone
    granted = ann.client.verify_update_phone_request(
        pair(new, new_code(ann, new), old, old_code(ann)),
    ).data
    assert granted.update_phone_token.startswith("upt_")
    assert granted.token_expires_in == 60
    assert phone_of(ann) == old, "nothing has moved yet"
    done = ann.client.update_phone(granted.update_phone_token)
    assert (done.status_code, done.data.success) == (200, True)
    profile = ann.client.get_profile().data
    assert (phone_of(ann), profile.phone_verified) == (new, True)
    ben = service.person(phone=False)
    ben.client.bind_phone(new_code(ben, str(old)), str(old))
    assert phone_of(ben) == old, "the old number is free"


def test_every_spelling_is_the_same_number(service: Service):
    """Asked for in one spelling, typed in another, compared in a third."""
    ann, new = service.person(), service.number()
    national = new.removeprefix("+86")
    send(ann.client, BIND, f"0086 {national[:3]}-{national[3:]}")
    send(ann.client, UNBIND, ann.national, "86")
    code = service.code(new, BIND)
    typed = pair(
        f"+86 (0) {national}", f"{code[:3]} {code[3:]}", ann.national, service.code(str(ann.phone), UNBIND)
    )
    typed |= {"newPhoneCountryCode": "+86", "oldPhoneCountryCode": "0086"}
    ann.client.update_phone(ann.client.verify_update_phone_request(typed).data.update_phone_token)
    assert phone_of(ann) == new


def test_without_the_old_number_the_sign_in_must_be_young(service: Service):
    """Step-up is signing in again; refreshing is not. Codes are the user's, so they outlive the old session."""
    with service.settings(**NO_OLD, stepUpMaxAge=60):
        ann, new = service.person(), service.number()
        client = service.client()
        tokens = client.sign_in_by_username_password(
            ann.username, ann.password, options={"scope": "openid offline_access"}
        ).data
        client = client.with_access_token(tokens.access_token)
        code = new_code(ann, new, client=client)
        service.advance(61)
        error = refusal(client.verify_update_phone_request, pair(new, code))
        assert error.key == "reauth_required"
        assert set(error.data["methods"]) == {"PASSWORD", "PHONE_PASSCODE", "EMAIL_PASSCODE"}
        refreshed = client.get_new_access_token_by_refresh_token(str(tokens.refresh_token))
        same_session = client.with_access_token(str(refreshed.access_token))
        assert key(same_session.verify_update_phone_request, pair(new, code)) == "reauth_required"
        again = ann.signed_in()
        again.update_phone(again.verify_update_phone_request(pair(new, code)).data.update_phone_token)
        assert phone_of(ann, again) == new


def test_an_old_number_that_is_given_is_judged_whatever_the_policy(service: Service):
    with service.settings(**NO_OLD):
        ann, ben, new = service.person(), service.person(), service.number()
        code = new_code(ann, new)
        assert (
            key(ann.client.verify_update_phone_request, pair(new, code, ben.phone, "123456"))
            == "old_phone_mismatch"
        )
        typed = old_code(ann)
        assert (
            key(ann.client.verify_update_phone_request, pair(new, code, ann.phone, wrong(typed)))
            == "code_wrong"
        )
        assert refusal(ann.client.verify_update_phone_request, pair(new, code, ann.phone)).status_code == 400
        assert ann.client.verify_update_phone_request(
            pair(new, code, ann.phone, typed)
        ).data.update_phone_token


def test_an_account_without_a_number(service: Service):
    """It binds one, or changes to one: there is no old number to prove."""
    ann, ben = service.person(phone=False), service.person(phone=False)
    first, second = service.number(), service.number()
    ann.client.bind_phone(new_code(ann, first), first)
    assert phone_of(ann) == first
    token = ben.client.verify_update_phone_request(
        pair(second, new_code(ben, second))
    ).data.update_phone_token
    ben.client.update_phone(token)
    assert phone_of(ben) == second
    given = pair(service.number(), "123456", second, "123456")
    assert key(service.person(phone=False).client.verify_update_phone_request, given) == "old_phone_mismatch"


def test_a_taken_number_is_told_only_to_who_holds_its_code(service: Service):
    ann, ben = service.person(), service.person()
    taken = str(ben.phone)
    code, old = new_code(ann, taken), old_code(ann)
    assert (
        key(ann.client.verify_update_phone_request, pair(taken, wrong(code), ann.phone, old)) == "code_wrong"
    )
    assert (
        key(ann.client.verify_update_phone_request, pair(taken, code, ann.phone, wrong(old))) == "code_wrong"
    )
    assert key(ann.client.verify_update_phone_request, pair(taken, code, ann.phone, old)) == "phone_taken"
    assert not check(ann.client, BIND, taken, code), "the new number's code is used"
    assert check(ann.client, UNBIND, str(ann.phone), old), "the old number's is not"
    new = service.number()
    ann.client.verify_update_phone_request(pair(new, new_code(ann, new), ann.phone, old))


def test_two_people_pending_the_same_number(service: Service):
    """Both have proven it; the first to move has it, the second is told, and has lost the token."""
    ann, ben, new = service.person(), service.person(), service.number()
    first = prove(ann, new)
    theirs = new_code(ben, new, count=2)
    typed = pair(new, theirs, ben.phone, old_code(ben))
    second = ben.client.verify_update_phone_request(typed).data.update_phone_token
    ben.client.update_phone(second)
    assert key(ann.client.update_phone, first) == "phone_taken"
    assert key(ann.client.update_phone, first) == "update_token_invalid", "spent, whatever the verdict"
    assert (phone_of(ann), phone_of(ben)) == (ann.phone, new)


def test_an_abandoned_change_is_never_touched_by_another_s(service: Service):
    """Ann asks for a code and leaves. Ben goes all the way with the same number; Ann's code is still hers."""
    ann, ben, new = service.person(), service.person(), service.number()
    abandoned = new_code(ann, new)
    ben_code = new_code(ben, new, count=2)
    granted = ben.client.verify_update_phone_request(pair(new, ben_code, ben.phone, old_code(ben)))
    assert check(ann.client, BIND, new, abandoned)
    ben.client.update_phone(granted.data.update_phone_token)
    assert check(ann.client, BIND, new, abandoned)
    assert (
        key(ann.client.verify_update_phone_request, pair(new, abandoned, ann.phone, old_code(ann)))
        == "phone_taken"
    )


def test_a_lost_answer_is_no_lost_change(service: Service):
    ann, new = service.person(), service.number()
    other = ann.signed_in()
    with service.settings(endOtherSessions=False):
        token = prove(ann, new)
        ann.client.update_phone(token)
    with pytest.raises(UpdateTokenUsed) as told:
        ann.client.update_phone(token)
    assert told.value.data == {"success": True}
    assert key(other.update_phone, token) == "update_token_invalid", "told to this very session alone"


def test_a_token_in_other_hands_stays_good_for_its_owner(service: Service):
    """Another session of the same user, another user: both learn nothing and spoil nothing."""
    ann, ben, new = service.person(), service.person(), service.number()
    token = prove(ann, new)
    for thief in (ann.signed_in(), ben.client):
        assert key(thief.update_phone, token) == "update_token_invalid"
    assert key(ann.client.update_phone, token[:-1] + "x") == "update_token_invalid"
    assert key(ann.client.update_phone, token.removeprefix("upt_")) == "update_token_invalid"
    assert ann.client.update_phone(token).data.success


def test_a_token_lives_a_minute_and_the_newest_counts(service: Service):
    ann = service.person()
    numbers = [service.number() for _ in range(3)]
    old = old_code(ann)
    tokens = []
    for number in numbers[:2]:
        typed = pair(number, new_code(ann, number), ann.phone, old)
        tokens.append(ann.client.verify_update_phone_request(typed).data.update_phone_token)
        old = old_code(ann, count=2) if number is numbers[0] else old
    assert key(ann.client.update_phone, tokens[0]) == "update_token_invalid"
    service.advance(60)
    assert key(ann.client.update_phone, tokens[1]) == "update_token_invalid"
    assert phone_of(ann) == ann.phone


def test_an_administrator_moves_the_number_in_between(service: Service):
    ann, new, given = service.person(), service.number(), service.number()
    code, old = new_code(ann, new), old_code(ann)
    service.management.update_user(ann.user_id, phone=given, phone_verified=True)
    assert (
        key(ann.client.verify_update_phone_request, pair(new, code, ann.phone, old)) == "old_phone_mismatch"
    )
    ann.phone = given
    typed = old_code(ann)
    assert key(ann.client.verify_update_phone_request, pair(new, code, given, typed)) == "code_expired", (
        "codes died"
    )


def test_deleted_and_registered_again(service: Service):
    """The number is free at once; nothing of the account before opens anything of the one after."""
    ann, new = service.person(), service.number()
    number = str(ann.phone)
    code = old_code(ann)
    service.management.delete_users_batch([ann.user_id])
    with pytest.raises(LoginExpired):
        ann.client.get_profile()
    assert key(ann.client.update_phone, "upt_anything") == "login_expired"
    again = service.person(phone=number)
    assert again.user_id != ann.user_id
    assert not check(again.client, UNBIND, number, code)
    typed = pair(new, new_code(again, new), number, old_code(again, count=2))
    again.client.update_phone(again.client.verify_update_phone_request(typed).data.update_phone_token)
    assert phone_of(again) == new


def test_other_sessions_end(service: Service):
    ann, new = service.person(), service.number()
    phone = service.client()
    tokens = phone.sign_in_by_username_password(
        ann.username, ann.password, options={"scope": "openid offline_access"}
    ).data
    other = phone.with_access_token(tokens.access_token)
    ann.client.update_phone(prove(ann, new))
    with pytest.raises(LoginExpired):
        other.get_profile()
    with pytest.raises(OAuthError, match="refresh token"):
        phone.get_new_access_token_by_refresh_token(str(tokens.refresh_token))
    assert ann.client.get_profile().data.phone == new.removeprefix("+86"), "this session goes on"


def test_other_sessions_stay_where_the_pool_says_so(service: Service):
    with service.settings(endOtherSessions=False):
        ann, new = service.person(), service.number()
        other = ann.signed_in()
        ann.client.update_phone(prove(ann, new))
        assert phone_of(ann, other) == new


def test_signed_in_login_codes_still_sign_in(service: Service):
    """Real clients attach a token to every call; a LOGIN code belongs to nobody all the same."""
    ann = service.person()
    send(ann.client, LOGIN, str(ann.phone))
    code = service.code(str(ann.phone), LOGIN)
    assert service.client().sign_in_by_phone_passcode(ann.national, code).data.access_token
