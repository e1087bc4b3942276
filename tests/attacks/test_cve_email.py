"""Other people's holes in changing a contact, tried on the e-mail address (rows of docs/security-tests.md)."""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest

from ostiary.contract.common import EmailChannel, SmsChannel
from ostiary.contract.own_page import (
    DeleteAccountByEmailPassCode,
    DeleteAccountByPhonePassCode,
    ResetPasswordByEmailPassCode,
    ResetPasswordByPhonePassCode,
    VerifyDeleteAccountRequest,
    VerifyResetPasswordRequest,
)
from ostiary.server.core.passcode import BOUND
from ostiary.server.core.policy import ChangeEmailStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.features.deletion import actions as deletion
from ostiary.server.features.own_password import reset
from ostiary.server.storage.tx import Sql
from tests.workbench import BIND_EMAIL, UNBIND_EMAIL, UPDATE_EMAIL, Person, Workbench

pytestmark = pytest.mark.anyio

NO_OLD = ChangeEmailStrategy(verify_old_email=False)
RESET, DELETE = "CHANNEL_RESET_PASSWORD", "CHANNEL_DELETE_ACCOUNT"
PHONE = "+8613800138001"
OLD, NEW, OTHER = "ann@example.com", "ann@example.org", "other@example.org"


def key(answer: Any) -> str:
    return answer.key.value if isinstance(answer, Refused) else "done"


async def granted(bench: Workbench, who: Person, new: str) -> str:
    """A token for a new address, where the pool wants no old one."""
    assert await bench.send(who, UPDATE_EMAIL, new) is None
    answer = await bench.verify_email(who, new, bench.code(who, UPDATE_EMAIL, new))
    assert not isinstance(answer, Refused), answer
    return str(answer.update_email_token)


async def test_supabase_2430_an_abandoned_change_gives_nobody_the_address(bench: Workbench):
    bench.policy(change_email_strategy=NO_OLD)
    attacker, victim = bench.person(None, email=OLD), bench.person(None, email=OTHER)
    await granted(bench, attacker, NEW)  # and never spent
    token = await granted(bench, victim, NEW)
    before = bench.all("SELECT * FROM users WHERE id = :id", id=attacker.user_id)
    assert key(await bench.update_email(victim, token)) == "done"
    assert (bench.email(victim.user_id), bench.email(attacker.user_id)) == (NEW, OLD)
    assert bench.all("SELECT * FROM users WHERE id = :id", id=attacker.user_id) == before


async def test_cve_2026_3655_a_code_for_my_address_proves_no_other(bench: Workbench):
    """A code that came to one's own mailbox, typed for somebody else's address, on both sides of a change."""
    mallory = bench.person(None, email=OLD)
    bench.person(None, email=OTHER)
    for address in (OLD, NEW):
        assert await bench.send(mallory, UPDATE_EMAIL, address) is None
    mine, new = (bench.code(mallory, UPDATE_EMAIL, address) for address in (OLD, NEW))
    assert key(await bench.verify_email(mallory, OTHER, new, OLD, mine)) == "code_expired"
    assert key(await bench.verify_email(mallory, NEW, mine, OLD, new)) == "code_wrong"
    assert key(await bench.verify_email(mallory, NEW, new, OTHER, mine)) == "old_email_mismatch"
    assert key(await bench.verify_email(mallory, OLD.upper(), mine)) == "same_email"


SPELLINGS = [
    "kim@straße.example",
    "Kim@STRAẞE.example",
    "kim@stra\u00adße.example",
    "kim@stra\u034fße.example",
    "kim@stra\ufe0fße。example",
    "kim@stra\u180bße｡example",
    "ｋｉｍ@xn--strae-oqa.example",
    "kim@XN--STRAE-OQA.example",
]


async def test_cve_2026_33640_every_spelling_of_an_address_shares_one_limit_and_one_budget(bench: Workbench):
    """Rows 43 and 91, for addresses: one mailbox, however its domain is typed, and never that of `strasse.example`."""
    stored = "kim@xn--strae-oqa.example"
    login = "CHANNEL_LOGIN"
    said = [key(await bench.send(bench.stranger(), login, spelling)) for spelling in SPELLINGS]
    assert said == ["done", *["email_too_often"] * (len(SPELLINGS) - 1)]
    assert bench.all("SELECT DISTINCT recipient FROM outbox") == [(stored,)]
    for spelling in SPELLINGS * 2:
        await bench.look(bench.stranger(), login, spelling, bench.wrong(None, login, stored))
    rows = bench.all("SELECT subject FROM guess_counters WHERE channel = :channel", channel=login)
    assert rows == [(f"number:{stored}",)]


