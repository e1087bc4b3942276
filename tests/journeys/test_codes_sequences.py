"""Any sequence of asks, guesses, uses and waits, against a second telling of phone-change.md §4 that shares no code.

The model knows digits only as "the n-th code made here"; it says which code is compared, what is paid, what is
answered. Hypothesis looks for a sequence in which the service says something else.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.contract.keys import Key
from ostiary.server.core.millis import DAY, Millis
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.storage.tx import Sql
from tests.counts import EXAMPLES
from tests.workbench import BIND, LOGIN, MovableClock, Person, Workbench

LIFE, MOST, DAY_BUDGET, HALF = 300, 5, 10, 5
NUMBER = "+8613900139000"

ACTIONS = st.one_of(
    st.tuples(
        st.just("ask"),
        st.sampled_from(["ann", "ann again", "ben", "stranger"]),
        st.sampled_from([BIND, LOGIN]),
    ),
    st.tuples(st.just("guess"), st.sampled_from(["ann", "ann again", "ben"]), st.sampled_from([BIND, LOGIN])),
    st.tuples(st.just("right"), st.sampled_from(["ann", "ann again", "ben"]), st.sampled_from([BIND, LOGIN])),
    st.tuples(st.just("other's"), st.sampled_from(["ann", "ben"]), st.just(BIND)),
    st.tuples(st.just("use"), st.sampled_from(["ann", "ann again", "ben"]), st.just(BIND)),
    st.tuples(st.just("wait"), st.sampled_from([1, 61, 150, 199, 201, 86_400]), st.just("")),
)


@dataclass
class Code:
    """One code of the model. Seconds."""

    made: int
    wrong: int = 0
    used: bool = False

    def live(self, now: int) -> bool:
        return not self.used and self.wrong < MOST and now < self.made + LIFE


@dataclass
class Model:
    """The sentences of §4, as one would say them."""

    now: int = 0
    codes: dict[tuple[str, str], Code] = field(default_factory=dict)
    """(owner or '', channel) → the code that stands there."""
    paid: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """(purse, channel) → when and by which session."""

    def ask(self, owner: str, channel: str) -> bool:
        """Whether a new code is made."""
        place = (owner if channel == BIND else "", channel)
        old = self.codes.get(place)
        if old and old.live(self.now) and (old.made + LIFE - self.now) * 3 >= LIFE:
            return False
        self.codes[place] = Code(self.now)
        return True

    def compared(self, owner: str, channel: str) -> tuple[Code | None, tuple[str, ...]]:
        """The one code that is compared, and the purses that a wrong guess is paid from."""
        own = self.codes.get((owner, channel)) if channel == BIND else None
        if own and own.live(self.now):
            return own, (owner,)
        nobodys = self.codes.get(("", channel))
        nobodys = nobodys if nobodys and nobodys.live(self.now) else None
        if channel == LOGIN:
            return nobodys, ("number",)
        return nobodys, ("number", owner) if nobodys else (owner,)

    def spent(self, purse: str, channel: str, session: str) -> bool:
        day = [by for at, by in self.paid[purse, channel] if at > self.now - 86_400]
        return len(day) >= DAY_BUDGET or (purse != "number" and day.count(session) >= HALF)

    def guess(self, owner: str, session: str, channel: str, *, right: Code | None) -> str:
        """The verdict on somebody's typing the digits of `right` (None: of no code at all)."""
        code, purses = self.compared(owner, channel)
        if any(self.spent(purse, channel, session) for purse in purses):
            return "spent"
        if code is None:
            return "not live"
        if code is right:
            return "right"
        code.wrong += 1
        for purse in purses:
            self.paid[purse, channel].append((self.now, session))
        return "wrong"


class StillClock(MovableClock):
    """A clock that stands until it is moved: the model's seconds are the service's."""

    def __init__(self) -> None:
        super().__init__()
        self._start = super().now()

    def now(self) -> Millis:
        return Millis(self._start + self.offset)


