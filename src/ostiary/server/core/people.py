"""Who is there: pool, application, account and session, as rules and guards see them."""

import msgspec

from ostiary.server.core.phone import E164
from ostiary.server.core.policy import AppPolicy, PoolPolicy

ACTIVE = "Activated"
"""The one status of an account that may do things (the wire's word)."""


class Pool(msgspec.Struct, frozen=True):
    """A user pool and what it decides."""

    id: str
    name: str
    country_code: str
    locale: str
    policy: PoolPolicy


class App(msgspec.Struct, frozen=True):
    """An application of a pool."""

    id: str
    policy: AppPolicy


class Account(msgspec.Struct, frozen=True):
    """A user as the guards see them. The versions say which number and which address these are."""

    user_id: str
    status: str
    username: str | None
    has_password: bool
    locale: str | None
    session_epoch: int
    phone_version: int
    email_version: int
    phone: E164 | None
    phone_verified: bool
    email: str | None
    email_verified: bool
    factors: tuple[str, ...] = ()
    """Kinds of the second factors that are enrolled, asked at use: OTP, SMS, EMAIL."""

    @property
    def active(self) -> bool:
        """Whether this account may do anything at all."""
        return self.status == ACTIVE


def ways_in(account: Account, *, besides: str = "", proven_only: bool = False) -> tuple[str, ...]:
    """How somebody can sign in to an account, in the words of `data.methods`.

    `besides`: a first step to leave out (`pwd`, `sms`, `email`).
    `proven_only`: the codes alone, and only to contacts that are proven. Else a number counts that nobody has proven: an
    administrator set it, and a code to it signs in and proves it. An unproven address anybody may have typed at sign-up.
    """
    number = account.phone is not None and (account.phone_verified or not proven_only)
    ways = {
        "PASSWORD": account.has_password and not proven_only and besides != "pwd",
        "PHONE_PASSCODE": number and besides != "sms",
        "EMAIL_PASSCODE": account.email is not None and account.email_verified and besides != "email",
    }
    return tuple(way for way, there in ways.items() if there)


class Session(msgspec.Struct, frozen=True):
    """A sign-in: stable over refresh; only checking a credential starts a new one. Moments in ms."""

    id: str
    epoch: int
    scope: str
    methods: str
    opened_at: int
    checked_at: int
    ends_at: int
    ended_at: int | None

    def alive(self, account: Account, now: int) -> bool:
        """Not ended, not over, and not of an epoch that a change of number closed."""
        return self.ended_at is None and now < self.ends_at and self.epoch == account.session_epoch


class Scene(msgspec.Struct, frozen=True):
    """Everything a request stands on. `account` and `session` are None where the token names none that exist."""

    pool: Pool
    app: App
    account: Account | None
    session: Session | None


class Facts(msgspec.Struct, frozen=True):
    """What `read` may look at while it gives a form its meaning."""

    pool: Pool
    account: Account | None
