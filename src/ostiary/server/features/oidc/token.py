"""The token endpoint: a refresh token or the application's own credential in, tokens out."""

from ostiary.contract.tokens import TokenEndPointParams, TokenResponse
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import app_tokens, refresh, rules
from ostiary.server.features.oidc.app_tokens import AppGrant
from ostiary.server.features.oidc.rules import OfApp, Refresh
from ostiary.server.guards import clients, grants
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.grants import Grant
from ostiary.server.guards.service import Service
from ostiary.server.storage.tx import Tx


async def token(service: Service, call: Call, form: TokenEndPointParams | Refused) -> TokenResponse | Refused:
    """Give tokens. Refused: OAuth's errors (RFC 6749 §5.2), in `data["error"]` where the key is less precise."""
    if isinstance(form, Refused):
        return form

    def step(tx: Tx) -> Grant | AppGrant | Refused:
        came: Visit[Refresh | OfApp] | Refused = clients.enter(
            tx, service.ports, call, form, rules.read_grant
        )
        if isinstance(came, Refused):
            return came
        ask = came.ask
        return refresh.refresh(came, ask) if isinstance(ask, Refresh) else app_tokens.grant(came, ask)

    granted = await service.store.write(step)
    if isinstance(granted, Refused):
        return granted
    if isinstance(granted, AppGrant):
        return await app_tokens.sign(service.signer, granted)
    tokens = await grants.sign(service.signer, granted)
    return TokenResponse(
        access_token=tokens.access_token,
        token_type="Bearer",
        expires_in=tokens.life,
        expire_in=tokens.life,
        refresh_token=tokens.refresh_token,
        id_token=tokens.id_token,
        scope=tokens.scope,
    )
