"""Codes by SMS and e-mail: asking for one, and looking whether one is right."""

from typing import TypeVar

from ostiary.contract.keys import Key
from ostiary.contract.messages import PreCheckCode, PreCheckCodeData, SendEmail, SendSMS
from ostiary.server.core.call import Call
from ostiary.server.core.log import log
from ostiary.server.core.refused import Refused
from ostiary.server.features.messages import rules
from ostiary.server.features.messages.rules import Look, Send
from ostiary.server.guards import passcodes
from ostiary.server.guards.entry import Read, Visit, enter, visit
from ostiary.server.guards.passcodes import Typed
from ostiary.server.guards.service import Service
from ostiary.server.storage.tx import Tx

F = TypeVar("F", SendSMS, SendEmail)


_NOT_VALID = (Key.CODE_WRONG, Key.CODE_EXPIRED)
"""Verdicts on a code that `pre-check-code` answers as `isValid: false`; all others refuse the look itself."""


async def send_sms(service: Service, call: Call, form: SendSMS | Refused) -> Refused | None:
    """Send a code to a phone. The answer says nothing about who has that number."""
    return await _send(service, call, form, rules.read_send)


async def send_email(service: Service, call: Call, form: SendEmail | Refused) -> Refused | None:
    """Send a code to an e-mail address. The answer says nothing about who has it."""
    return await _send(service, call, form, rules.read_send_email)


async def _send(service: Service, call: Call, form: F | Refused, read: Read[F, Send]) -> Refused | None:
    def step(tx: Tx) -> Refused | None:
        asked = visit(tx, service.ports, call, form, read, lock=True, token_must_be_good=rules.sends_bound)
        return asked if isinstance(asked, Refused) else passcodes.send(asked, asked.ask.channel, asked.ask.to)

    return _told(call, await service.store.write(step))


async def pre_check_code(
    service: Service, call: Call, form: PreCheckCode | Refused
) -> PreCheckCodeData | Refused:
    """Say whether a code is right without using it. A wrong one costs a guess, like anywhere else."""

    def step(tx: Tx) -> PreCheckCodeData | Refused:
        if not isinstance(form, Refused) and rules.looks_bound(form):
            asked: Visit[Look] | Refused = enter(tx, service.ports, call, form, rules.read_look, lock=True)
        else:
            asked = visit(tx, service.ports, call, form, rules.read_look, lock=True)
        return asked if isinstance(asked, Refused) else _look(asked)

    return await service.store.write(step)


def _told(call: Call, refused: Refused | None) -> Refused | None:
    """Which setting lifts a pause, the operator reads in the log; the caller hears only that there is one."""
    if refused is None or refused.key is not Key.SENDING_PAUSED:
        return refused
    log.warning("sending paused", request_id=call.request_id, app=call.app_id, **(refused.data or {}))
    return Refused(Key.SENDING_PAUSED)


def _look(asked: Visit[Look]) -> PreCheckCodeData | Refused:
    look = asked.ask
    proofs = passcodes.prove(asked, [Typed(look.channel, look.to, look.code)])
    if isinstance(proofs, Refused):
        return PreCheckCodeData(is_valid=False) if proofs.key in _NOT_VALID else proofs
    passcodes.leave(asked, proofs[0])
    return PreCheckCodeData(is_valid=True)
