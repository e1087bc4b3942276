"""What tokens are worth when they are shown, and who may have which. Pure.

Rule 1: a refresh token is good once. Shown again it was stolen from, or by, whoever used it first; nobody can tell
which, so the whole sign-in ends, at once and without a grace (RFC 9700 §4.14.2).
Rule 2: a refresh checks no credential: session, and moment of the last check, stay what they were.
Rule 3: whatever is wrong with a refresh token, the answer is the same.
Rule 4: an application gets tokens of its own only for scopes that it was given; one that can't prove itself, none.
"""

from dataclasses import dataclass
from enum import Enum

from ostiary.contract.keys import Key
from ostiary.contract.tokens import (
    TokenEndPointParams,
    TokenIntrospectEndpointParams,
    TokenRevocationEndpointParams,
)
from ostiary.server.core.millis import FUTURE_TOLERANCE
from ostiary.server.core.people import Account, Facts, Session
from ostiary.server.core.policy import AppPolicy
from ostiary.server.core.refused import Refused

INVALID_GRANT = Refused(
    Key.LOGIN_EXPIRED,
    data={
        "error": "invalid_grant",
        "error_description": "The refresh token is not good (any more): sign in again",
    },
)
INVALID_SCOPE = Refused(
    Key.BAD_REQUEST,
    data={
        "error": "invalid_scope",
        "error_description": "The scope asks for more than the sign-in was granted",
    },
)
INSUFFICIENT_SCOPE = Refused(
    Key.LOGIN_INVALID,
    data={"error": "insufficient_scope", "error_description": "The access token's scope has no openid"},
)
_UNSUPPORTED = Refused(
    Key.BAD_REQUEST,
    data={
        "error": "unsupported_grant_type",
        "error_description": "The grant types served are refresh_token and client_credentials",
    },
)
_NO_OWN_TOKENS = Refused(
    Key.APP_NOT_ALLOWED,
    data={
        "error": "unauthorized_client",
        "error_description": "The application is given no scopes of its own (clientCredentialsScopes)",
    },
)
_NOT_OWN_SCOPE = Refused(
    Key.BAD_REQUEST,
    data={
        "error": "invalid_scope",
        "error_description": "The scope asks for more than the application is given",
    },
)
UNSUPPORTED_TOKEN_TYPE = Refused(
    Key.BAD_REQUEST,
    data={
        "error": "unsupported_token_type",
        "error_description": "An application's own token lasts until it expires; take the scope from the "
        "application, and introspection says so at once",
    },
)


class Verdict(Enum):
    """What becomes of a refresh token that is shown."""

    GOOD = "good"
    REUSED = "reused"
    """It was used before, and its sign-in still lives: that ends now."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token, and the narrower scope that is wanted of it (None: the sign-in's)."""

    token: str
    scope: str | None

    def __repr__(self) -> str:
        return f"Refresh(scope={self.scope!r})"


@dataclass(frozen=True, slots=True)
class OfApp:
    """A token of the application's own is wanted, for these scopes (None: all it has)."""

    scope: str | None


def read_grant(form: TokenEndPointParams, _facts: Facts) -> Refresh | OfApp | Refused:
    """RFC 6749 §4.4 and §6. Refused: `unsupported_grant_type`, `invalid_request` (no token)."""
    if form.grant_type == "client_credentials":
        return OfApp(form.scope)
    if form.grant_type != "refresh_token":
        return _UNSUPPORTED
    if form.refresh_token is None:
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "refresh_token"})
    return Refresh(form.refresh_token, form.scope)


def read_revocation(form: TokenRevocationEndpointParams, _facts: Facts) -> str:
    """RFC 7009 §2.1. The hint saves no work here: what a token is, it shows itself."""
    return form.token


def read_shown(form: TokenIntrospectEndpointParams, _facts: Facts) -> str:
    """RFC 7662 §2.1."""
    return form.token


def judge_app_scope(ask: OfApp, policy: AppPolicy) -> str | Refused:
    """The scope of an application's own token. Refused: `unauthorized_client`, `invalid_scope`."""
    allowed = policy.client_credentials_scopes
    if not allowed or policy.token_endpoint_auth_method == "none":
        return _NO_OWN_TOKENS
    wanted = tuple(dict.fromkeys(ask.scope.split())) if ask.scope is not None else allowed
    return " ".join(wanted) if wanted and set(wanted) <= set(allowed) else _NOT_OWN_SCOPE


def stands(session: Session, account: Account, now: int) -> bool:
    """Whether a sign-in is good for anything: it lives, and its account is not locked."""
    return account.active and session.alive(account, now)


def judge_refresh(
    *,
    used: bool,
    made_at: int,
    ends_at: int,
    session: Session | None,
    account: Account | None,
    now: int,
) -> Verdict:
    """What a token of this application is worth, under the lock of its user's row."""
    if session is None or account is None or not stands(session, account, now):
        return Verdict.DEAD
    if used:
        return Verdict.REUSED
    return Verdict.GOOD if now < ends_at and made_at <= now + FUTURE_TOLERANCE else Verdict.DEAD
