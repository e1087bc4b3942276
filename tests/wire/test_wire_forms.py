"""Members → Structs: absence, types, the field that is named, options, queries and forms."""

import json
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.management import GetUser, ListUsersRequest, Pagination, UpdateUser
from ostiary.contract.operation import Kind
from ostiary.contract.operations import BY_NAME, OPERATIONS
from ostiary.contract.profile import GetProfile, VerifyUpdatePhoneRequest
from ostiary.contract.security import unserved_defaults
from ostiary.contract.signin import SigninByCredentials
from ostiary.contract.tokens import TokenEndPointParams, UserInfoParams
from ostiary.server.core.refused import Refused
from ostiary.server.web import wire

MISSING, BAD, LATER = Key.PARAMETERS_INCOMPLETE, Key.BAD_REQUEST, Key.NOT_IMPLEMENTED
VERIFY = {
    "phonePassCodePayload": {"newPhoneNumber": "18812345678", "newPhonePassCode": "123456"},
    "verifyMethod": "PHONE_PASSCODE",
}
PASSWORD = {"connection": "PASSWORD", "passwordPayload": {"account": "ana", "password": "correct horse"}}
PASSCODE = {"connection": "PASSCODE", "passCodePayload": {"phone": "18812345678", "passCode": "123456"}}
SIGN_UP = {"connection": "PASSWORD", "passwordPayload": {"username": "ana", "password": "correct horse"}}
LEAST = {
    "sign_up": SIGN_UP,
    "sign_in_by_credentials": PASSWORD,
    "send_sms": {"channel": "CHANNEL_LOGIN", "phoneNumber": "18812345678"},
    "pre_check_code": {
        "codeType": "SMS",
        "smsCodePayload": {"phone": "18812345678", "passCode": "123456", "channel": "CHANNEL_LOGIN"},
    },
    "get_profile": {},
    "verify_update_phone_request": VERIFY,
    "update_phone": {"updatePhoneToken": "upt_x"},
    "bind_phone": {"phoneNumber": "18812345678", "passCode": "123456"},
    "unbind_phone": {"passCode": "123456"},
    "token": {"grant_type": "refresh_token"},
    "revoke_token": {"token": "x"},
    "user_info": {},
    "get_management_token": {"accessKeyId": "a", "accessKeySecret": "b"},
    "update_security_settings": {},
    "create_user": {"username": "ana"},
    "get_user": {"userId": "6a1b2c3d4e5f60718293a4b5"},
    "list_users": {},
    "update_user": {"userId": "6a1b2c3d4e5f60718293a4b5"},
    "delete_users_batch": {"userIds": ["6a1b2c3d4e5f60718293a4b5"]},
}


def read(name, form, **more):
    op = BY_NAME[name]
    if is_text(name):
        text = "&".join(f"{key}={value}" for key, value in form.items()).encode()
        return wire.read(op, text, text, **more)
    return wire.read(op, json.dumps(form).encode(), b"", **more)


def merged(form, *changes):
    """`form` with dotted paths set, or removed where the value is `...`."""
    form = json.loads(json.dumps(form))
    for path, value in changes:
        *way, last = path.split(".")
        node = form
        for name in way:
            node = node.setdefault(name, {})
        if value is ...:
            node.pop(last, None)
        else:
            node[last] = value
    return form


def refused(key, path=None):
    if path is None:
        return Refused(key)
    field = [part for part in path.split(".") if not part.isdigit()][-1]
    return Refused(key, data={"field": field} | ({"path": path} if "." in path else {}))


def test_the_table_below_has_every_operation():
    assert set(LEAST) == {op.name for op in OPERATIONS if op.request}


@pytest.mark.parametrize("name", LEAST)
def test_the_least_form_is_read(name):
    assert type(read(name, LEAST[name])) is BY_NAME[name].request


