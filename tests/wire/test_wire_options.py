"""Options that are built later are named; choices of a form want their payload."""

from typing import Any

import pytest

from ostiary.contract.management import ListUsersRequest
from ostiary.contract.operations import BY_NAME, OPERATIONS
from ostiary.contract.security import unserved_defaults
from tests.wire.forms import LATER, LEAST, MISSING, PASSWORD, merged, read, refused

TELL = "options.sendPasswordResetedNotification"
IDENTITY = {
    "extIdpId": "e",
    "provider": "oidc",
    "type": "t",
    "userIdInIdp": "u",
    "userInfoInIdp": {},
    "originConnIds": [],
}
FIELDS = LEAST["set_custom_fields"]
OF_A_FIELD = {
    "targetType": "ROLE",
    "encrypted": True,
    "isUnique": True,
    "desensitization": True,
    "validateRules": {"a": 1},
    "appIds": ["a"],
}
NOT_YET: list[tuple[str, dict[str, Any], str, Any]] = [
    ("update_password", LEAST["update_password"], "passwordResetToken", "rpt_x"),
    ("set_custom_fields", FIELDS, "tenantId", "t"),
    ("get_custom_fields", {}, "targetType", "ROLE"),
    ("get_custom_fields", {"targetType": "USER"}, "tenantId", "t"),
    ("sign_in_by_credentials", PASSWORD, "connection", "LDAP"),
    ("sign_in_by_credentials", PASSWORD, "connection", "AD"),
    ("sign_in_by_credentials", PASSWORD, "adPayload", {"sAMAccountName": "a", "password": "b"}),
    ("sign_in_by_credentials", PASSWORD, "ldapPayload", {"sAMAccountName": "a", "password": "b"}),
    ("sign_in_by_credentials", PASSWORD, "options.tenantId", "t"),
    ("send_enroll_factor_request", LEAST["send_enroll_factor_request"], "factorType", "FACE"),
    ("enroll_factor", LEAST["enroll_factor"], "factorType", "FACE"),
    ("enroll_factor", LEAST["enroll_factor"], "enrollmentData.photo", "x"),
    ("enroll_factor", LEAST["enroll_factor"], "enrollmentData.isExternalPhoto", True),
    ("create_user", LEAST["create_user"], "salt", "s"),
    ("create_user", LEAST["create_user"], "tenantIds", ["t"]),
    ("create_user", LEAST["create_user"], "otp", {"secret": "s"}),
    ("create_user", LEAST["create_user"], "departmentIds", ["d"]),
    ("create_user", LEAST["create_user"], "metadataSource", {"k": 1}),
    ("create_user", LEAST["create_user"], "options.keepPassword", True),
    ("create_user", LEAST["create_user"], "options.autoGeneratePassword", True),
    ("create_user", LEAST["create_user"], "options.resetPasswordOnFirstLogin", True),
    ("create_user", LEAST["create_user"], "options.departmentIdType", "code"),
    ("create_user", LEAST["create_user"], "options.sendNotification.sendEmailNotification", True),
    ("create_user", LEAST["create_user"], "options.sendNotification.sendPhoneNotification", True),
    ("create_user", LEAST["create_user"], "identities", [IDENTITY]),
    ("get_user", LEAST["get_user"], "userIdType", "identity"),
    ("get_user", LEAST["get_user"], "flatCustomData", "True"),
    ("get_user", LEAST["get_user"], "withPost", "1"),
    ("list_users", {}, "searchQuery", {"query": {}}),
    ("list_users", {}, "options.fuzzySearchOn", ["email", "address"]),
    ("list_users", {}, "options.withPost", True),
    ("list_users", {}, "options.sort", [{"field": "email", "order": "asc"}]),
    ("update_user", LEAST["update_user"], "options.userIdType", "custom_field"),
    ("update_user", LEAST["update_user"], "options.autoGeneratePassword", True),
    ("update_user", LEAST["update_user"], "metadata", {"k": 1}),
    ("update_user", LEAST["update_user"], "options.resetPasswordOnFirstLogin", True),
    ("update_user", LEAST["update_user"], "options.resetPasswordOnNextLogin", True),
    ("update_user", LEAST["update_user"], f"{TELL}.sendDefaultEmailNotification", True),
    ("update_user", LEAST["update_user"], f"{TELL}.sendDefaultPhoneNotification", True),
    ("update_user", LEAST["update_user"], f"{TELL}.inputSendEmailNotification", "a@b.c"),
    ("update_user", LEAST["update_user"], f"{TELL}.inputSendPhoneNotification", "18812345678"),
    ("delete_users_batch", LEAST["delete_users_batch"], "options.userIdType", "sync_relation"),
    ("update_security_settings", {}, "cookieSettings.cookieExpiresIn", 60),
    ("update_security_settings", {}, "loginAnomalyDetection.robotVerifyloginWeekStartEndTime", ["x"]),
    ("update_security_settings", {}, "loginRequireEmailVerified", True),
    ("update_security_settings", {}, "genauthTokenExpiresIn", 60),
]
SPACED = (
    *("create_role", "get_role", "list_roles", "update_role", "delete_roles_batch", "assign_role"),
    *("revoke_role", "list_role_members", "get_user_roles", "get_role_list"),
)
NOT_YET += [(name, LEAST[name], "namespace", "shop") for name in SPACED]
NOT_YET += [
    ("update_role", LEAST["update_role"], "enablePermissionApply", True),
    ("get_user_roles", LEAST["get_user_roles"], "userIdType", "identity"),
    ("get_user_groups", LEAST["get_user_groups"], "userIdType", "identity"),
    ("create_group", LEAST["create_group"], "customData", {"k": 1}),
    ("update_group", LEAST["update_group"], "customData", {"k": 1}),
    ("get_group", LEAST["get_group"], "withCustomData", "True"),
    ("list_groups", {}, "withCustomData", "True"),
    ("list_groups", {}, "withMetadata", "True"),
    ("list_groups", {}, "flatCustomData", "True"),
]
NOT_YET += [
    ("create_application", LEAST["create_application"], path, value)
    for path, value in {
        "template": "t",
        "templateData": {"a": 1},
        "appIdentifier": "shop",
        "appLogo": "https://a.example/logo.png",
        "appDescription": "d",
        "appType": "spa",
        "defaultProtocol": "saml",
        "logoutRedirectUris": ["https://a.example"],
        "initLoginUri": "https://a.example",
        "ssoEnabled": True,
        "oidcConfig": {"a": 1},
        "samlProviderEnabled": True,
        "samlConfig": {"a": 1},
        "oauthProviderEnabled": True,
        "oauthConfig": {"a": 1},
        "casProviderEnabled": True,
        "casConfig": {"a": 1},
        "loginConfig": {"a": 1},
        "registerConfig": {"a": 1},
        "brandingConfig": {"a": 1},
    }.items()
]
NOT_YET += [
    ("list_applications", {}, path, value)
    for path, value in {
        "isIntegrateApp": "True",
        "isSelfBuiltApp": "False",
        "ssoEnabled": "True",
        "keywords": "shop",
        "all": "True",
    }.items()
]
IN_LISTS = {
    "list_users": {"advancedFilter.field", "advancedFilter.operator"},
    "assign_role": {"targets.targetType"},
    "revoke_role": {"targets.targetType"},
    "assign_role_batch": {"targets.targetType", "roles.namespace"},
    "revoke_role_batch": {"targets.targetType", "roles.namespace"},
}
"""Tested below: a path through a list has a number in it."""


