"""Registering and signing in by codes that came by e-mail, and completing an account while it is made."""

import re
import secrets
from typing import Any

import pytest
from genauth.AuthenticationClient import AuthenticationClient as Genauth

from ostiary import AsyncAuthenticationClient, AuthenticationClient
from ostiary.contract.keys import Key
from tests.authenticator import Authenticator, enrolled
from tests.journeys.hands import key, refusal, send, trail, wrong
from tests.service import LOGIN, REGISTER, Service

PASSWORD = "a horse of one's own"
RESET = "CHANNEL_RESET_PASSWORD"
LINK = "CHANNEL_VERIFY_EMAIL_LINK"
COMPLETE_PHONE, COMPLETE_EMAIL = "CHANNEL_COMPLETE_PHONE", "CHANNEL_COMPLETE_EMAIL"


def code(service: Service, channel: str, to: str) -> str:
    send(service.client(), channel, to)
    return service.code(to, channel)


def begun(service: Service, address: str) -> str:
    """The first half of a password reset: its token."""
    payload = {"email": address, "passCode": code(service, RESET, address)}
    granted = service.client().verify_reset_password_request(
        "EMAIL_PASSCODE", email_pass_code_payload=payload
    )
    return granted.data.password_reset_token


def with_authenticator(
    service: Service, client: AuthenticationClient, address: str
) -> tuple[str, AuthenticationClient]:
    """Enrol one in this session: its recovery code, and a sign-in of the same person that waits."""
    enrolment = client.send_enroll_factor_request({}, "OTP").data
    assert enrolment.otp_data
    app = Authenticator(service, enrolment.otp_data.qr_code_uri)
    client.enroll_factor({"passCode": app.code()}, enrolment.enrollment_token, "OTP")
    half = refusal(service.client().sign_in_by_email_password, address, PASSWORD)
    return enrolment.otp_data.recovery_code, service.client(half.data["mfaToken"])


def me(client: AuthenticationClient, tokens: Any) -> Any:
    return client.with_access_token(tokens.data.access_token).get_profile().data


def test_an_account_by_a_code_to_an_address(service: Service):
    client, address = service.client(), service.address()
    user = client.sign_up_by_email_passcode(address, code(service, REGISTER, address)).data
    assert (user.email, user.email_verified, user.phone) == (address, True, None)
    assert key(client.sign_up_by_email_passcode, address, "123456") == Key.CODE_EXPIRED  # used up
    tokens = client.sign_in_by_email_passcode(address.upper(), code(service, LOGIN, address))
    assert me(client, tokens).user_id == user.user_id
    assert key(client.sign_in_by_email_passcode, address, "123456") == Key.CODE_EXPIRED


def test_a_wrong_code_makes_no_account_and_tells_nothing(service: Service):
    client, taken, free = service.client(), service.person(sign_in=False).email, service.address()
    right = {address: code(service, REGISTER, address) for address in (taken, free)}
    for address in (taken, free):
        assert key(client.sign_up_by_email_passcode, address, wrong(right[address])) == Key.CODE_WRONG
    assert key(client.sign_up_by_email_passcode, taken, right[taken]) == Key.EMAIL_TAKEN


def test_an_address_without_an_account_signs_in_where_it_may_register(service: Service):
    client, address = service.client(), service.address()
    right = code(service, LOGIN, address)
    assert key(client.sign_in_by_email_passcode, address, right) == Key.USER_NOT_FOUND
    service.advance(61)
    tokens = client.sign_in_by_email_passcode(
        address, code(service, LOGIN, address), options={"autoRegister": True}
    )
    assert me(client, tokens).email_verified
    other = service.address()
    with service.settings(registerDisabled=True):
        right = code(service, LOGIN, other)
        assert (
            key(client.sign_in_by_email_passcode, other, right, options={"autoRegister": True})
            == Key.SIGN_UP_DISABLED
        )


def test_who_named_an_address_first_keeps_no_way_into_its_owners_account(service: Service):
    """Account pre-hijacking: the stranger registers the victim's address, and waits for the victim to sign in."""
    client, address = service.client(), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    stranger = client.with_access_token(client.sign_in_by_email_password(address, PASSWORD).data.access_token)
    stranger.get_profile()
    tokens = client.sign_in_by_email_passcode(address, code(service, LOGIN, address))
    assert me(client, tokens).email_verified
    assert key(client.sign_in_by_email_password, address, PASSWORD) == Key.WRONG_CREDENTIALS
    assert key(stranger.get_profile) == Key.LOGIN_EXPIRED


def test_a_reset_that_was_only_begun_proves_nothing(service: Service):
    """The victim begins a reset, goes, and signs in by a code: that is the address' first proof, and the takeover."""
    client, address = service.client(), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    stranger = client.with_access_token(client.sign_in_by_email_password(address, PASSWORD).data.access_token)
    begun(service, address)
    assert stranger.get_profile().data.email_verified is False
    tokens = client.sign_in_by_email_passcode(address, code(service, LOGIN, address))
    assert me(client, tokens).email_verified
    assert key(client.sign_in_by_email_password, address, PASSWORD) == Key.WRONG_CREDENTIALS
    assert key(stranger.get_profile) == Key.LOGIN_EXPIRED


