"""The first failing row answers: every two refusals of a phone operation provoked at once (phone-change.md §5, §6).

Each `Fault` spoils one thing about a request that would be granted. Of two spoiled things, the row that comes first
in the specification's table is the answer; so no row can have moved before another.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import combinations, count
from typing import Any

import msgspec
import pytest
from msgspec import structs

from ostiary.contract.keys import Key
from ostiary.contract.profile import (
    BindPhone,
    UnbindPhone,
    UpdatePhone,
    UpdatePhoneByPhonePassCode,
    VerifyUpdatePhoneRequest,
)
from ostiary.server.core.call import NOBODY, Call
from ostiary.server.core.codes import Counter, WrongGuess
from ostiary.server.core.millis import HOUR
from ostiary.server.core.policy import AppPolicy, ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.features.phone_change import actions
from ostiary.server.storage import guesses, pools
from ostiary.server.storage.tx import Sql, Tx
from tests.workbench import BIND, UNBIND, Person, Workbench

pytestmark = pytest.mark.anyio

_people = count(1)


@dataclass
class Scene:
    """A request that would be granted, before something is spoiled."""

    bench: Workbench
    who: Person
    new: str
    call: Call
    fields: dict[str, Any] = field(default_factory=dict)
    form: Refused | None = None
    """A form error, where the wire found one."""

    def run(self, text: str, **params: Any) -> None:
        self.bench.store.write_now(lambda tx: tx.run(Sql(text), **params))

    def by_user(self, text: str) -> None:
        self.run(text, id=self.who.user_id)


@dataclass(frozen=True)
class Fault:
    """One thing spoiled, and the row that says so. Faults of one `at` touch the same thing: not both at once."""

    row: float
    key: Key
    spoil: Callable[[Scene], None]
    at: str


def _nobody(scene: Scene) -> None:
    scene.call = structs.replace(scene.call, user=NOBODY, token_given=False)


def _expired(scene: Scene) -> None:
    scene.call = structs.replace(scene.call, user=Refused(Key.LOGIN_EXPIRED))


def _another_app(scene: Scene) -> None:
    scene.call = structs.replace(scene.call, app_id="another")


def _another_pool(scene: Scene) -> None:
    scene.call = structs.replace(scene.call, pool_id="another")


def _no_self_service(scene: Scene) -> None:
    scene.bench.store.write_now(
        lambda tx: pools.set_app_policy(tx, scene.bench.app_id, AppPolicy(self_service=False))
    )


def _form(scene: Scene) -> None:
    scene.form = Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "x"})


def _typed(scene: Scene) -> None:
    scene.fields["new_code"] = "12x"


def _fixed_line(scene: Scene) -> None:
    scene.fields["new"] = "01064821234"


def _foreign(scene: Scene) -> None:
    scene.fields |= {"new": "7400123456", "country": "+44"}


def _session(scene: Scene) -> None:
    scene.run("UPDATE sessions SET ended_at = 1 WHERE id = :id", id=scene.who.session_id)


def _epoch(scene: Scene) -> None:
    scene.by_user("UPDATE users SET session_epoch = session_epoch + 1 WHERE id = :id")


def _locked(scene: Scene) -> None:
    scene.by_user("UPDATE users SET status = 'Suspended' WHERE id = :id")


def _same(scene: Scene) -> None:
    scene.fields["new"] = scene.who.phone


def _no_pair(scene: Scene) -> None:
    scene.fields |= {"old": None, "old_code": None}


def _half_a_pair(scene: Scene) -> None:
    scene.fields["old_code"] = None


def _another_old(scene: Scene) -> None:
    scene.fields["old"] = "13700000000"


def _stale(scene: Scene) -> None:
    scene.run(
        "UPDATE sessions SET checked_at = checked_at - :hour WHERE id = :id",
        hour=HOUR,
        id=scene.who.session_id,
    )


def _spent(channel: str) -> Callable[[Scene], None]:
    def spoil(scene: Scene) -> None:
        bench = scene.bench
        many = tuple(WrongGuess(bench.ports.now(), f"s{n}", f"{n}") for n in range(10))
        counter = Counter(bench.pool_id, f"user:{scene.who.user_id}", channel, many)
        bench.store.write_now(lambda tx: guesses.store(tx, counter))

    return spoil


def _dead(scene: Scene) -> None:
    scene.by_user("UPDATE codes SET void_at = 1 WHERE owner = :id")


def _wrong(name: str) -> Callable[[Scene], None]:
    def spoil(scene: Scene) -> None:
        code = scene.fields[name]
        scene.fields[name] = code[:-1] + str((int(code[-1]) + 1) % 10)

    return spoil


def _taken(scene: Scene) -> None:
    scene.bench.person(scene.new)


def _bound(scene: Scene) -> None:
    scene.bench.store.write_now(lambda tx: _give(tx, scene, f"+861350{next(_people):07d}"))


def _give(tx: Tx, scene: Scene, number: str) -> None:
    tx.run(
        Sql("INSERT INTO phones VALUES (:pool, :number, :id, 1, 0, 0)"),
        pool=scene.bench.pool_id,
        number=number,
        id=scene.who.user_id,
    )


def _unbound(scene: Scene) -> None:
    scene.by_user("DELETE FROM phones WHERE user_id = :id")


def _no_password(scene: Scene) -> None:
    scene.by_user("UPDATE users SET password_hash = NULL WHERE id = :id")


def _garbage(scene: Scene) -> None:
    scene.fields["token"] = "upt_garbage"


def _over(scene: Scene) -> None:
    scene.by_user("UPDATE one_time_tokens SET ends_at = 1 WHERE user_id = :id")


def _void(scene: Scene) -> None:
    scene.by_user("UPDATE one_time_tokens SET void_at = 1 WHERE user_id = :id")


def _done(scene: Scene) -> None:
    scene.by_user("UPDATE one_time_tokens SET used_at = 1, done = 1 WHERE user_id = :id")


def _not_served_any_more(scene: Scene) -> None:
    scene.bench.policy(allowed_countries=("+1",))


def _version(scene: Scene) -> None:
    scene.by_user("UPDATE users SET phone_version = phone_version + 1 WHERE id = :id")


DOOR = (
    Fault(1, Key.NOT_LOGGED_IN, _nobody, "token"),
    Fault(1, Key.LOGIN_EXPIRED, _expired, "token"),
    Fault(1.1, Key.LOGIN_INVALID, _another_app, "app"),
    Fault(1.1, Key.LOGIN_INVALID, _another_pool, "pool"),
    Fault(1.2, Key.APP_NOT_ALLOWED, _no_self_service, "policy of the app"),
)
FORM = (Fault(2, Key.PARAMETERS_INCOMPLETE, _form, "form"), Fault(2.1, Key.BAD_REQUEST, _typed, "new code"))
NUMBER = (Fault(3, Key.BAD_CONTACT, _fixed_line, "new"), Fault(3, Key.NUMBER_NOT_SERVED, _foreign, "new"))
STANDING = (
    Fault(4, Key.LOGIN_EXPIRED, _session, "session"),
    Fault(4, Key.LOGIN_EXPIRED, _epoch, "session"),
    Fault(4.1, Key.USER_LOCKED, _locked, "status"),
)
NEW_CODE = (
    Fault(8, Key.GUESSES_SPENT, _spent(BIND), "budget"),
    Fault(9, Key.CODE_EXPIRED, _dead, "codes"),
    Fault(9.1, Key.CODE_WRONG, _wrong("new_code"), "new code"),
    Fault(10, Key.PHONE_TAKEN, _taken, "number"),
)

VERIFY = (
    *DOOR, *FORM, *NUMBER, *STANDING,
    Fault(5, Key.SAME_PHONE, _same, "new"),
    Fault(6, Key.OLD_PHONE_REQUIRED, _no_pair, "old"),
    Fault(6, Key.OLD_PHONE_REQUIRED, _half_a_pair, "old"),
    Fault(7, Key.OLD_PHONE_MISMATCH, _another_old, "old"),
    *NEW_CODE,
    Fault(8, Key.GUESSES_SPENT, _spent(UNBIND), "budget of the old"),
    Fault(9.1, Key.CODE_WRONG, _wrong("old_code"), "old"),
)  # fmt: skip # the rows of §5
UPDATE = (
    *DOOR,
    *(replace(fault, row=fault.row - 2.5) for fault in STANDING),  # §6 row 1: rows 1 and 4 of §5
    replace(FORM[0], row=2),
    Fault(3, Key.UPDATE_TOKEN_INVALID, _garbage, "update token"),
    Fault(3, Key.UPDATE_TOKEN_INVALID, _over, "update token"),
    Fault(3, Key.UPDATE_TOKEN_INVALID, _void, "update token"),
    Fault(3, Key.UPDATE_TOKEN_USED, _done, "update token"),
    Fault(4, Key.UPDATE_TOKEN_INVALID, _not_served_any_more, "countries"),
    Fault(5, Key.OLD_PHONE_MISMATCH, _version, "version"),
    Fault(6, Key.PHONE_TAKEN, _taken, "number"),
)
BINDING = (
    *DOOR, *FORM, *NUMBER, *STANDING,
    Fault(4.5, Key.PHONE_ALREADY_BOUND, _bound, "own number"),
    Fault(6, Key.REAUTH_REQUIRED, _stale, "age"),
    *NEW_CODE,
)  # fmt: skip # the rows of §5, but 5 and 7
UNBINDING = (
    *DOOR, *FORM, *STANDING,
    Fault(4.5, Key.PHONE_NOT_BOUND, _unbound, "own number"),
    Fault(4.5, Key.LAST_WAY_IN, _no_password, "password"),
    Fault(8, Key.GUESSES_SPENT, _spent(UNBIND), "budget"),
    Fault(9, Key.CODE_EXPIRED, _dead, "codes"),
    Fault(9.1, Key.CODE_WRONG, _wrong("new_code"), "new code"),
)  # fmt: skip # rows 1, 2, 4, 8, 9


async def _verify(scene: Scene) -> Any:
    spoiled = scene.fields
    payload = UpdatePhoneByPhonePassCode(
        new_phone_number=spoiled["new"],
        new_phone_pass_code=spoiled["new_code"],
        new_phone_country_code=spoiled.get("country"),
        old_phone_number=spoiled["old"],
        old_phone_pass_code=spoiled["old_code"],
    )
    form = VerifyUpdatePhoneRequest(phone_pass_code_payload=payload, verify_method="PHONE_PASSCODE")
    return await actions.verify_update_phone_request(scene.bench.service, scene.call, scene.form or form)


async def _update(scene: Scene) -> Any:
    form = UpdatePhone(update_phone_token=scene.fields["token"])
    return await actions.update_phone(scene.bench.service, scene.call, scene.form or form)


async def _bind(scene: Scene) -> Any:
    spoiled = scene.fields
    form = BindPhone(
        phone_number=spoiled["new"], pass_code=spoiled["new_code"], phone_country_code=spoiled.get("country")
    )
    return await actions.bind_phone(scene.bench.service, scene.call, scene.form or form)


async def _unbind(scene: Scene) -> Any:
    form = UnbindPhone(pass_code=scene.fields["new_code"])
    return await actions.unbind_phone(scene.bench.service, scene.call, scene.form or form)


async def _scene(bench: Workbench, operation: str) -> Scene:
    number = next(_people)
    own, new = f"+861380{number:07d}", f"+861390{number:07d}"
    who = bench.person(None if operation == "bind_phone" else own)
    scene = Scene(bench, who, new, who.again())
    if operation == "update_phone":
        scene.fields["token"] = await bench.ready_to_change(who, new)
        return scene
    if operation != "unbind_phone":
        assert await bench.send(who, BIND, new) is None
        scene.fields |= {"new": new, "new_code": bench.code(who, BIND, new)}
    if operation != "bind_phone":
        assert await bench.send(who, UNBIND, own) is None
        code = bench.code(who, UNBIND, own)
        scene.fields |= {"new_code": code} if operation == "unbind_phone" else {"old": own, "old_code": code}
    return scene


Ask = Callable[[Scene], Awaitable[Any]]
OPERATIONS: dict[str, tuple[Ask, tuple[Fault, ...]]] = {
    "verify_update_phone_request": (_verify, VERIFY),
    "update_phone": (_update, UPDATE),
    "bind_phone": (_bind, BINDING),
    "unbind_phone": (_unbind, UNBINDING),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_of_two_refusals_the_first_row_answers(sqlite_url: str, operation: str) -> None:
    bench = Workbench(sqlite_url)
    ask, faults = OPERATIONS[operation]
    before = bench.store.read_now(lambda tx: pools.policy(tx, bench.pool_id))
    assert before is not None
    normal = msgspec.structs.asdict(before) | {"change_phone_strategy": ChangePhoneStrategy()}
    granted = await ask(await _scene(bench, operation))
    assert not isinstance(granted, Refused), "what is not spoiled is granted"
    for spoiled in [(fault, fault) for fault in faults] + list(combinations(faults, 2)):
        left, right = spoiled
        if left is not right and left.at == right.at:
            continue
        scene = await _scene(bench, operation)
        for fault in sorted(set(spoiled), key=lambda one: one.row):
            fault.spoil(scene)
        answer = await ask(scene)
        assert isinstance(answer, Refused)
        rows = {fault.key for fault in spoiled if fault.row == min(left.row, right.row)}
        assert answer.key in rows, [(fault.row, fault.spoil.__name__) for fault in spoiled]
        bench.policy(**normal)
        bench.store.write_now(lambda tx: pools.set_app_policy(tx, bench.app_id, AppPolicy()))
    await bench.close()
