"""What a session's tokens say, and their signing: after the commit, outside of every transaction.

A step returns a `Grant`; `sign` makes tokens of it. A process that dies in between has opened a session that nobody
holds a token of, which is no harm.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.server.core import scopes, second_factor
from ostiary.server.core.call import UserToken
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.people import Session
from ostiary.server.guards import sealing
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.signing import Signer
from ostiary.server.storage import circles, pools
from ostiary.server.storage.users import UserRow

_ADDRESS = {
    "country": ("country",),
    "postal_code": ("postal_code",),
    "region": ("region", "province"),
    "locality": ("locality", "city"),
    "street_address": ("street_address",),
    "formatted": ("formatted",),
}
"""OpenID Connect Core §5.1.1 → the stored profile: the first that is set, for forms know two words for two of them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What is to be signed. `life` in seconds."""

    token: UserToken
    claims: Mapping[str, Any] = field(repr=False)
    signed_in_at: Millis
    life: int
    refresh_token: str | None = field(repr=False)
    alg: str
    """What the application's tokens are signed with."""
    secret: str | None = field(repr=False)
    """Its secret, where that signs its id tokens."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A grant, signed. `life` of the access token in seconds."""

    scope: str
    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    life: int


def grant(visit: Visit[object], user: UserRow, session: Session, scope: str, refresh: str | None) -> Grant:
    """What this session's next tokens say. An access token never outlives its session."""
    ends_at = min(visit.now + visit.app.policy.access_token_life * SECOND, session.ends_at)
    return Grant(
        token=UserToken(
            user_id=user.id,
            session_id=session.id,
            app_id=visit.app.id,
            pool_id=visit.pool.id,
            scope=scope,
            expires_at=Millis(ends_at),
        ),
        claims={**claims(visit, user, scope), "amr": second_factor.amr(session.methods)},
        signed_in_at=Millis(session.checked_at),
        life=max(0, ends_at - visit.now) // SECOND,
        refresh_token=refresh,
        alg=visit.app.policy.public_alg,
        secret=_secret(visit) if visit.app.policy.signing_alg == "HS256" else None,
    )


def _secret(visit: Visit[object]) -> str | None:
    app = pools.load_app(visit.tx, visit.app.id)
    return None if app is None else sealing.open_app_secret(visit.ports, app.id, app.secret)


async def sign(signer: Signer, grant: Grant) -> Tokens:
    """Sign both tokens side by side; the id token only where `openid` is in the scope."""
    id_token = None
    if scopes.OPENID in grant.token.scope.split():
        access_token, id_token = await asyncio.gather(
            signer.access_token(grant.token, grant.alg),
            signer.id_token(
                grant.token,
                grant.claims,
                auth_time=grant.signed_in_at,
                expires_at=grant.token.expires_at,
                alg=grant.alg,
                secret=grant.secret,
            ),
        )
    else:
        access_token = await signer.access_token(grant.token, grant.alg)
    return Tokens(grant.token.scope, access_token, id_token, grant.refresh_token, grant.life)


def claims(visit: Visit[object], user: UserRow, scope: str) -> dict[str, Any]:
    """The claims that a scope opens, without `sub`. What is not set is None: id tokens say so, `/oidc/me` is silent.

    Roles are those that the user has at this moment, by code; they are looked up only where they are asked for.
    """
    opened = scopes.opens(scope)
    found = {name: value for name, value in _all_claims(user).items() if name in opened}
    if "roles" in opened:
        found["roles"] = circles.roles_of(visit.tx, visit.pool.id, user.id, visit.now)
    return found


def _all_claims(user: UserRow) -> dict[str, Any]:
    said = user.profile
    of_profile = {name: said.get(name) for name in scopes.CLAIMS["profile"]}
    found = {claim: next(filter(None, map(said.get, names)), None) for claim, names in _ADDRESS.items()}
    address = {claim: text for claim, text in found.items() if text is not None}
    return of_profile | {
        "picture": said.get("photo"),
        "gender": said.get("gender", "U"),
        "updated_at": user.changed_at // SECOND,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified if user.email else None,
        "phone_number": user.phone,
        "phone_number_verified": user.phone_verified if user.phone else None,
        "address": address or None,
        "external_id": user.external_id,
        "extended_fields": user.custom_data,
        "tenant_id": None,
    }