def test_a_reset_gives_the_account_to_the_owner_of_its_address(service: Service):
    """The stranger even enrols an authenticator: it would keep the owner out, so it goes with the rest."""
    client, address = service.client(), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    stranger = client.with_access_token(client.sign_in_by_email_password(address, PASSWORD).data.access_token)
    recovery, waiting = with_authenticator(service, stranger, address)
    token = begun(service, address)
    assert client.reset_password("the owner's own words", token).data.success
    tokens = client.sign_in_by_email_password(address, "the owner's own words")
    owner = client.with_access_token(tokens.data.access_token)
    assert owner.get_profile().data.email_verified
    assert owner.list_enrolled_factors().data == []
    assert service.message(address, "factor_removed")
    assert service.message(address, "password_reset")
    assert key(waiting.mfa_recovery_code_verify, recovery) == Key.LOGIN_EXPIRED
    assert key(stranger.get_profile) == Key.LOGIN_EXPIRED
    assert key(client.sign_in_by_email_password, address, PASSWORD) == Key.WRONG_CREDENTIALS


def test_a_stranger_s_authenticator_does_not_keep_the_owner_out(service: Service):
    client, address = service.client(), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    stranger = client.with_access_token(client.sign_in_by_email_password(address, PASSWORD).data.access_token)
    recovery, waiting = with_authenticator(service, stranger, address)
    tokens = client.sign_in_by_email_passcode(address, code(service, LOGIN, address))
    owner = client.with_access_token(tokens.data.access_token)
    assert owner.list_enrolled_factors().data == []
    assert service.message(address, "factor_removed")
    assert key(waiting.mfa_recovery_code_verify, recovery) == Key.LOGIN_EXPIRED
    assert {"email_proven", "factor_removed"} <= trail(service, me(client, tokens).user_id)


def test_a_reset_that_was_begun_before_the_address_was_proven_is_over(service: Service):
    """Who read the mailbox then has no permission to take off the authenticator that its owner enrols."""
    client, address = service.client(), service.address()
    client.sign_up_by_email_password(address, PASSWORD)
    token, owner_s = begun(service, address), client.sign_in_by_email_password(address, PASSWORD).data
    owner = client.with_access_token(owner_s.access_token)
    send(client, LINK, address)
    page = service.message(address, LINK)["text"]
    [link] = re.findall(r"token=([^&\s]+)", page)
    assert service.http.post("/verify-email", data={"token": link, "lang": "en-US"}).status_code == 200
    assert owner.get_profile().data.email_verified
    with_authenticator(service, owner, address)
    assert key(client.reset_password, "the reader's own words", token) == Key.ONE_TIME_TOKEN_INVALID
    assert len(owner.list_enrolled_factors().data) == 1


@pytest.mark.parametrize("by", ["changes it", "takes its proof back"])
def test_an_administrator_s_address_is_no_way_past_a_factor(service: Service, by: str):
    """A stranger typed none of it. A help desk that is talked into changing an address opens no account."""
    ann = service.person(phone=False)
    app, _ = enrolled(ann)
    address = service.address() if by == "changes it" else ann.email
    change = {"email": address} if by == "changes it" else {"email_verified": False}
    assert not service.management.update_user(ann.user_id, **change).data.email_verified
    client = service.client()
    half = refusal(client.sign_in_by_email_passcode, address, code(service, LOGIN, address))
    assert half.key == Key.MFA_REQUIRED
    service.advance(61)
    client.reset_password("the reader's own words", begun(service, address))
    half = refusal(client.sign_in_by_email_password, address, "the reader's own words")
    assert half.key == Key.MFA_REQUIRED
    tokens = service.client(half.data["mfaToken"]).mfa_otp_verify(app.code())
    assert me(client, tokens).email_verified


def test_a_proven_address_is_its_own_account_s_for_good(service: Service):
    """No takeover of who has proven the address long ago: a reset leaves their authenticator where it is."""
    ann = service.person()
    enrolled(ann)
    service.client().reset_password("the owner's own words", begun(service, ann.email))
    half = refusal(service.client().sign_in_by_email_password, ann.email, "the owner's own words")
    assert half.api_code == 1635


def test_an_unproven_address_opens_no_account_of_somebody_who_proved_a_number(service: Service):
    person = service.person(email_verified=False)
    client = service.client()
    assert (
        key(client.sign_in_by_email_passcode, person.email, code(service, LOGIN, person.email))
        == Key.USER_NOT_FOUND
    )
    assert client.sign_in_by_username_password(person.username, person.password).data.access_token
    assert person.client.get_profile().data.email_verified is False


