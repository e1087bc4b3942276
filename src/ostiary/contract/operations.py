"""The operations: the one list that dispatch, the SDK's generator, OpenAPI, the reference and the tests read.

Names are the incumbent's Python SDK methods where it has one. `own_errors` stand in the order in which they are
judged (phone-change.md §5 and §6); refusals that every operation of a kind shares are `common_errors`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.management import (
    CreateUser,
    DeleteUsersBatch,
    GetManagementToken,
    GetUser,
    ListUsersRequest,
    ManagementTokenData,
    UpdateUser,
    UserPaging,
)
from ostiary.contract.messages import PreCheckCode, PreCheckCodeData, SendSMS
from ostiary.contract.operation import Kind, Later, Need, Operation, Who
from ostiary.contract.profile import (
    BindPhone,
    GetProfile,
    UnbindPhone,
    UpdatePhone,
    User,
    VerifyUpdatePhoneRequest,
    VerifyUpdatePhoneRequestData,
)
from ostiary.contract.security import SecuritySettings, UpdateSecuritySettings, unserved_defaults
from ostiary.contract.signin import LoginTokenResponseData, SigninByCredentials, SignUp
from ostiary.contract.tokens import (
    JwkSet,
    OidcDiscoveryMetadata,
    TokenEndPointParams,
    TokenResponse,
    TokenRevocationEndpointParams,
    UserInfo,
    UserInfoParams,
)

PLAIN_PASSWORD = Later("options.passwordEncryptType", served=("none",))
FOUND_BY: tuple[Any, ...] = ("user_id", "external_id", "phone", "email", "username")
SEARCHED: tuple[Any, ...] = ("username", "email", "phone")

_REGISTER = (
    Operation(
        name="sign_up",
        method="POST",
        path="/api/v3/signup",
        who=Who.ANYONE,
        group="Register and login",
        summary="Register a new account.",
        description="With a password under a user name or an e-mail address, or with a code that was sent to a "
        "phone number with `CHANNEL_REGISTER`. That a number is taken is told only to someone whose code for it "
        "was right. `options.context` is for pipelines, and has no effect where there are none.",
        request=SignUp,
        data=User,
        own_errors=(
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.SIGN_UP_DISABLED,
            Key.PASSWORD_TOO_SHORT,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.PHONE_TAKEN,
            Key.USERNAME_TAKEN,
            Key.EMAIL_TAKEN,
        ),
        needs=(
            Need(("passwordPayload",), when=("connection", "PASSWORD")),
            Need(("passwordPayload.username", "passwordPayload.email"), when=("connection", "PASSWORD")),
            Need(("passCodePayload",), when=("connection", "PASSCODE")),
            Need(("passCodePayload.phone", "passCodePayload.email"), when=("connection", "PASSCODE")),
        ),
        later=(
            Later("passCodePayload.email", served=()),
            Later("profile.phone", served=()),
            Later("profile.email", served=()),
            Later("options.phonePassCodeForInformationCompletion", served=()),
            Later("options.emailPassCodeForInformationCompletion", served=()),
            Later("options.passwordForPhonePassCode", served=()),
            PLAIN_PASSWORD,
        ),
    ),
    Operation(
        name="sign_in_by_credentials",
        method="POST",
        path="/api/v3/signin",
        who=Who.CLIENT,
        group="Register and login",
        summary="Sign in with a password or a code, and receive tokens.",
        description="The code is one that was sent with `CHANNEL_LOGIN`; with `options.autoRegister` a number "
        "without an account gets one. The application authenticates the way it is set up to: not at all, with "
        "`client_id` and `client_secret` in the body, or by HTTP Basic. `expire_in` and `expires_in` are the "
        "access token's life in seconds. A refresh token comes with the scope `offline_access`.",
        request=SigninByCredentials,
        data=LoginTokenResponseData,
        own_errors=(
            Key.APP_NOT_FOUND,
            Key.CLIENT_AUTHENTICATION_FAILED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.WRONG_CREDENTIALS,
            Key.USER_NOT_FOUND,
            Key.SIGN_UP_DISABLED,
            Key.USER_LOCKED,
        ),
        needs=(
            Need(("passwordPayload",), when=("connection", "PASSWORD")),
            Need(
                (
                    "passwordPayload.account",
                    "passwordPayload.username",
                    "passwordPayload.email",
                    "passwordPayload.phone",
                ),
                when=("connection", "PASSWORD"),
            ),
            Need(("passCodePayload",), when=("connection", "PASSCODE")),
            Need(("passCodePayload.phone", "passCodePayload.email"), when=("connection", "PASSCODE")),
        ),
        later=(
            Later("connection", served=("PASSWORD", "PASSCODE")),
            Later("adPayload", served=()),
            Later("ldapPayload", served=()),
            Later("passCodePayload.email", served=()),
            Later("options.tenantId", served=()),
            Later("options.captchaCode", served=()),
            Later("options.captchaToken", served=()),
            PLAIN_PASSWORD,
        ),
    ),
)

_MESSAGES = (
    Operation(
        name="send_sms",
        method="POST",
        path="/api/v3/send-sms",
        who=Who.ANYONE,
        group="Messages",
        summary="Send a verification code to a phone number.",
        description="The channel says what the code will be good for, and nothing else accepts it. To change a "
        "number: `CHANNEL_BIND_PHONE` to the new one, `CHANNEL_UNBIND_PHONE` to the old one, both signed in. "
        "Codes of the channels about an account (bind, unbind, MFA, identity, deletion) belong to the signed-in "
        "user who asked. Asking again sends the same code. One message a minute per number and channel.",
        request=SendSMS,
        own_errors=(
            Key.NOT_LOGGED_IN,
            Key.LOGIN_EXPIRED,
            Key.LOGIN_INVALID,
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.USER_LOCKED,
            Key.PHONE_NOT_BOUND,
            Key.OLD_PHONE_MISMATCH,
            Key.SMS_TOO_OFTEN,
            Key.SENDING_PAUSED,
        ),
    ),
    Operation(
        name="pre_check_code",
        method="POST",
        path="/api/v3/pre-check-code",
        who=Who.ANYONE,
        group="Messages",
        summary="Look whether a code is right, without using it.",
        description="A wrong code costs a guess, as everywhere. Codes of the channels about an account can only "
        "be looked at by a signed-in user. The field of the number is `phone` here.",
        request=PreCheckCode,
        data=PreCheckCodeData,
        own_errors=(
            Key.NOT_LOGGED_IN,
            Key.LOGIN_EXPIRED,
            Key.LOGIN_INVALID,
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.USER_LOCKED,
            Key.GUESSES_SPENT,
        ),
        needs=(Need(("smsCodePayload",), when=("codeType", "SMS")),),
        later=(Later("codeType", served=("SMS",)),),
    ),
)

_PROFILE = (
    Operation(
        name="get_profile",
        method="GET",
        path="/api/v3/get-profile",
        who=Who.USER,
        group="User profile",
        summary="Read the signed-in user's account.",
        description="Fields that are not set are left out. `customData` and `identities` come where they are "
        "asked for.",
        request=GetProfile,
        data=User,
    ),
    Operation(
        name="verify_update_phone_request",
        method="POST",
        path="/api/v3/verify-update-phone-request",
        who=Who.USER,
        group="User profile",
        summary="Prove the new phone number and receive a one-time token.",
        description="Step two of three: `send_sms` comes before it, `update_phone` after it. Where the pool "
        "verifies the old number and the account has one, the old pair is required. Without an old pair the "
        "session's last credential check must be younger than `stepUpMaxAge`. `tokenExpiresIn` is in seconds. "
        "A newer token replaces the one before.",
        request=VerifyUpdatePhoneRequest,
        data=VerifyUpdatePhoneRequestData,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.SAME_PHONE,
            Key.OLD_PHONE_REQUIRED,
            Key.REAUTH_REQUIRED,
            Key.OLD_PHONE_MISMATCH,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.PHONE_TAKEN,
        ),
    ),
    Operation(
        name="update_phone",
        method="POST",
        path="/api/v3/update-phone",
        who=Who.USER,
        group="User profile",
        summary="Spend the token: the account's number becomes the new one.",
        description="Step three of three. The token is spent whatever the verdict. Afterwards the old number, the "
        "new one and every verified e-mail address are told, and the other sessions end where the pool says so.",
        request=UpdatePhone,
        data=IsSuccess,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.UPDATE_TOKEN_USED,
            Key.UPDATE_TOKEN_INVALID,
            Key.OLD_PHONE_MISMATCH,
            Key.PHONE_TAKEN,
        ),
    ),
    Operation(
        name="bind_phone",
        method="POST",
        path="/api/v3/bind-phone",
        who=Who.USER,
        group="User profile",
        summary="Give an account that has no phone number its first one.",
        description="The code is one that was sent signed in with `CHANNEL_BIND_PHONE`.",
        request=BindPhone,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.PHONE_ALREADY_BOUND,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.PHONE_TAKEN,
        ),
    ),
    Operation(
        name="unbind_phone",
        method="POST",
        path="/api/v3/unbind-phone",
        who=Who.USER,
        group="User profile",
        summary="Take the phone number off the account.",
        description="The code is one that was sent to the number with `CHANNEL_UNBIND_PHONE`. Another way in must "
        "remain: a password with a user name or a verified e-mail address, a verified e-mail address, or a linked "
        "identity.",
        request=UnbindPhone,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.PHONE_NOT_BOUND,
            Key.LAST_WAY_IN,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
        ),
    ),
)

_TOKENS = (
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

_MANAGEMENT = (
    Operation(
        name="get_management_token",
        method="POST",
        path="/api/v3/get-management-token",
        who=Who.ANYONE,
        group="Management",
        summary="Exchange an access key for a management token.",
        description="`expires_in` is in seconds.",
        request=GetManagementToken,
        data=ManagementTokenData,
        own_errors=(Key.ACCESS_KEY_INVALID,),
    ),
    Operation(
        name="get_security_settings",
        method="GET",
        path="/api/v3/get-security-settings",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read the pool's security settings.",
        description="Lives are in seconds. Settings that are documented and have no effect yet show their default.",
        data=SecuritySettings,
    ),
    Operation(
        name="update_security_settings",
        method="POST",
        path="/api/v3/update-security-settings",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Change the pool's security settings.",
        description="What is absent stays as it is. Works at once and without a restart; codes and tokens that "
        "are under way keep their length, life and tries. `verifyCodeLength` 4 or 5 wants `wrongCodesPerDay` of "
        "at most 5.",
        request=UpdateSecuritySettings,
        data=SecuritySettings,
        later=tuple(Later(path, served=(value,)) for path, value in unserved_defaults().items()),
    ),
    Operation(
        name="create_user",
        method="POST",
        path="/api/v3/create-user",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Make a user.",
        description="A number or an address may be set without a proof; it is unverified unless the call says "
        "otherwise.",
        request=CreateUser,
        data=User,
        own_errors=(
            Key.BAD_CONTACT,
            Key.PASSWORD_TOO_SHORT,
            Key.USERNAME_TAKEN,
            Key.EMAIL_TAKEN,
            Key.PHONE_TAKEN,
            Key.USER_EXISTS,
        ),
        needs=(Need(("username", "email", "phone", "externalId")),),
        later=(
            Later("salt", served=()),
            Later("tenantIds", served=()),
            Later("otp", served=()),
            Later("departmentIds", served=()),
            Later("metadataSource", served=()),
            Later("identities", served=()),
            Later("options.keepPassword"),
            Later("options.autoGeneratePassword"),
            Later("options.resetPasswordOnFirstLogin"),
            Later("options.departmentIdType", served=()),
            Later("options.sendNotification.sendEmailNotification"),
            Later("options.sendNotification.sendPhoneNotification"),
            PLAIN_PASSWORD,
        ),
    ),
    Operation(
        name="get_user",
        method="GET",
        path="/api/v3/get-user",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read one user.",
        description="`userIdType` says what kind of name `userId` is: `user_id` (where absent), `external_id`, "
        "`phone`, `email` or `username`.",
        request=GetUser,
        data=User,
        own_errors=(Key.USER_NOT_FOUND,),
        later=(Later("userIdType", served=FOUND_BY), Later("flatCustomData"), Later("withPost")),
    ),
    Operation(
        name="list_users",
        method="POST",
        path="/api/v3/list-users",
        who=Who.MANAGEMENT,
        group="Management",
        summary="List or search the pool's users, page by page.",
        description="`keywords` finds users whose user name, e-mail address or phone number begins with it "
        "(`options.fuzzySearchOn` picks among the three); `advancedFilter` with `EQUAL` finds the whole value of "
        "one of them. Conditions hold together. Pages have 10 users unless `options.pagination` says otherwise, "
        "50 at most; newest users first.",
        request=ListUsersRequest,
        data=UserPaging,
        later=(
            Later("searchQuery", served=()),
            Later("advancedFilter.field", served=SEARCHED),
            Later("advancedFilter.operator", served=("EQUAL",)),
            Later("options.fuzzySearchOn", served=SEARCHED),
            Later("options.sort", served=()),
            Later("options.withPost"),
        ),
    ),
    Operation(
        name="update_user",
        method="POST",
        path="/api/v3/update-user",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Change a user.",
        description="What is absent stays as it is. A changed phone number ends the user's codes and one-time "
        "tokens and is told to the old and the new number and every verified e-mail address.",
        request=UpdateUser,
        data=User,
        own_errors=(
            Key.USER_NOT_FOUND,
            Key.BAD_CONTACT,
            Key.PASSWORD_TOO_SHORT,
            Key.USERNAME_TAKEN,
            Key.EMAIL_TAKEN,
            Key.PHONE_TAKEN,
            Key.USER_EXISTS,
        ),
        later=(
            Later("options.userIdType", served=FOUND_BY),
            Later("metadata", served=()),
            Later("options.resetPasswordOnFirstLogin"),
            Later("options.resetPasswordOnNextLogin"),
            Later("options.autoGeneratePassword"),
            Later("options.sendPasswordResetedNotification.sendDefaultEmailNotification"),
            Later("options.sendPasswordResetedNotification.sendDefaultPhoneNotification"),
            Later("options.sendPasswordResetedNotification.inputSendEmailNotification", served=()),
            Later("options.sendPasswordResetedNotification.inputSendPhoneNotification", served=()),
            PLAIN_PASSWORD,
        ),
    ),
    Operation(
        name="delete_users_batch",
        method="POST",
        path="/api/v3/delete-users-batch",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Delete users.",
        description="Their sessions end, their numbers and addresses become free, and their ids are never used "
        "again.",
        request=DeleteUsersBatch,
        data=IsSuccess,
        own_errors=(Key.USER_NOT_FOUND,),
        later=(Later("options.userIdType", served=FOUND_BY),),
    ),
)

OPERATIONS: tuple[Operation, ...] = (*_REGISTER, *_MESSAGES, *_PROFILE, *_TOKENS, *_MANAGEMENT)

BY_NAME: Mapping[str, Operation] = MappingProxyType({op.name: op for op in OPERATIONS})


def _by_path() -> Mapping[str, Mapping[str, Operation]]:
    paths: dict[str, dict[str, Operation]] = {}
    for op in OPERATIONS:
        for path in (op.path, *op.aliases):
            paths.setdefault(path, {}).update(dict.fromkeys(op.methods, op))
    return MappingProxyType({path: MappingProxyType(methods) for path, methods in paths.items()})


BY_PATH: Mapping[str, Mapping[str, Operation]] = _by_path()
"""Path → method → operation. A path without the method asked for is a 405, and its keys are what is allowed."""

LATER: Mapping[str, tuple[Later, ...]] = MappingProxyType(
    {op.name: op.later for op in OPERATIONS if op.later}
)
"""What is answered 501 so far, by operation."""

_FORM = (Key.BAD_JSON, Key.PARAMETERS_INCOMPLETE, Key.BAD_REQUEST)
_POOL = (Key.APP_NOT_FOUND, Key.USER_POOL_NOT_FOUND)
_TOKEN = (Key.NOT_LOGGED_IN, Key.LOGIN_EXPIRED, Key.LOGIN_INVALID)


def common_errors(op: Operation) -> tuple[Key, ...]:
    """Refusals that `op` shares with its kind: its credential's, then its form's. None for OAUTH and BARE."""
    if op.kind is not Kind.API:
        return ()
    caller: tuple[Key, ...] = {
        Who.ANYONE: _POOL,
        Who.CLIENT: _POOL,
        Who.USER: (*_TOKEN, Key.USER_LOCKED),
        Who.MANAGEMENT: _TOKEN,
    }[op.who]
    if op.name == "get_management_token":  # its form is its credential
        caller = ()
    form = _FORM if op.request is not None else ()
    later = (Key.NOT_IMPLEMENTED,) if op.later else ()
    return tuple(key for key in (*caller, *form, *later) if key not in op.own_errors)
