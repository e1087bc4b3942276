"""Codes as people meet them: sent again, typed wrong, asked for by strangers (phone-change.md §4). Over HTTP."""

import re
from pathlib import Path

import pytest

from ostiary.client.errors import GuessesSpent, LoginExpired, RateLimited
from tests.journeys.hands import (
    NO_OLD,
    check,
    key,
    new_code,
    old_code,
    pair,
    phone_of,
    send,
    spend_guesses,
    texts,
    wrong,
)
from tests.service import BIND, LOGIN, UNBIND, Service, start


def minutes(text: str) -> int:
    """How long a text says that its code lives."""
    found = re.search(r"(\d+) ?(?:minutes?|分钟)", text)
    assert found, text
    return int(found[1])


# --- sent again ---------------------------------------------------------------------------------------------


def test_asking_again_sends_the_same_code_and_extends_nothing(service: Service):
    ann, new = service.person(), service.number()
    first = new_code(ann, new)
    assert minutes(service.message(new, BIND)["text"]) == 5
    service.advance(120)
    assert new_code(ann, new, count=2) == first
    assert minutes(service.message(new, BIND, count=2)["text"]) == 3, "what is left, not what there was"
    service.advance(180)
    assert not check(ann.client, BIND, new, first), "its end is where it was"


def test_with_under_a_third_of_its_life_left_a_new_code_is_made(service: Service):
    ann, new = service.person(), service.number()
    first = new_code(ann, new)
    service.advance(205)
    second = new_code(ann, new, count=2)
    assert second != first
    assert not check(ann.client, BIND, new, first)
    assert check(ann.client, BIND, new, second)


def test_after_a_code_was_used_one_may_ask_at_once_and_gets_another(service: Service):
    with service.settings(**NO_OLD):
        ann, new = service.person(), service.number()
        first = new_code(ann, new)
        ann.client.verify_update_phone_request(pair(new, first))
        second = new_code(ann, new, count=2)
        assert second != first
        assert ann.client.verify_update_phone_request(pair(new, second)).data.update_phone_token


def test_asking_again_refills_nothing(service: Service):
    """Two wrong, ask again, three wrong: dead. Its successor has tries of its own, and the day goes on."""
    ann, new = service.person(), service.number()
    code = new_code(ann, new)
    spend_guesses(ann.client, BIND, new, code, 2)
    service.advance(61)
    assert new_code(ann, new, count=2) == code
    spend_guesses(ann.client, BIND, new, code, 3)
    assert key(ann.client.verify_update_phone_request, pair(new, code)) == "old_phone_required"
    other = ann.signed_in()
    service.advance(61)
    fresh = new_code(ann, new, client=other, count=3)
    assert fresh != code, "five wrong guesses killed the first"
    spend_guesses(other, BIND, new, fresh, 4)
    assert check(other, BIND, new, fresh), "a right guess before the one that kills"
    spend_guesses(other, BIND, new, fresh, 1)
    third = ann.signed_in()
    with pytest.raises(GuessesSpent):
        check(third, BIND, new, fresh)


def test_a_later_policy_touches_new_codes_only(service: Service):
    ann, new = service.person(), service.number()
    code = new_code(ann, new)
    with service.settings(verifyCodeLength=8, verifyCodeMaxAttempts=1, verifyCodeTtl=60):
        service.advance(100)
        assert new_code(ann, new, count=2) == code
        spend_guesses(ann.client, BIND, new, code, 2)
        assert check(ann.client, BIND, new, code)
        fresh = old_code(ann)
        assert len(fresh) == 8
        assert minutes(service.message(str(ann.phone), UNBIND)["text"]) == 1
        spend_guesses(ann.client, UNBIND, str(ann.phone), fresh, 1)
        assert not check(ann.client, UNBIND, str(ann.phone), fresh), "one try, at issue"


# --- budgets ------------------------------------------------------------------------------------------------


