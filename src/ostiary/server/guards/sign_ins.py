"""What happens at every sign-in, whichever door it comes through: the second factor, the session, what it leaves.

A right first step opens a session, or makes the promise of one: a signed `mfaToken` that names the session that is to
be. Nothing is stored until the second factor is proven, and then the session opens once.
"""

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.call import MfaToken
from ostiary.server.core.masking import mask_contact
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.people import ways_in
from ostiary.server.core.refused import Refused
from ostiary.server.guards import audit, grants, second_factors, sessions
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.grants import Grant
from ostiary.server.guards.second_factors import rules
from ostiary.server.guards.second_factors.rules import Candidate, Verdict
from ostiary.server.guards.signing import Signer
from ostiary.server.storage import users
from ostiary.server.storage.factors import FactorRow
from ostiary.server.storage.users import UserRow

MFA_TOKEN_LIFE = 360
"""Seconds that a sign-in may wait for its second factor, the incumbent's number."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-in whose first step was right: what its `mfaToken` says, and which factors it may be finished with."""

    token: MfaToken
    key: Key
    """Who asks: the account's own factor (1635), or the application everybody (1636)."""
    factors: tuple[FactorRow, ...]


def open_for(
    visit: Visit[object], user: UserRow, method: str, scope: str, *, epoch: int, contact: str | None = None
) -> Grant | Waiting | Refused:
    """A first step was right: open the session, or ask for the second factor.

    `method` is how it was proven (`pwd`, `sms`, `email`), `contact` the number or address that a code was for, `epoch`
    the account's when it was checked. Refused: `reauth_required`, where another first step is wanted; `app_mfa_required`
    without a token, where the application wants a factor and there is none.
    """
    account = user.account
    there = second_factors.candidates(visit, account)
    candidates = [Candidate(row.kind, proven=row.target == contact) for row in there]
    by_app = second_factors.wanted_by_app(visit)
    key = Key.APP_MFA_REQUIRED if by_app else Key.MFA_REQUIRED
    verdict = rules.judge_sign_in(candidates, account, method, always=by_app)
    if verdict is Verdict.IN:
        return _open(visit, user, [method], scope, epoch=epoch)
    if verdict is Verdict.ANOTHER_FIRST:
        ways = list(ways_in(account, besides=method))
        return _noted(visit, Refused(Key.REAUTH_REQUIRED, data={"methods": ways}), user, method)
    if verdict is Verdict.NOTHING:
        return _noted(visit, Refused(key, data={"factors": []}), user, method)
    token = MfaToken(
        user_id=user.id,
        session_id=visit.ports.object_id(),
        app_id=visit.app.id,
        pool_id=visit.pool.id,
        scope=scope,
        epoch=epoch,
        method=method,
        contact=audit.contact_hash(visit.ports, visit.pool.id, contact) or "",
        made_at=visit.now,
        expires_at=Millis(visit.now + MFA_TOKEN_LIFE * SECOND),
    )
    _noted(visit, Refused(key), user, method)
    offered = [row for row, candidate in zip(there, candidates, strict=True) if not candidate.proven]
    return Waiting(token, key, tuple(offered))


def finish(visit: Visit[object], token: MfaToken, user: UserRow, method: str) -> Grant:
    """The second factor was right: the promised session opens, once.

    The account's row is locked and its epoch was the token's when this step began (`second_factors.standing`); a
    recovery code may have raised it in this step. `user` was read after that.
    """
    return _open(
        visit,
        user,
        [token.method, method],
        token.scope,
        epoch=user.session_epoch,
        session_id=token.session_id,
    )


async def ask_second_factor(signer: Signer, waiting: Waiting) -> Refused:
    """The answer to a right first step: `data.mfaToken`, `data.tokenExpiresIn` in seconds, `data.factors`."""
    return Refused(
        waiting.key,
        data={
            "mfaToken": await signer.mfa_token(waiting.token),
            "tokenExpiresIn": MFA_TOKEN_LIFE,
            "factors": [_masked(row) for row in waiting.factors],
        },
    )


def _masked(row: FactorRow) -> dict[str, Any]:
    """Enough to recognise one's own: who holds a password alone learns no number."""
    named = {"SMS": "phoneNumber", "EMAIL": "email"}
    profile = {named[row.kind]: mask_contact(row.target)} if row.kind in named else {}
    return {"factorId": row.id, "factorType": row.kind, "profile": profile}


def _open(
    visit: Visit[object],
    user: UserRow,
    methods: list[str],
    scope: str,
    *,
    epoch: int,
    session_id: str | None = None,
) -> Grant:
    """The session, what the sign-in leaves behind, and what its tokens will say."""
    session, refresh = sessions.open_session(
        visit, user.account, methods, scope, epoch=epoch, session_id=session_id
    )
    users.signed_in(visit.tx, user.id, app_id=visit.app.id, address=visit.call.address, now=visit.now)
    audit.note(
        replace(visit, account=user.account, session=session),
        "sign_in",
        user_id=user.id,
        method=" ".join(methods),
    )
    return grants.grant(visit, user, session, scope, refresh)


def _noted(visit: Visit[object], refused: Refused, user: UserRow, method: str) -> Refused:
    audit.note(visit, "sign_in", refused, user_id=user.id, method=method)
    return refused
