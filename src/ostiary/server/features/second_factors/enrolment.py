"""Enrolling a second factor in two halves, and removing one.

The first half makes the secret (or sends the code) and a one-time token that remembers what is to be; nothing is
enrolled until the second half shows that the factor works. Each half is one step over one transaction.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from ostiary.contract.keys import Key
from ostiary.contract.second_factor import (
    EnrollFactor,
    ResetFactor,
    SendEnrollFactorRequest,
    SendEnrollFactorRequestData,
    SendEnrollFactorRequestOtpData,
)
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.call import Call
from ostiary.server.core.passcode import Channel
from ostiary.server.core.refused import Refused
from ostiary.server.core.second_factor import METHODS, read_recovery_code, short_label
from ostiary.server.features.second_factors import rules
from ostiary.server.features.second_factors.rules import Claims, Enrolment, Wanted
from ostiary.server.guards import audit, notices, one_time_tokens, passcodes, sealing, sessions
from ostiary.server.guards.entry import Step
from ostiary.server.guards.one_time_tokens import AlreadyDone, TokenKind
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.sealing import UnsealError
from ostiary.server.guards.second_factors import otp
from ostiary.server.guards.service import Service, in_one_step
from ostiary.server.storage import factors
from ostiary.server.storage.factors import FactorRow
from ostiary.server.storage.tx import ConflictError

A = TypeVar("A")

ENROLMENT_TOKEN_LIFE = 60
"""Seconds, the incumbent's number."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """An enrolment that has begun: its token, and for an authenticator what is told once."""

    token: str = field(repr=False)
    link: str | None = field(default=None, repr=False)
    recovery_code: str = field(default="", repr=False)


async def send_enroll_factor_request(
    service: Service, call: Call, form: SendEnrollFactorRequest | Refused
) -> SendEnrollFactorRequestData | Refused:
    """Begin: a secret for the authenticator, or a code to the number or address."""
    begun = await in_one_step(service, call, form, rules.read_wanted, _begin)
    if isinstance(begun, Refused):
        return begun
    if begun.link is None:
        return SendEnrollFactorRequestData(enrollment_token=begun.token)
    return SendEnrollFactorRequestData(
        enrollment_token=begun.token,
        otp_data=SendEnrollFactorRequestOtpData(
            qr_code_uri=begun.link,
            qr_code_data_url=await asyncio.to_thread(otp.qr_data_url, begun.link),
            recovery_code=begun.recovery_code,
        ),
    )


async def enroll_factor(service: Service, call: Call, form: EnrollFactor | Refused) -> Refused | None:
    """Show that the factor works: from now on it is asked for."""
    return await in_one_step(service, call, form, rules.read_enrolment, _enroll)


async def reset_factor(service: Service, call: Call, form: ResetFactor | Refused) -> Refused | None:
    """Remove a factor."""
    return await in_one_step(service, call, form, rules.read_factor_id, _reset)


# --- the first half -------------------------------------------------------------------------------------


def _begin(step: Step[Wanted]) -> _Begun | Refused:
    wanted = step.ask
    refused = _judge(step, wanted.kind)
    if refused is None and wanted.target:
        refused = passcodes.send(step, Channel.BIND_MFA, wanted.target)
    if refused is not None:
        return _noted(step, "factor_enrolment_begun", refused, wanted.kind)
    begun = _begin_with_code(step, wanted) if wanted.target else _begin_with_secret(step)
    audit.note(step, "factor_enrolment_begun", user_id=step.account.user_id, factor=wanted.kind)
    return begun


def _begin_with_code(step: Step[Wanted], wanted: Wanted) -> _Begun:
    return _Begun(_grant(step, Claims(wanted.kind, wanted.target, step.ports.object_id())))


def _begin_with_secret(step: Step[Wanted]) -> _Begun:
    factor_id, user_id = step.ports.object_id(), step.account.user_id
    secret, recovery_code = otp.new_secret(step.ports), otp.new_recovery_code(step.ports)
    digits = read_recovery_code(recovery_code) or ""
    claims = Claims(
        kind="OTP",
        target="",
        factor_id=factor_id,
        secret=sealing.seal_factor(step.ports, factor_id, user_id, secret),
        recovery=otp.recovery_mac(secret, user_id, digits),
    )
    name = step.account.email or step.account.username or step.account.phone or user_id
    issuer, label = short_label(step.pool.name), short_label(name)
    return _Begun(_grant(step, claims), otp.uri(secret, issuer, label), recovery_code)