async def test_cve_2026_9087_a_token_moves_the_address_it_was_granted_for(bench: Workbench):
    """Rows 10 and 11: what is asked for later changes nothing of what was proven; the newer token counts."""
    bench.policy(change_email_strategy=NO_OLD)
    who = bench.person(None, email=OLD)
    first = await granted(bench, who, NEW)
    second = await granted(bench, who, OTHER)
    assert key(await bench.update_email(who, first)) == "update_token_invalid"
    assert key(await bench.update_email(who, second)) == "done"
    assert bench.email(who.user_id) == OTHER


async def test_cve_2023_26481_a_token_in_other_hands_moves_nothing(bench: Workbench):
    who, mallory = bench.person(None, email=OLD), bench.person(None, email=OTHER)
    token = await bench.ready_to_change_email(who, NEW)
    elsewhere = bench.session(who.user_id, None)
    for hands in (mallory, elsewhere):
        assert key(await bench.update_email(hands, token)) == "update_token_invalid"
    assert key(await bench.update(who, token)) == "update_token_invalid", "nor at the phone's door"
    assert key(await bench.update_email(who, token)) == "done", "and its owner loses nothing"


async def test_cve_2025_12374_no_code_is_not_a_code(bench: Workbench):
    who = bench.person(None)
    for typed in ("000000", "123456"):
        assert key(await bench.bind_email(who, NEW, typed)) == "code_expired"
    for typed in ("", " ", "null"):
        assert key(await bench.bind_email(who, NEW, typed)) == "bad_request"
    assert bench.all("SELECT count(*) FROM guess_counters WHERE guesses <> '[]'")[0][0] == 0


async def test_gitlab_339145_an_old_sign_in_does_not_change_the_address(bench: Workbench):
    bench.policy(change_email_strategy=NO_OLD)
    who, nobody = bench.person(None, email=OLD), bench.person(None)
    bench.clock.advance(seconds=901)
    assert await bench.send(who, UPDATE_EMAIL, NEW) is None
    assert await bench.send(nobody, BIND_EMAIL, OTHER) is None
    code, bound = bench.code(who, UPDATE_EMAIL, NEW), bench.code(nobody, BIND_EMAIL, OTHER)
    assert key(await bench.verify_email(who, NEW, code)) == "reauth_required"
    assert key(await bench.bind_email(nobody, OTHER, bound)) == "reauth_required"


async def test_supabase_1489_a_new_address_voids_codes_and_tokens_of_the_phone_change(bench: Workbench):
    who = bench.person("+8613800138001", email=OLD)
    phone_token = await bench.ready_to_change(who, "+8613900139011")
    assert await bench.send(who, UNBIND_EMAIL, OLD) is None
    assert key(await bench.update_email(who, await bench.ready_to_change_email(who, NEW))) == "done"
    assert key(await bench.update(who, phone_token)) == "update_token_invalid"
    assert bench.one("SELECT count(*) FROM codes WHERE owner = :id AND used_at IS NULL AND void_at IS NULL",
                     id=who.user_id) == 0  # fmt: skip # one look


# --- doors and channels -------------------------------------------------------------------------------------


async def _new_side(bench: Workbench, who: Person, code: str) -> Any:
    bench.policy(change_email_strategy=NO_OLD)
    return await bench.verify_email(who, NEW, code)


async def _old_side(bench: Workbench, who: Person, code: str) -> Any:
    bench.policy(change_email_strategy=ChangeEmailStrategy())
    assert await bench.send(who, UPDATE_EMAIL, OTHER) is None
    return await bench.verify_email(who, OTHER, bench.code(who, UPDATE_EMAIL, OTHER), OLD, code)


async def _bind(bench: Workbench, who: Person, code: str) -> Any:
    return await bench.bind_email(who, NEW, code)


async def _unbind(bench: Workbench, who: Person, code: str) -> Any:
    return await bench.unbind_email(who, code)


