"""A second factor, from the QR code to the tokens: docs/second-factors.md, lived through."""

import base64
import re
import secrets

import pyotp
import pytest

from ostiary import AsyncAuthenticationClient
from ostiary.client.errors import LoginExpired, LoginInvalid, ParameterError, ReauthenticationRequired
from tests.authenticator import claims, enrolled, enrolled_sms, finished, half_signed_in
from tests.journeys.hands import key, new_code, pair, prove, refusal, send, texts, trail
from tests.service import LOGIN, Service
from tests.shell import Shell


def kinds(client) -> list[str]:
    return [factor.factor_type for factor in client.list_enrolled_factors().data]


def test_from_the_qr_code_to_the_tokens(service: Service):
    ann = service.person()
    free = [factor.factor_type for factor in ann.client.list_factors_to_enroll().data]
    assert free == ["OTP", "SMS", "EMAIL"]
    begun = ann.client.send_enroll_factor_request({}, "OTP").data
    assert begun.otp_data
    assert begun.otp_data.qr_code_uri.startswith("otpauth://totp/")
    assert base64.b64decode(
        begun.otp_data.qr_code_data_url.removeprefix("data:image/png;base64,")
    ).startswith(b"\x89PNG")
    assert re.fullmatch(r"([0-9a-f]{4}-){5}[0-9a-f]{4}", begun.otp_data.recovery_code)
    assert kinds(ann.client) == [], "nothing is enrolled before the app has shown that it works"

    app, _recovery = enrolled(ann)  # begins anew: the first QR code is worth nothing now
    [factor] = ann.client.list_enrolled_factors().data
    assert (factor.factor_type, factor.profile) == ("OTP", {})
    assert ann.client.get_factor(factor.factor_id).data == factor
    assert [one.factor_type for one in ann.client.list_factors_to_enroll().data] == ["SMS", "EMAIL"]
    for address in (str(ann.phone), ann.email):
        assert service.message(address, "factor_enrolled")
    assert ann.client.get_security_level().data.mfa_enrolled

    half = half_signed_in(ann, "openid profile offline_access")
    assert (half.status_code, half.api_code) == (401, 1635)
    assert half.factors == [{"factorId": factor.factor_id, "factorType": "OTP", "profile": {}}]
    told = service.client().verify_mfa_token(half.mfa_token)
    assert told.active
    assert told.user_id == ann.user_id
    assert told.exp
    assert told.iat
    assert told.exp - told.iat == 360

    pending = service.client(half.mfa_token)
    assert key(pending.mfa_otp_verify, app.wrong()) == "totp_wrong"
    done = pending.mfa_otp_verify(app.code()).data
    assert done.verified
    assert done.expires_in == done.expire_in == 7_200
    assert claims(done.id_token)["amr"] == ["pwd", "otp", "mfa"]
    assert service.client(done.access_token).get_profile().data.user_id == ann.user_id
    refreshed = service.client().get_new_access_token_by_refresh_token(str(done.refresh_token))
    assert claims(refreshed.id_token)["amr"] == ["pwd", "otp", "mfa"], "a refresh keeps how it was signed in"

    assert not service.client().verify_mfa_token(half.mfa_token).active, "it opened its session, once"
    assert refusal(pending.mfa_otp_verify, app.code()).__class__ is LoginExpired


def test_codes_by_sms_to_a_number_of_their_own(service: Service):
    ann, second = service.person(), service.number()
    enrolled_sms(ann, second)
    [factor] = ann.client.list_enrolled_factors().data
    assert factor.profile == {"phoneNumber": second.removeprefix("+86"), "phoneCountryCode": "+86"}

    half = half_signed_in(ann)
    [offered] = half.factors
    assert offered["profile"] == {"phoneNumber": f"{second[:6]}****{second[-4:]}"}, (
        "a password tells no number"
    )
    pending = service.client(half.mfa_token)
    pending.send_mfa_code(factor.factor_id)
    code = service.code(second, "CHANNEL_VERIFY_MFA")
    assert key(pending.mfa_factor_verify, factor.factor_id, code[::-1] if code != code[::-1] else "000000")
    done = pending.mfa_factor_verify(factor.factor_id, code).data
    assert claims(done.id_token)["amr"] == ["pwd", "sms", "mfa"]
    assert key(pending.mfa_factor_verify, factor.factor_id, code) == "login_expired"


