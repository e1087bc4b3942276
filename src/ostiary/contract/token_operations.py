"""Rows of the operations table: OAuth 2.0 and OpenID Connect."""

from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.tokens import (
    JwkSet,
    OidcDiscoveryMetadata,
    TokenEndPointParams,
    TokenResponse,
    TokenRevocationEndpointParams,
    UserInfo,
    UserInfoParams,
)

TOKENS: tuple[Operation, ...] = (
    Operation(
        name="openid_configuration",
        method="GET",
        path="/oidc/.well-known/openid-configuration",
        who=Who.ANYONE,
        kind=Kind.BARE,
        group="Tokens",
        summary="Read where the OpenID Connect endpoints are and what they can do.",
        description="OpenID Connect Discovery 1.0 §4.",
        data=OidcDiscoveryMetadata,
    ),
    Operation(
        name="jwks",
        method="GET",
        path="/oidc/.well-known/jwks.json",
        who=Who.ANYONE,
        kind=Kind.BARE,
        group="Tokens",
        summary="Read the public keys that tokens are checked with.",
        description="RFC 7517. A key stands here before its first token and until its last has expired.",
        data=JwkSet,
    ),
    Operation(
        name="token",
        method="POST",
        path="/oidc/token",
        who=Who.CLIENT,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="Exchange a refresh token for new tokens.",
        description="RFC 6749 §6, form-encoded; `grant_type` is `refresh_token`. A refresh gives a new refresh "
        "token, and showing an old one again ends the sign-in, unless the application turns rotation off.",
        request=TokenEndPointParams,
        data=TokenResponse,
    ),
    Operation(
        name="revoke_token",
        method="POST",
        path="/oidc/token/revocation",
        who=Who.CLIENT,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="End an access or refresh token.",
        description="RFC 7009, form-encoded. A token that is unknown or over already is answered alike.",
        request=TokenRevocationEndpointParams,
    ),
    Operation(
        name="user_info",
        method="GET",
        other_methods=("POST",),
        path="/oidc/me",
        who=Who.USER,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="Read the signed-in user's claims.",
        description="OpenID Connect Core §5.3: the claims that the access token's scope opens. The token comes in "
        "the header; some clients put it into the query or the form as `access_token`.",
        request=UserInfoParams,
        data=UserInfo,
    ),
)
