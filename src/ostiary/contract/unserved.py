"""Operations of the incumbent's that this service does not do, each with what to use instead.

The other half of `operations.py`: dispatch answers these 501, the SDK raises it, the compatibility page lists it. An
operation that is built takes its row away from here; a test holds that none stands in both tables.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from ostiary.contract import instead
from ostiary.contract.instead import Instead
from ostiary.contract.operation import Kind
from ostiary.contract.unserved_management import MANAGEMENT
from ostiary.contract.unserved_row import Unserved, rows

_rows = partial(rows, "AuthenticationClient")

AUTHENTICATION: tuple[Unserved, ...] = (
    *_rows(
        instead.SOCIAL,
        "generate_link_ext_idp_url GET /api/v3/generate-link-extidp-url",
        "unlink_ext_idp POST /api/v3/unlink-extidp",
        "get_identities GET /api/v3/get-identities",
        "get_application_enabled_ext_idps GET /api/v3/get-application-enabled-extidps",
        "sign_in_by_mobile POST /api/v3/signin-by-mobile",
        "get_alipay_auth_info GET /api/v3/get-alipay-authinfo",
        "auth_by_code_identity POST /api/v2/ecConn/wechatMobile/authByCodeIdentity",
        "register_new_user POST /api/v2/ecConn/wechatMobile/register",
        "bind_by_email_code POST /api/v2/ecConn/wechatMobile/byEmailCode",
        "bind_by_phone_code POST /api/v2/ecConn/wechatMobile/byPhoneCode",
        "bind_by_account POST /api/v2/ecConn/wechatMobile/byAccount",
        "select_account POST /api/v2/ecConn/wechatMobile/select",
        "bind_by_account_id POST /api/v2/ecConn/wechatMobile/byAccountId",
    ),
    *_rows(
        instead.SWITCH,
        "switch_login_by_user POST /api/v3/switch-login-by-user",
        "list_public_accounts_for_switch_logged_in GET /api/v3/get-user-select-login-public-accounts",
    ),
    *_rows(
        instead.SCAN,
        "gene_qr_code POST /api/v3/gene-qrcode",
        "check_qr_code_status GET /api/v3/check-qrcode-status",
        "exchange_token_set_with_qr_code_ticket POST /api/v3/exchange-tokenset-with-qrcode-ticket",
        "change_qr_code_status POST /api/v3/change-qrcode-status",
        "sign_in_by_push POST /api/v3/signin-by-push",
        "check_push_code_status GET /api/v3/check-pushcode-status",
        "change_push_code_status POST /api/v3/change-pushcode-status",
        "get_push_login_relation_apps POST /api/v3/get-pushlogin-relation-apps",
        "gene_fastpass_qrcode_info POST /api/v3/gene-fastpass-qrcode-info",
        "get_fastpass_params GET /api/v3/get-fastpass-client-apps",
        "get_qr_code_status GET /api/v3/get-app-login-qrcode-status",
        "qr_code_app_login POST /api/v3/qrcode-app-login",
    ),
    *_rows(
        instead.WECHAT,
        "decrypt_wechat_mini_program_data POST /api/v3/decrypt-wechat-miniprogram-data",
        "get_wechat_mp_access_token POST /api/v3/get-wechat-access-token",
        "get_wechat_mp_access_token_info POST /api/v3/get-wechat-access-token-info",
    ),
    *_rows(
        instead.DATA_PERMISSION,
        "check_permission_by_string_resource POST /api/v3/check-permission-string-resource",
        "check_permission_by_array_resource POST /api/v3/check-permission-array-resource",
        "check_permission_by_tree_resource POST /api/v3/check-permission-tree-resource",
        "get_user_authorized_resources_list GET /api/v3/get-user-auth-resource-list",
        "get_user_auth_resource_permission_list POST /api/v3/get-user-auth-resource-permission-list",
        "get_user_auth_resource_struct POST /api/v3/get-user-auth-resource-struct",
    ),
    *_rows(
        instead.WEBAUTHN,
        "init_authentication_options GET /api/v3/webauthn/authentication",
        "verify_authentication POST /api/v3/webauthn/authentication",
        "init_register_options GET /api/v3/webauthn/registration",
        "verify_register POST /api/v3/webauthn/registration",
        "list_credentials_by_page POST /api/v3/webauthn/page-authenticator-device",
        "check_valid_credentials_by_cred_ids POST /api/v3/webauthn/check-valid-credentials-by-credIds",
        "remove_all_credentials POST /api/v3/webauthn/remove-credentials-by-authenticator-code",
        "remove_credential POST /api/v3/webauthn/remove-credential/{credentialID}",
    ),
    *_rows(
        instead.EVENTS,
        "put_event POST /api/v3/pub-userEvent",
    ),
    *_rows(instead.DIRECTORY, "sign_in_by_ldap", "sign_in_by_ad"),
    *_rows(instead.CODE_FLOW, "get_access_token_by_code"),
    *_rows(instead.CODE_FLOW, "authorize GET /oidc/auth", kind=Kind.BARE),
    *_rows(instead.CODE_FLOW, "authorize_oauth GET /oauth/auth", kind=Kind.BARE),
    *_rows(instead.LOGOUT, "end_session GET /oidc/session/end", kind=Kind.BARE),
    *_rows(instead.LOGOUT, "log_out GET /login/profile/logout", kind=Kind.BARE),
    *_rows(instead.CAS, "validate_ticket_v1 GET /cas-idp/{appId}/validate", kind=Kind.BARE),
    *_rows(instead.EVENTS, "sub_event GET /events/v1/authentication/sub", kind=Kind.BARE),
)

UNSERVED: tuple[Unserved, ...] = (*AUTHENTICATION, *MANAGEMENT)

OPTIONS: Mapping[tuple[str, str], Instead] = MappingProxyType(
    {
        ("update_password", "passwordResetToken"): instead.RESET_PASSWORD,
        ("sign_in_by_credentials", "connection"): instead.DIRECTORY,
        ("sign_in_by_credentials", "ldapPayload"): instead.DIRECTORY,
        ("sign_in_by_credentials", "adPayload"): instead.DIRECTORY,
        **{
            (name, "namespace"): instead.NAMESPACE
            for name in ("create_role", "list_roles", "assign_role", "get_role_list")
        },
    }
)
"""Operation and wire field → what to use instead of an option that is not served: "leave it out" would not help."""


def find(side: str, name: str) -> Unserved | None:
    """The row of a method of the incumbent's, or None where it is served or unknown."""
    return next((row for row in UNSERVED if row.side == side and row.name == name), None)
