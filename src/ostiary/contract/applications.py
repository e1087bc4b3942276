"""A pool's applications, as an administrator's program sets them.

The incumbent's forms and answers hold sign-in pages, brands and other protocols, too. What of these a form asks for is
answered 501; the answers are our own and hold what an application decides here.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, Moment, RequiredHandle, RequiredText, Text, Wire

AppType = Literal["web", "spa", "native", "api", "mfa", "mini-program", "gateway-app", "gateway-agent"]
Protocol = Literal["oidc", "oauth", "saml", "cas", "asa"]
AuthMethod = Literal["client_secret_post", "client_secret_basic", "none"]
SigningAlg = Literal["RS256", "ES256", "HS256"]
Factor = Literal["OTP", "SMS", "EMAIL"]
Factors = Annotated[list[Factor], Meta(max_length=3)]
Links = Annotated[list[RequiredText], Meta(max_length=100)]
Scopes = Annotated[
    list[Annotated[str, Meta(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]{1,100}$")]], Meta(max_length=100)
]
AccessTokenLife = Annotated[int, Meta(ge=60, le=86_400)]
LongLife = Annotated[int, Meta(ge=300, le=31_536_000)]


class Application(Wire, kw_only=True, frozen=True):
    """An application and its settings. Lifetimes are in seconds."""

    app_id: str
    app_name: str
    user_pool_id: str
    created_at: Moment
    default_protocol: str
    """Always `oidc`."""
    redirect_uris: list[str]
    self_service: bool
    """Whether tokens of this application may be used to manage the user's own account."""
    refresh_token_rotation: bool
    """Whether each refresh issues a new refresh token; reusing an old one then ends the session."""
    token_endpoint_auth_method: AuthMethod
    """How the application authenticates; `none`: a public client, which has no secret."""
    access_token_life: int
    refresh_token_life: int
    """Lifetime of a session with `offline_access`."""
    session_life: int
    """Lifetime of any other session."""
    signing_alg: SigningAlg
    client_credentials_scopes: list[str]
    """Scopes the application may request for itself; none: it cannot get such a token."""
    required_factors: list[Factor]
    """Second factors of which every user must verify one when signing in; none: only users who have enrolled one."""


class ApplicationPaging(Wire, kw_only=True, frozen=True):
    """A page of applications."""

    total_count: int
    list: list[Application]


class CreateApplication(Wire, kw_only=True, frozen=True):
    """A new application."""

    app_name: RequiredText
    template: Text | None = None
    template_data: Any | None = None
    app_identifier: Handle | None = None
    app_logo: Text | None = None
    app_description: Text | None = None
    app_type: AppType | None = None
    default_protocol: Protocol | None = None
    redirect_uris: Links | None = None
    """`http:` or `https:` URIs, compared character by character."""
    logout_redirect_uris: Links | None = None
    init_login_uri: Text | None = None
    sso_enabled: bool | None = None
    oidc_config: Json | None = None
    saml_provider_enabled: bool | None = None
    saml_config: Json | None = None
    oauth_provider_enabled: bool | None = None
    oauth_config: Json | None = None
    cas_provider_enabled: bool | None = None
    cas_config: Json | None = None
    login_config: Json | None = None
    register_config: Json | None = None
    branding_config: Json | None = None
    self_service: bool | None = None
    refresh_token_rotation: bool | None = None
    token_endpoint_auth_method: AuthMethod | None = None
    access_token_life: AccessTokenLife | None = None
    refresh_token_life: LongLife | None = None
    session_life: LongLife | None = None
    signing_alg: SigningAlg | None = None
    client_credentials_scopes: Scopes | None = None
    required_factors: Factors | None = None


class UpdateApplication(Wire, kw_only=True, frozen=True):
    """The settings to change; those that are absent stay as they are."""

    app_id: RequiredHandle
    app_name: Text | None = None
    redirect_uris: Links | None = None
    """Replaces the whole list; an empty list removes all."""
    self_service: bool | None = None
    refresh_token_rotation: bool | None = None
    token_endpoint_auth_method: AuthMethod | None = None
    access_token_life: AccessTokenLife | None = None
    refresh_token_life: LongLife | None = None
    session_life: LongLife | None = None
    signing_alg: SigningAlg | None = None
    client_credentials_scopes: Scopes | None = None
    required_factors: Factors | None = None


class GetApplication(Wire, kw_only=True, frozen=True):
    """Which application."""

    app_id: RequiredHandle


class ListApplications(Wire, kw_only=True, frozen=True):
    """Which page of which applications."""

    page: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """Default: 1."""
    limit: Annotated[int, Meta(ge=1, le=50)] | None = None
    """Default: 10."""
    is_integrate_app: bool | None = None
    is_self_built_app: bool | None = None
    sso_enabled: bool | None = None
    keywords: Handle | None = None
    all: bool | None = None


class DeleteApplication(Wire, kw_only=True, frozen=True):
    """The application to delete."""

    app_id: RequiredHandle


class GetApplicationSecret(Wire, kw_only=True, frozen=True):
    """The application whose secret to read."""

    app_id: RequiredHandle


class GetApplicationSecretData(Wire, kw_only=True, frozen=True):
    """An application's secret."""

    secret: str


class RefreshApplicationSecret(Wire, kw_only=True, frozen=True):
    """The application that gets a new secret."""

    app_id: RequiredHandle


class RefreshApplicationSecretData(Wire, kw_only=True, frozen=True):
    """The new secret."""

    secret: str
