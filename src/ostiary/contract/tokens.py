"""OAuth 2.0 and OpenID Connect: snake case on the wire, and no envelope."""

from typing import Any

from ostiary.contract.common import Handle, Json, PlainWire, RequiredText, RequiredToken, Secret, Text, Token


class TokenEndPointParams(PlainWire, kw_only=True, frozen=True):
    """RFC 6749 §4 and §6: `refresh_token` and `client_credentials`. Any other `grant_type` is answered with `unsupported_grant_type`."""

    grant_type: RequiredText
    client_id: Handle | None = None
    client_secret: Secret | None = None
    redirect_uri: Text | None = None
    code: Token | None = None
    code_verifier: Text | None = None
    refresh_token: Token | None = None
    scope: Text | None = None


class TokenResponse(PlainWire, kw_only=True, frozen=True):
    """RFC 6749 §5.1, with the ID token of OpenID Connect. `expire_in` is the incumbent's name for the lifetime."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds."""
    expire_in: int
    """The same number of seconds."""
    refresh_token: str | None = None
    id_token: str | None = None
    scope: str | None = None


class TokenIntrospectEndpointParams(PlainWire, kw_only=True, frozen=True):
    """RFC 7662 §2.1."""

    token: RequiredToken
    """An access or refresh token."""
    token_type_hint: Text | None = None
    client_id: Handle | None = None
    client_secret: Secret | None = None
    strict: bool | None = None
    """Has no effect: every answer reflects the current state."""


class TokenIntrospectResponse(PlainWire, kw_only=True, frozen=True):
    """RFC 7662 §2.2. If `active` is false, nothing else is returned."""

    active: bool
    """Whether the token is valid at this moment: its sign-in has not ended, and its account is not locked."""
    sub: str | None = None
    """The user, or the application for a token of its own."""
    aud: str | None = None
    client_id: str | None = None
    scope: str | None = None
    token_type: str | None = None
    """`Bearer` for an access token, or `refresh_token`."""
    exp: int | None = None
    """Seconds since 1970."""
    iat: int | None = None
    """Seconds since 1970."""
    iss: str | None = None
    jti: str | None = None


class TokenRevocationEndpointParams(PlainWire, kw_only=True, frozen=True):
    """RFC 7009 §2.1."""

    token: RequiredToken
    token_type_hint: Text | None = None
    client_id: Handle | None = None
    client_secret: Secret | None = None


class UserInfoParams(PlainWire, kw_only=True, frozen=True):
    """RFC 6750 §2.2 and §2.3: some clients send the token in the form or the query instead of the header."""

    access_token: Token | None = None


class UserInfo(PlainWire, kw_only=True, frozen=True):
    """OpenID Connect Core §5.1 and the incumbent's own claims; only those that are set and covered by the scope."""

    sub: str
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    profile: str | None = None
    picture: str | None = None
    website: str | None = None
    gender: str | None = None
    birthdate: str | None = None
    zoneinfo: str | None = None
    locale: str | None = None
    updated_at: int | None = None
    """Seconds since 1970."""
    username: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    phone_number: str | None = None
    phone_number_verified: bool | None = None
    address: Json | None = None
    external_id: str | None = None
    extended_fields: Json | None = None
    roles: list[str] | None = None
    tenant_id: str | None = None
    userpool_id: str | None = None


class OAuthError(PlainWire, kw_only=True, frozen=True):
    """RFC 6749 §5.2."""

    error: str
    error_description: str | None = None


class OidcDiscoveryMetadata(PlainWire, kw_only=True, frozen=True):
    """OpenID Connect Discovery §3, RFC 8414 §2. Lists only what is supported."""

    issuer: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    authorization_endpoint: str | None = None
    response_modes_supported: list[str] | None = None
    grant_types_supported: list[str] | None = None
    id_token_encryption_alg_values_supported: list[str] | None = None
    id_token_encryption_enc_values_supported: list[str] | None = None
    userinfo_signing_alg_values_supported: list[str] | None = None
    userinfo_encryption_alg_values_supported: list[str] | None = None
    userinfo_encryption_enc_values_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    claim_types_supported: list[str] | None = None
    claims_supported: list[str] | None = None
    code_challenge_methods_supported: list[str] | None = None
    end_session_endpoint: str | None = None
    introspection_endpoint: str | None = None
    introspection_endpoint_auth_methods_supported: list[str] | None = None
    revocation_endpoint: str | None = None
    revocation_endpoint_auth_methods_supported: list[str] | None = None


class JwkSet(PlainWire, kw_only=True, frozen=True):
    """RFC 7517 §5: the public keys for verifying tokens."""

    keys: list[dict[str, Any]]
