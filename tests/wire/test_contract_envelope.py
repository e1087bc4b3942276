"""Golden envelopes: bytes as they leave."""

import pytest

from ostiary.contract import envelope
from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.profile import User, VerifyUpdatePhoneRequestData
from ostiary.contract.signin import LoginTokenResponseData

GRANTED = VerifyUpdatePhoneRequestData(update_phone_token="upt_x", token_expires_in=60)
TOKENS = LoginTokenResponseData(access_token="a", token_type="Bearer", expire_in=7200, expires_in=7200)
USER = User(
    user_id="6a1b2c3d4e5f60718293a4b5",
    created_at="2026-07-03T03:22:30.000Z",
    updated_at="2026-07-03T03:22:30.000Z",
    status="Activated",
    work_status="Active",
    gender="U",
    email_verified=False,
    phone_verified=True,
    phone="13800138000",
    phone_country_code="+86",
    user_source_type="register",
    custom_data={"shoe": None, "note": ""},
)


@pytest.mark.parametrize(
    ("data", "golden"),
    [
        (None, '{"statusCode":200,"message":"操作成功","requestId":"r-1"}'),
        (
            IsSuccess(success=True),
            '{"statusCode":200,"message":"操作成功","requestId":"r-1","data":{"success":true}}',
        ),
        (
            GRANTED,
            (
                '{"statusCode":200,"message":"操作成功","requestId":"r-1",'
                '"data":{"updatePhoneToken":"upt_x","tokenExpiresIn":60}}'
            ),
        ),
        (
            TOKENS,
            (
                '{"statusCode":200,"message":"操作成功","requestId":"r-1","data":{"access_token":"a",'
                '"token_type":"Bearer","expire_in":7200,"expires_in":7200}}'
            ),
        ),
        (
            USER,
            (
                '{"statusCode":200,"message":"操作成功","requestId":"r-1","data":{"userId":"6a1b2c3d4e5f60718293a4b5",'
                '"createdAt":"2026-07-03T03:22:30.000Z","updatedAt":"2026-07-03T03:22:30.000Z","status":"Activated",'
                '"workStatus":"Active","phone":"13800138000","phoneCountryCode":"+86","gender":"U",'
                '"emailVerified":false,"phoneVerified":true,"userSourceType":"register",'
                '"customData":{"shoe":null,"note":""}}}'
            ),
        ),
    ],
    ids=["nothing", "success", "grant", "tokens", "user"],
)
def test_a_success(data, golden):
    assert envelope.ok(data, envelope.done("zh-CN"), "r-1").decode() == golden


@pytest.mark.parametrize(
    ("key", "lang", "data", "golden"),
    [
        (
            Key.CODE_WRONG,
            "en-US",
            None,
            (
                '{"statusCode":422,"message":"The verification code is incorrect: check it and enter it again",'
                '"apiCode":2001,"requestId":"r-1"}'
            ),
        ),
        (
            Key.PARAMETERS_INCOMPLETE,
            "zh-CN",
            {"field": "newPhonePassCode", "path": "phonePassCodePayload.newPhonePassCode"},
            (
                '{"statusCode":400,"message":"缺少必填参数 newPhonePassCode，请补充后重试","apiCode":2231,'
                '"requestId":"r-1","data":{"field":"newPhonePassCode",'
                '"path":"phonePassCodePayload.newPhonePassCode"}}'
            ),
        ),
        (
            Key.BAD_REQUEST,
            "en-US",
            {"field": "verifyMethod"},
            (
                '{"statusCode":400,"message":"The parameter verifyMethod has an invalid type or value: correct it and '
                'try again","requestId":"r-1","data":{"field":"verifyMethod"}}'
            ),
        ),
        (
            Key.SMS_TOO_OFTEN,
            "en-US",
            {"retryAfter": 41},
            (
                '{"statusCode":429,"message":"Too many messages requested: try again in 41 seconds",'
                '"apiCode":4004,"requestId":"r-1","data":{"retryAfter":41}}'
            ),
        ),
        (
            Key.UPDATE_TOKEN_USED,
            "en-US",
            {"success": True},
            (
                '{"statusCode":409,"message":"The change has already been made: there is nothing more to do",'
                '"apiCode":91003,"requestId":"r-1","data":{"success":true}}'
            ),
        ),
        (
            Key.NOT_FOUND,
            "en-US",
            {},
            '{"statusCode":404,"message":"There is no such path: check the URL","requestId":"r-1"}',
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Key) else None,
)
def test_a_refusal(key, lang, data, golden):
    assert envelope.no(key, lang, "r-1", data).decode() == golden


@pytest.mark.parametrize("key", Key)
def test_http_status_is_200_wherever_an_operation_answers(key):
    real = {404, 405, 413, 415, 429, 500, 503}
    assert envelope.http_status(key) == 200 or envelope.http_status(key) in real
