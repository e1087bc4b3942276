"""What a user pool and its applications decide: data in the database, changed without a restart.

Names on the wire are the incumbent's where it has one (`verifyCodeLength`, `changePhoneStrategy.verifyOldPhone`),
ours otherwise. Ranges: phone-change.md §2; they are enforced where settings are written, and again when read.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ostiary.server.core.millis import SECOND
from ostiary.server.core.sign_in_policy import (
    LoginAnomalyDetection,
    RegisterAnomalyDetection,
    SelfUnlockAccount,
)

CountryCode = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{0,3}$", title="calling codes like +86")]


class ChangePhoneStrategy(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the number on the account must be proven too."""

    verify_old_phone: bool = True


class ChangeEmailStrategy(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the address on the account must be proven too."""

    verify_old_email: bool = True


class PoolPolicy(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A user pool's security settings. All lives in seconds."""

    change_phone_strategy: ChangePhoneStrategy = ChangePhoneStrategy()
    change_email_strategy: ChangeEmailStrategy = ChangeEmailStrategy()
    verify_code_length: Annotated[int, Meta(ge=4, le=10)] = 6
    verify_code_max_attempts: Annotated[int, Meta(ge=1, le=10)] = 5
    verify_code_ttl: Annotated[int, Meta(ge=60, le=600)] = 300
    wrong_codes_per_day: Annotated[int, Meta(ge=3, le=20)] = 10
    update_token_ttl: Annotated[int, Meta(ge=30, le=600)] = 60
    step_up_max_age: Annotated[int, Meta(ge=60, le=86_400)] = 900
    end_other_sessions: bool = True
    require_bound_codes: bool = False
    allowed_countries: tuple[CountryCode, ...] = ("+86",)
    send_per_address_per_minute: Annotated[int, Meta(ge=0)] = 10
    send_per_address_per_day: Annotated[int, Meta(ge=0)] = 100
    send_per_app_per_day: Annotated[int, Meta(ge=0)] = 1_000
    enabled_factors: tuple[Literal["OTP", "SMS", "EMAIL"], ...] = ("OTP", "SMS", "EMAIL")
    """Second factors in use: who has one enrolled is asked for it. None: nobody is, and none can be enrolled."""
    register_disabled: bool = False
    register_anomaly_detection: RegisterAnomalyDetection = RegisterAnomalyDetection()
    login_anomaly_detection: LoginAnomalyDetection = LoginAnomalyDetection()
    self_unlock_account: SelfUnlockAccount = SelfUnlockAccount()
    account_lock_time: Annotated[int, Meta(ge=60, le=86_400)] = 900
    """How long wrong passwords lock an account."""
    password_min_length: Annotated[int, Meta(ge=8, le=64)] = 8
    password_history: Annotated[int, Meta(ge=0, le=24)] = 1
    """Of so many last passwords none may be chosen again; the present one is the first."""
    refuse_common_passwords: bool = True
    login_history_days: Annotated[int, Meta(ge=1, le=730)] = 90
    allowed_origins: str = ""
    """Newline separated, as the incumbent keeps it; empty = no CORS."""

    @property
    def short_code_allowed(self) -> bool:
        """Codes of 4 or 5 digits only where a day has five guesses at most."""
        return self.verify_code_length >= 6 or self.wrong_codes_per_day <= 5

    def code_life(self) -> int:
        """A code's life in milliseconds."""
        return self.verify_code_ttl * SECOND


ScopeName = Annotated[
    str, Meta(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]{1,100}$", title="names without spaces or quotes")
]
"""RFC 6749 §3.3: printable ASCII without space, quotation mark and backslash."""
SigningAlg = Literal["RS256", "ES256", "HS256"]


class AppPolicy(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What one application may do."""

    self_service: bool = True
    refresh_token_rotation: bool = True
    token_endpoint_auth_method: Literal["client_secret_post", "client_secret_basic", "none"] = (
        "client_secret_post"
    )
    redirect_uris: tuple[str, ...] = ()
    access_token_life: Annotated[int, Meta(ge=60, le=86_400)] = 7_200
    refresh_token_life: Annotated[int, Meta(ge=300, le=31_536_000)] = 2_592_000
    session_life: Annotated[int, Meta(ge=300, le=31_536_000)] = 1_209_600
    signing_alg: SigningAlg = "RS256"
    required_factors: tuple[Literal["OTP", "SMS", "EMAIL"], ...] = ()
    """Everybody who signs in through this application proves one of these; none: only who has enrolled one."""
    client_credentials_scopes: Annotated[tuple[ScopeName, ...], Meta(max_length=100)] = ()
    """What a token of the application's own may be for; none: it can get no such token."""

    @property
    def public_alg(self) -> SigningAlg:
        """What access tokens are signed with: never HS256, or whoever has the secret could make any user's."""
        return "RS256" if self.signing_alg == "HS256" else self.signing_alg

    @property
    def contradiction(self) -> str | None:
        """What can't stand together, in words; None: all is well. Asked wherever a policy is written."""
        if self.token_endpoint_auth_method != "none":
            return None
        if self.signing_alg == "HS256":
            return "HS256 requires the application's secret, and a public client (none) has none"
        if self.client_credentials_scopes:
            return "clientCredentialsScopes require an application that authenticates itself (tokenEndpointAuthMethod)"
        return None
