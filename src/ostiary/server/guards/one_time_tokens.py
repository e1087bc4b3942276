"""One-time tokens: 256 random bits, shown once, kept only as a MAC, spent by exactly one taker.

A token remembers who was granted what (user, session, app, pool, claims). Shown by anybody else it stays good
for its owner, and the one who shows it learns nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec

from ostiary.contract.keys import Key
from ostiary.server.core.millis import FUTURE_TOLERANCE, SECOND
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Step
from ostiary.server.storage import tokens
from ostiary.server.storage.tokens import TokenRow

C = TypeVar("C", bound=msgspec.Struct)


class TokenKind(StrEnum):
    """What a token is for; also the prefix it is shown with. One kind never opens another's door."""

    UPDATE_PHONE = "upt"


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """This very token did its work for this very session before: a retry after a lost answer."""


def grant(step: Step[object], kind: TokenKind, claims: msgspec.Struct, ttl: int) -> str:
    """A new token for this user and session, good for `ttl` seconds. The user's older one of this kind is gone."""
    token = step.ports.secret(f"{kind}_")
    key = step.ports.ring("tokens").current
    tokens.put(
        step.tx,
        TokenRow(
            user_id=step.account.user_id,
            kind=kind,
            pool_id=step.pool.id,
            mac=_mac(step, key.secret, kind, token),
            key_id=key.id,
            session_id=step.session.id,
            app_id=step.app.id,
            claims=msgspec.json.encode(claims).decode(),
            made_at=step.now,
            ends_at=step.now + ttl * SECOND,
        ),
    )
    return token


def take(step: Step[object], kind: TokenKind, token: str, claims: type[C]) -> C | AlreadyDone | Refused:
    """Spend a token. From here on it is spent whatever the verdict; only a failed transaction brings it back."""
    row = tokens.load(step.tx, step.account.user_id, kind)
    if row is None or not _is_this(step, row, token):
        return Refused(Key.UPDATE_TOKEN_INVALID)
    if row.done:
        return AlreadyDone()
    if row.made_at > step.now + FUTURE_TOLERANCE or not tokens.take(step.tx, row, step.now):
        return Refused(Key.UPDATE_TOKEN_INVALID)
    return msgspec.json.decode(row.claims, type=claims)


def done(step: Step[object], kind: TokenKind) -> None:
    """What the token was for is done in this transaction: a retry by the same session is told so."""
    tokens.mark_done(step.tx, step.account.user_id, kind)


def _is_this(step: Step[object], row: TokenRow, token: str) -> bool:
    key = step.ports.ring("tokens").get(row.key_id)
    return (
        key is not None
        and step.ports.same(row.mac, _mac(step, key.secret, TokenKind(row.kind), token))
        and row.session_id == step.session.id
        and row.app_id == step.app.id
        and row.pool_id == step.pool.id
    )


def _mac(step: Step[object], secret: bytes, kind: TokenKind, token: str) -> bytes:
    return step.ports.mac(secret, kind, step.pool.id, step.account.user_id, token)