async def _reset(bench: Workbench, _who: Person, code: str) -> Any:
    payload = ResetPasswordByEmailPassCode(email=OLD, pass_code=code)
    form = VerifyResetPasswordRequest(verify_method="EMAIL_PASSCODE", email_pass_code_payload=payload)
    return await reset.verify_reset_password_request(bench.service, bench.stranger(), form)


async def _delete(bench: Workbench, who: Person, code: str) -> Any:
    payload = DeleteAccountByEmailPassCode(email=OLD, pass_code=code)
    form = VerifyDeleteAccountRequest(verify_method="EMAIL_PASSCODE", email_pass_code_payload=payload)
    return await deletion.verify_delete_account_request(bench.service, who.again(), form)


async def _reset_by_number(bench: Workbench, _who: Person, code: str) -> Any:
    payload = ResetPasswordByPhonePassCode(phone_number=PHONE, pass_code=code)
    form = VerifyResetPasswordRequest(verify_method="PHONE_PASSCODE", phone_pass_code_payload=payload)
    return await reset.verify_reset_password_request(bench.service, bench.stranger(), form)


async def _delete_by_number(bench: Workbench, who: Person, code: str) -> Any:
    payload = DeleteAccountByPhonePassCode(phone_number=PHONE, pass_code=code)
    form = VerifyDeleteAccountRequest(verify_method="PHONE_PASSCODE", phone_pass_code_payload=payload)
    return await deletion.verify_delete_account_request(bench.service, who.again(), form)


Door = Callable[[Workbench, Person, str], Awaitable[Any]]
DOORS: list[tuple[str, str | None, str, Door]] = [
    (UPDATE_EMAIL, OLD, NEW, _new_side),
    (UPDATE_EMAIL, OLD, OLD, _old_side),
    (BIND_EMAIL, None, NEW, _bind),
    (UNBIND_EMAIL, OLD, OLD, _unbind),
    (RESET, OLD, OLD, _reset),
    (DELETE, OLD, OLD, _delete),
]
"""Channel, the visitor's own address, the address the code goes to, and the place that compares it."""


@pytest.mark.parametrize("channel", get_args(EmailChannel))
@pytest.mark.parametrize(("opens", "own", "to", "door"), DOORS, ids=lambda one: getattr(one, "__name__", ""))
async def test_a_code_by_mail_opens_the_doors_of_its_channel_only(
    bench: Workbench, channel: str, opens: str, own: str | None, to: str, door: Door
):
    who = bench.person(None, email=own)
    asked_by: Any = who if await bench.send(who, channel, to) is None else bench.stranger()
    if asked_by is not who:
        assert await bench.send(asked_by, channel, to) is None
    code = bench.code(who if asked_by is who else None, channel, to)
    said = key(await door(bench, who, code))
    assert said == ("done" if channel == opens else "code_expired")
    if channel != opens:
        assert bench.email(who.user_id) == own
        used = "SELECT count(*) FROM codes WHERE target = :to AND used_at IS NOT NULL"
        assert bench.one(used, to=to) == 0


@pytest.mark.parametrize("channel", get_args(SmsChannel))
@pytest.mark.parametrize(("opens", "door"), [(RESET, _reset_by_number), (DELETE, _delete_by_number)])
async def test_a_code_by_sms_resets_or_deletes_by_its_own_channel_only(
    bench: Workbench, channel: str, opens: str, door: Door
):
    who = bench.person(PHONE)
    assert await bench.send(who, channel, PHONE) is None
    said = key(await door(bench, who, bench.code(who, channel, PHONE)))
    assert said == ("done" if channel == opens else "code_expired")


@pytest.mark.parametrize(("opens", "own", "to", "door"), DOORS, ids=lambda one: getattr(one, "__name__", ""))
async def test_cve_2025_64102_every_place_that_compares_a_code_by_mail_has_its_budget(
    bench: Workbench, opens: str, own: str | None, to: str, door: Door
):
    """What is beyond a session's half of the day is not compared, with new codes asked for in between."""
    who = bench.person(None, email=own)
    said = []
    for _ in range(8):
        bench.store.write_now(lambda tx: tx.run(Sql("DELETE FROM send_limits")))
        assert await bench.send(who, opens, to) is None
        said.append(key(await door(bench, who, bench.wrong(who, opens, to))))
    evaluated = 5 if opens in BOUND else 8  # half of a day where the guesser is signed in
    assert said == ["code_wrong"] * evaluated + ["guesses_spent"] * (8 - evaluated)
