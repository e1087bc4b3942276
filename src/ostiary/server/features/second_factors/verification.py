"""Proving a second factor: ends a sign-in that waits for it, or is remembered by the session that there is."""

from collections.abc import Callable
from typing import TypeVar

from ostiary.contract.keys import Key
from ostiary.contract.second_factor import (
    MfaFactorVerify,
    MfaOtpVerity,
    MfaRecoveryCodeVerify,
    MfaTokenIntrospectEndpointParams,
    MfaTokenIntrospectResponse,
    MfaVerified,
    SendMfaCode,
)
from ostiary.server.core.call import Call, MfaToken
from ostiary.server.core.millis import SECOND
from ostiary.server.core.passcode import Channel
from ostiary.server.core.refused import Refused
from ostiary.server.features.second_factors import rules
from ostiary.server.features.second_factors.rules import Shown
from ostiary.server.guards import audit, grants, passcodes, second_factors, sessions, sign_ins
from ostiary.server.guards.entry import Read, Step
from ostiary.server.guards.grants import Grant
from ostiary.server.guards.second_factors import Pending
from ostiary.server.guards.service import Service
from ostiary.server.storage import people, users
from ostiary.server.storage.tx import Tx

F = TypeVar("F")
A = TypeVar("A")


async def mfa_otp_verify(service: Service, call: Call, form: MfaOtpVerity | Refused) -> MfaVerified | Refused:
    """With the authenticator app's code."""

    def proven(visit: Step[str] | Pending[str]) -> str | Refused:
        factor = second_factors.authenticator(visit)
        return factor if isinstance(factor, Refused) else second_factors.prove(visit, factor, visit.ask)

    return await _verified(service, call, form, rules.read_totp, proven)


async def mfa_factor_verify(
    service: Service, call: Call, form: MfaFactorVerify | Refused
) -> MfaVerified | Refused:
    """With the code of any factor."""

    def proven(visit: Step[Shown] | Pending[Shown]) -> str | Refused:
        factor = second_factors.find(visit, visit.ask.factor_id)
        return factor if isinstance(factor, Refused) else second_factors.prove(visit, factor, visit.ask.code)

    return await _verified(service, call, form, rules.read_shown, proven)


async def mfa_recovery_code_verify(
    service: Service, call: Call, form: MfaRecoveryCodeVerify | Refused
) -> MfaVerified | Refused:
    """With the recovery code, which takes the authenticator app with it."""

    def proven(visit: Step[str] | Pending[str]) -> str | Refused:
        return second_factors.recover(visit, visit.ask)

    return await _verified(service, call, form, rules.read_recovery, proven)


async def send_mfa_code(service: Service, call: Call, form: SendMfaCode | Refused) -> Refused | None:
    """Send a code to a factor's number or address."""

    def step(tx: Tx) -> Refused | None:
        visit = second_factors.enter(tx, service.ports, call, form, rules.read_factor_id)
        if isinstance(visit, Refused):
            return visit
        factor = second_factors.find(visit, visit.ask)
        if isinstance(factor, Refused):
            return factor
        if not factor.target:  # an authenticator makes its codes itself
            return Refused(Key.FACTOR_NOT_FOUND)
        return passcodes.send(visit, Channel.VERIFY_MFA, factor.target)

    return await service.store.write(step)


async def verify_mfa_token(
    service: Service, call: Call, form: MfaTokenIntrospectEndpointParams | Refused
) -> MfaTokenIntrospectResponse | Refused:
    """Whether an `mfaToken` can still finish its sign-in. The incumbent's Python SDK sends it in the header alone."""
    if isinstance(form, Refused):
        return form
    token = await service.signer.verify(form.token) if form.token is not None else call.mfa
    if not isinstance(token, MfaToken):
        return MfaTokenIntrospectResponse(active=False)

    def step(tx: Tx) -> MfaTokenIntrospectResponse:
        scene = people.scene(tx, token.app_id, token.user_id, token.session_id)
        if second_factors.standing(scene, token, service.ports.now()) is not None:
            return MfaTokenIntrospectResponse(active=False)
        return MfaTokenIntrospectResponse(
            active=True,
            user_pool_id=token.pool_id,
            user_id=token.user_id,
            exp=token.expires_at // SECOND,
            iat=token.made_at // SECOND,
        )

    return await service.store.read(step)


async def _verified(
    service: Service,
    call: Call,
    form: F | Refused,
    read: Read[F, A],
    prove: Callable[[Step[A] | Pending[A]], str | Refused],
) -> MfaVerified | Refused:
    """Prove, then remember it; tokens are signed once it is stored. A wrong code is stored, too."""

    def step(tx: Tx) -> Grant | Refused | None:
        visit = second_factors.enter(tx, service.ports, call, form, read)
        if isinstance(visit, Refused):
            return visit
        method = prove(visit)
        if isinstance(method, Refused):
            audit.note(visit, "second_factor_verified", method, user_id=visit.account.user_id)
            return method
        return _remembered(visit, method)

    granted = await service.store.write(step)
    if isinstance(granted, Refused):
        return granted
    if granted is None:
        return MfaVerified(verified=True)
    tokens = await grants.sign(service.signer, granted)
    return MfaVerified(
        verified=True,
        scope=tokens.scope,
        access_token=tokens.access_token,
        id_token=tokens.id_token,
        refresh_token=tokens.refresh_token,
        token_type="bearer",
        expire_in=tokens.life,
        expires_in=tokens.life,
    )


def _remembered(visit: Step[A] | Pending[A], method: str) -> Grant | None:
    """The promised session opens; or the one that there is has used this factor."""
    audit.note(visit, "second_factor_verified", user_id=visit.account.user_id, method=method)
    if isinstance(visit, Step):
        sessions.second_factor_used(visit, method)
        return None
    user = users.must_load(visit.tx, visit.pool.id, visit.account.user_id)
    return sign_ins.finish(visit, visit.token, user, method)
