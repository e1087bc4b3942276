"""An application's own tokens (RFC 6749 §4.4): for its services among one another. Nobody is signed in by one."""

from dataclasses import dataclass

from ostiary.contract.tokens import TokenResponse
from ostiary.server.core.call import AppToken
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import rules
from ostiary.server.features.oidc.rules import OfApp
from ostiary.server.guards import audit
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.signing import Signer


@dataclass(frozen=True, slots=True)
class AppGrant:
    """What is to be signed. `life` in seconds."""

    token: AppToken
    life: int
    alg: str


def grant(came: Visit[object], ask: OfApp) -> AppGrant | Refused:
    """What the application's next token says. Refused: `unauthorized_client`, `invalid_scope`."""
    policy = came.app.policy
    scope = rules.judge_app_scope(ask, policy)
    if isinstance(scope, Refused):
        return scope
    audit.note(came, "client_credentials", user_id="", scope=scope)
    ends_at = Millis(came.now + policy.access_token_life * SECOND)
    token = AppToken(came.app.id, came.pool.id, scope, ends_at)
    return AppGrant(token, policy.access_token_life, policy.public_alg)


async def sign(signer: Signer, granted: AppGrant) -> TokenResponse:
    """The token. There is no refresh token (§4.4.3): the credential is good for the next one."""
    return TokenResponse(
        access_token=await signer.app_token(granted.token, granted.alg),
        token_type="Bearer",
        expires_in=granted.life,
        expire_in=granted.life,
        scope=granted.token.scope,
    )
