"""The catalogue: numbers are frozen here, digit by digit. A number that changes breaks programs that are out there."""

import re

import pytest

from ostiary.contract.errors import CATALOGUE, SUCCESS
from ostiary.contract.keys import Key
from ostiary.contract.openapi import build
from ostiary.contract.operations import OPERATIONS, common_errors

# key: (statusCode, apiCode, HTTP status). Lines are added, never changed, and a number is never used again.
FROZEN = {
    "parameters_incomplete": (400, 2231, 200),
    "bad_request": (400, None, 200),
    "bad_json": (400, None, 200),
    "not_implemented": (501, None, 200),
    "not_served": (501, None, 200),
    "role_not_found": (404, 91050, 200),
    "role_taken": (409, 91051, 200),
    "group_not_found": (404, 91052, 200),
    "group_taken": (409, 91053, 200),
    "not_logged_in": (401, 2020, 200),
    "login_expired": (401, 2206, 200),
    "login_invalid": (401, 2207, 200),
    "app_not_allowed": (403, 91009, 200),
    "app_not_found": (404, 2011, 200),
    "user_pool_not_found": (404, 2224, 200),
    "client_authentication_failed": (401, None, 200),
    "access_key_invalid": (401, 1300, 200),
    "reauth_required": (403, 91006, 200),
    "user_not_found": (404, 2004, 200),
    "user_locked": (403, 2005, 200),
    "wrong_credentials": (403, 2333, 200),
    "user_exists": (409, 2026, 200),
    "username_taken": (409, 2034, 200),
    "email_taken": (409, 2200, 200),
    "sign_up_disabled": (403, 2031, 200),
    "sign_up_too_often": (429, 2100, 200),
    "captcha_required": (403, 2000, 200),
    "password_not_decrypted": (400, 2016, 200),
    "password_too_short": (422, 2029, 200),
    "password_common": (422, 2061, 200),
    "password_used_before": (422, 2059, 200),
    "phone_by_other_door": (403, 2226, 200),
    "email_by_other_door": (403, 2225, 200),
    "last_way_in": (422, 2217, 200),
    "field_not_editable": (403, 91012, 200),
    "old_password_required": (400, 2201, 200),
    "old_password_wrong": (403, 2203, 200),
    "one_time_token_invalid": (403, 91011, 200),
    "bad_contact": (400, 2028, 200),
    "number_not_served": (422, 91007, 200),
    "same_phone": (422, 2230, 200),
    "old_phone_required": (400, 91001, 200),
    "old_phone_mismatch": (422, 2038, 200),
    "phone_not_bound": (422, 91004, 200),
    "phone_already_bound": (422, 91010, 200),
    "phone_taken": (409, 2035, 200),
    "same_email": (422, 2229, 200),
    "old_email_required": (400, 2227, 200),
    "old_email_mismatch": (422, 2037, 200),
    "email_not_bound": (422, 2219, 200),
    "email_already_bound": (422, 91030, 200),
    "code_wrong": (422, 2001, 200),
    "code_expired": (422, 2300, 200),
    "guesses_spent": (429, 91005, 200),
    "update_token_invalid": (403, 91002, 200),
    "update_token_used": (409, 91003, 200),
    "mfa_required": (401, 1635, 200),
    "app_mfa_required": (401, 1636, 200),
    "totp_wrong": (422, 6001, 200),
    "recovery_code_wrong": (422, 6002, 200),
    "factor_not_found": (404, 91040, 200),
    "factor_enrolled": (409, 91041, 200),
    "factor_not_served": (422, 91042, 200),
    "device_not_found": (404, 91017, 200),
    "sms_too_often": (429, 4004, 200),
    "email_too_often": (429, 2080, 200),
    "sending_paused": (429, 91008, 200),
    "not_found": (404, None, 404),
    "method_not_allowed": (405, None, 405),
    "body_too_large": (413, None, 413),
    "unsupported_media_type": (415, None, 415),
    "throttled": (429, None, 429),
    "internal": (500, None, 500),
    "unavailable": (503, None, 503),
}


def test_numbers_are_frozen():
    assert {
        key.value: (row.status_code, row.api_code, row.http_status) for key, row in CATALOGUE.items()
    } == FROZEN


def test_every_key_has_its_row():
    assert set(CATALOGUE) == set(Key)


def test_an_api_code_means_one_thing():
    codes = [row.api_code for row in CATALOGUE.values() if row.api_code]
    assert len(codes) == len(set(codes))


def test_no_refusal_looks_like_a_success():
    assert all(row.status_code != 200 for row in CATALOGUE.values())


@pytest.mark.parametrize("key", Key)
def test_sentences_are_whole_in_both_languages(key):
    row = CATALOGUE[key]
    for facts in (None, {"field": "newPhoneNumber"}, {"retryAfter": 42}, {"field": "x", "retryAfter": 1}):
        zh, en = row.sentence("zh-CN", facts), row.sentence("en-US", facts)
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert not re.search(r"[\u4e00-\u9fff]", en)
        assert "{" not in zh + en
        assert not en.endswith(".")
    assert row.hint_en.strip().endswith(".")


@pytest.mark.parametrize("lang", ["zh-CN", "en-US"])
def test_form_errors_name_the_field(lang):
    for key in (Key.PARAMETERS_INCOMPLETE, Key.BAD_REQUEST, Key.NOT_IMPLEMENTED):
        assert "newPhonePassCode" in CATALOGUE[key].sentence(lang, {"field": "newPhonePassCode"})


@pytest.mark.parametrize("lang", ["zh-CN", "en-US"])
def test_waiting_is_told_in_seconds(lang):
    for key in (Key.SMS_TOO_OFTEN, Key.EMAIL_TOO_OFTEN, Key.GUESSES_SPENT):
        assert "37" in CATALOGUE[key].sentence(lang, {"retryAfter": 37})


def test_a_field_name_is_no_template():
    assert "{seconds}" in CATALOGUE[Key.BAD_REQUEST].sentence(
        "en-US", {"field": "{seconds}", "retryAfter": 1}
    )


def test_success_has_both_languages():
    assert set(SUCCESS) == {"zh-CN", "en-US"}


def test_operations_name_each_error_once():
    for op in OPERATIONS:
        named = [*common_errors(op), *op.own_errors]
        assert len(named) == len(set(named)), op.name
        assert all(CATALOGUE[key].http_status == 200 for key in named), op.name


def test_openapi_tells_the_numbers():
    told = build()["paths"]["/api/v3/verify-update-phone-request"]["post"]["x-ostiary-errors"]
    assert {"key": "phone_taken", "statusCode": 409, "apiCode": 2035} in told
    assert {"key": "guesses_spent", "statusCode": 429, "apiCode": 91005} in told
