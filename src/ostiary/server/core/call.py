"""What is known about a request before any door is opened: who claims to call, from where, in which language."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from ostiary.contract.keys import Key
from ostiary.server.core.millis import Millis
from ostiary.server.core.refused import Refused

Lang = Literal["zh-CN", "en-US"]


class UserToken(msgspec.Struct, frozen=True):
    """An access token whose signature, kind and expiry are good. Whether its session lives, `entry` decides."""

    user_id: str
    session_id: str
    app_id: str
    pool_id: str
    scope: str
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class AppToken:
    """An application's own token (`client_credentials`): good for its own services, and for no operation of ours."""

    app_id: str
    pool_id: str
    scope: str
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class ManagementToken:
    """A management token whose signature, kind and expiry are good."""

    pool_id: str
    access_key_id: str
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class MfaToken:
    """A sign-in that waits for its second factor. Signature, kind and expiry are good; the rest `sign_ins` judges."""

    user_id: str
    session_id: str
    """The session that is to be: it opens once."""
    app_id: str
    pool_id: str
    scope: str
    epoch: int
    """The account's when the first credential was checked."""
    method: str
    """How that was done: `pwd`, `sms` …"""
    contact: str
    """A keyed mark of the number or address that was proven with it; '' for a password."""
    made_at: Millis
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """How the calling app proved itself: `body` (client_secret_post) or `basic` (client_secret_basic)."""

    client_id: str
    secret: str
    form: Literal["body", "basic"]

    def __repr__(self) -> str:
        return f"ClientSecret(client_id={self.client_id!r}, form={self.form!r})"


NOBODY = Refused(Key.NOT_LOGGED_IN)
"""The verdict on a request without a token."""


class Call(msgspec.Struct, frozen=True):
    """One request's envelope, as `web/callers.py` read it. Nothing here was compared with the database."""

    request_id: str
    user: UserToken | Refused = NOBODY
    """The user's token, or why it is none: not_logged_in, login_expired, login_invalid."""
    token_given: bool = False
    """Whether a token was on the request at all: a given bad one is not the same as none."""
    manager: ManagementToken | Refused = NOBODY
    mfa: MfaToken | Refused = NOBODY
    """A sign-in half done: opens the doors of its second factor and no other."""
    app_id: str | None = None
    """`x-genauth-app-id` / `x-authing-app-id`."""
    pool_id: str | None = None
    """`x-genauth-userpool-id` / `x-authing-userpool-id`."""
    client: ClientSecret | None = None
    """Client authentication by HTTP Basic; the body's pair is in the form."""
    address: str = ""
    """The caller's address by the trust rule: IPv4, or the /64 of an IPv6; '' = a configured backend's own ask."""
    device: str = ""
    """The User-Agent, cut to 200 characters, for notices and session lists."""
    device_id: str = ""
    """`x-genauth-device-id` / `x-authing-device-id`: what the client calls the device it runs on; '' = it does not say."""
    lang: Lang = "zh-CN"
    """Language of the answer's `message`."""
    lang_given: bool = False
    """Whether the caller chose `lang`; texts to users fall back to the user's locale, then the pool's."""
