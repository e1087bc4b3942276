"""The update token in the database: whose it is, for how long, and what is left of it (phone-change.md §5, §6)."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from msgspec import structs

from ostiary.contract.keys import Key
from ostiary.contract.profile import UpdatePhone
from ostiary.server.core.call import UserToken
from ostiary.server.core.keyring import KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import Millis
from ostiary.server.core.policy import AppPolicy, ChangePhoneStrategy
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.features.phone_change import actions
from ostiary.server.guards import notices
from ostiary.server.storage import pools
from ostiary.server.storage.pools import AppRow
from tests.journeys.hands import NO_OLD, key, new_code, pair
from tests.service import Service
from tests.workbench import BIND, LOGIN, UNBIND, Workbench

pytestmark = pytest.mark.anyio

OLD, NEW = "+8613800138000", "+8613900139000"


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    yield bench
    await bench.close()


def why(answer: object) -> Key | None:
    return answer.key if isinstance(answer, Refused) else None


def test_the_old_number_wanted_by_now_and_not_proven_then(service: Service):
    """The policy was made stricter between the two steps."""
    ann, new = service.person(), service.number()
    with service.settings(**NO_OLD):
        token = ann.client.verify_update_phone_request(pair(new, new_code(ann, new))).data.update_phone_token
    assert key(ann.client.update_phone, token) == "update_token_invalid"
    with service.settings(**NO_OLD):
        assert key(ann.client.update_phone, token) == "update_token_invalid", "spent by that"


async def test_another_application_s_token_of_the_same_session_is_another_taker(bench: Workbench) -> None:
    """It stays good for the application it was granted to."""
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)
    app = AppRow("app-2", bench.pool_id, "Other", b"", AppPolicy(), bench.ports.now())
    bench.store.write_now(lambda tx: pools.insert_app(tx, app))
    assert isinstance(who.call.user, UserToken)
    call = structs.replace(who.again(), user=structs.replace(who.call.user, app_id="app-2"), app_id="app-2")
    answer = await actions.update_phone(bench.service, call, UpdatePhone(update_phone_token=token))
    assert why(answer) is Key.UPDATE_TOKEN_INVALID
    assert why(await bench.update(who, token)) is None


async def test_only_a_mac_of_it_is_kept(bench: Workbench) -> None:
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)
    assert token.startswith("upt_")
    assert len(token) >= 4 + 43, "256 bit"
    mac = bytes(bench.one("SELECT mac FROM one_time_tokens"))
    assert len(mac) == 32
    assert token not in repr(bench.all("SELECT * FROM one_time_tokens"))


async def test_a_token_whose_key_is_gone_is_over(database: str) -> None:
    bench = Workbench(database)
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)
    rings = dict(bench.keys.rings)
    rings["tokens"] = KeyRing("tokens", (RootKey("tokens-2", Ports.random_bytes(32), Millis(0)),))
    bench.ports.keys = RootKeys(rings)
    assert why(await bench.update(who, token)) is Key.UPDATE_TOKEN_INVALID
    await bench.close()


async def test_live_means_before_its_end_and_not_from_the_future(bench: Workbench) -> None:
    bench.policy(update_token_ttl=30)
    for number, (seconds, good) in enumerate(((29, True), (31, False), (-4, True), (-7, False))):
        who = bench.person(f"+861380{number:07d}")
        token = await bench.ready_to_change(who, f"+861390{number:07d}")
        bench.clock.advance(seconds=seconds)
        assert (why(await bench.update(who, token)) is None) is good, seconds
        bench.clock.advance(seconds=-seconds if seconds < 0 else 0)


async def test_a_move_voids_all_codes_of_the_user_and_nobody_s_at_the_number_that_is_left(
    bench: Workbench,
) -> None:
    who, other = bench.person(OLD), bench.person(None)
    elsewhere = "+8613700000000"
    assert await bench.send(who, BIND, elsewhere) is None
    assert await bench.send(bench.stranger(), LOGIN, OLD) is None
    assert await bench.send(bench.stranger(), LOGIN, elsewhere) is None
    assert await bench.send(other, BIND, elsewhere) is None
    assert await bench.send(other, BIND, NEW) is None
    assert why(await bench.update(who, await bench.ready_to_change(who, NEW))) is None
    dead = {
        (row[0], row[1], row[2])
        for row in bench.all(
            "SELECT target, channel, owner FROM codes WHERE void_at IS NOT NULL OR used_at IS NOT NULL"
        )
    }
    ann = who.user_id
    assert dead == {(elsewhere, BIND, ann), (OLD, LOGIN, ""), (OLD, UNBIND, ann), (NEW, BIND, ann)}
    assert (await bench.look(other, BIND, NEW, bench.code(other, BIND, NEW))).is_valid, (
        "another's is another's"
    )


async def test_binding_and_unbinding_end_the_other_sessions_too(bench: Workbench) -> None:
    for end, outcome in ((True, Key.LOGIN_EXPIRED), (False, None)):
        bench.policy(end_other_sessions=end)
        who = bench.person(None, email="a@example.com" if end else "b@example.com")
        number = f"+86135{int(end):08d}"
        other = bench.session(who.user_id, None)
        assert await bench.send(who, BIND, number) is None
        assert await bench.bind(who, number, bench.code(who, BIND, number)) is None
        assert why(await bench.send(other, BIND, NEW)) is outcome
        bench.clock.advance(seconds=61)
        another = bench.session(who.user_id, number)
        assert await bench.send(who, UNBIND, number) is None
        assert await bench.unbind(who, bench.code(who, UNBIND, number)) is None
        assert why(await bench.send(another, BIND, "+8613600000000")) is outcome
        assert bench.one("SELECT phone_version FROM users WHERE id = :id", id=who.user_id) == 2


async def test_an_account_s_number_came_back_and_is_another_one(bench: Workbench) -> None:
    """Versions count the numbers an account had: away and back again is not where one was."""
    bench.policy(change_phone_strategy=ChangePhoneStrategy(verify_old_phone=False))
    who = bench.person(OLD)
    assert why(await bench.update(who, await bench.ready_to_change(who, NEW))) is None
    back = replace(who, phone=NEW)
    bench.clock.advance(seconds=61)
    assert why(await bench.update(back, await bench.ready_to_change(back, OLD))) is None
    assert bench.phone(who.user_id) == OLD
    assert bench.one("SELECT phone_version FROM users WHERE id = :id", id=who.user_id) == 2
    assert bench.one("SELECT version FROM phones WHERE user_id = :id", id=who.user_id) == 2


async def test_however_the_number_moves_the_pending_token_is_void(bench: Workbench) -> None:
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)
    assert await bench.send(who, UNBIND, OLD) is None
    assert await bench.unbind(who, bench.code(who, UNBIND, OLD)) is None
    assert bench.one("SELECT void_at IS NOT NULL FROM one_time_tokens")
    assert why(await bench.update(who, token)) is Key.UPDATE_TOKEN_INVALID


async def test_another_session_s_take_leaves_the_token_as_it_was(bench: Workbench) -> None:
    who = bench.person(OLD)
    token = await bench.ready_to_change(who, NEW)
    before = bench.all("SELECT * FROM one_time_tokens")
    for other in (bench.session(who.user_id, OLD), bench.person(None)):
        assert why(await bench.update(other, token)) is Key.UPDATE_TOKEN_INVALID
    assert bench.all("SELECT * FROM one_time_tokens") == before
    assert why(await bench.update(who, token)) is None


async def test_a_token_whose_application_is_of_another_pool_is_invalid(database: str) -> None:
    here = Workbench(database)
    there = Workbench(database, keys=here.keys, pool_id="pool-2", app_id="app-2")
    who = here.person(OLD)
    assert isinstance(who.call.user, UserToken)
    for user in (
        structs.replace(who.call.user, app_id="app-2"),
        structs.replace(who.call.user, pool_id="pool-2"),
    ):
        call = structs.replace(who.again(), user=user, app_id=user.app_id)
        answer = await actions.update_phone(here.service, call, UpdatePhone(update_phone_token="upt_x"))
        assert why(answer) is Key.LOGIN_INVALID
    await there.close()
    await here.close()


def fates(bench: Workbench, user_id: str) -> dict[str, tuple[int, ...]]:
    """Kind → whether a user's token is used, void, and has done its work."""
    rows = bench.all(
        "SELECT kind, used_at IS NOT NULL, void_at IS NOT NULL, done FROM one_time_tokens WHERE user_id = :id",
        id=user_id,
    )
    return {row[0]: tuple(row[1:]) for row in rows}


