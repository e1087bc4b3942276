"""Proving a second factor: one right code of one enrolled factor, good once.

The account's row is locked (`door`), so of any number of attempts with one code exactly one is accepted, and the
wrong ones of a day are counted exactly. Which factors an account has is looked up here, at use.
"""

from typing import Any

from ostiary.contract.keys import Key
from ostiary.server.core.passcode import Channel
from ostiary.server.core.refused import Refused
from ostiary.server.core.second_factor import METHODS, RECOVERY
from ostiary.server.guards import audit, notices, passcodes, sealing, sessions
from ostiary.server.guards.entry import Step
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.second_factors import otp
from ostiary.server.guards.second_factors.candidates import candidates
from ostiary.server.guards.second_factors.door import Pending
from ostiary.server.storage import factors
from ostiary.server.storage.factors import FactorRow

Visit = Step[Any] | Pending[Any]

_NOT_THERE = Refused(Key.FACTOR_NOT_FOUND)


def usable(visit: Visit) -> list[FactorRow]:
    """The account's factors that prove something here: in use, and not what the first step has proven already."""
    proven = visit.token.contact if isinstance(visit, Pending) else ""
    return [row for row in candidates(visit, visit.account) if not (proven and _mark(visit, row) == proven)]


def find(visit: Visit, factor_id: str) -> FactorRow | Refused:
    """One of them by its id. Another account's is none."""
    return next((row for row in usable(visit) if row.id == factor_id), _NOT_THERE)


def authenticator(visit: Visit) -> FactorRow | Refused:
    """The account's authenticator app."""
    return next((row for row in usable(visit) if row.kind == "OTP"), _NOT_THERE)


def prove(visit: Visit, factor: FactorRow, typed: str) -> str | Refused:
    """Accept the code of a factor, once; the word for the session's `methods`. `typed` are digits."""
    refused = (
        _authenticator_code(visit, factor, typed) if factor.kind == "OTP" else _message(visit, factor, typed)
    )
    return refused or METHODS[factor.kind]


def recover(visit: Visit, typed: str) -> str | Refused:
    """Accept the recovery code, once. The authenticator that it stands for is gone with it: every address is told.

    Where the pool ends other sessions, they end here as they do with every change of factors, and so do sign-ins that
    wait: the app is lost, and whoever found it may be signed in. The promised session opens in the new epoch.
    """
    factor = authenticator(visit)
    if isinstance(factor, Refused):
        return factor
    mac = otp.recovery_mac(_secret(visit, factor), factor.user_id, typed)
    refused = passcodes.guess(
        visit,
        Channel.UNBIND_MFA,
        lambda: factor.recovery is not None and visit.ports.same(factor.recovery, mac),
    )
    if refused is not None:
        return Refused(Key.RECOVERY_CODE_WRONG) if refused.key is Key.CODE_WRONG else refused
    factors.delete(visit.tx, factor)
    notices.factor_event(visit, "recovery_code_used", visit.account, factor.kind)
    audit.note(visit, "recovery_code_used", user_id=factor.user_id, factor=factor.id)
    if visit.pool.policy.end_other_sessions:
        if isinstance(visit, Pending):
            sessions.end_all(visit, visit.account)
        else:
            sessions.end_others(visit)
    return RECOVERY


def _secret(visit: Visit, factor: FactorRow) -> bytes:
    if factor.secret is None:
        raise AssertionError("an authenticator has a secret")
    return sealing.open_factor(visit.ports, factor.id, factor.user_id, factor.secret)


def _authenticator_code(visit: Visit, factor: FactorRow, typed: str) -> Refused | None:
    secret = _secret(visit, factor)
    step = otp.matching_step(secret, typed, visit.now, factor.last_step)
    refused = passcodes.guess(visit, Channel.VERIFY_MFA, lambda: step is not None)
    if refused is not None:
        return Refused(Key.TOTP_WRONG) if refused.key is Key.CODE_WRONG else refused
    if step is not None:
        factors.accept(visit.tx, factor, step)
    return None


def _message(visit: Visit, factor: FactorRow, typed: str) -> Refused | None:
    proofs = passcodes.prove(visit, [Typed(Channel.VERIFY_MFA, factor.target, typed)])
    if isinstance(proofs, Refused):
        return proofs
    for proof in proofs:
        passcodes.use(visit, proof)
    return None


def _mark(visit: Visit, row: FactorRow) -> str | None:
    return audit.contact_hash(visit.ports, visit.pool.id, row.target or None)