def test_a_day_s_guesses_are_shared_by_every_door_and_session(service: Service):
    """pre-check-code, the change itself, two sessions, and codes made anew pay from one purse."""
    with service.settings(**NO_OLD):
        ann, new = service.person(), service.number()
        code = new_code(ann, new)
        spend_guesses(ann.client, BIND, new, code, 3)
        for turn in range(2):
            assert (
                key(ann.client.verify_update_phone_request, pair(new, wrong(code, 4 + turn))) == "code_wrong"
            )
        for door in (
            lambda: check(ann.client, BIND, new, code),
            lambda: ann.client.verify_update_phone_request(pair(new, code)),
        ):
            with pytest.raises(GuessesSpent) as spent:
                door()
            assert 86_000 < spent.value.data["retryAfter"] <= 86_400
        other, elsewhere = ann.signed_in(), service.number()
        service.advance(61)
        code = new_code(ann, elsewhere, client=other)
        spend_guesses(other, BIND, elsewhere, code, 5)
        assert key(ann.signed_in().verify_update_phone_request, pair(elsewhere, code)) == "guesses_spent"
        old = old_code(ann)
        assert check(ann.client, UNBIND, str(ann.phone), old), "the other channel has a purse of its own"
        service.advance(days=1)
        tomorrow = ann.signed_in()
        assert check(tomorrow, BIND, elsewhere, new_code(ann, elsewhere, client=tomorrow, count=2))


def test_budgets_survive_a_restart(data_folder: Path, database: str):
    service = start(data_folder, database)
    try:
        ann, new = service.person(), service.number()
        code = new_code(ann, new)
        spend_guesses(ann.client, BIND, new, code, 4)
        service.restart()
        spend_guesses(ann.client, BIND, new, code, 1)
        with pytest.raises(GuessesSpent):
            check(ann.client, BIND, new, code)
        with pytest.raises(RateLimited):
            send(ann.client, BIND, new)
        service.kill()
        service.restart()
        assert (
            key(ann.client.pre_check_code, "SMS", {"phone": new, "passCode": code, "channel": BIND})
            == "guesses_spent"
        )
        assert not check(ann.signed_in(), BIND, new, code), "five wrong guesses killed the code"
    finally:
        service.stop()


def test_two_codes_in_one_call_cost_a_guess_each_and_which_was_wrong_is_not_told(service: Service):
    ann, new = service.person(), service.number()
    code, old = new_code(ann, new), old_code(ann)
    for typed in ((wrong(code), old), (code, wrong(old)), (wrong(code), wrong(old))):
        assert (
            key(ann.client.verify_update_phone_request, pair(new, typed[0], ann.phone, typed[1]))
            == "code_wrong"
        )
    spend_guesses(ann.client, BIND, new, code, 3)
    spend_guesses(ann.client, UNBIND, str(ann.phone), old, 3)
    for channel, number, right in ((BIND, new, code), (UNBIND, str(ann.phone), old)):
        with pytest.raises(GuessesSpent):
            check(ann.client, channel, number, right)


# --- strangers ----------------------------------------------------------------------------------------------


def test_a_stranger_can_neither_burn_nor_void_nor_shadow_an_owner_s_code(service: Service):
    """Before, between and after: unsigned asks for the same numbers, and guesses without a token."""
    ann, new = service.person(), service.number()
    stranger = service.client()
    send(stranger, BIND, new)
    code = new_code(ann, new, count=2)
    old = old_code(ann)
    service.advance(61)
    send(stranger, BIND, new)
    send(stranger, UNBIND, str(ann.phone))
    assert len(texts(service, str(ann.phone), UNBIND)) == 1, "beside the owner's live code nothing is sent"
    assert key(check, stranger, BIND, new, "123456") == "not_logged_in"
    assert key(check, stranger, UNBIND, str(ann.phone), "123456") == "not_logged_in"
    ben = service.person()
    for turn in range(5):
        check(ben.client, BIND, new, wrong(code, turn % 9 + 1))
    token = ann.client.verify_update_phone_request(pair(new, code, ann.phone, old)).data.update_phone_token
    ann.client.update_phone(token)
    assert phone_of(ann) == new


def test_a_stranger_can_not_silence_an_owner(service: Service):
    """All that strangers may ask in a day leaves the owner a message an hour."""
    ann, ben = service.person(), service.person()
    number = str(ann.phone)
    for hour in range(3):
        for channel in (LOGIN, "CHANNEL_RESET_PASSWORD"):
            send(service.client(), channel, number)
        service.advance(hours=1 if hour < 2 else 0)
    assert key(send, service.client(), "CHANNEL_VERIFY_MFA", number) == "sms_too_often"
    mallory = ben.signed_in()
    for channel in (LOGIN, "CHANNEL_VERIFY_MFA"):
        send(mallory, channel, number)
    assert key(send, mallory, "CHANNEL_COMPLETE_PHONE", number) == "sms_too_often"
    owner = ann.signed_in()
    send(owner, UNBIND, number)
    code = service.code(number, UNBIND)
    new = service.number()
    typed = pair(new, new_code(ann, new, client=owner), number, code)
    owner.update_phone(owner.verify_update_phone_request(typed).data.update_phone_token)