class World:
    """The model and the service, side by side."""

    def __init__(self, url: str) -> None:
        self.bench = Workbench(url, clock=StillClock())
        self.bench.policy(
            change_phone_strategy=ChangePhoneStrategy(verify_old_phone=False), step_up_max_age=86_400
        )
        self.people: dict[str, Person] = {}
        self.model = Model()

    async def begin(self) -> None:
        """A new day, new people, nothing on record."""
        for table in ("codes", "guess_counters", "send_limits", "send_minutes", "outbox", "one_time_tokens"):
            self.bench.store.write_now(lambda tx, table=table: tx.run(Sql(f"DELETE FROM {table}")))  # type: ignore[misc]
        ann, ben = self.bench.person(None), self.bench.person(None)
        again = self.bench.session(ann.user_id, None)
        far = self.bench.ports.now() + 1_000 * DAY  # how old a sign-in is has its own tests
        self.bench.store.write_now(
            lambda tx: tx.run(Sql("UPDATE sessions SET checked_at = :far, ends_at = :far"), far=far)
        )
        self.people = {"ann": ann, "ann again": again, "ben": ben}
        self.model = Model()

    async def do(self, action: tuple[Any, ...]) -> None:
        what, who, channel = action
        if what == "wait":
            self.model.now += who
            self.bench.clock.advance(seconds=who)
            return
        owner = who.split()[0]
        if what == "ask":
            await self._ask(who, owner, channel)
            return
        code, _ = self.model.compared(owner, channel)
        if what == "other's":
            code = self.model.codes.get(("ben" if owner == "ann" else "ann", channel))
        if what == "guess":
            code = None
        await self._type(what, who, owner, channel, code)

    async def _ask(self, who: str, owner: str, channel: str) -> None:
        self.bench.store.write_now(
            lambda tx: tx.run(Sql("DELETE FROM send_limits"))
        )  # limits have their own tests
        before = self._seeds()
        caller = self.bench.stranger() if who == "stranger" else self.people[who]
        assert await self.bench.send(caller, channel, NUMBER) is None
        made = self.model.ask("" if who == "stranger" else owner, channel)
        assert (self._seeds() != before) is made

    async def _type(self, what: str, who: str, owner: str, channel: str, code: Code | None) -> None:
        person = self.people[who]
        digits = self._digits(code) if code else self._no_code()
        verdict = self.model.guess(owner, person.session_id, channel, right=code)
        if what == "use":
            answer = await self.bench.verify(person, NUMBER, digits)
            expected = {
                "right": None,
                "wrong": Key.CODE_WRONG,
                "not live": Key.CODE_EXPIRED,
                "spent": Key.GUESSES_SPENT,
            }
            assert (answer.key if isinstance(answer, Refused) else None) is expected[verdict]
            if verdict == "right" and code:
                code.used = True
            return
        answer = await self.bench.look(person, channel, NUMBER, digits)
        if isinstance(answer, Refused):
            assert (verdict, answer.key) == ("spent", Key.GUESSES_SPENT)
        else:
            assert answer.is_valid is (verdict == "right")
            assert verdict != "spent"

    def _digits(self, code: Code) -> str:
        owner, channel = next(place for place, known in self.model.codes.items() if known is code)
        return self.bench.code(self.people.get(owner), channel, NUMBER)

    def _no_code(self) -> str:
        """Six digits that are no code here."""
        taken = {self._digits(code) for code in self.model.codes.values()}
        return next(text for text in ("000000", "000001", "000002", "000003", "000004") if text not in taken)

    def _seeds(self) -> set[bytes]:
        return {bytes(row[0]) for row in self.bench.all("SELECT seed FROM codes")}


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_sequence_finds_another_answer(dialect: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{dialect.removesuffix('ql')}_url")
    with asyncio.Runner() as runner:
        world = runner.run(_make(url))

        @settings(max_examples=EXAMPLES if dialect == "sqlite" else EXAMPLES // 3)
        @given(st.lists(ACTIONS, min_size=5, max_size=40))
        def sequence(actions: list[tuple[Any, ...]]) -> None:
            async def live() -> None:
                await world.begin()
                for action in actions:
                    await world.do(action)

            runner.run(live())

        sequence()
        runner.run(world.bench.close())


async def _make(url: str) -> World:
    return World(url)
