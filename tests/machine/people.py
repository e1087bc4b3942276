"""Who and what the model is about: policies, codes, sessions, tokens, people, asks and budgets, as plain values."""

from dataclasses import dataclass, field

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

BIND, UNBIND, LOGIN = "CHANNEL_BIND_PHONE", "CHANNEL_UNBIND_PHONE", "CHANNEL_LOGIN"
BOUND = {BIND, UNBIND}
NOBODY = ""


@dataclass(frozen=True)
class Policy:
    """§2; lives in seconds."""

    verify_old_phone: bool = True
    verify_code_max_attempts: int = 5
    verify_code_ttl: int = 300
    wrong_codes_per_day: int = 10
    update_token_ttl: int = 60
    step_up_max_age: int = 900
    end_other_sessions: bool = True
    require_bound_codes: bool = False
    allowed_countries: tuple[str, ...] = ("+86",)


@dataclass(eq=False)
class Code:
    """One code that was made."""

    owner: str
    channel: str
    number: str
    made: int
    ends: int
    tries: int
    digits: str = ""
    wrong: int = 0
    gone: bool = False
    """Used or void."""
    used: bool = False

    def live(self, now: int) -> bool:
        return not self.gone and self.wrong < self.tries and now < self.ends


@dataclass(eq=False)
class Session:
    """One sign-in."""

    user: "User"
    checked: int
    ends: int
    dead: bool = False
    name: str = ""

    def alive(self, now: int) -> bool:
        return not self.dead and not self.user.deleted and now < self.ends


@dataclass(eq=False)
class Token:
    """One update token."""

    session: Session
    number: str
    ends: int
    old_unproven: bool
    unbound_used: bool
    text: str = ""
    spent: bool = False
    void: bool = False
    moved: bool = False


@dataclass(eq=False)
class User:
    """One account."""

    name: str
    number: str | None
    email: bool
    password: bool
    active: bool = True
    deleted: bool = False
    version: int = 0
    sessions: list[Session] = field(default_factory=list)
    token: Token | None = None
    """The one that stands: a newer one overwrites it."""


@dataclass(eq=False)
class Ask:
    """One message that was asked for and queued."""

    at: int
    channel: str
    number: str
    asker: str
    owner: bool
    code: Code


@dataclass
class Budget:
    """Wrong guesses of one counter."""

    guesses: list[tuple[int, Session | None]] = field(default_factory=list)
    row: int = 0
    shut: int = -1
