"""Sending a code: the same one while it lives, a new one when it does not, and nothing at all where that must be.

Whatever happens inside, an ask looks the same from outside: the same rows, the same statements, the same answer
(phone-change.md I9). What must not be sent is queued as `withheld`.
"""

import base64

from ostiary.contract.keys import Key
from ostiary.server.core.codes import Code
from ostiary.server.core.masking import mask_number
from ostiary.server.core.passcode import SILENT_WITHOUT_ACCOUNT, Channel
from ostiary.server.core.phone import E164, can_be_texted, country_code
from ostiary.server.core.refused import Refused
from ostiary.server.guards import limits
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.limits.rules import Asker
from ostiary.server.guards.notices import language
from ostiary.server.guards.passcodes import derive, rules
from ostiary.server.storage import codes, outbox, phones, tallies
from ostiary.server.storage.outbox import Message
from ostiary.server.storage.tallies import Tally


def send(visit: Visit[object], channel: Channel, to: E164) -> Refused | None:
    """Queue a code for a number.

    Refused: `old_phone_mismatch`, `phone_not_bound` (UNBIND_PHONE by somebody signed in), `bad_contact`,
    `number_not_served`, `sms_too_often`, `sending_paused`; then nothing was made, sent or counted.
    """
    refused = _judge_number(visit, channel, to)
    if refused is not None:
        return refused
    account = visit.account
    asker = Asker(account.user_id if account else "", owner=account is not None and account.phone == to)
    books = limits.look(visit, to, asker)  # locks the number's row: asks for one number stand in line
    known = codes.at_target(visit.tx, visit.pool.id, to)
    books = limits.freed(books, known)
    refused = limits.judge(visit, books, channel)
    if refused is not None:
        return refused
    owner = rules.owner_of(channel, asker.user_id or None)
    code, replaced = _choose(visit, channel, to, owner, known)
    if replaced is not code:
        codes.put(visit.tx, code, over=replaced)
    limits.spend(visit, books, channel, code)
    withheld = _is_withheld(visit, channel, to, owner, known)
    _queue(visit, code, withheld=withheld)
    tallies.count(visit.tx, Tally.CODE_WITHHELD if withheld else Tally.CODE_ASKED, channel)
    return None


def _judge_number(visit: Visit[object], channel: Channel, to: E164) -> Refused | None:
    """Whether a code may go to this number at all. The caller's own number was judged when it became theirs."""
    if visit.account is not None:
        if channel is Channel.UNBIND_PHONE and visit.account.phone is None:
            return Refused(Key.PHONE_NOT_BOUND)
        if channel is Channel.UNBIND_PHONE and visit.account.phone != to:
            return Refused(Key.OLD_PHONE_MISMATCH)
        if visit.account.phone == to:
            return None
    if not can_be_texted(to):
        return Refused(Key.BAD_CONTACT, data={"field": "phoneNumber"})
    if country_code(to) not in visit.pool.policy.allowed_countries:
        return Refused(Key.NUMBER_NOT_SERVED)
    return None


def _choose(
    visit: Visit[object], channel: Channel, to: E164, owner: str, known: list[Code]
) -> tuple[Code, Code | None]:
    """The code to send, and the row that stood there before: the same one where it is sent again."""
    old = next((code for code in known if code.channel == channel and code.owner == owner), None)
    ring = visit.ports.ring("codes")
    if old is not None and rules.is_sent_again(old, visit.now) and ring.get(old.key_id) is not None:
        return old, old
    policy = visit.pool.policy
    new = Code(
        pool_id=visit.pool.id,
        target=to,
        channel=channel,
        owner=owner,
        seed=visit.ports.random_bytes(derive.SEED_BYTES),
        key_id=ring.current.id,
        length=policy.verify_code_length,
        max_wrong=policy.verify_code_max_attempts,
        wrong=0,
        made_at=visit.now,
        ends_at=visit.now + policy.code_life(),
        used_at=None,
        void_at=None,
    )
    return new, old


def _is_withheld(visit: Visit[object], channel: Channel, to: E164, owner: str, known: list[Code]) -> bool:
    """Nothing goes to a number without an account, nor beside the owner's own live code, on these channels."""
    if channel not in SILENT_WITHOUT_ACCOUNT:
        return False
    holder = phones.holder(visit.tx, visit.pool.id, to)
    if holder is None:
        return True
    return (
        channel is Channel.UNBIND_PHONE
        and owner != holder
        and any(
            code.channel == channel and code.owner == holder and rules.is_live(code, visit.now)
            for code in known
        )
    )


def _queue(visit: Visit[object], code: Code, *, withheld: bool) -> None:
    account = visit.account
    outbox.queue(
        visit.tx,
        Message(
            id=outbox.new_id(visit.ports, visit.now),
            pool_id=code.pool_id,
            user_id=account.user_id if account else None,
            medium="sms",
            recipient=code.target,
            purpose=code.channel,
            facts={
                "seed": base64.b64encode(code.seed).decode(),
                "key_id": code.key_id,
                "owner": code.owner,
                "length": code.length,
                "ends_at": code.ends_at,
                **_new_number(visit, code),
            },
            lang=language(visit, account),
            state="withheld" if withheld else "queued",
            made_at=visit.now,
            due_at=visit.now,
            ends_at=code.ends_at,
        ),
    )


def _new_number(visit: Visit[object], code: Code) -> dict[str, str]:
    """For the old number's text: which number the caller wants instead, where they have asked for its code."""
    if code.channel != Channel.UNBIND_PHONE or visit.account is None:
        return {}
    new = codes.live_target(visit.tx, code.pool_id, visit.account.user_id, Channel.BIND_PHONE, visit.now)
    return {"new_number": mask_number(new)} if new else {}