@pytest.mark.parametrize("op", [op for op in OPERATIONS if not op.request], ids=lambda op: op.name)
def test_an_operation_without_a_form_reads_nothing(op):
    assert wire.read(op, b"\xff", b"\xff") is None


def leaves(form, prefix=""):
    for name, value in form.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")


REQUIRED = [
    (name, path)
    for name, form in LEAST.items()
    for path in leaves(form)
    if (name, path) != ("create_user", "username")
]


def is_text(name):
    return BY_NAME[name].method == "GET" or BY_NAME[name].kind is Kind.OAUTH


ABSENT = [
    (name, path, absent)
    for name, path in REQUIRED
    for absent in (..., "", None)
    if absent is not None or not is_text(name)  # text has no null
]


@pytest.mark.parametrize(("name", "path", "absent"), ABSENT)
def test_what_is_required_is_named_where_it_is_absent(name, path, absent):
    assert read(name, merged(LEAST[name], (path, absent))) == refused(MISSING, path)


@pytest.mark.parametrize("given", [{}, {"username": ""}, {"username": None, "name": "Ana"}])
def test_a_user_needs_a_name_to_be_found_by(given):
    assert read("create_user", given) == refused(MISSING, "username")


@pytest.mark.parametrize("name", ["username", "email", "phone", "externalId"])
def test_any_of_four_names_will_do(name):
    assert getattr(read("create_user", {name: "x"}), "external_id" if name == "externalId" else name) == "x"


# --- absent -----------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_mean_absent_at_every_depth(nothing):
    form = read(
        "verify_update_phone_request",
        merged(
            VERIFY,
            ("phonePassCodePayload.oldPhoneNumber", nothing),
            ("phonePassCodePayload.oldPhonePassCode", nothing),
            ("phonePassCodePayload.newPhoneCountryCode", nothing),
            ("somethingNew", nothing),
        ),
    )
    assert form == read("verify_update_phone_request", VERIFY)
    assert isinstance(form, VerifyUpdatePhoneRequest)
    assert form.phone_pass_code_payload.old_phone_number is None


@pytest.mark.parametrize(
    "empty", [None, "", {}, {"passCode": None, "phone": ""}, {"passCode": None, "unknown": 1}]
)
def test_an_optional_object_that_holds_nothing_is_absent(empty):
    form = read("sign_in_by_credentials", {**PASSWORD, "passCodePayload": empty, "adPayload": empty})
    assert isinstance(form, SigninByCredentials)
    assert form.pass_code_payload is None
    assert form.ad_payload is None


def test_inside_free_objects_everything_stays():
    data: dict[str, Any] = {"a": None, "b": "", "c": [None, "", 1.0], "d": {}, "e": 10.0}
    form = read("update_user", {"userId": "u", "customData": data})
    assert isinstance(form, UpdateUser)
    assert form.custom_data == data
    assert isinstance(form.custom_data["e"], float)


def test_inside_lists_nothing_is_dropped():
    assert read("delete_users_batch", {"userIds": ["a", ""]}) == Refused(
        BAD, data={"field": "userIds", "path": "userIds.1"}
    )
    assert read("delete_users_batch", {"userIds": []}) == refused(BAD, "userIds")


# --- types ------------------------------------------------------------------------------------

