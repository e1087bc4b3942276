"""One-time tokens: 256 random bits, shown once, kept only as a MAC, spent by exactly one taker.

A token remembers who was granted what (user, app, pool, claims). There are two families, told apart by how they are
granted; one never opens the other's door:

- `grant`, `take`: of a signed-in user, bound to the session too. Shown by anybody else it stays good for its owner,
  and the one who shows it learns nothing.
- `grant_to`, `owner`, `take_of`: for somebody who is not signed in. The token itself finds its user; `owner` looks
  without a lock, so the user's row is locked and looked at before `take_of` spends it.

One user has one token of a kind: a newer one takes the place of the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec

from ostiary.contract.keys import Key
from ostiary.server.core.millis import FUTURE_TOLERANCE, SECOND
from ostiary.server.core.people import Account
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Step, Visit
from ostiary.server.storage import tokens
from ostiary.server.storage.tokens import TokenRow

C = TypeVar("C", bound=msgspec.Struct)


class TokenKind(StrEnum):
    """What a token is for; also the prefix it is shown with. One kind never opens another's door."""

    UPDATE_PHONE = "upt"
    UPDATE_EMAIL = "uet"
    RESET_PASSWORD = "rpt"
    DELETE_ACCOUNT = "dat"
    ENROLL_FACTOR = "eft"


INVALID: Mapping[TokenKind, Key] = {
    TokenKind.UPDATE_PHONE: Key.UPDATE_TOKEN_INVALID,
    TokenKind.UPDATE_EMAIL: Key.UPDATE_TOKEN_INVALID,
}
"""Why a token of a kind is refused; of any other kind: `one_time_token_invalid`."""

NO_SESSION = ""
"""In place of a session's id in tokens of the second family."""


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """This very token did its work for this very owner before: a retry after a lost answer."""


def grant(step: Step[object], kind: TokenKind, claims: msgspec.Struct, ttl: int) -> str:
    """A new token for this user and session, good for `ttl` seconds. The user's older one of this kind is gone."""
    return _put(step, step.account, step.session.id, kind, claims, ttl)


def grant_to(
    visit: Visit[object], account: Account, kind: TokenKind, claims: msgspec.Struct, ttl: int
) -> str:
    """The same for an account whose owner is not signed in, but has just proven to be theirs. Its row is locked."""
    return _put(visit, account, NO_SESSION, kind, claims, ttl)


def take(step: Step[object], kind: TokenKind, token: str, claims: type[C]) -> C | AlreadyDone | Refused:
    """Spend a token. From here on it is spent whatever the verdict; only a failed transaction brings it back."""
    return _take(step, step.account.user_id, step.session.id, kind, token, claims)


def look(step: Step[object], kind: TokenKind, token: str, claims: type[C]) -> C | AlreadyDone | Refused:
    """What a good token was granted for. It stays unspent: whoever acts on it takes it in the same transaction."""
    invalid = Refused(INVALID.get(kind, Key.ONE_TIME_TOKEN_INVALID))
    row = tokens.load(step.tx, step.account.user_id, kind)
    if row is None or not _is_this(step, row, step.session.id, token):
        return invalid
    if row.done:
        return AlreadyDone()
    spent = row.used_at is not None or row.void_at is not None
    if spent or step.now >= row.ends_at or row.made_at > step.now + FUTURE_TOLERANCE:
        return invalid
    return msgspec.json.decode(row.claims, type=claims)


def owner(visit: Visit[object], kind: TokenKind, token: str) -> str | None:
    """The id of the user whom this token was granted to without a session; None: nobody. Nothing is spent."""
    for key in visit.ports.ring("tokens").keys:
        user_id = tokens.owner(visit.tx, kind, _mac(visit, key.secret, NO_SESSION, "", kind, token))
        if user_id is not None:
            return user_id
    return None


def take_of(
    visit: Visit[object], account: Account, kind: TokenKind, token: str, claims: type[C]
) -> C | AlreadyDone | Refused:
    """Spend a token that `owner` has named this account for; its row is locked by now."""
    return _take(visit, account.user_id, NO_SESSION, kind, token, claims)


def done(visit: Visit[object], kind: TokenKind, account: Account | None = None) -> None:
    """What the token was for is done in this transaction: a retry by the same owner is told so."""
    of = account or visit.account
    assert of is not None
    tokens.mark_done(visit.tx, of.user_id, kind)


def _put(
    visit: Visit[object],
    account: Account,
    session_id: str,
    kind: TokenKind,
    claims: msgspec.Struct,
    ttl: int,
) -> str:
    token = visit.ports.secret(f"{kind}_")
    key = visit.ports.ring("tokens").current
    tokens.put(
        visit.tx,
        TokenRow(
            user_id=account.user_id,
            kind=kind,
            pool_id=visit.pool.id,
            mac=_mac(visit, key.secret, session_id, account.user_id, kind, token),
            key_id=key.id,
            session_id=session_id,
            app_id=visit.app.id,
            claims=msgspec.json.encode(claims).decode(),
            made_at=visit.now,
            ends_at=visit.now + ttl * SECOND,
        ),
    )
    return token


def _take(
    visit: Visit[object], user_id: str, session_id: str, kind: TokenKind, token: str, claims: type[C]
) -> C | AlreadyDone | Refused:
    invalid = Refused(INVALID.get(kind, Key.ONE_TIME_TOKEN_INVALID))
    row = tokens.load(visit.tx, user_id, kind)
    if row is None or not _is_this(visit, row, session_id, token):
        return invalid
    if row.done:
        return AlreadyDone()
    if row.made_at > visit.now + FUTURE_TOLERANCE or not tokens.take(visit.tx, row, visit.now):
        return invalid
    return msgspec.json.decode(row.claims, type=claims)


def _is_this(visit: Visit[object], row: TokenRow, session_id: str, token: str) -> bool:
    key = visit.ports.ring("tokens").get(row.key_id)
    return (
        key is not None
        and visit.ports.same(
            row.mac, _mac(visit, key.secret, session_id, row.user_id, TokenKind(row.kind), token)
        )
        and row.session_id == session_id
        and row.app_id == visit.app.id
        and row.pool_id == visit.pool.id
    )


def _mac(
    visit: Visit[object], secret: bytes, session_id: str, user_id: str, kind: TokenKind, token: str
) -> bytes:
    """A token without a session is found by its MAC, so its user is not part of it: 256 random bits say whose it is."""
    return visit.ports.mac(secret, kind, visit.pool.id, user_id if session_id else "", token)
