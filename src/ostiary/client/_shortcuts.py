"""The incumbent's conveniences, as data: short methods over an operation, written once for sync and async.

`body` is Python in which `WAIT ` stands for `await ` in the async clients and for nothing in the sync ones.
"""

from dataclasses import dataclass

OPTIONS_IN = "options: SignInOptions | Mapping[str, Any] | None = None"
OPTIONS_UP = "options: SignUpOptions | Mapping[str, Any] | None = None"
PROFILE = "profile: SignUpProfile | Mapping[str, Any] | None = None"
COUNTRY = "phone_country_code: str | None = None"
TOKENS = "Result[LoginTokenResponseData]"
USER = "Result[User]"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One convenience."""

    name: str
    parameters: tuple[str, ...]
    returns: str
    doc: str
    body: str


def _sign_in(name: str, parameters: tuple[str, ...], doc: str, payload: str) -> Shortcut:
    kind = "pass_code_payload" if "pass_code" in payload else "password_payload"
    connection = "PASSCODE" if kind == "pass_code_payload" else "PASSWORD"
    body = f'return WAIT self.sign_in_by_credentials("{connection}", {kind}={payload}, options=options)'
    return Shortcut(name, (*parameters, OPTIONS_IN), TOKENS, doc, body)


def _sign_up(name: str, parameters: tuple[str, ...], doc: str, payload: str) -> Shortcut:
    kind = "pass_code_payload" if "pass_code" in payload else "password_payload"
    connection = "PASSCODE" if kind == "pass_code_payload" else "PASSWORD"
    body = f'return WAIT self.sign_up("{connection}", {kind}={payload}, profile=profile, options=options)'
    return Shortcut(name, (*parameters, PROFILE, OPTIONS_UP), USER, doc, body)


AUTHENTICATION: tuple[Shortcut, ...] = (
    _sign_in(
        "sign_in_by_email_password",
        ("email: str", "password: str"),
        "Sign in with an e-mail address and a password.",
        '{"email": email, "password": password}',
    ),
    _sign_in(
        "sign_in_by_phone_password",
        ("phone: str", "password: str"),
        "Sign in with a phone number and a password.",
        '{"phone": phone, "password": password}',
    ),
    _sign_in(
        "sign_in_by_username_password",
        ("username: str", "password: str"),
        "Sign in with a user name and a password.",
        '{"username": username, "password": password}',
    ),
    _sign_in(
        "sign_in_by_account_password",
        ("account: str", "password: str"),
        "Sign in with a password and any name of the account: user name, phone number or e-mail address.",
        '{"account": account, "password": password}',
    ),
    _sign_in(
        "sign_in_by_phone_passcode",
        ("phone: str", "pass_code: str", COUNTRY),
        "Sign in with a code that was sent to a phone number with `CHANNEL_LOGIN`.",
        '{"phone": phone, "passCode": pass_code, "phoneCountryCode": phone_country_code}',
    ),
    _sign_in(
        "sign_in_by_email_passcode",
        ("email: str", "pass_code: str"),
        "Sign in with a code that was sent to an e-mail address with `CHANNEL_LOGIN`.",
        '{"email": email, "passCode": pass_code}',
    ),
    _sign_up(
        "sign_up_by_email_password",
        ("email: str", "password: str"),
        "Make an account with an e-mail address and a password.",
        '{"email": email, "password": password}',
    ),
    _sign_up(
        "sign_up_by_username_password",
        ("username: str", "password: str"),
        "Make an account with a user name and a password.",
        '{"username": username, "password": password}',
    ),
    _sign_up(
        "sign_up_by_email_passcode",
        ("email: str", "pass_code: str"),
        "Make an account with a code that was sent to an e-mail address with `CHANNEL_REGISTER`.",
        '{"email": email, "passCode": pass_code}',
    ),
    _sign_up(
        "sign_up_by_phone_passcode",
        ("phone: str", "pass_code: str", COUNTRY),
        "Make an account with a code that was sent to a phone number with `CHANNEL_REGISTER`.",
        '{"phone": phone, "passCode": pass_code, "phoneCountryCode": phone_country_code}',
    ),
    Shortcut(
        "get_new_access_token_by_refresh_token",
        ("refresh_token: str",),
        "TokenResponse",
        "Exchange a refresh token for a new access token (and, where the app rotates, a new refresh token).\n\n"
        "A refresh token is given with scope `offline_access`. It is good once: keep the new one.",
        'return WAIT self._do(_OIDC_TOKEN, {"grant_type": "refresh_token", "refresh_token": refresh_token})',
    ),
    Shortcut(
        "get_access_token_by_client_credentials",
        ("scope: str", "access_key: str | None = None", "access_secret: str | None = None"),
        "TokenResponse",
        "Get a token of the app's own, for its services among one another.\n\n"
        "`scope`: space separated, of those that the app was given (`clientCredentialsScopes`). `access_key` and\n"
        "`access_secret`: the app's id and secret, this client's own where absent. No operation takes the token.",
        "return WAIT self._do(\n"
        "    _OIDC_TOKEN,\n"
        "    {\n"
        '        "grant_type": "client_credentials",\n'
        '        "scope": scope,\n'
        '        "client_id": access_key,\n'
        '        "client_secret": access_secret,\n'
        "    },\n"
        ")",
    ),
    Shortcut(
        "introspect_token",
        ("token: str",),
        "TokenIntrospectResponse",
        "Ask whether an access or refresh token is good at this moment; `active` says so.\n\n"
        "Unlike `introspect_token_offline` it knows of ended sign-ins and locked accounts. The app needs a secret.",
        'return WAIT self._do(_OIDC_INTROSPECT_TOKEN, {"token": token})',
    ),
    Shortcut(
        "revoke_token",
        ("token: str",),
        "bool",
        "End an access or refresh token. True; a refusal raises.",
        'WAIT self._do(_OIDC_REVOKE_TOKEN, {"token": token})\nreturn True',
    ),
    Shortcut(
        "get_user_info_by_access_token",
        ("access_token: str",),
        "UserInfo",
        "Read the claims about a token's user (OpenID Connect Core §5.3), as far as its scope reaches.",
        "return WAIT self.with_access_token(access_token)._do(_OIDC_USER_INFO, {})",
    ),
)