def test_codes_by_e_mail(service: Service):
    ann, second = service.person(), service.address()
    begun = ann.client.send_enroll_factor_request({"email": second.upper()}, "EMAIL").data
    code = service.code(second, "CHANNEL_BIND_MFA")
    ann.client.enroll_factor({"passCode": code}, begun.enrollment_token, "EMAIL")
    [factor] = ann.client.list_enrolled_factors().data
    assert factor.profile == {"email": second}
    half = half_signed_in(ann)
    assert half.factors[0]["profile"]["email"].startswith(f"{second[0]}****@")
    pending = service.client(half.mfa_token)
    pending.send_email("CHANNEL_VERIFY_MFA", second)  # the incumbent's way, for who knows the address
    done = pending.mfa_factor_verify(factor.factor_id, service.code(second, "CHANNEL_VERIFY_MFA")).data
    assert claims(done.id_token)["amr"] == ["pwd", "email", "mfa"]


def test_the_recovery_code_gets_in_once_and_takes_the_authenticator_with_it(service: Service):
    ann = service.person()
    _app, recovery = enrolled(ann)
    half = half_signed_in(ann)
    pending = service.client(half.mfa_token)
    assert key(pending.mfa_recovery_code_verify, "0000-" * 5 + "0000") == "recovery_code_wrong"
    done = pending.mfa_recovery_code_verify(recovery.upper().replace("-", " ")).data
    client = service.client(done.access_token)
    assert kinds(client) == []
    for address in (str(ann.phone), ann.email):
        assert service.message(address, "recovery_code_used")
    assert ann.signed_in().get_profile().data.user_id == ann.user_id, "nothing is asked for any more"
    enrolled(ann, client)  # and a new one can be enrolled at once
    assert (
        key(service.client(half_signed_in(ann).mfa_token).mfa_recovery_code_verify, recovery)
        == "recovery_code_wrong"
    )


def test_a_used_recovery_code_signs_out_whoever_has_the_lost_app(service: Service):
    """The old devices, and whoever waits with the password, are out; a pool that leaves others signed in leaves them."""
    ann = service.person()
    app, recovery = enrolled(ann)
    thief, waiting = finished(ann, app), half_signed_in(ann)
    pending = service.client(half_signed_in(ann, "openid profile offline_access").mfa_token)
    done = pending.mfa_recovery_code_verify(recovery).data
    for client in (ann.client, thief):
        assert isinstance(refusal(client.get_profile), LoginExpired)
    assert not service.client().verify_mfa_token(waiting.mfa_token).active
    assert key(service.client(waiting.mfa_token).mfa_recovery_code_verify, recovery) == "login_expired"
    mine = service.client(done.access_token)
    assert mine.get_profile().data.user_id == ann.user_id, "the promised session opened in the new epoch"
    assert service.client().get_new_access_token_by_refresh_token(str(done.refresh_token)).access_token

    with service.settings(endOtherSessions=False):
        _app, recovery = enrolled(ann, mine)
        other = service.client(half_signed_in(ann).mfa_token)
        other.mfa_recovery_code_verify(recovery)
        assert mine.get_profile().data.user_id == ann.user_id


def test_a_recovery_code_shown_by_who_is_signed_in_ends_the_others(service: Service):
    ann = service.person()
    app, recovery = enrolled(ann)
    other = finished(ann, app)
    assert ann.client.mfa_recovery_code_verify(recovery).data.access_token is None, "signed in already"
    assert ann.client.get_profile().data.user_id == ann.user_id
    assert isinstance(refusal(other.get_profile), LoginExpired)


def test_a_factor_at_the_number_that_is_given_up_follows_to_the_new_one(service: Service):
    ann, new = service.person(), service.number()
    assert ann.phone
    enrolled_sms(ann, ann.phone)
    ann.client.update_phone(prove(ann, new))
    [factor] = ann.client.list_enrolled_factors().data
    assert factor.profile == {"phoneNumber": new.removeprefix("+86"), "phoneCountryCode": "+86"}
    half = half_signed_in(ann)
    pending = service.client(half.mfa_token)
    pending.send_mfa_code(factor.factor_id)
    done = pending.mfa_factor_verify(factor.factor_id, service.code(new, "CHANNEL_VERIFY_MFA")).data
    assert done.access_token
    assert texts(service, ann.phone, "CHANNEL_VERIFY_MFA") == []
    assert "factor_followed" in trail(service, ann.user_id)


def test_a_factor_at_another_number_stays_there(service: Service):
    ann, second = service.person(), service.number()
    enrolled_sms(ann, second)
    ann.client.update_phone(prove(ann, service.number()))
    [factor] = ann.client.list_enrolled_factors().data
    assert factor.profile["phoneNumber"] == second.removeprefix("+86")


def test_a_factor_that_the_session_has_not_used_stays_where_it_is(service: Service):
    """The token was granted before the factor was there: its session must not get hold of the factor's codes."""
    ann = service.person()
    assert ann.phone
    with service.settings(endOtherSessions=False):
        token, other = prove(ann, service.number()), ann.signed_in()
        enrolled_sms(ann, ann.phone, other)
        ann.client.update_phone(token)
        [factor] = other.list_enrolled_factors().data
        assert factor.profile["phoneNumber"] == ann.national