def test_codes_asked_for_without_a_token_belong_to_nobody(service: Service):
    ann, new = service.person(), service.number()
    send(service.client(), BIND, new)
    send(service.client(), UNBIND, str(ann.phone))
    code, old = service.code(new, BIND), service.code(str(ann.phone), UNBIND)
    typed = pair(new, code, ann.phone, old)
    with service.settings(requireBoundCodes=True):
        assert key(ann.client.verify_update_phone_request, typed) == "code_expired"
        assert not check(ann.client, BIND, new, code)
    token = ann.client.verify_update_phone_request(typed).data.update_phone_token
    with service.settings(requireBoundCodes=True):
        assert key(ann.client.update_phone, token) == "update_token_invalid", "made stricter in between"
    assert key(ann.client.update_phone, token) == "update_token_invalid", "and spent by that"


@pytest.mark.parametrize("channel", [UNBIND, "CHANNEL_RESET_PASSWORD", "CHANNEL_DELETE_ACCOUNT"])
def test_nothing_goes_to_a_number_without_an_account_and_all_else_looks_the_same(
    service: Service, channel: str
):
    ann, nobody = service.person(), service.number()
    for number in (str(ann.phone), nobody):
        asked = service.client().send_sms(channel, number)  # type: ignore[arg-type] # any channel's name
        assert (asked.status_code, asked.data) == (200, None)
        with pytest.raises(RateLimited) as again:
            send(service.client(), channel, number)
        assert 50 <= again.value.data["retryAfter"] <= 60
        for other in (LOGIN, "CHANNEL_VERIFY_MFA"):
            send(service.client(), other, number)
        assert key(send, service.client(), "CHANNEL_COMPLETE_PHONE", number) == "sms_too_often"
    assert len(texts(service, str(ann.phone), channel)) == 1
    assert texts(service, nobody, channel) == []


def test_the_text_for_the_old_number_names_the_new_one(service: Service):
    ann, ben, new = service.person(), service.person(), service.number()
    new_code(ann, new)
    old_code(ann)
    text = service.message(str(ann.phone), UNBIND)["text"]
    assert f"{new[:6]}****{new[-4:]}" in text
    assert new not in text
    assert new.removeprefix("+86") not in text
    old_code(ben)
    assert "****" not in service.message(str(ben.phone), UNBIND)["text"], "without a live code for a new one"


def test_stale_tokens_on_send_sms(service: Service):
    """For codes that belong to nobody a dead token counts as none; for the user's own it is refused."""
    ann, number = service.person(), service.number()
    stale = ann.client
    service.management.delete_users_batch([ann.user_id])
    for client in (stale, service.client("garbage")):
        send(client, LOGIN, service.number())
    with pytest.raises(LoginExpired):
        send(stale, BIND, number)
    assert key(send, service.client("garbage"), BIND, number) == "not_logged_in"
    send(service.client(), BIND, number)


# --- at rest ------------------------------------------------------------------------------------------------


def test_no_code_and_no_token_stands_anywhere_in_clear(data_folder: Path):
    """Ten digits, so that none turns up by chance: not in the database's files, nor in the log (I8)."""
    service = start(data_folder)
    try:
        with service.settings(verifyCodeLength=10):
            ann, new = service.person(), service.number()
            code, old = new_code(ann, new), old_code(ann)
            check(ann.client, BIND, new, wrong(code))
            token = ann.client.verify_update_phone_request(
                pair(new, code, ann.phone, old)
            ).data.update_phone_token
            ann.client.update_phone(token)
        for path in data_folder.iterdir():
            held = path.read_bytes()
            for secret in (code, old, wrong(code), token, token.removeprefix("upt_")):
                assert secret.encode() not in held, path
        log = service.log()
        for private in (code, old, token, new, str(ann.phone), ann.national):
            assert private not in log
    finally:
        service.stop()
