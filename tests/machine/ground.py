"""The ground the state machine walks on: the real heart, the model beside it, and what holds after every step."""

import asyncio
import itertools
import json
from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.millis import Millis
from ostiary.server.core.refused import Refused
from ostiary.server.storage import audit_seal
from tests.desk import Desk
from tests.histories.examined import chain_faults, row_faults
from tests.machine.model import Model
from tests.machine.people import BIND, BOUND, DAY, LOGIN, NOBODY, UNBIND, Code, Session, User
from tests.workbench import MovableClock, Person, Workbench

NUMBERS = 6
"""Few, so that people meet."""

_worlds = itertools.count(1)

wholes = st.integers(0, 60)
numbers = st.integers(0, NUMBERS - 1)
channels = st.sampled_from((BIND, BIND, UNBIND, LOGIN))
typings = st.sampled_from(("right", "right", "right", "wrong", "nobodys", "own", "other", "old"))
POLICIES = {
    "verify_old_phone": (True, False),
    "verify_code_max_attempts": (1, 3, 5, 10),
    "verify_code_ttl": (60, 300, 600),
    "wrong_codes_per_day": (3, 10, 20),
    "update_token_ttl": (30, 60, 600),
    "step_up_max_age": (60, 900),
    "end_other_sessions": (True, False),
    "require_bound_codes": (True, False),
    "allowed_countries": (("+86",), ("+86", "+1"), ("+1",), ("+86",)),
}

MEANWHILE = (
    *("spent", "spent", "spent", "nothing", "asks again", "too late", "another session"),
    *("a stricter policy", "taken", "moved", "restart"),
)
"""What may come between a token and its use."""


class StillClock(MovableClock):
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = super().now()

    def now(self) -> Millis:
        return Millis(self.moment + self.offset)


class Ground(RuleBasedStateMachine):
    """One pool of its own on a shared database, and the model of it. `test_machine.Heart` adds what people do."""

    def __init__(self, url: str, keys: RootKeys) -> None:
        super().__init__()
        self.url = url
        self.world = next(_worlds)
        self.runner = asyncio.Runner()
        self.bench = Workbench(
            url, StillClock(), keys, pool_id=f"pool-{self.world}", app_id=f"app-{self.world}"
        )
        self.desk = Desk(self.bench, key_id=f"key-{self.world}")
        self.model = Model(self.bench.ports.now())
        self.ids: dict[str, str] = {}
        """User of the model → user id."""
        self.calls: dict[Session, Person] = {}
        self.old_digits: list[str] = []
        self.tokens: list[str] = []
        self.sent: dict[str, int] = {}
        """Number → how many codes really go there."""

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def number(self, place: int) -> str:
        return f"+86138{self.world * NUMBERS + place:08d}"

    def someone(self, who: int) -> User:
        living = [user for user in self.model.users if not user.deleted]
        return living[who % len(living)]

    def session(self, who: int) -> Session:
        """Mostly somebody's newest, good; also old ones, and those of people who are gone."""
        every = [session for user in self.model.users for session in user.sessions]
        if who >= 40:
            return every[who % len(every)]
        user = self.someone(who)
        if who < 35 and self.model.standing(user.sessions[-1]) == "login_expired":
            self._sign_in(user)
        return user.sessions[-1]

    def typed(self, how: str, session: Session | None, channel: str, number: str) -> str:
        """Some digits: those of the code that will be compared, or others that somebody might try."""
        user = session.user if session else None
        model = self.model
        by_name = {
            "right": model._compared(user, channel, number) if user or channel not in BOUND else None,
            "nobodys": model.codes.get((NOBODY, channel, number)),
            "own": model.codes.get((user.name if user else NOBODY, channel, number)),
            "other": next(
                (c for key, c in model.codes.items() if key[1] != channel and key[2] == number), None
            ),
        }
        code = by_name["right"] if how == "wrong" else by_name.get(how)
        if how == "old" and self.old_digits:
            return self.old_digits[-1]
        digits = code.digits if code else "135790"
        return digits[:-1] + str((int(digits[-1]) + 1) % 10) if how == "wrong" else digits

    def same(self, answer: Any, predicted: str) -> None:
        said = answer.key.value if isinstance(answer, Refused) else "ok"
        assert said == predicted, f"answered {said}, the specification says {predicted}"

    def _sign_in(self, user: User) -> None:
        session = self.model.sign_in(user)
        self.calls[session] = self.bench.session(self.ids[user.name], user.number)

    def _digits(self, code: Code) -> str:
        owner = self.ids.get(code.owner)
        person = Person(owner, None, "", self.bench.stranger()) if owner else None
        return self.bench.code(person, code.channel, code.number)

    def _queued(self, number: str) -> int:
        count: int = self.bench.one(
            "SELECT count(*) FROM outbox WHERE recipient = :number AND purpose LIKE 'CHANNEL%'"
            " AND pool_id = :pool_id AND state = 'queued'",
            number=number,
            pool_id=self.bench.pool_id,
        )
        return count

    def _ask(self, operation: str, members: dict[str, Any]) -> Any:
        return self.do(self.desk.ask(operation, members))

    # ── what holds after every step ─────────────────────────────────────────────────────────

    @invariant()
    def the_world_is_the_models(self) -> None:
        rows = self.bench.all(
            "SELECT u.id, u.phone_version, p.number FROM users u LEFT JOIN phones p ON p.user_id = u.id"
            " WHERE u.pool_id = :pool_id",
            pool_id=self.bench.pool_id,
        )
        living = [user for user in self.model.users if not user.deleted]
        assert sorted(rows) == sorted((self.ids[user.name], user.version, user.number) for user in living)
        notices = self.bench.one(
            "SELECT count(*) FROM outbox WHERE pool_id = :pool_id AND purpose LIKE 'phone_%'",
            pool_id=self.bench.pool_id,
        )
        assert notices == self.model.notices

    @invariant()
    def nothing_is_refunded(self) -> None:
        """Every wrong guess of the last day is counted, in every budget it belongs to, once."""
        found = self.bench.all(
            "SELECT subject, channel, guesses FROM guess_counters WHERE pool_id = :pool_id",
            pool_id=self.bench.pool_id,
        )
        names = {f"user:{user_id}": name for name, user_id in self.ids.items()}
        since = self.model.now - DAY
        stored = {
            (names.get(subject, subject.removeprefix("number:")), channel): today
            for subject, channel, guesses in found
            if (today := sum(guess[0] > since for guess in json.loads(guesses)))
        }
        paid = {
            key: today
            for key, budget in self.model.budgets.items()
            if (today := sum(at > since for at, _ in budget.guesses))
        }
        assert stored == paid

    @invariant()
    def the_rows_agree(self) -> None:
        ports, pool_id = self.bench.ports, self.bench.pool_id
        assert self.bench.store.read_now(lambda tx: row_faults(tx, ports, pool_id, budget=20)) == []

    def teardown(self) -> None:
        ports = self.bench.ports
        while self.bench.store.write_now(lambda tx: audit_seal.seal(tx, ports, 500)):
            continue
        wrong = self.bench.store.read_now(lambda tx: chain_faults(tx, ports))
        self.do(self.bench.close())
        self.bench.service.signer.close()
        self.runner.close()
        assert wrong == []
