"""Passwords and their permissions, raced: 64 at once, exactly one wins; a guess is paid before it is looked at."""

import asyncio
import json
import threading
from typing import Any

import pytest

from ostiary.contract.own_page import (
    DeleteAccount,
    DeleteAccountByPhonePassCode,
    ResetPassword,
    ResetPasswordByPhonePassCode,
    UpdatePassword,
    VerifyDeleteAccountRequest,
    VerifyResetPasswordRequest,
)
from ostiary.server.features.deletion import actions as deletion
from ostiary.server.features.own_password import actions as own_password
from ostiary.server.features.own_password import reset
from ostiary.server.storage.tx import Sql
from tests.counts import RACE_ROUNDS
from tests.races.test_heart import CROWD, keys
from tests.workbench import Person, Workbench

pytestmark = pytest.mark.anyio

RESET = "CHANNEL_RESET_PASSWORD"
DELETE = "CHANNEL_DELETE_ACCOUNT"
TABLES_OF_A_PERSON = {
    "users": "id",
    "phones": "user_id",
    "emails": "user_id",
    "sessions": "user_id",
    "one_time_tokens": "user_id",
    "old_passwords": "user_id",
    "factors": "user_id",
    "logins": "user_id",
}
OLD, BETTER = "the password that was", "four words that nobody says"
PHONE = "+86138001{:05d}"


def with_password(bench: Workbench, phone: str) -> Person:
    """Somebody whose password is `OLD`."""
    who = bench.person(phone)
    hashed = bench.service.passwords.hash_now(OLD)
    sql = Sql("UPDATE users SET password_hash = :hashed WHERE id = :id")
    bench.store.write_now(lambda tx: tx.run(sql, hashed=hashed, id=who.user_id))
    return who


async def verify(bench: Workbench, who: Person, code: str) -> Any:
    payload = ResetPasswordByPhonePassCode(phone_number=str(who.phone), pass_code=code)
    form = VerifyResetPasswordRequest(verify_method="PHONE_PASSCODE", phone_pass_code_payload=payload)
    return await reset.verify_reset_password_request(bench.service, bench.stranger(), form)


async def update(bench: Workbench, who: Person, old: str, new: str) -> Any:
    form = UpdatePassword(old_password=old, new_password=new)
    return await own_password.update_password(bench.service, who.again(), form)