def test_the_change_of_number_wants_the_factor_to_have_been_used(service: Service):
    """phone-change.md §5, row 6: looked at when it is asked for, old number's proof or not."""
    ann, new = service.person(), service.number()
    with service.settings(endOtherSessions=False):
        other = ann.signed_in()
        app, _ = enrolled(ann)
        typed = pair(new, new_code(ann, new, client=other))
        asked = refusal(
            other.verify_update_phone_request,
            typed | {"oldPhoneNumber": ann.phone, "oldPhonePassCode": "123456"},
        )
        assert isinstance(asked, ReauthenticationRequired)
        assert asked.methods == ["OTP"]
        assert other.mfa_otp_verify(app.code()).data.access_token is None, "signed in already"
        service.advance(minutes=1)
        token = prove(ann, service.number(), client=other)
        assert other.update_phone(token).data.success


def test_the_session_that_enrolled_a_factor_has_used_it(service: Service):
    ann = service.person()
    enrolled(ann)
    assert ann.client.update_phone(prove(ann, service.number())).data.success


def test_removing_a_factor(service: Service):
    ann, ben = service.person(), service.person()
    app, _ = enrolled(ann)
    [factor] = ann.client.list_enrolled_factors().data
    assert key(ben.client.reset_factor, factor.factor_id) == "factor_not_found", "another one's"
    assert key(ben.client.get_factor, factor.factor_id) == "factor_not_found"
    client = finished(ann, app)
    client.reset_factor(factor.factor_id)
    assert kinds(client) == []
    for address in (str(ann.phone), ann.email):
        assert service.message(address, "factor_removed")
    assert ann.signed_in().get_profile().data.user_id == ann.user_id
    assert key(client.reset_factor, factor.factor_id) == "factor_not_found"


def test_who_enrols_or_removes_has_signed_in_lately(service: Service):
    ann = service.person()
    enrolled(ann)
    [factor] = ann.client.list_enrolled_factors().data
    begun = ann.client.send_enroll_factor_request({"phoneNumber": service.number()}, "SMS").data
    service.advance(minutes=16)
    assert key(ann.client.reset_factor, factor.factor_id) == "reauth_required"
    assert (
        key(ann.client.send_enroll_factor_request, {"phoneNumber": service.number()}, "SMS")
        == "reauth_required"
    )
    assert key(ann.client.enroll_factor, {"passCode": "123456"}, begun.enrollment_token, "SMS") is not None
    assert kinds(ann.client) == ["OTP"]


def test_enrolling_ends_the_other_sessions(service: Service):
    ann = service.person()
    other = ann.signed_in()
    waiting = ann.signed_in()
    enrolled(ann)
    for client in (other, waiting):
        assert isinstance(refusal(client.get_profile), LoginExpired)
    assert ann.client.get_profile().data.user_id == ann.user_id


def test_an_enrolment_has_a_minute_and_one_taker(service: Service):
    ann = service.person()
    begun = ann.client.send_enroll_factor_request({"phoneNumber": service.number()}, "SMS").data
    service.advance(seconds=61)
    assert key(ann.client.enroll_factor, {"passCode": "123456"}, begun.enrollment_token, "SMS") == (
        "one_time_token_invalid"
    )
    ben = service.person()
    number = service.number()
    begun = ann.client.send_enroll_factor_request({"phoneNumber": number}, "SMS").data
    code = service.code(number, "CHANNEL_BIND_MFA")
    assert (
        key(ben.client.enroll_factor, {"passCode": code}, begun.enrollment_token, "SMS")
        == "one_time_token_invalid"
    )
    mixed_up = refusal(ann.client.enroll_factor, {"passCode": code}, begun.enrollment_token, "OTP")
    assert isinstance(mixed_up, ParameterError)
    assert mixed_up.field == "factorType"
    wrong = f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"
    assert key(ann.client.enroll_factor, {"passCode": wrong}, begun.enrollment_token, "SMS") == "code_wrong"
    ann.client.enroll_factor(
        {"passCode": code}, begun.enrollment_token, "SMS"
    )  # a mistyped code left the token good
    ann.client.enroll_factor({"passCode": code}, begun.enrollment_token, "SMS")  # a retry after a lost answer
    assert kinds(ann.client) == ["SMS"]
    assert key(ann.client.send_enroll_factor_request, {"phoneNumber": number}, "SMS") == "factor_enrolled"


