"""Changing one's own phone number: what is done, in the order the rules decide.

Each operation is one step over one transaction; the answer leaves after its commit. docs/trace.md walks through it.
"""

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.profile import (
    BindPhone,
    UnbindPhone,
    UpdatePhone,
    VerifyUpdatePhoneRequest,
    VerifyUpdatePhoneRequestData,
)
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.call import Call
from ostiary.server.core.passcode import Channel
from ostiary.server.core.phone import E164
from ostiary.server.core.refused import Refused
from ostiary.server.features.phone_change import rules
from ostiary.server.features.phone_change.rules import Ask, Claims
from ostiary.server.guards import audit, contacts, one_time_tokens, passcodes, sessions
from ostiary.server.guards.entry import Step
from ostiary.server.guards.one_time_tokens import AlreadyDone, TokenKind
from ostiary.server.guards.passcodes import Proof, Typed
from ostiary.server.guards.service import Service, in_one_step


async def verify_update_phone_request(
    service: Service, call: Call, form: VerifyUpdatePhoneRequest | Refused
) -> VerifyUpdatePhoneRequestData | Refused:
    """Prove the new number (and the old one where the pool asks for it); receive a one-time token."""
    return await in_one_step(service, call, form, rules.read_request, _request)


async def update_phone(service: Service, call: Call, form: UpdatePhone | Refused) -> IsSuccess | Refused:
    """Spend the token: the number moves, other sessions end, every address is told."""
    return await in_one_step(
        service, call, form, rules.read_update, _update, stands_first=True, spends=TokenKind.UPDATE_PHONE
    )


async def bind_phone(service: Service, call: Call, form: BindPhone | Refused) -> Refused | None:
    """Give a first number to an account that has none."""
    return await in_one_step(service, call, form, rules.read_bind, _bind)


async def unbind_phone(service: Service, call: Call, form: UnbindPhone | Refused) -> Refused | None:
    """Give the number up, where another way in is left."""
    return await in_one_step(service, call, form, rules.read_unbind, _unbind)


def _request(step: Step[Ask]) -> VerifyUpdatePhoneRequestData | Refused:
    """Rows 5 to 10 of verify-update-phone-request."""
    same = rules.judge_same(step.ask, step.account)
    if same is not None:
        return same
    proofs = _prove_request(step)
    if isinstance(proofs, Refused):
        return _noted(step, "verify_update_phone_request", proofs, step.ask.new_number)
    for proof in proofs:
        passcodes.use(step, proof)
    claims = Claims(
        new_number=step.ask.new_number,
        old_number=step.account.phone,
        version=step.account.phone_version,
        old_proven=step.ask.old is not None,
        all_bound=all(proof.bound for proof in proofs),
    )
    ttl = step.pool.policy.update_token_ttl
    token = one_time_tokens.grant(step, TokenKind.UPDATE_PHONE, claims, ttl)
    contacts.note(step, "verify_update_phone_request", audit.DONE, "sms", step.ask.new_number)
    return VerifyUpdatePhoneRequestData(update_phone_token=token, token_expires_in=ttl)


def _prove_request(step: Step[Ask]) -> tuple[Proof, ...] | Refused:
    """Rows 6 to 10. That a number is taken is told, and costs its code, only to who holds that code."""
    refused = rules.judge_request(
        step.ask,
        step.pool.policy,
        step.account,
        stale=sessions.judge_age(step),
        unproven=sessions.judge_second_factor(step),
    )
    if refused is not None:
        return refused
    typed = [Typed(Channel.BIND_PHONE, step.ask.new_number, step.ask.new_code)]
    if step.ask.old is not None:
        typed.append(Typed(Channel.UNBIND_PHONE, step.ask.old.number, step.ask.old.code))
    return contacts.prove(step, typed, step.ask.new_number)


def _update(step: Step[str]) -> IsSuccess | Refused:
    """Rows 3 to 6 of update-phone. A good token is spent whatever comes: by the move, or for nothing."""
    claims = one_time_tokens.look(step, TokenKind.UPDATE_PHONE, step.ask, Claims)
    if isinstance(claims, AlreadyDone):
        return Refused(Key.UPDATE_TOKEN_USED, data={"success": True})
    if isinstance(claims, Refused):
        return _noted(step, "update_phone", claims)
    refused = rules.judge_change(claims, step.pool.policy, step.account)
    spent = TokenKind.UPDATE_PHONE.value
    if refused is None and not contacts.move_own(step, "sms", E164(claims.new_number), spent=spent):
        refused = Refused(Key.PHONE_TAKEN)
    if refused is not None:
        one_time_tokens.spend(step, TokenKind.UPDATE_PHONE)
        return _noted(step, "update_phone", refused, claims.new_number)
    return IsSuccess(success=True)


def _bind(step: Step[Ask]) -> Refused | None:
    """Rows 6 and 8 to 10 for a first number."""
    refused = rules.judge_bind(step.account)
    if refused is not None:
        return refused
    proofs = sessions.judge_step_up(step) or contacts.prove(
        step, [Typed(Channel.BIND_PHONE, step.ask.new_number, step.ask.new_code)], step.ask.new_number
    )
    if isinstance(proofs, Refused):
        return _noted(step, "bind_phone", proofs, step.ask.new_number)
    passcodes.use(step, proofs[0])
    if not contacts.move_own(step, "sms", step.ask.new_number):
        return _noted(step, "bind_phone", Refused(Key.PHONE_TAKEN), step.ask.new_number)
    return None


def _unbind(step: Step[str]) -> Refused | None:
    """Rows 8 and 9 for the number that goes."""
    refused = rules.judge_unbind(step.account)
    if refused is not None or step.account.phone is None:
        return refused
    proofs = passcodes.prove(step, [Typed(Channel.UNBIND_PHONE, step.account.phone, step.ask)])
    if isinstance(proofs, Refused):
        return _noted(step, "unbind_phone", proofs)
    passcodes.use(step, proofs[0])
    contacts.move_own(step, "sms", None)
    return None


def _noted(step: Step[object], event: AuditEvent, refused: Refused, number: str | None = None) -> Refused:
    """A refusal worth remembering: from row 6 on each leaves an audit row."""
    contacts.note(step, event, refused, "sms", number)
    return refused