async def test_authentik_19967_a_reset_token_sets_a_password_once(bench: Workbench) -> None:
    for turn in range(max(2, RACE_ROUNDS // 10)):  # each try costs an argon2 hash
        who = bench.person(PHONE.format(turn))
        assert await bench.send(bench.stranger(), RESET, str(who.phone)) is None
        granted = await verify(bench, who, bench.code(None, RESET, str(who.phone)))
        forms = [
            ResetPassword(password=f"{BETTER} {n}", password_reset_token=granted.password_reset_token)
            for n in range(CROWD)
        ]
        answers = await asyncio.gather(
            *(reset.reset_password(bench.service, bench.stranger(), form) for form in forms)
        )
        assert keys(answers) == {"done": 1, "one_time_token_invalid": CROWD - 1}
        assert bench.one("SELECT session_epoch FROM users WHERE id = :id", id=who.user_id) == 1


async def test_a_reset_code_is_accepted_once(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        who = bench.person(PHONE.format(turn))
        assert await bench.send(bench.stranger(), RESET, str(who.phone)) is None
        code = bench.code(None, RESET, str(who.phone))
        answers = await asyncio.gather(*(verify(bench, who, code) for _ in range(CROWD)))
        assert keys(answers) == {"done": 1, "code_expired": CROWD - 1}


async def test_of_changes_at_once_one_knew_the_old_password(bench: Workbench) -> None:
    for turn in range(max(2, RACE_ROUNDS // 10)):
        who = with_password(bench, PHONE.format(turn))
        answers = await asyncio.gather(*(update(bench, who, OLD, f"{BETTER} {n}") for n in range(4)))
        assert keys(answers) == {"done": 1, "old_password_wrong": 3}
        events = bench.all(
            "SELECT verdict FROM audit WHERE user_id = :id AND event = 'password_changed'", id=who.user_id
        )
        assert sorted(verdict for (verdict,) in events) == ["done"] + 3 * ["old_password_wrong"]


async def test_sixty_four_guesses_at_once_are_five(bench: Workbench) -> None:
    """A session's half of the day's guesses is all that argon2 ever looks at."""
    who = with_password(bench, PHONE.format(1))
    answers = await asyncio.gather(*(update(bench, who, f"no {n}", BETTER) for n in range(CROWD)))
    assert keys(answers) == {"old_password_wrong": 5, "guesses_spent": CROWD - 5}


@pytest.mark.parametrize("row", [3, 19], ids=["a few", "the next would shut"])
async def test_a_guess_that_nobody_looked_at_changes_no_count(bench: Workbench, row: int) -> None:
    """Where argon2 has no room, the guess is given back: it was not wrong, and it was not right either."""
    who = with_password(bench, PHONE.format(1))
    assert keys([await update(bench, who, "no", BETTER)]) == {"old_password_wrong": 1}
    sql = Sql("UPDATE guess_counters SET row_wrong = :row")
    bench.store.write_now(lambda tx: tx.run(sql, row=row))
    room_again = threading.Event()
    crowd = [asyncio.ensure_future(bench.service.passwords.run(room_again.wait)) for _ in range(CROWD + 2)]
    await asyncio.sleep(0)
    answers = [await update(bench, who, guess, BETTER) for guess in ("no", OLD)]
    room_again.set()
    await asyncio.gather(*crowd)
    assert keys(answers) == {"unavailable": 2}
    assert bench.all("SELECT row_wrong, shut_at FROM guess_counters") == [(row, None)]
    assert len(json.loads(bench.one("SELECT guesses FROM guess_counters"))) == 1


async def test_a_delete_token_ends_an_account_once(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        who = bench.person(PHONE.format(turn), email=f"raced{turn}@example.com")
        assert await bench.send(who, DELETE, str(who.phone)) is None
        code = bench.code(who, DELETE, str(who.phone))
        payload = DeleteAccountByPhonePassCode(phone_number=str(who.phone), pass_code=code)
        form = VerifyDeleteAccountRequest(verify_method="PHONE_PASSCODE", phone_pass_code_payload=payload)
        granted: Any = await deletion.verify_delete_account_request(bench.service, who.again(), form)
        spend = DeleteAccount(delete_account_token=granted.delete_account_token)
        answers = await asyncio.gather(
            *(deletion.delete_account(bench.service, who.again(), spend) for _ in range(CROWD))
        )
        assert keys(answers) == {"done": 1, "login_expired": CROWD - 1}
        for table, column in TABLES_OF_A_PERSON.items():
            assert bench.all(f"SELECT 1 FROM {table} WHERE {column} = :id", id=who.user_id) == [], table
        told = bench.all(
            "SELECT recipient FROM outbox WHERE user_id = :id AND purpose = 'phone_unbound'", id=who.user_id
        )
        assert len(told) == 2  # the number and the address
        assert (
            bench.one(
                "SELECT count(*) FROM audit WHERE user_id = :id AND event = 'user_deleted'", id=who.user_id
            )
            == 1
        )


async def test_a_deletion_and_a_sign_in_s_last_step_leave_no_session(bench: Workbench) -> None:
    """The password is set anew while the account goes: whoever is second finds nobody."""
    for turn in range(max(2, RACE_ROUNDS // 10)):
        who = with_password(bench, PHONE.format(turn))
        assert await bench.send(who, DELETE, str(who.phone)) is None
        code = bench.code(who, DELETE, str(who.phone))
        payload = DeleteAccountByPhonePassCode(phone_number=str(who.phone), pass_code=code)
        form = VerifyDeleteAccountRequest(verify_method="PHONE_PASSCODE", phone_pass_code_payload=payload)
        granted: Any = await deletion.verify_delete_account_request(bench.service, who.again(), form)
        spend = DeleteAccount(delete_account_token=granted.delete_account_token)
        gone, changed = await asyncio.gather(
            deletion.delete_account(bench.service, who.again(), spend), update(bench, who, OLD, BETTER)
        )
        assert sorted([*keys([gone]), *keys([changed])]) in (
            ["done", "login_expired"],
            ["done", "one_time_token_invalid"],
        )
        left = bench.one("SELECT count(*) FROM users WHERE id = :id", id=who.user_id)
        assert left == (0 if "done" in keys([gone]) else 1)