UNTOUCHED = {"upt": (0, 0, 0), "uet": (0, 0, 0)}


async def test_a_move_spends_its_own_token_and_voids_the_same_user_s_other_one(bench: Workbench) -> None:
    who, other = (
        bench.person(OLD, email="a@example.com"),
        bench.person("+8613800138001", email="b@example.com"),
    )
    token = await bench.ready_to_change(who, NEW)
    by_mail = await bench.ready_to_change_email(who, "c@example.com")
    await bench.ready_to_change(other, "+8613900139001")
    await bench.ready_to_change_email(other, "d@example.com")
    assert why(await bench.update(who, token)) is None
    assert fates(bench, who.user_id) == {"upt": (1, 0, 1), "uet": (0, 1, 0)}
    assert fates(bench, other.user_id) == UNTOUCHED
    assert why(await bench.update(who, token)) is Key.UPDATE_TOKEN_USED
    assert why(await bench.update_email(who, by_mail)) is Key.UPDATE_TOKEN_INVALID, (
        "void, and has done nothing"
    )


async def test_a_taken_number_spends_the_token_and_a_failed_step_does_not(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = bench.person(OLD, email="a@example.com")
    token = await bench.ready_to_change(who, NEW)
    by_mail = await bench.ready_to_change_email(who, "c@example.com")

    def broken(*_: object, **__: object) -> None:
        raise LookupError

    with monkeypatch.context() as patched:
        patched.setattr(notices, "contact_moved", broken)  # behind the move and the token
        with pytest.raises(LookupError):
            await bench.update(who, token)
    assert fates(bench, who.user_id) == UNTOUCHED
    bench.person(NEW)
    assert why(await bench.update(who, token)) is Key.PHONE_TAKEN
    assert fates(bench, who.user_id) == {"upt": (1, 0, 0), "uet": (0, 0, 0)}, (
        "nothing moved, so nothing else dies"
    )
    assert why(await bench.update(who, token)) is Key.UPDATE_TOKEN_INVALID
    assert why(await bench.update_email(who, by_mail)) is None
