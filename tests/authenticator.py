"""An authenticator app for tests, and people who have one."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest

from ostiary import AuthenticationClient
from ostiary.client.errors import SecondFactorRequired
from tests.service import Person, Service


def claims(token: str | None) -> dict[str, Any]:
    """What a token says, unverified."""
    assert token
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def now(service: Service) -> int:
    """The service's clock, in seconds: what it stamps on a token that is made just now."""
    key = {"accessKeyId": service.ids["accessKeyId"], "accessKeySecret": service.ids["accessKeySecret"]}
    answer = service.http.post("/api/v3/get-management-token", json=key).json()
    return int(claims(answer["data"]["access_token"])["iat"])


@dataclass
class Authenticator:
    """The app that scanned a QR code. It shows each code once: the service accepts none twice."""

    service: Service
    uri: str
    last: int = 0

    def code(self) -> str:
        """A code that is good now, and later than any that was shown before."""
        step = max(now(self.service) // 30, self.last + 1)
        while step > now(self.service) // 30 + 1:
            self.service.advance(seconds=30)
        self.last = step
        return self.at(step)

    def at(self, step: int) -> str:
        """The code of a time step."""
        otp = pyotp.parse_uri(self.uri)
        assert isinstance(otp, pyotp.TOTP)
        return otp.generate_otp(step)

    def wrong(self) -> str:
        """A code that is none of those that could be good."""
        step = now(self.service) // 30
        near = {self.at(one) for one in range(step - 3, step + 4)}
        return next(code for code in (f"{n:06d}" for n in range(20)) if code not in near)


def enrolled(person: Person, client: AuthenticationClient | None = None) -> tuple[Authenticator, str]:
    """Enrol an authenticator for somebody: the app, and the recovery code."""
    client = client or person.client
    begun = client.send_enroll_factor_request({}, "OTP").data
    assert begun.otp_data
    app = Authenticator(person.service, begun.otp_data.qr_code_uri)
    client.enroll_factor({"passCode": app.code()}, begun.enrollment_token, "OTP")
    return app, begun.otp_data.recovery_code


def enrolled_sms(person: Person, number: str, client: AuthenticationClient | None = None) -> None:
    """Enrol codes by SMS to a number."""
    client = client or person.client
    begun = client.send_enroll_factor_request({"phoneNumber": number}, "SMS").data
    code = person.service.code(number, "CHANNEL_BIND_MFA")
    client.enroll_factor({"passCode": code}, begun.enrollment_token, "SMS")


def half_signed_in(person: Person, scope: str = "openid profile") -> SecondFactorRequired:
    """A right password of somebody who has a second factor: what the sign-in answers."""
    with pytest.raises(SecondFactorRequired) as half:
        person.signed_in(scope)
    return half.value


def finished(person: Person, app: Authenticator, scope: str = "openid profile") -> AuthenticationClient:
    """Signed in with password and authenticator."""
    half = half_signed_in(person, scope)
    done = person.service.client(half.mfa_token).mfa_otp_verify(app.code()).data
    return person.service.client(done.access_token)