WRONG = [
    ("verify_update_phone_request", "verifyMethod", "EMAIL_PASSCODE"),
    ("verify_update_phone_request", "verifyMethod", "phone_passcode"),
    ("verify_update_phone_request", "verifyMethod", 1),
    ("verify_update_phone_request", "phonePassCodePayload", "x"),
    ("verify_update_phone_request", "phonePassCodePayload", []),
    ("verify_update_phone_request", "phonePassCodePayload", [VERIFY["phonePassCodePayload"]]),
    ("verify_update_phone_request", "phonePassCodePayload.newPhoneNumber", 18812345678),
    ("verify_update_phone_request", "phonePassCodePayload.newPhoneNumber", ["18812345678"]),
    ("verify_update_phone_request", "phonePassCodePayload.newPhoneNumber", {"$ne": ""}),
    ("verify_update_phone_request", "phonePassCodePayload.newPhonePassCode", 123456),
    ("verify_update_phone_request", "phonePassCodePayload.newPhonePassCode", True),
    ("verify_update_phone_request", "phonePassCodePayload.newPhonePassCode", "1" * 65),
    ("verify_update_phone_request", "phonePassCodePayload.oldPhoneNumber", 0),
    ("verify_update_phone_request", "phonePassCodePayload.oldPhonePassCode", False),
    ("send_sms", "channel", "CHANNEL_UPDATE_PHONE"),
    ("send_sms", "channel", "CHANNEL_UNLOCK_ACCOUNT"),
    ("update_phone", "updatePhoneToken", "x" * 8_193),
    ("sign_in_by_credentials", "options.autoRegister", "true"),
    ("sign_in_by_credentials", "options.autoRegister", 1),
    ("sign_in_by_credentials", "connection", "password"),
    ("update_security_settings", "verifyCodeLength", 3),
    ("update_security_settings", "verifyCodeLength", 11),
    ("update_security_settings", "verifyCodeLength", "6"),
    ("update_security_settings", "verifyCodeLength", 6.5),
    ("update_security_settings", "verifyCodeLength", True),
    ("update_security_settings", "verifyCodeTtl", 601),
    ("update_security_settings", "wrongCodesPerDay", 2),
    ("update_security_settings", "updateTokenTtl", 29),
    ("update_security_settings", "stepUpMaxAge", 86_401),
    ("update_security_settings", "sendPerAppPerDay", -1),
    ("update_security_settings", "changePhoneStrategy.verifyOldPhone", "false"),
    ("list_users", "options.pagination.limit", 51),
    ("list_users", "options.pagination.page", 0),
    ("create_user", "gender", "X"),
    ("create_user", "customData", [1]),
]


@pytest.mark.parametrize(("name", "path", "value"), WRONG)
def test_wrong_types_and_values_name_the_field(name, path, value):
    assert read(name, merged(LEAST[name], (path, value))) == refused(BAD, path)


def test_a_wrong_list_member_names_the_list():
    assert read("update_security_settings", {"allowedCountries": ["+86", "86"]}) == Refused(
        BAD, data={"field": "allowedCountries", "path": "allowedCountries.1"}
    )


def test_a_whole_float_is_an_integer():
    form = read("list_users", {"options": {"pagination": {"page": 2.0, "limit": 5e1}}})
    assert isinstance(form, ListUsersRequest)
    page = form.options and form.options.pagination
    assert page == Pagination(page=2, limit=50)
    assert isinstance(page.page, int)


# --- options that are built later -------------------------------------------------------------