@pytest.mark.parametrize(("name", "form", "path", "value"), NOT_YET)
def test_what_is_built_later_is_named(name, form, path, value):
    assert read(name, merged(form, (path, value))) == refused(LATER, path)


@pytest.mark.parametrize(("name", "value"), OF_A_FIELD.items())
def test_what_custom_fields_cannot_be_yet_is_named(name, value):
    field = {**FIELDS["list"][0], name: value}
    assert read("set_custom_fields", {"list": [field]}) == refused(LATER, f"list.0.{name}")


def test_filters_that_are_built_later_are_named():
    def search(**condition):
        exact = {"field": "email", "operator": "EQUAL", "value": "a@b.c"}
        return read("list_users", {"advancedFilter": [exact, {**exact, **condition}]})

    assert search(operator="CONTAINS") == refused(LATER, "advancedFilter.1.operator")
    assert search(field="loginsCount") == refused(LATER, "advancedFilter.1.field")
    assert isinstance(search(field="phone"), ListUsersRequest)


@pytest.mark.parametrize("name", ["assign_role", "revoke_role", "assign_role_batch", "revoke_role_batch"])
def test_roles_are_given_to_users_only_and_there_is_one_space(name):
    user, group = ({"targetType": kind, "targetIdentifier": "x"} for kind in ("USER", "GROUP"))
    form = {**LEAST[name], "targets": [user, group]}
    assert read(name, form) == refused(LATER, "targets.1.targetType")
    if "roles" in form:
        form = {
            **LEAST[name],
            "roles": [{"code": "a", "namespace": "default"}, {"code": "b", "namespace": "x"}],
        }
        assert read(name, form) == refused(LATER, "roles.1.namespace")


