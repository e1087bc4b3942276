"""Members → Structs: absence, types, the field that is named, options, queries and forms."""

from typing import Any

import pytest

from ostiary.contract.management import GetUser, ListUsersRequest, Pagination, UpdateUser
from ostiary.contract.operations import BY_NAME, OPERATIONS
from ostiary.contract.profile import GetProfile, VerifyUpdatePhoneRequest
from ostiary.contract.signin import SigninByCredentials
from ostiary.contract.tokens import TokenEndPointParams, UserInfoParams
from ostiary.server.core.refused import Refused
from ostiary.server.web import wire
from tests.wire.forms import BAD, LEAST, MISSING, PASSWORD, VERIFY, is_text, merged, read, refused


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