def _grant(step: Step[Wanted], claims: Claims) -> str:
    return one_time_tokens.grant(step, TokenKind.ENROLL_FACTOR, claims, ENROLMENT_TOKEN_LIFE)


# --- the second half ------------------------------------------------------------------------------------


def _enroll(step: Step[Enrolment]) -> Refused | None:
    """The code before the token: a mistyped one costs a guess, not the enrolment. Of many takers one enrols."""
    ask = step.ask
    claims = one_time_tokens.look(step, TokenKind.ENROLL_FACTOR, ask.token, Claims)
    if isinstance(claims, AlreadyDone):
        return None
    if isinstance(claims, Refused):
        return _noted(step, "factor_enrolled", claims, ask.kind)
    if claims.kind != ask.kind:
        return Refused(Key.BAD_REQUEST, data={"field": "factorType"})
    proven = _judge(step, ask.kind) or _prove(step, claims)
    if isinstance(proven, Refused):
        return _noted(step, "factor_enrolled", proven, ask.kind)
    taken = one_time_tokens.take(step, TokenKind.ENROLL_FACTOR, ask.token, Claims)
    if not isinstance(taken, Claims) or not factors.insert(step.tx, _row(step, claims, proven)):
        raise ConflictError("seen good a moment ago, under the user's lock")
    one_time_tokens.done(step, TokenKind.ENROLL_FACTOR)
    sessions.second_factor_used(step, METHODS[claims.kind])
    _changed(step, "factor_enrolled", claims.kind, claims.target)
    return None


def _prove(step: Step[Enrolment], claims: Claims) -> int | Refused:
    """The time step of the authenticator's code, 0 for a code that was sent."""
    if claims.secret is None:
        proofs = passcodes.prove(step, [Typed(Channel.BIND_MFA, claims.target, step.ask.code)])
        if isinstance(proofs, Refused):
            return proofs
        passcodes.use(step, proofs[0])
        return 0
    try:
        secret = sealing.open_factor(step.ports, claims.factor_id, step.account.user_id, claims.secret)
    except UnsealError:  # the root key was withdrawn meanwhile
        return Refused(Key.ONE_TIME_TOKEN_INVALID)
    shown = otp.matching_step(secret, step.ask.code, step.now, 0)
    refused = passcodes.guess(step, Channel.BIND_MFA, lambda: shown is not None)
    if refused is not None:
        return Refused(Key.TOTP_WRONG) if refused.key is Key.CODE_WRONG else refused
    return shown or 0


def _row(step: Step[Enrolment], claims: Claims, last_step: int) -> FactorRow:
    return FactorRow(
        user_id=step.account.user_id,
        kind=claims.kind,
        id=claims.factor_id,
        pool_id=step.pool.id,
        target=claims.target,
        secret=claims.secret,
        key_id=sealing.key_id(claims.secret) if claims.secret is not None else "",
        recovery=claims.recovery,
        last_step=last_step,
        made_at=step.now,
    )


# --- removing -------------------------------------------------------------------------------------------


def _reset(step: Step[str]) -> Refused | None:
    """Whose it is before anything else: another account's factor is answered like none."""
    found = next((row for row in factors.of_user(step.tx, step.account.user_id) if row.id == step.ask), None)
    if found is None:
        return Refused(Key.FACTOR_NOT_FOUND)
    refused = sessions.judge_step_up(step)
    if refused is not None:
        return _noted(step, "factor_removed", refused, found.kind)
    factors.delete(step.tx, found)
    _changed(step, "factor_removed", found.kind, found.target)
    return None


# --- both -----------------------------------------------------------------------------------------------


def _judge(step: Step[A], kind: str) -> Refused | None:
    """Session, policy and what is enrolled, as they are now."""
    return sessions.judge_step_up(step) or rules.judge_kind(kind, step.pool.policy, step.account)


def _changed(step: Step[A], event: AuditEvent, kind: str, target: str) -> None:
    """However the factors change: every verified address is told, the other sessions end, an audit row is left."""
    notices.factor_event(step, event, step.account, kind)
    audit.note(
        step,
        event,
        user_id=step.account.user_id,
        factor=kind,
        contact=audit.contact_hash(step.ports, step.pool.id, target or None),
    )
    if step.pool.policy.end_other_sessions:
        sessions.end_others(step)


def _noted(step: Step[A], event: AuditEvent, refused: Refused, kind: str) -> Refused:
    audit.note(step, event, refused, user_id=step.account.user_id, factor=kind)
    return refused
