"""Rows of the operations table: OAuth 2.0 and OpenID Connect."""

from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.tokens import (
    JwkSet,
    OidcDiscoveryMetadata,
    TokenEndPointParams,
    TokenIntrospectEndpointParams,
    TokenIntrospectResponse,
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
        summary="Read the OpenID Connect endpoints and their capabilities.",
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
        summary="Read the public keys for verifying tokens.",
        description="RFC 7517. A key is published before its first token is issued and until its last one has "
        "expired.",
        data=JwkSet,
    ),
    Operation(
        name="token",
        method="POST",
        path="/oidc/token",
        aliases=("/oauth/token",),
        who=Who.CLIENT,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="Exchange a refresh token, or the application's own credential, for tokens.",
        description="RFC 6749, form-encoded. `grant_type` `refresh_token` (§6): a refresh issues a new refresh "
        "token, and using an old one again ends the sign-in, unless the application turns rotation off. "
        "`client_credentials` (§4.4): a token of the application itself, for scopes it has been granted "
        "(`clientCredentialsScopes`); no operation of this service accepts it.",
        request=TokenEndPointParams,
        data=TokenResponse,
    ),
    Operation(
        name="introspect_token",
        method="POST",
        path="/oidc/token/introspection",
        aliases=("/oauth/token/introspection",),
        who=Who.CLIENT,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="Ask whether an access or refresh token is valid at this moment.",
        description="RFC 7662, form-encoded. The application must authenticate, so a public one (`none`) is refused; "
        "tokens of other applications are reported as not active. Whatever ends a sign-in also ends its "
        "tokens here at once.",
        request=TokenIntrospectEndpointParams,
        data=TokenIntrospectResponse,
    ),
    Operation(
        name="revoke_token",
        method="POST",
        path="/oidc/token/revocation",
        aliases=("/oauth/token/revocation",),
        who=Who.CLIENT,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="Revoke an access or refresh token, and with it the sign-in that it belongs to.",
        description="RFC 7009, form-encoded. An unknown or expired token gets the same answer. An application's own "
        "token can't be revoked: `unsupported_token_type`.",
        request=TokenRevocationEndpointParams,
    ),
    Operation(
        name="user_info",
        method="GET",
        other_methods=("POST",),
        path="/oidc/me",
        aliases=("/oauth/me",),
        who=Who.USER,
        kind=Kind.OAUTH,
        group="Tokens",
        summary="Read the signed-in user's claims.",
        description="OpenID Connect Core §5.3: the claims that the access token's scope covers. The token is sent in "
        "the header; some clients put it into the query or the form as `access_token`.",
        request=UserInfoParams,
        data=UserInfo,
    ),
)
