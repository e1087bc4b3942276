"""Whether a token is good at this moment (RFC 7662): its signature, and whatever it stands on.

Only the application that a token was given to learns anything of it. For everybody else, and for whatever is no
access or refresh token, expired, used up or of an ended sign-in, the answer is one and the same (§2.2).
"""

from ostiary.contract.tokens import TokenIntrospectEndpointParams, TokenIntrospectResponse
from ostiary.server.core.call import AppToken, Call, UserToken
from ostiary.server.core.millis import SECOND
from ostiary.server.core.people import Scene
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import rules
from ostiary.server.guards import clients, signing
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.service import Service
from ostiary.server.guards.signing import Verdict
from ostiary.server.storage import people, sessions
from ostiary.server.storage.tx import Tx

_INACTIVE = TokenIntrospectResponse(active=False)


async def introspect_token(
    service: Service, call: Call, form: TokenIntrospectEndpointParams | Refused
) -> TokenIntrospectResponse | Refused:
    """Tell what an access or refresh token of the application is worth now."""
    if isinstance(form, Refused):
        return form
    shown = await service.signer.verify(form.token)
    issuer = service.signer.issuer

    def step(tx: Tx) -> TokenIntrospectResponse | Refused:
        came = clients.enter(tx, service.ports, call, form, rules.read_shown, proven=True)
        return came if isinstance(came, Refused) else _told(came, shown, issuer)

    return await service.store.read(step)


def _told(came: Visit[str], shown: Verdict, issuer: str) -> TokenIntrospectResponse:
    if isinstance(shown, UserToken):
        return _access(came, shown, issuer)
    if isinstance(shown, AppToken):
        return _own(came, shown, issuer)
    return _refresh(came, issuer) if isinstance(shown, Refused) else _INACTIVE


def _access(came: Visit[str], token: UserToken, issuer: str) -> TokenIntrospectResponse:
    scene = people.scene(came.tx, token.app_id, token.user_id, token.session_id)
    if token.app_id != came.app.id or not _stands(came, scene):
        return _INACTIVE
    stamp = signing.stamp(came.ask)
    return TokenIntrospectResponse(
        active=True,
        sub=token.user_id,
        aud=token.app_id,
        client_id=token.app_id,
        scope=token.scope,
        token_type="Bearer",
        exp=token.expires_at // SECOND,
        iat=stamp.iat,
        iss=issuer,
        jti=stamp.jti,
    )


def _own(came: Visit[str], token: AppToken, issuer: str) -> TokenIntrospectResponse:
    """An application's own token lasts no longer than what it is allowed."""
    allowed = came.app.policy.client_credentials_scopes
    if token.app_id != came.app.id or not set(token.scope.split()) <= set(allowed):
        return _INACTIVE
    stamp = signing.stamp(came.ask)
    return TokenIntrospectResponse(
        active=True,
        sub=token.app_id,
        aud=token.app_id,
        client_id=token.app_id,
        scope=token.scope,
        token_type="Bearer",
        exp=token.expires_at // SECOND,
        iat=stamp.iat,
        iss=issuer,
        jti=stamp.jti,
    )


def _refresh(came: Visit[str], issuer: str) -> TokenIntrospectResponse:
    row = sessions.find_refresh(came.tx, came.ports.sha256(came.ask))
    if row is None or row.app_id != came.app.id:
        return _INACTIVE
    scene = people.scene(came.tx, row.app_id, row.user_id, row.session_id)
    if row.used_at is not None or came.now >= row.ends_at or scene is None or not _stands(came, scene):
        return _INACTIVE
    return TokenIntrospectResponse(
        active=True,
        sub=row.user_id,
        client_id=row.app_id,
        scope=scene.session.scope if scene.session is not None else "",
        token_type="refresh_token",
        exp=row.ends_at // SECOND,
        iat=row.made_at // SECOND,
        iss=issuer,
    )


def _stands(came: Visit[str], scene: Scene | None) -> bool:
    """Whether the sign-in lives and the account may do things."""
    if scene is None or scene.account is None or scene.session is None:
        return False
    return scene.pool.id == came.pool.id and rules.stands(scene.session, scene.account, came.now)