def test_number_address_and_password_in_one_sign_up(service: Service):
    client, number, address = service.client(), service.number(), service.address()
    user = client.sign_up(
        "PASSCODE",
        pass_code_payload={"phone": number, "passCode": code(service, REGISTER, number)},
        profile={"email": address, "nickname": "Ann"},
        options={
            "emailPassCodeForInformationCompletion": code(service, COMPLETE_EMAIL, address),
            "passwordForPhonePassCode": PASSWORD,
        },
    ).data
    assert (user.email, user.email_verified, user.phone_verified, user.nickname) == (
        address,
        True,
        True,
        "Ann",
    )
    tokens = client.sign_in_by_phone_password(number.removeprefix("+86"), PASSWORD)
    assert me(client, tokens).user_id == user.user_id


def test_a_number_beside_a_user_name_needs_its_code(service: Service):
    client, number = service.client(), service.number()
    right = code(service, COMPLETE_PHONE, number)
    name = f"full{secrets.token_hex(4)}"

    def sign_up(**options: Any) -> Any:
        return client.sign_up(
            "PASSWORD",
            password_payload={"username": name, "password": PASSWORD},
            profile={"phone": number},
            options=options,
        )

    missing = refusal(sign_up)
    assert missing.key == Key.PARAMETERS_INCOMPLETE
    assert missing.data["field"] == "phonePassCodeForInformationCompletion"
    assert key(sign_up, phonePassCodeForInformationCompletion=wrong(right)) == Key.CODE_WRONG
    assert sign_up(phonePassCodeForInformationCompletion=right).data.phone_verified
    assert client.sign_in_by_username_password(name, PASSWORD).data.access_token


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"options": {"emailPassCodeForInformationCompletion": "123456"}}, "email"),
        ({"options": {"phonePassCodeForInformationCompletion": "123456"}}, "phone"),
        ({"profile": {"email": "a@example.com"}}, "emailPassCodeForInformationCompletion"),
        (
            {"profile": {"phone": "nothing"}, "options": {"phonePassCodeForInformationCompletion": "123456"}},
            "phone",
        ),
        (
            {
                "profile": {"email": "b@example.com"},
                "options": {"emailPassCodeForInformationCompletion": "12ab"},
            },
            "emailPassCodeForInformationCompletion",
        ),
        (
            {
                "passwordPayload": {"email": "a@example.com", "password": PASSWORD},
                "profile": {"email": "b@example.com"},
                "options": {"emailPassCodeForInformationCompletion": "123456"},
            },
            "email",
        ),
        ({"profile": {"customData": {"vip": True}}}, "vip"),
    ],
)
def test_completions_that_are_none(service: Service, form: dict[str, object], field: str):
    plain = {"connection": "PASSWORD", "passwordPayload": {"username": "no-one", "password": PASSWORD}}
    headers = {"x-genauth-app-id": service.ids["appId"]}
    answer = service.http.post("/api/v3/signup", json=plain | form, headers=headers).json()
    assert answer["statusCode"] == 400
    assert answer["data"]["field"] == field


def test_cve_2026_108162_the_address_of_a_person_is_believed_from_a_backend_only(service: Service):
    """CVE-2026-108162 and its like: an address that the caller makes up changes nothing."""
    person = service.person(sign_in=False)
    client = service.client()
    tokens = client.sign_in_by_username_password(
        person.username, person.password, options={"clientIp": "203.0.113.9"}
    )
    assert me(client, tokens).last_ip == "127.0.0.1"


def test_accounts_from_one_address_are_counted_where_the_pool_says_so(service: Service):
    client = service.client()

    def sign_up() -> Any:
        return client.sign_up_by_username_password(f"many{secrets.token_hex(4)}", PASSWORD)

    with service.settings(registerAnomalyDetection={"enabled": True, "limit": 2, "timeInterval": 60}):
        sign_up()
        sign_up()
        refused = refusal(sign_up)
        assert (refused.key, refused.status_code, refused.api_code) == (Key.SIGN_UP_TOO_OFTEN, 429, 2100)
        assert 0 < refused.data["retryAfter"] <= 60
        service.advance(61)
        sign_up()


async def test_the_async_client_signs_in_by_an_address(service: Service):
    person = service.person(sign_in=False)
    right = code(service, LOGIN, person.email)
    async with AsyncAuthenticationClient(
        service.ids["appId"], service.url, app_secret=service.ids["appSecret"]
    ) as client:
        tokens = await client.sign_in_by_email_passcode(person.email, right)
    assert tokens.data.access_token


def test_genauth_registers_and_signs_in_by_an_address(service: Service):
    client = Genauth(app_id=service.ids["appId"], app_host=service.url, app_secret=service.ids["appSecret"])
    address = service.address()
    assert client.send_email("CHANNEL_REGISTER", address)["statusCode"] == 200
    made = client.sign_up_by_email_passcode(
        email=address, pass_code=service.code(address, REGISTER), options={"context": None}
    )
    assert made["data"]["emailVerified"] is True
    client.send_email("CHANNEL_LOGIN", address)
    tokens = client.sign_in_by_email_passcode(email=address, pass_code=service.code(address, LOGIN))
    assert tokens["data"]["access_token"]
