"""Second factors on a workbench: people with an authenticator, sign-ins that wait, and what they try."""

from dataclasses import dataclass
from typing import Any

import pyotp
from msgspec.structs import replace

from ostiary.contract.second_factor import (
    EnrollFactor,
    EnrollFactorEnrollmentData,
    FactorProfile,
    MfaOtpVerity,
    MfaRecoveryCodeVerify,
    SendEnrollFactorRequest,
)
from ostiary.server.core.call import Call, MfaToken
from ostiary.server.core.millis import Millis
from ostiary.server.features.second_factors import enrolment, verification
from tests.workbench import Person, Workbench


@dataclass
class Desk:
    """Hands for second factors."""

    bench: Workbench

    async def begin(self, who: Person) -> Any:
        self._settle()
        form = SendEnrollFactorRequest(profile=FactorProfile(), factor_type="OTP")
        return await enrolment.send_enroll_factor_request(self.bench.service, who.again(), form)

    async def enroll(self, who: Person, token: str, code: str) -> Any:
        form = EnrollFactor(
            enrollment_data=EnrollFactorEnrollmentData(pass_code=code),
            enrollment_token=token,
            factor_type="OTP",
        )
        return await enrolment.enroll_factor(self.bench.service, who.again(), form)

    async def person_with_app(self) -> tuple[Person, str, str]:
        """Somebody with an authenticator: the app's link, and the recovery code."""
        who = self.bench.person(None)
        begun = await self.begin(who)
        link = begun.otp_data.qr_code_uri
        assert await self.enroll(who, begun.enrollment_token, self.code(link, -1)) is None
        return who, link, begun.otp_data.recovery_code

    async def waiting(self, who: Person) -> Call:
        """A sign-in of theirs whose password was right."""
        now = self.bench.ports.now()
        epoch = self.bench.one("SELECT session_epoch FROM users WHERE id = :id", id=who.user_id)
        token = MfaToken(
            user_id=who.user_id,
            session_id=self.bench.ports.object_id(),
            app_id=self.bench.app_id,
            pool_id=self.bench.pool_id,
            scope="openid",
            epoch=epoch,
            method="pwd",
            contact="",
            made_at=now,
            expires_at=Millis(now + 360_000),
        )
        return replace(self.bench.stranger(), mfa=token, token_given=True)

    async def totp(self, half: Call, code: str) -> Any:
        return await verification.mfa_otp_verify(
            self.bench.service, self.again(half), MfaOtpVerity(totp=code)
        )

    async def recover(self, half: Call, code: str) -> Any:
        form = MfaRecoveryCodeVerify(recovery_code=code)
        return await verification.mfa_recovery_code_verify(self.bench.service, self.again(half), form)

    def again(self, half: Call) -> Call:
        """A new request of the same sign-in."""
        return replace(half, request_id=self.bench.stranger().request_id)

    def code(self, link: str, ahead: int = 0) -> str:
        """What the app shows, some steps from now."""
        return self._at(link, self.bench.ports.now() // 30_000 + ahead)

    def wrong(self, link: str) -> str:
        """What it does not show anywhere near now."""
        now = self.bench.ports.now() // 30_000
        near = {self._at(link, now + ahead) for ahead in range(-5, 6)}
        return next(code for code in (f"{n:06d}" for n in range(20)) if code not in near)

    def sessions(self, who: Person) -> int:
        """How many there are of somebody."""
        found: int = self.bench.one("SELECT count(*) FROM sessions WHERE user_id = :id", id=who.user_id)
        return found

    def _settle(self) -> None:
        """Ten seconds at least until the app shows another code."""
        into = self.bench.ports.now() % 30_000
        if into > 20_000:
            self.bench.clock.advance(seconds=(30_000 - into) / 1_000 + 0.1)

    @staticmethod
    def _at(link: str, step: int) -> str:
        app = pyotp.parse_uri(link)
        assert isinstance(app, pyotp.TOTP)
        return app.generate_otp(step)
