"""One-time tokens: 256 random bits, shown once, kept only as a MAC, spent by exactly one taker.

A token remembers who was granted what (user, app, pool, claims). There are two families, told apart by how they are
granted; one never opens the other's door:

- `grant`, `take` (or `look`, and later `spend`): of a signed-in user, bound to the session too. Shown by anybody else it stays good for its owner,
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
from ostiary.server.core.call import UserToken
from ostiary.server.core.keyring import RootKey
from ostiary.server.core.millis import FUTURE_TOLERANCE, SECOND
from ostiary.server.core.people import Account
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Step, Visit
from ostiary.server.storage import tokens
from ostiary.server.storage.tokens import Kept, Whose
from ostiary.server.storage.tx import Tx

C = TypeVar("C", bound=msgspec.Struct)


class TokenKind(StrEnum):
    """What a token is for; also the prefix it is shown with. One kind never opens another's door."""

    UPDATE_PHONE = "upt"
    UPDATE_EMAIL = "uet"
    RESET_PASSWORD = "rpt"
    DELETE_ACCOUNT = "dat"
    ENROLL_FACTOR = "eft"


INVALID: Mapping[str, Key] = {
    TokenKind.UPDATE_PHONE.value: Key.UPDATE_TOKEN_INVALID,
    TokenKind.UPDATE_EMAIL.value: Key.UPDATE_TOKEN_INVALID,
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
    """What a good token was granted for. It stays unspent: whoever acts on it spends it in the same transaction.

    That is `take`, `spend`, or the move that it was for (`contacts.move_own`). The user's row is locked: what was seen
    unspent is so until then.
    """
    kept = _look(step, _whose(step, step.account.user_id, step.session.id, kind), token)
    return msgspec.json.decode(kept.claims, type=claims) if isinstance(kept, Kept) else kept


def look_soon(tx: Tx, user: UserToken, kind: TokenKind) -> None:
    """Foretell `look` or `take` by somebody who is about to enter."""
    tokens.load_soon(tx, Whose(user.user_id, kind.value, user.pool_id, user.app_id, user.session_id))


def spend(step: Step[object], kind: TokenKind) -> None:
    """Spend a token that `look` found good in this transaction, and that came to nothing."""
    tokens.spend(step.tx, step.account.user_id, kind.value, step.now)


def owner(visit: Visit[object], kind: TokenKind, token: str) -> str | None:
    """The id of the user whom this token was granted to without a session; None: nobody. Nothing is spent."""
    for key in visit.ports.ring("tokens").keys:
        mac = _mac(key, _whose(visit, "", NO_SESSION, kind), token)
        user_id = tokens.owner(visit.tx, kind.value, mac)
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
    tokens.mark_done(visit.tx, of.user_id, kind.value)


def _put(
    visit: Visit[object],
    account: Account,
    session_id: str,
    kind: TokenKind,
    claims: msgspec.Struct,
    ttl: int,
) -> str:
    whose = _whose(visit, account.user_id, session_id, kind)
    token = visit.ports.secret(f"{whose.kind}_")
    key = visit.ports.ring("tokens").current
    kept = Kept(
        mac=_mac(key, whose, token),
        key_id=key.id,
        claims=msgspec.json.encode(claims).decode(),
        made_at=visit.now,
        ends_at=visit.now + ttl * SECOND,
    )
    tokens.put(visit.tx, whose, kept)
    return token


def _take(
    visit: Visit[object], user_id: str, session_id: str, kind: TokenKind, token: str, claims: type[C]
) -> C | AlreadyDone | Refused:
    whose = _whose(visit, user_id, session_id, kind)
    kept = _look(visit, whose, token)
    if not isinstance(kept, Kept):
        return kept
    if not tokens.take(visit.tx, whose, kept.mac, visit.now):
        return _invalid(kind)
    return msgspec.json.decode(kept.claims, type=claims)


def _look(visit: Visit[object], whose: Whose, token: str) -> Kept | AlreadyDone | Refused:
    kept = tokens.load(visit.tx, whose)
    if kept is None or not _is_this(visit, whose, kept, token):
        return _invalid(whose.kind)
    if kept.done:
        return AlreadyDone()
    if kept.spent or visit.now >= kept.ends_at or kept.made_at > visit.now + FUTURE_TOLERANCE:
        return _invalid(whose.kind)
    return kept


def _is_this(visit: Visit[object], whose: Whose, kept: Kept, token: str) -> bool:
    key = visit.ports.ring("tokens").get(kept.key_id)
    return key is not None and visit.ports.same(kept.mac, _mac(key, whose, token))


def _invalid(kind: str) -> Refused:
    return Refused(INVALID.get(kind, Key.ONE_TIME_TOKEN_INVALID))


def _whose(visit: Visit[object], user_id: str, session_id: str, kind: TokenKind) -> Whose:
    return Whose(user_id, kind.value, visit.pool.id, visit.app.id, session_id)


def _mac(key: RootKey, whose: Whose, token: str) -> bytes:
    """A token without a session is found by its MAC, so its user is not part of it: 256 random bits say whose it is."""
    user_id = whose.user_id if whose.session_id else ""
    return key.mac(whose.kind, whose.pool_id, user_id, token)