TELL = "options.sendPasswordResetedNotification"
IDENTITY = {
    "extIdpId": "e",
    "provider": "oidc",
    "type": "t",
    "userIdInIdp": "u",
    "userInfoInIdp": {},
    "originConnIds": [],
}
NOT_YET = [
    ("sign_in_by_credentials", PASSWORD, "connection", "LDAP"),
    ("sign_in_by_credentials", PASSWORD, "connection", "AD"),
    ("sign_in_by_credentials", PASSWORD, "adPayload", {"sAMAccountName": "a", "password": "b"}),
    ("sign_in_by_credentials", PASSWORD, "ldapPayload", {"sAMAccountName": "a", "password": "b"}),
    ("sign_in_by_credentials", PASSCODE, "passCodePayload.email", "ana@example.com"),
    ("sign_in_by_credentials", PASSWORD, "options.tenantId", "t"),
    ("sign_in_by_credentials", PASSWORD, "options.captchaCode", "abcd"),
    ("sign_in_by_credentials", PASSWORD, "options.captchaToken", "abcd"),
    ("sign_in_by_credentials", PASSWORD, "options.passwordEncryptType", "rsa"),
    ("sign_in_by_credentials", PASSWORD, "options.passwordEncryptType", "sm2"),
    ("sign_up", PASSCODE, "passCodePayload.email", "ana@example.com"),
    ("sign_up", SIGN_UP, "profile.phone", "18812345678"),
    ("sign_up", SIGN_UP, "profile.email", "ana@example.com"),
    ("sign_up", SIGN_UP, "options.phonePassCodeForInformationCompletion", "123456"),
    ("sign_up", SIGN_UP, "options.emailPassCodeForInformationCompletion", "123456"),
    ("sign_up", SIGN_UP, "options.passwordForPhonePassCode", "x"),
    ("sign_up", SIGN_UP, "options.passwordEncryptType", "sm2"),
    ("pre_check_code", LEAST["pre_check_code"], "codeType", "EMAIL"),
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
    ("create_user", LEAST["create_user"], "options.passwordEncryptType", "rsa"),
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
    ("update_user", LEAST["update_user"], "options.passwordEncryptType", "rsa"),
    ("update_user", LEAST["update_user"], "options.resetPasswordOnFirstLogin", True),
    ("update_user", LEAST["update_user"], "options.resetPasswordOnNextLogin", True),
    ("update_user", LEAST["update_user"], f"{TELL}.sendDefaultEmailNotification", True),
    ("update_user", LEAST["update_user"], f"{TELL}.sendDefaultPhoneNotification", True),
    ("update_user", LEAST["update_user"], f"{TELL}.inputSendEmailNotification", "a@b.c"),
    ("update_user", LEAST["update_user"], f"{TELL}.inputSendPhoneNotification", "18812345678"),
    ("delete_users_batch", LEAST["delete_users_batch"], "options.userIdType", "sync_relation"),
    ("update_security_settings", {}, "registerAnomalyDetection.enabled", True),
    ("update_security_settings", {}, "cookieSettings.cookieExpiresIn", 60),
    ("update_security_settings", {}, "loginAnomalyDetection.loginFailCheck.limit", 3),
    ("update_security_settings", {}, "loginAnomalyDetection.robotVerifyloginWeekStartEndTime", ["x"]),
    ("update_security_settings", {}, "loginRequireEmailVerified", True),
    ("update_security_settings", {}, "genauthTokenExpiresIn", 60),
]


@pytest.mark.parametrize(("name", "form", "path", "value"), NOT_YET)
def test_what_is_built_later_is_named(name, form, path, value):
    assert read(name, merged(form, (path, value))) == refused(LATER, path)


def test_filters_that_are_built_later_are_named():
    def search(**condition):
        exact = {"field": "email", "operator": "EQUAL", "value": "a@b.c"}
        return read("list_users", {"advancedFilter": [exact, {**exact, **condition}]})

    assert search(operator="CONTAINS") == refused(LATER, "advancedFilter.1.operator")
    assert search(field="loginsCount") == refused(LATER, "advancedFilter.1.field")
    assert isinstance(search(field="phone"), ListUsersRequest)


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
    tested |= {"advancedFilter.field", "advancedFilter.operator"} if op.name == "list_users" else set()
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
    ],
)
def test_a_choice_wants_its_payload(name, form, path):
    assert read(name, form) == refused(MISSING, path)


# --- queries and forms ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("True", True),
        ("true", True),
        ("1", True),
        ("TRUE", True),
        ("False", False),
        ("false", False),
        ("0", False),
        ("", None),
    ],
)
def test_booleans_in_a_query(text, value):
    form = wire.read(BY_NAME["get_profile"], b"", f"withCustomData={text}".encode())
    assert isinstance(form, GetProfile)
    assert form.with_custom_data is value


@pytest.mark.parametrize("text", ["yes", "2", "%00", "tr%75e%21"])
def test_what_is_no_boolean_is_named(text):
    told = wire.read(BY_NAME["get_profile"], b"", f"withCustomData={text}".encode())
    assert told == refused(BAD, "withCustomData")


