"""The whole heart against the model: whatever people, strangers and administrators do, in any order.

Hypothesis draws the steps; after each, the answer's key and the world that is stored are the model's. Run long
(`make soak`) it is the search for what nobody thought of; each thing it found has a test of its own elsewhere.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ostiary.contract.profile import VerifyUpdatePhoneRequestData
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.guards.password_keys import PasswordKeys
from ostiary.server.guards.service import Service
from ostiary.server.guards.signing import Signer
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Sql
from tests import counts
from tests.machine.ground import MEANWHILE, NUMBERS, POLICIES, Ground, channels, numbers, typings, wholes
from tests.machine.people import BIND, BOUND, DAY, LOGIN, NOBODY, UNBIND, Session, Token, User
from tests.workbench import root_keys

STEPS = {"sqlite": 40, "postgresql": 20}


class Heart(Ground):
    """What people, strangers and administrators may do, in any order."""

    # ── people ──────────────────────────────────────────────────────────────────────────────

    @initialize()
    def begin(self) -> None:
        self.join(0, "both")
        self.join(1, "both")

    @precondition(lambda self: sum(not user.deleted for user in self.model.users) < 4)
    @rule(place=st.none() | numbers, kind=st.sampled_from(("both", "password", "phone")))
    def join(self, place: int | None, kind: str) -> None:
        name = f"w{self.world}-{len(self.model.users)}"
        number = self.number(place) if place is not None else None
        facts: dict[str, Any] = {"phone": number, "phoneVerified": True}
        if kind != "phone":
            facts |= {"username": name}
        if kind == "both":
            facts |= {"email": f"{name}@example.com", "emailVerified": True}
        if not any(fact for key, fact in facts.items() if key != "phoneVerified"):
            facts["externalId"] = name
        answer = self.do(self.desk.ask("create_user", facts))
        if number and self.model.holder(number):
            self.same(answer, "phone_taken")
            return
        assert not isinstance(answer, Refused), answer
        if kind != "phone":
            self.bench.store.write_now(lambda tx: tx.run(_PASSWORD, id=answer.user_id))
        user = User(name, number, email=kind == "both", password=kind != "phone")
        self.model.users.append(user)
        self.ids[name] = answer.user_id
        self._sign_in(user)

    @rule(who=wholes)
    def sign_in(self, who: int) -> None:
        self._sign_in(self.someone(who))

    # ── codes ───────────────────────────────────────────────────────────────────────────────

    @rule(who=st.none() | wholes, channel=channels, place=numbers)
    def send(self, who: int | None, channel: str, place: int) -> None:
        self._send(None if who is None else self.session(who), channel, self.number(place))

    @rule(who=wholes)
    def send_to_own(self, who: int) -> None:
        session = self.session(who)
        if session.user.number:
            self._send(session, UNBIND, session.user.number)

    @rule(
        askers=st.lists(st.none() | wholes, min_size=1, max_size=2),
        channel=channels,
        place=numbers,
        pauses=st.lists(st.sampled_from((60, 61, 100, 200, 201, 900)), min_size=1, max_size=6),
    )
    def ask_and_ask(self, askers: list[int | None], channel: str, place: int, pauses: list[int]) -> None:
        """The same code, then another; until somebody has asked too often."""
        number = self.number(place)
        for turn, pause in enumerate(pauses):
            who = askers[turn % len(askers)]
            self._send(None if who is None else self.session(who), channel, number)
            self._wait(pause * 1_000)

    def _send(self, session: Session | None, channel: str, number: str) -> None:
        owner = session.user.name if session and channel in BOUND else NOBODY
        before = self.model.codes.get((owner, channel, number))
        predicted, code, goes_out = self.model.send(session, channel, number)
        caller = self.calls[session] if session else self.bench.stranger()
        self.same(self.do(self.bench.send(caller, channel, number)), predicted)
        if code is None:
            return
        digits = self._digits(code)
        assert code is not before or digits == code.digits, "another code than the one before"
        if before is not None and before is not code:
            self.old_digits.append(before.digits)
        code.digits = digits
        self.sent[number] = self.sent.get(number, 0) + goes_out
        assert self._queued(number) == self.sent[number], "sent, or kept back"

    @rule(who=st.none() | wholes, channel=channels, place=numbers, how=typings)
    def look(self, who: int | None, channel: str, place: int, how: str) -> None:
        self._look(None if who is None else self.session(who), channel, self.number(place), how)

    @rule(who=wholes, channel=st.sampled_from((BIND, UNBIND)), place=numbers, times=st.integers(2, 12))
    def guess_and_guess(self, who: int, channel: str, place: int, times: int) -> None:
        session = self.session(who)
        number = session.user.number if channel == UNBIND and session.user.number else self.number(place)
        for _ in range(times):
            self._look(session, channel, number, "wrong")

    @rule(who=wholes, place=numbers, then=st.sampled_from(("look", "sign in")))
    def twenty_wrong_in_a_row(self, who: int, place: int, then: str) -> None:
        """By two sessions, at two codes: neither budget nor tries end it before."""
        self.policy("wrong_codes_per_day", 2)
        self.policy("verify_code_max_attempts", 3)
        user, number = self.someone(who), self.number(place)
        for _ in range(2):
            self._sign_in(user)
            self._send(user.sessions[-1], BIND, number)
            for _ in range(10):
                self._look(user.sessions[-1], BIND, number, "wrong")
            self._wait(61_000)
        self._wait(DAY)
        if then == "sign in":
            self._sign_in(user)
        self._send(user.sessions[-1], BIND, number)
        self._look(user.sessions[-1], BIND, number, "right")

    def _look(self, session: Session | None, channel: str, number: str, how: str) -> None:
        digits = self.typed(how, session, channel, number)
        predicted = self.model.look(session, channel, number, digits)
        caller = self.calls[session] if session else self.bench.stranger()
        answer = self.do(self.bench.look(caller, channel, number, digits))
        if isinstance(answer, Refused):
            self.same(answer, predicted)
        else:
            assert ("valid" if answer.is_valid else "invalid") == predicted

    # ── the change ──────────────────────────────────────────────────────────────────────────

    @rule(
        who=wholes,
        place=numbers,
        old=st.sampled_from(("own", "own", "none", "anothers")),
        how=typings,
        how_old=typings,
    )
    def verify(self, who: int, place: int, old: str, how: str, how_old: str) -> None:
        self._verify(self.session(who), self.number(place), old, how, how_old)

    def _verify(self, session: Session, new: str, old: str, how: str, how_old: str) -> None:
        digits = self.typed(how, session, BIND, new)
        own = session.user.number
        pair: tuple[str, str] | None = None
        if old == "anothers" or (old == "own" and own is not None):
            number = own if old == "own" and own is not None else self.number(2)
            pair = number, self.typed(how_old, session, UNBIND, number)
        predicted = self.model.verify(session, new, digits, pair)
        answer = self.do(self.bench.verify(self.calls[session], new, digits, *(pair or ())))
        if isinstance(predicted, Token):
            assert isinstance(answer, VerifyUpdatePhoneRequestData), answer
            assert answer.token_expires_in == self.model.policy.update_token_ttl
            predicted.text = answer.update_phone_token
            self.tokens.append(predicted.text)
        else:
            self.same(answer, predicted)

    @rule(who=wholes, place=numbers, then=st.sampled_from(MEANWHILE), twice=st.booleans())
    def change(self, who: int, place: int, then: str, twice: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        """The straight way, and what may come between its last two steps."""
        session, new, old = self.session(who), self.number(place), self.session(who).user.number
        self._send(session, BIND, new)
        if old:
            self._send(session, UNBIND, old)
        self._verify(session, new, "own", "right", "right")
        token = session.user.token
        if token is None or then == "nothing":
            return
        meanwhile = {
            "asks again": lambda: self._verify(session, new, "own", "right", "right"),
            "too late": lambda: self._wait(self.model.policy.update_token_ttl * 1_000),
            "another session": lambda: self._sign_in(session.user),
            "a stricter policy": self._stricter,
            "taken": lambda: self.join(place, "password"),
            "moved": lambda: self._set_number(session.user, place - 1 if place else None),
            "restart": self.restart,
        }
        meanwhile.get(then, lambda: None)()
        shows = session.user.sessions[-1] if then == "another session" else session
        aside = self.number((place + 1) % NUMBERS)
        self._send(session, BIND, aside)
        self._send(None, LOGIN, old or new)
        for _ in range(1 + twice):
            self._update(shows, token.text)
        self._look(session, BIND, aside, "own")  # codes die with the number
        self._look(None, LOGIN, old or new, "nobodys")

    def _stricter(self) -> None:
        self.policy("verify_old_phone", 0)
        self.policy("require_bound_codes", 0)

    @precondition(lambda self: self.tokens)
    @rule(who=wholes, newest=st.booleans(), mine=st.sampled_from((True, True, True, False)), which=wholes)
    def update(self, who: int, newest: bool, mine: bool, which: int) -> None:  # noqa: FBT001 - drawn by Hypothesis
        text = self.tokens[-1] if newest else self.tokens[which % len(self.tokens)]
        owners = (user.token.session for user in self.model.users if user.token and user.token.text == text)
        session = next(owners, None) if mine else None
        self._update(session or self.session(who), text)

    def _update(self, session: Session, text: str) -> None:
        predicted = self.model.update(session, text)
        answer = self.do(self.bench.update(self.calls[session], text))
        self.same(answer, predicted)
        if predicted == "update_token_used":
            assert answer.facts() == {"success": True}

    @rule(who=wholes, place=numbers, how=typings, ask=st.booleans())
    def bind(self, who: int, place: int, how: str, ask: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        session, number = self.session(who), self.number(place)
        if ask:
            self._send(session, BIND, number)
        digits = self.typed(how, session, BIND, number)
        predicted = self.model.bind(session, number, digits)
        self.same(self.do(self.bench.bind(self.calls[session], number, digits)), predicted)

    @rule(who=wholes, how=typings, ask=st.booleans())
    def unbind(self, who: int, how: str, ask: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        session = self.session(who)
        number = session.user.number or self.number(0)
        if ask:
            self._send(session, UNBIND, number)
        digits = self.typed(how, session, UNBIND, number)
        predicted = self.model.unbind(session, digits)
        self.same(self.do(self.bench.unbind(self.calls[session], digits)), predicted)

    # ── time, settings, restarts ────────────────────────────────────────────────────────────

    @rule(
        seconds=st.sampled_from(
            (1, 29, 30, 31, 59, 60, 61, 100, 200, 201, 240, 299, 300, 301, 899, 900, 3_600)
        )
    )
    def wait(self, seconds: int) -> None:
        self._wait(seconds * 1_000)

    @rule(days=st.sampled_from((DAY, DAY - 1, DAY + 1, 14 * DAY)))
    def wait_long(self, days: int) -> None:
        self._wait(days)

    def _wait(self, milliseconds: int) -> None:
        self.bench.clock.offset += milliseconds
        self.model.now += milliseconds

    @rule(setting=st.sampled_from(sorted(POLICIES)), which=wholes)
    def policy(self, setting: str, which: int) -> None:
        to = POLICIES[setting][which % len(POLICIES[setting])]
        self.model.change(**{setting: to})
        if setting == "verify_old_phone":
            self.bench.policy(change_phone_strategy=ChangePhoneStrategy(verify_old_phone=bool(to)))
        else:
            self.bench.policy(**{setting: to})

    @rule()
    def restart(self) -> None:
        bench = self.bench
        bench.store.close_now()
        bench.service.signer.close()
        bench.store = Store.open(self.url, bench.ports, connections=4)
        bench.service = Service(
            store=bench.store,
            ports=bench.ports,
            signer=Signer(bench.store, bench.ports, "http://127.0.0.1/oidc"),
            passwords=bench.service.passwords,
            password_keys=PasswordKeys(bench.store, bench.ports, bench.service.passwords),
        )

    # ── the administrator ───────────────────────────────────────────────────────────────────

    @rule(
        who=wholes,
        what=st.sampled_from(("number", "number", "suspended", "active", "active", "deleted")),
        place=st.none() | numbers,
    )
    def administer(self, who: int, what: str, place: int | None) -> None:
        if what == "number":
            self._set_number(self.someone(who), place)
        elif what == "deleted":
            self.delete(self.someone(who))
        else:
            user, active = self.someone(who), what == "active"
            self.model.set_active(user, active=active)
            wish = {"userId": self.ids[user.name], "status": "Activated" if active else "Suspended"}
            self.same(self._ask("update_user", wish), "ok")

    def _set_number(self, user: User, place: int | None) -> None:
        number = self.number(place) if place is not None else None
        predicted = self.model.set_number(user, number)
        wish = {"phone": number} if number else {"options": {"clearFields": ["phone"]}}
        self.same(self._ask("update_user", {"userId": self.ids[user.name], **wish}), predicted)

    def delete(self, user: User) -> None:
        if sum(not other.deleted for other in self.model.users) > 1:
            self.model.delete(user)
            self.same(self._ask("delete_users_batch", {"userIds": [self.ids[user.name]]}), "ok")


_PASSWORD = Sql("UPDATE users SET password_hash = 'none' WHERE id = :id")


@pytest.mark.timeout(60 + counts.EXAMPLES * 20)
def test_the_heart_does_what_the_specification_says(database: str) -> None:
    keys = root_keys()
    run_state_machine_as_test(
        lambda: Heart(database, keys),  # type: ignore[arg-type] # it is called; a factory will do
        settings=settings(
            max_examples=counts.EXAMPLES,
            stateful_step_count=STEPS[database.partition(":")[0]],
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),  # a whole service is slow and large: it is meant to be
        ),
    )
