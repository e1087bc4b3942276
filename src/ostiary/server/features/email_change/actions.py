"""Changing one's own e-mail address: what is done, in the order the rules decide. The twin of `phone_change`.

Each operation is one step over one transaction; the answer leaves after its commit.
"""

from ostiary.contract.common import IsSuccess
from ostiary.contract.email_change import (
    BindEmail,
    UnbindEmail,
    UpdateEmail,
    VerifyUpdateEmailRequest,
    VerifyUpdateEmailRequestData,
)
from ostiary.contract.keys import Key
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.call import Call
from ostiary.server.core.passcode import Channel
from ostiary.server.core.refused import Refused
from ostiary.server.features.email_change import rules
from ostiary.server.features.email_change.rules import Ask, Claims
from ostiary.server.guards import audit, contacts, one_time_tokens, passcodes, sessions
from ostiary.server.guards.entry import Step
from ostiary.server.guards.one_time_tokens import AlreadyDone, TokenKind
from ostiary.server.guards.passcodes import Proof, Typed
from ostiary.server.guards.service import Service, in_one_step


async def verify_update_email_request(
    service: Service, call: Call, form: VerifyUpdateEmailRequest | Refused
) -> VerifyUpdateEmailRequestData | Refused:
    """Prove the new address (and the old one where the pool asks for it); receive a one-time token."""
    return await in_one_step(service, call, form, rules.read_request, _request)


async def update_email(service: Service, call: Call, form: UpdateEmail | Refused) -> IsSuccess | Refused:
    """Spend the token: the address moves, other sessions end, every contact is told."""
    return await in_one_step(
        service, call, form, rules.read_update, _update, stands_first=True, spends=TokenKind.UPDATE_EMAIL
    )


async def bind_email(service: Service, call: Call, form: BindEmail | Refused) -> Refused | None:
    """Give a first address to an account that has none."""
    return await in_one_step(service, call, form, rules.read_bind, _bind)


async def unbind_email(service: Service, call: Call, form: UnbindEmail | Refused) -> Refused | None:
    """Give the address up, where another way in is left."""
    return await in_one_step(service, call, form, rules.read_unbind, _unbind)


def _request(step: Step[Ask]) -> VerifyUpdateEmailRequestData | Refused:
    """Rows 5 to 10 of phone-change.md §5, for an address."""
    same = rules.judge_same(step.ask, step.account)
    if same is not None:
        return same
    proofs = _prove_request(step)
    if isinstance(proofs, Refused):
        return _noted(step, "verify_update_email_request", proofs, step.ask.new_address)
    for proof in proofs:
        passcodes.use(step, proof)
    claims = Claims(
        new_address=step.ask.new_address,
        old_address=step.account.email,
        version=step.account.email_version,
        old_proven=step.ask.old is not None,
        all_bound=all(proof.bound for proof in proofs),
    )
    ttl = step.pool.policy.update_token_ttl
    token = one_time_tokens.grant(step, TokenKind.UPDATE_EMAIL, claims, ttl)
    contacts.note(step, "verify_update_email_request", audit.DONE, "email", step.ask.new_address)
    return VerifyUpdateEmailRequestData(update_email_token=token, token_expires_in=ttl)


def _prove_request(step: Step[Ask]) -> tuple[Proof, ...] | Refused:
    """Rows 6 to 10. That an address is taken is told, and costs its code, only to who holds that code."""
    refused = rules.judge_request(
        step.ask,
        step.pool.policy,
        step.account,
        stale=sessions.judge_age(step),
        unproven=sessions.judge_second_factor(step),
    )
    if refused is not None:
        return refused
    typed = [Typed(Channel.UPDATE_EMAIL, step.ask.new_address, step.ask.new_code)]
    if step.ask.old is not None:
        typed.append(Typed(Channel.UPDATE_EMAIL, step.ask.old.address, step.ask.old.code))
    return contacts.prove(step, typed, step.ask.new_address)


def _update(step: Step[str]) -> IsSuccess | Refused:
    """Rows 3 to 6 of phone-change.md §6. A good token is spent whatever comes: by the move, or for nothing."""
    claims = one_time_tokens.look(step, TokenKind.UPDATE_EMAIL, step.ask, Claims)
    if isinstance(claims, AlreadyDone):
        return Refused(Key.UPDATE_TOKEN_USED, data={"success": True})
    if isinstance(claims, Refused):
        return _noted(step, "update_email", claims)
    refused = rules.judge_change(claims, step.pool.policy, step.account)
    spent = TokenKind.UPDATE_EMAIL.value
    if refused is None and not contacts.move_own(step, "email", claims.new_address, spent=spent):
        refused = Refused(Key.EMAIL_TAKEN)
    if refused is not None:
        one_time_tokens.spend(step, TokenKind.UPDATE_EMAIL)
        return _noted(step, "update_email", refused, claims.new_address)
    return IsSuccess(success=True)


def _bind(step: Step[Ask]) -> Refused | None:
    """Rows 6 and 8 to 10 for a first address."""
    refused = rules.judge_bind(step.account)
    if refused is not None:
        return refused
    proofs = sessions.judge_step_up(step) or contacts.prove(
        step, [Typed(Channel.BIND_EMAIL, step.ask.new_address, step.ask.new_code)], step.ask.new_address
    )
    if isinstance(proofs, Refused):
        return _noted(step, "bind_email", proofs, step.ask.new_address)
    passcodes.use(step, proofs[0])
    if not contacts.move_own(step, "email", step.ask.new_address):
        return _noted(step, "bind_email", Refused(Key.EMAIL_TAKEN), step.ask.new_address)
    return None


def _unbind(step: Step[str]) -> Refused | None:
    """Rows 8 and 9 for the address that goes."""
    refused = rules.judge_unbind(step.account)
    if refused is not None or step.account.email is None:
        return refused
    proofs = passcodes.prove(step, [Typed(Channel.UNBIND_EMAIL, step.account.email, step.ask)])
    if isinstance(proofs, Refused):
        return _noted(step, "unbind_email", proofs)
    passcodes.use(step, proofs[0])
    contacts.move_own(step, "email", None)
    return None


def _noted(step: Step[object], event: AuditEvent, refused: Refused, address: str | None = None) -> Refused:
    """A refusal worth remembering: from row 6 on each leaves an audit row."""
    contacts.note(step, event, refused, "email", address)
    return refused