def test_a_query_is_decoded():
    form = wire.read(BY_NAME["get_user"], b"", b"userId=%E5%BC%A0%20%2B86&userIdType=username&_=1")
    assert form == GetUser(user_id="张 +86", user_id_type="username")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"userId=a&userId=b", "userId"),
        (b"userId=a&%75serId=b", "userId"),
        (b"userId=a&x=1&x=1", "x"),
        (b"userId=a%00", "userId"),
    ],
)
def test_ambiguous_or_harmful_queries_are_refused(query, field):
    assert wire.read(BY_NAME["get_user"], b"", query) == refused(BAD, field)


@pytest.mark.parametrize(
    "query", [b"userId=%FF", b"userId=\xff", b"%00=1", b"&".join(b"a%d=1" % n for n in range(101))]
)
def test_unreadable_queries_are_refused(query):
    assert wire.read(BY_NAME["get_user"], b"", query) == Refused(BAD)


def test_the_body_of_a_get_is_not_read():
    assert wire.read(BY_NAME["get_user"], b"\xff", b"userId=a") == GetUser(user_id="a")


def test_the_query_of_a_post_is_not_read():
    assert wire.read(BY_NAME["update_phone"], b"", b"updatePhoneToken=a") == refused(
        MISSING, "updatePhoneToken"
    )
    assert wire.read(BY_NAME["token"], b"", b"grant_type=refresh_token") == refused(MISSING, "grant_type")


def test_a_form_is_read_where_oauth_is_spoken():
    form = wire.read(
        BY_NAME["token"],
        b"grant_type=refresh_token&refresh_token=a%2Bb+c&client_id=app&client_secret=",
        b"",
        b"application/x-www-form-urlencoded; charset=utf-8",
    )
    assert form == TokenEndPointParams(grant_type="refresh_token", refresh_token="a+b c", client_id="app")


def test_a_form_names_each_parameter_once():
    assert wire.read(BY_NAME["token"], b"grant_type=refresh_token&grant_type=password", b"") == refused(
        BAD, "grant_type"
    )


def test_an_unknown_grant_is_for_the_action_to_refuse():
    form = wire.read(BY_NAME["token"], b"grant_type=urn%3Aodd", b"")
    assert form == TokenEndPointParams(grant_type="urn:odd")


def test_json_is_read_where_oauth_is_spoken_and_json_is_stated():
    body = b'{"grant_type":"refresh_token","refresh_token":"r","scope":null}'
    form = wire.read(BY_NAME["token"], body, b"", b"application/json")
    assert form == TokenEndPointParams(grant_type="refresh_token", refresh_token="r")


def test_user_info_reads_its_query_or_its_form():
    op = BY_NAME["user_info"]
    assert wire.read(op, b"", b"access_token=q") == UserInfoParams(access_token="q")
    assert wire.read(op, b"access_token=f", b"", method="POST") == UserInfoParams(access_token="f")
    assert wire.read(op, b"", b"", method="POST") == UserInfoParams()


# --- stated types -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stated", "fine"),
    [
        ("update_phone", None, True),
        ("update_phone", b"", True),
        ("update_phone", b"application/json", True),
        ("update_phone", b"Application/JSON ; charset=utf-8", True),
        ("update_phone", b"application/problem+json", True),
        ("update_phone", b"application/x-www-form-urlencoded", False),
        ("update_phone", b"text/plain", False),
        ("update_phone", b"multipart/form-data; boundary=x", False),
        ("update_phone", b"application/jsonp", False),
        ("update_phone", b"text/plain; application/json", False),
        ("token", b"application/x-www-form-urlencoded", True),
        ("token", b"application/x-www-form-urlencoded;charset=UTF-8", True),
        ("token", b"application/json", True),
        ("token", None, True),
        ("token", b"text/plain", False),
    ],
)
def test_types_that_can_be_read(name, stated, fine):
    assert wire.media_type_ok(BY_NAME[name], stated) is fine