ASKS_FOR_NOTHING = [
    ("create_user", "options.keepPassword", False),
    ("create_user", "tenantIds", []),
    ("create_user", "metadataSource", {}),
    ("create_user", "options.sendNotification", {"sendEmailNotification": False}),
    ("sign_in_by_credentials", "options.passwordEncryptType", "none"),
    ("get_user", "flatCustomData", "False"),
    ("get_user", "withPost", "0"),
    ("get_user", "userIdType", "phone"),
    ("list_users", "options.fuzzySearchOn", ["email", "phone"]),
    ("update_user", "options.userIdType", "username"),
]


@pytest.mark.parametrize(("name", "path", "value"), ASKS_FOR_NOTHING)
def test_an_option_that_asks_for_nothing_is_served(name, path, value):
    assert type(read(name, merged(LEAST[name], (path, value)))) is BY_NAME[name].request


@pytest.mark.parametrize("path", unserved_defaults())
def test_a_setting_may_be_asked_to_be_what_it_is(path):
    default = unserved_defaults()[path]
    form = read("update_security_settings", merged({}, (path, default)))
    assert type(form) is BY_NAME["update_security_settings"].request


def test_what_is_read_of_the_settings_can_be_sent_back():
    """Programs read all settings, change one and send all."""
    all_of_it: dict[str, Any] = {}
    for path, default in unserved_defaults().items():
        all_of_it = merged(all_of_it, (path, default))
    form = read("update_security_settings", {**all_of_it, "allowedOrigins": "https://a.example\nhttps://b"})
    assert form.allowed_origins == "https://a.example\nhttps://b"


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.later], ids=lambda op: op.name)
def test_every_later_option_stands_in_the_tables_above(op):
    tested = {path for name, _, path, _ in NOT_YET if name == op.name}
    tested |= IN_LISTS.get(op.name, set())
    tested |= {f"list.{name}" for name in OF_A_FIELD} if op.name == "set_custom_fields" else set()
    untested = {later.path for later in op.later} - tested
    if op.name == "update_security_settings":
        untested -= set(unserved_defaults())
    assert not untested


# --- choices ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form", "path"),
    [
        ("sign_in_by_credentials", {"connection": "PASSWORD"}, "passwordPayload"),
        ("sign_in_by_credentials", {"connection": "PASSCODE"}, "passCodePayload"),
        (
            "sign_in_by_credentials",
            {"connection": "PASSWORD", "passwordPayload": {"password": "x"}},
            "passwordPayload.account",
        ),
        (
            "sign_in_by_credentials",
            {"connection": "PASSCODE", "passCodePayload": {"passCode": "1"}},
            "passCodePayload.phone",
        ),
        ("sign_in_by_credentials", {**PASSWORD, "connection": "PASSCODE"}, "passCodePayload"),
        (
            "sign_up",
            {"connection": "PASSWORD", "passwordPayload": {"password": "x"}},
            "passwordPayload.username",
        ),
        (
            "sign_up",
            {"connection": "PASSCODE", "passCodePayload": {"passCode": "1"}},
            "passCodePayload.phone",
        ),
        ("pre_check_code", {"codeType": "SMS"}, "smsCodePayload"),
        ("pre_check_code", {"codeType": "EMAIL"}, "emailCodePayload"),
    ],
)
def test_a_choice_wants_its_payload(name, form, path):
    assert read(name, form) == refused(MISSING, path)
