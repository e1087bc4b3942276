"""The heart as docs/phone-change.md tells it, in plain lists and no database: what each ask must be answered.

Written from the specification, not from the code: it knows nothing of guards, rules or rows. One ask at a time,
one moment for each. Answers are keys; "ok" is a success, "valid" and "invalid" are what `pre-check-code` says.
"""

from dataclasses import dataclass, field, replace

from tests.machine.people import (
    BIND,
    BOUND,
    DAY,
    HOUR,
    MINUTE,
    NOBODY,
    SECOND,
    UNBIND,
    Ask,
    Budget,
    Code,
    Policy,
    Session,
    Token,
    User,
)


@dataclass
class Model:
    """A pool and everybody in it. `now` is moved by whoever drives it."""

    now: int
    policy: Policy = field(default_factory=Policy)
    users: list[User] = field(default_factory=list)
    codes: dict[tuple[str, str, str], Code] = field(default_factory=dict)
    """(owner, channel, number) → the newest."""
    asks: list[Ask] = field(default_factory=list)
    budgets: dict[tuple[str, str], Budget] = field(default_factory=dict)
    """(user or number, channel)."""
    notices: int = 0
    """How many were queued about moved numbers."""

    # ── who and what is there ───────────────────────────────────────────────────────────────

    def holder(self, number: str) -> User | None:
        return next((user for user in self.users if user.number == number), None)

    def budget(self, subject: str, channel: str) -> Budget:
        return self.budgets.setdefault((subject, channel), Budget())

    def sign_in(self, user: User) -> Session:
        session = Session(user, self.now, self.now + 14 * DAY)
        user.sessions.append(session)
        return session

    def standing(self, session: Session) -> str | None:
        """§5 row 4."""
        if not session.alive(self.now):
            return "login_expired"
        return None if session.user.active else "user_locked"

    def served(self, number: str) -> bool:
        return any(number.startswith(code) for code in self.policy.allowed_countries)

    # ── asking for a code (§4, §8) ──────────────────────────────────────────────────────────

    def send(self, session: Session | None, channel: str, number: str) -> tuple[str, Code | None, bool]:
        """(answer, the code that is queued, whether it really goes out)."""
        if session is not None and self.standing(session):
            if channel in BOUND:
                return str(self.standing(session)), None, False
            session = None
        user = session.user if session else None
        if user and channel == UNBIND and user.number is None:
            return "phone_not_bound", None, False
        if user and channel == UNBIND and user.number != number:
            return "old_phone_mismatch", None, False
        if not (user and user.number == number) and not self.served(number):
            return "number_not_served", None, False
        asker = user.name if user else NOBODY
        owns = user is not None and user.number == number
        if self._too_often(asker, channel, number, owns=owns):
            return "sms_too_often", None, False
        code = self._code_to_send(asker if channel in BOUND else NOBODY, channel, number)
        self.asks.append(Ask(self.now, channel, number, asker, owns, code))
        return "ok", code, not self._kept_back(channel, number, asker)

    def _too_often(self, asker: str, channel: str, number: str, *, owns: bool) -> bool:
        def within(window: int, *, share: str = "all", of: list[Ask] = self.asks) -> int:
            found = [ask for ask in of if ask.number == number and ask.at > self.now - window]
            if share != "all":
                found = [ask for ask in found if not ask.code.used and not ask.owner]
            return len([ask for ask in found if share != "unsigned" or ask.asker == NOBODY])

        pair = [
            ask for ask in self.asks if ask.channel == channel and ask.asker == asker and not ask.code.used
        ]
        theirs = [ask for ask in self.asks if ask.asker == asker and ask.at > self.now - DAY]
        unsigned = asker == NOBODY
        return (
            within(MINUTE, of=pair) >= 1
            or within(HOUR) >= 5
            or within(DAY) >= 10
            or (unsigned and (within(HOUR, share="unsigned") >= 3 or within(DAY, share="unsigned") >= 6))
            or (not owns and (within(HOUR, share="others") >= 4 or within(DAY, share="others") >= 8))
            or (not unsigned and len(theirs) >= 20)
        )

    def _code_to_send(self, owner: str, channel: str, number: str) -> Code:
        known = self.codes.get((owner, channel, number))
        if known and known.live(self.now) and 3 * (known.ends - self.now) >= known.ends - known.made:
            return known
        ends = self.now + self.policy.verify_code_ttl * SECOND
        code = Code(owner, channel, number, self.now, ends, self.policy.verify_code_max_attempts)
        self.codes[owner, channel, number] = code
        return code

    def _kept_back(self, channel: str, number: str, asker: str) -> bool:
        if channel != UNBIND:
            return False
        holder = self.holder(number)
        if holder is None:
            return True
        own = self.codes.get((holder.name, UNBIND, number))
        return asker != holder.name and own is not None and own.live(self.now)

    # ── comparing codes (§4; rows 8 and 9) ──────────────────────────────────────────────────

    def _compared(self, user: User | None, channel: str, number: str) -> Code | None:
        """The one code that is compared."""
        if user and channel in BOUND:
            own = self.codes.get((user.name, channel, number))
            if own and own.live(self.now):
                return own
            if self.policy.require_bound_codes:
                return None
        nobodys = self.codes.get((NOBODY, channel, number))
        return nobodys if nobodys and nobodys.live(self.now) else None

    def _payers(self, user: User | None, channel: str, number: str) -> list[str]:
        """Whose budgets a guess is at."""
        if channel not in BOUND:
            return [number]
        assert user is not None
        code = self._compared(user, channel, number)
        return [user.name, number] if code is not None and code.owner == NOBODY else [user.name]

    def _judge(self, session: Session | None, typed: list[tuple[str, str, str]]) -> str | list[Code]:
        """Rows 8 and 9: (channel, number, digits) each."""
        user = session.user if session else None
        budgets = [
            (payer, self.budget(payer, channel))
            for channel, number, _ in typed
            for payer in self._payers(user, channel, number)
        ]
        if session and any(session.checked < budget.shut for _, budget in budgets):
            return "reauth_required"
        if any(self._spent(payer, budget, session) for payer, budget in budgets):
            return "guesses_spent"
        codes = [self._compared(user, channel, number) for channel, number, _ in typed]
        if None in codes:
            return "code_expired"
        wrong = [
            (code, channel, number)
            for code, (channel, number, digits) in zip(codes, typed, strict=True)
            if code is not None and code.digits != digits
        ]
        for code, channel, number in wrong:
            for payer in self._payers(user, channel, number):
                self._pay(payer, channel, session)
            code.wrong += 1
        return "code_wrong" if wrong else [code for code in codes if code is not None]

    def _spent(self, payer: str, budget: Budget, session: Session | None) -> bool:
        a_day = self.policy.wrong_codes_per_day
        today = [by for at, by in budget.guesses if at > self.now - DAY]
        theirs = [by for by in today if by is session]
        is_users = any(user.name == payer for user in self.users)
        return len(today) >= a_day or (is_users and len(theirs) >= (a_day + 1) // 2)

    def _pay(self, payer: str, channel: str, session: Session | None) -> None:
        budget = self.budget(payer, channel)
        budget.guesses.append((self.now, session))
        budget.row += 1
        if budget.row >= 20 and any(user.name == payer for user in self.users):
            budget.row, budget.shut = 0, self.now

    def _use(self, user: User, code: Code) -> None:
        code.gone = code.used = True
        payers = [user.name, code.number] if code.owner == NOBODY else [user.name]
        for payer in payers:
            self.budget(payer, code.channel).row = 0

    def look(self, session: Session | None, channel: str, number: str, digits: str) -> str:
        """`pre-check-code`."""
        if channel in BOUND and session is None:
            return "not_logged_in"
        if session is not None and self.standing(session):
            if channel in BOUND:
                return str(self.standing(session))
            session = None
        verdict = self._judge(session, [(channel, number, digits)])
        if isinstance(verdict, list):
            return "valid"
        return "invalid" if verdict in {"code_wrong", "code_expired"} else verdict

    # ── the change (§5, §6) ─────────────────────────────────────────────────────────────────

    def verify(self, session: Session, new: str, code: str, old: tuple[str, str] | None) -> str | Token:
        """`verify-update-phone-request`; `old` is (number, digits)."""
        user = session.user
        if new != user.number and not self.served(new):
            return "number_not_served"
        fallen = self.standing(session)
        if fallen:
            return fallen
        unproven = "same_phone" if new == user.number else self._unproven(session, old)
        if unproven:
            return unproven
        typed = [(BIND, new, code), *([(UNBIND, *old)] if old else [])]
        verdict = self._judge(session, typed)
        if isinstance(verdict, str):
            return verdict
        if self.holder(new):
            self._use(user, verdict[0])
            return "phone_taken"
        for right in verdict:
            self._use(user, right)
        user.token = Token(
            session,
            new,
            self.now + self.policy.update_token_ttl * SECOND,
            old_unproven=old is None and user.number is not None,
            unbound_used=any(right.owner == NOBODY for right in verdict),
        )
        return user.token

    def _unproven(self, session: Session, old: tuple[str, str] | None) -> str | None:
        """Rows 6 and 7."""
        user = session.user
        if old is not None:
            return None if old[0] == user.number else "old_phone_mismatch"
        if self.policy.verify_old_phone and user.number is not None:
            return "old_phone_required"
        return "reauth_required" if self._stale(session) else None

    def _stale(self, session: Session) -> bool:
        return self.now - session.checked >= self.policy.step_up_max_age * SECOND

    def update(self, session: Session, text: str) -> str:
        """`update-phone`."""
        fallen = self.standing(session)
        if fallen:
            return fallen
        user, token = session.user, session.user.token
        if token is None or token.text != text or token.session is not session:
            return "update_token_invalid"
        if token.moved:
            return "update_token_used"
        if token.spent or token.void or self.now >= token.ends:
            return "update_token_invalid"
        token.spent = True
        if (
            (self.policy.verify_old_phone and token.old_unproven)
            or (self.policy.require_bound_codes and token.unbound_used)
            or not self.served(token.number)
        ):
            return "update_token_invalid"
        if self.holder(token.number):
            return "phone_taken"
        token.moved = True
        self._move(user, token.number)
        self._end_others(session)
        return "ok"

    def bind(self, session: Session, number: str, digits: str) -> str:
        """`bind-phone`."""
        user = session.user
        if number != user.number and not self.served(number):
            return "number_not_served"
        fallen = self.standing(session)
        if fallen:
            return fallen
        if user.number is not None:
            return "phone_already_bound"
        if self._stale(session):
            return "reauth_required"
        verdict = self._judge(session, [(BIND, number, digits)])
        if isinstance(verdict, str):
            return verdict
        self._use(user, verdict[0])
        if self.holder(number):
            return "phone_taken"
        self._move(user, number)
        self._end_others(session)
        return "ok"

    def unbind(self, session: Session, digits: str) -> str:
        """`unbind-phone`."""
        fallen = self.standing(session)
        if fallen:
            return fallen
        user = session.user
        if user.number is None:
            return "phone_not_bound"
        if not (user.email or user.password):
            return "last_way_in"
        verdict = self._judge(session, [(UNBIND, user.number, digits)])
        if isinstance(verdict, str):
            return verdict
        self._use(user, verdict[0])
        self._move(user, None)
        self._end_others(session)
        return "ok"

    def _move(self, user: User, number: str | None) -> None:
        """§6: however a number changes."""
        for code in self.codes.values():
            if code.owner == user.name or (code.owner == NOBODY and code.number == user.number):
                code.gone = True
        if user.token:
            user.token.void = True
        self.notices += (user.number is not None) + (number is not None) + user.email
        user.number = number
        user.version += 1

    def _end_others(self, session: Session) -> None:
        if self.policy.end_other_sessions:
            for other in session.user.sessions:
                other.dead = other.dead or other is not session

    # ── the administrator ───────────────────────────────────────────────────────────────────

    def set_number(self, user: User, number: str | None) -> str:
        """`update-user` with another number."""
        holder = self.holder(number) if number else None
        if holder not in {None, user}:
            return "phone_taken"
        if number != user.number:
            self._move(user, number)
        return "ok"

    def set_active(self, user: User, *, active: bool) -> None:
        """`update-user` with another status: tokens end; sessions open nothing, and are over once it is taken back."""
        if user.active == active:
            return
        user.active = active
        if user.token:
            user.token.void = True
        for session in user.sessions:
            session.dead = session.dead or active

    def delete(self, user: User) -> None:
        """`delete-users-batch`: the number is free again, and what was counted of the user goes; of numbers it stays."""
        if user.number is not None:
            self._move(user, None)
        user.deleted = True
        self.budgets = {key: budget for key, budget in self.budgets.items() if key[0] != user.name}

    def change(self, **settings: object) -> None:
        """`update-security-settings`."""
        self.policy = replace(self.policy, **settings)  # type: ignore[arg-type] # the machine's own names
