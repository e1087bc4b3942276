"""One-time-ness of the e-mail change, raced: 64 at once, round after round, exactly one wins."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from ostiary.server.core.refused import Refused
from ostiary.server.features.email_link import actions as email_link
from ostiary.server.guards.passcodes import links
from ostiary.server.storage.tx import Sql
from tests.counts import RACE_ROUNDS
from tests.workbench import BIND_EMAIL, UPDATE_EMAIL, Person, Workbench

pytestmark = pytest.mark.anyio

CROWD = 64
LINK = "CHANNEL_VERIFY_EMAIL_LINK"
OLD = "old{}@example.com"
NEW = "new{}@example.org"


def keys(answers: list[Any]) -> Counter[str]:
    """How often each refusal was answered; what was not refused counts as 'done'."""
    return Counter(answer.key.value if isinstance(answer, Refused) else "done" for answer in answers)


async def test_an_update_token_moves_an_address_once(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        who = bench.person(None, email=OLD.format(turn))
        token = await bench.ready_to_change_email(who, NEW.format(turn))
        answers = await asyncio.gather(*(bench.update_email(who, token) for _ in range(CROWD)))
        assert keys(answers) == {"done": 1, "update_token_used": CROWD - 1}
        assert bench.email(who.user_id) == NEW.format(turn)
        assert bench.one("SELECT email_version FROM users WHERE id = :id", id=who.user_id) == 1


async def test_one_free_address_bound_by_two_goes_to_exactly_one(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        two = [bench.person(None) for _ in range(2)]
        new = NEW.format(turn)
        for who in two:
            assert await bench.send(who, BIND_EMAIL, new) is None
        codes = [bench.code(who, BIND_EMAIL, new) for who in two]
        answers = await asyncio.gather(
            *(
                bench.bind_email(who, new, code)
                for who, code in zip(two, codes, strict=True)
                for _ in range(CROWD // 2)
            )
        )
        counted = keys(answers)
        assert counted["done"] == 1, counted
        assert counted["email_taken"] == 1, counted
        assert sorted(bench.email(who.user_id) == new for who in two) == [False, True]


async def test_one_free_address_changed_to_by_two_goes_to_exactly_one(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        two = [bench.person(None, email=OLD.format(f"{half}-{turn}")) for half in (1, 2)]
        new = NEW.format(turn)
        tokens = [await bench.ready_to_change_email(who, new) for who in two]
        answers = await asyncio.gather(
            *(
                bench.update_email(who, token)
                for who, token in zip(two, tokens, strict=True)
                for _ in range(8)
            )
        )
        assert keys(answers)["done"] == 1
        assert keys(answers)["email_taken"] == 1
        assert sorted(bench.email(who.user_id) == new for who in two) == [False, True]


async def test_parallel_pairs_of_wrong_codes_evaluate_exactly_the_budget(bench: Workbench) -> None:
    """Two codes of one channel in one request share a counter: one guess a request, ten in a day, no more."""
    bench.policy(verify_code_max_attempts=10)
    old, new = OLD.format(1), NEW.format(1)
    who = bench.person(None, email=old)
    sessions = [who, bench.session(who.user_id, None), bench.session(who.user_id, None)]
    for address in (old, new):
        assert await bench.send(who, UPDATE_EMAIL, address) is None
    typed = (new, bench.wrong(who, UPDATE_EMAIL, new), old, bench.wrong(who, UPDATE_EMAIL, old))
    answers = await asyncio.gather(*(bench.verify_email(sessions[n % 3], *typed) for n in range(120)))
    assert keys(answers)["code_wrong"] == 10
    assert {row[0] for row in bench.all("SELECT wrong FROM codes")} == {10}


async def test_a_link_is_spent_once(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        address = OLD.format(turn)
        who = bench.person(None, email=address)
        bench.store.write_now(lambda tx: tx.run(Sql("UPDATE emails SET verified = 0")))
        assert await bench.send(bench.stranger(), LINK, address) is None
        [row] = bench.all("SELECT seed, key_id FROM codes WHERE target = :address", address=address)
        link = links.Link(bench.pool_id, address, bytes(row[0]))
        text = links.write(bench.ports.ring("codes"), row[1], link)
        assert text is not None
        answers = await asyncio.gather(
            *(email_link.verify(bench.service, bench.stranger(), text) for _ in range(CROWD))
        )
        assert keys(answers) == {"done": 1, "code_expired": CROWD - 1}
        assert bench.one("SELECT verified FROM emails WHERE user_id = :id", id=who.user_id) == 1


async def test_who_move_to_each_other_s_address_do_not_wait_for_each_other(bench: Workbench) -> None:
    """Each types a code of both addresses, so each wants both counters: one order for all, whatever the form's."""
    ours, theirs = OLD.format("ours"), OLD.format("theirs")
    two = ((bench.person(None, email=ours), theirs, ours), (bench.person(None, email=theirs), ours, theirs))

    async def go_on(who: Person, new: str, old: str) -> None:
        for _ in range(RACE_ROUNDS):
            assert keys([await bench.verify_email(who, new, "123456", old, "123456")]) == {"code_expired": 1}

    await asyncio.gather(*(go_on(*each) for each in two * 8))
    assert bench.store.counts.reruns == 0  # a deadlock is a batch that is lost, a second later