def test_a_pool_decides_which_factors_are_in_use(service: Service):
    ann, ben = service.person(), service.person()
    app, _ = enrolled(ann)
    with service.settings(enabledFactors=[]):
        assert ann.signed_in().get_profile().data.user_id == ann.user_id
        assert ben.client.list_factors_to_enroll().data == []
        assert key(ben.client.send_enroll_factor_request, {}, "OTP") == "factor_not_served"
    with service.settings(enabledFactors=["SMS"]):
        assert [one.factor_type for one in ben.client.list_factors_to_enroll().data] == ["SMS"]
        assert ann.signed_in().get_profile().data.user_id == ann.user_id
    assert finished(ann, app).get_profile().data.user_id == ann.user_id


def test_one_number_proves_one_thing(service: Service):
    """A code to the number that is the only factor is no second step after a sign-in by a code to that number."""
    ann = service.person()
    assert ann.phone
    enrolled_sms(ann, ann.phone)
    send(service.client(), LOGIN, ann.phone)
    payload = {"phone": ann.phone, "passCode": service.code(ann.phone, LOGIN)}
    asked = refusal(service.client().sign_in_by_credentials, "PASSCODE", pass_code_payload=payload)
    assert isinstance(asked, ReauthenticationRequired)
    assert asked.methods == ["PASSWORD", "EMAIL_PASSCODE"]
    half = half_signed_in(ann)
    pending = service.client(half.mfa_token)
    pending.send_mfa_code(half.factors[0]["factorId"])
    assert pending.mfa_factor_verify(
        half.factors[0]["factorId"], service.code(ann.phone, "CHANNEL_VERIFY_MFA")
    ).data.access_token


def test_the_waiting_sign_in_ends_with_the_account_s_other_sessions(service: Service):
    ann = service.person()
    app, _ = enrolled(ann)
    half = half_signed_in(ann)
    client = finished(ann, app)
    client.update_phone(prove(ann, service.number(), client=client))
    assert key(service.client(half.mfa_token).mfa_otp_verify, app.code()) == "login_expired"
    half = half_signed_in(ann)
    service.advance(seconds=361)
    assert key(service.client(half.mfa_token).mfa_otp_verify, "123456") == "login_expired"
    assert not service.client().verify_mfa_token(half.mfa_token).active


def test_an_mfa_token_opens_nothing_else(service: Service):
    ann, ben = service.person(), service.person()
    enrolled(ann)
    pending = service.client(half_signed_in(ann).mfa_token)
    assert isinstance(refusal(pending.get_profile), LoginInvalid)
    assert isinstance(refusal(pending.list_enrolled_factors), LoginInvalid)
    number = service.number()
    pending.send_sms("CHANNEL_LOGIN", number)  # where nobody needs to be signed in it counts as none
    assert texts(service, number, "CHANNEL_LOGIN")
    for other in (
        "",
        "garbage",
        service.client().sign_in_by_username_password(ben.username, ben.password).data.access_token,
    ):
        assert not service.client().verify_mfa_token(str(other)).active


@pytest.mark.anyio
async def test_the_same_from_asynchronous_code(service: Service):
    ann = service.person()
    app, _ = enrolled(ann)
    half = half_signed_in(ann)
    async with AsyncAuthenticationClient(
        service.ids["appId"], service.url, app_secret=service.ids["appSecret"], access_token=half.mfa_token
    ) as client:
        done = (await client.mfa_otp_verify(app.code())).data
        client.set_access_token(done.access_token)
        assert (await client.get_profile()).data.user_id == ann.user_id


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_an_operator_helps_who_has_lost_everything(service: Service):
    ann = service.person()
    enrolled(ann)
    shell = Shell(service.folder, service.database or f"sqlite:///{service.folder}/ostiary.db")
    for name in ("nobody-of-this-name", service.person(sign_in=False).username):
        assert "no" in shell("users", "reset-factors", name, code=1).err
    assert shell("users", "reset-factors", ann.email, "--json").json == {"removed": ["OTP"]}
    assert isinstance(refusal(ann.client.get_profile), LoginExpired), "sessions end"
    for address in (str(ann.phone), ann.email):
        assert any(
            word in service.message(address, "factor_removed")["text"] for word in ("管理员", "administrator")
        )
    assert ann.signed_in().get_profile().data.user_id == ann.user_id


@pytest.mark.parametrize("name", ["😀" * 256, "字" * 250])
def test_a_name_of_any_length_fits_into_the_picture(service: Service, name: str):
    client = service.client()
    name = secrets.token_hex(4) + name[8:]
    client.sign_up_by_username_password(name, "a horse of one's own")
    tokens = client.sign_in_by_username_password(name, "a horse of one's own").data
    begun = client.with_access_token(tokens.access_token).send_enroll_factor_request({}, "OTP").data
    assert begun.otp_data
    assert begun.otp_data.qr_code_data_url.startswith("data:image/png;base64,")
    shown = pyotp.parse_uri(begun.otp_data.qr_code_uri).name
    assert shown
    assert shown.endswith("…")
    assert name.startswith(shown.removesuffix("…"))
