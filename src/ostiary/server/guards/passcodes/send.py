"""Sending a code: the same one while it lives, a new one when it does not, and nothing at all where that must be.

Whatever happens inside, an ask looks the same from outside: the same rows, the same statements, the same answer
(phone-change.md I9). What must not be sent is queued as `withheld`.
"""

import base64

from ostiary.contract.keys import Key
from ostiary.server.core.codes import Code
from ostiary.server.core.contact import medium_of
from ostiary.server.core.masking import mask_contact
from ostiary.server.core.millis import MINUTE
from ostiary.server.core.passcode import BY_LINK, OWNERS_FIRST, SILENT_WITHOUT_ACCOUNT, Channel
from ostiary.server.core.people import Account
from ostiary.server.core.phone import E164, can_be_texted, country_code
from ostiary.server.core.refused import Refused
from ostiary.server.guards import limits
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.limits.rules import Asker
from ostiary.server.guards.notices import language_for_asker
from ostiary.server.guards.passcodes import derive, rules
from ostiary.server.storage import codes, contacts, outbox, tallies
from ostiary.server.storage.outbox import Message
from ostiary.server.storage.tallies import Tally

LINK_LIFE = 15 * MINUTE
"""As long as a retired key of codes is kept at least, so that no rotation ends a link early."""


def send(visit: Visit[object], channel: Channel, to: str) -> Refused | None:
    """Queue a code for a number (E.164) or an e-mail address (its one spelling).

    Refused: `old_phone_mismatch`, `phone_not_bound` (UNBIND_PHONE by somebody signed in) and their twins of
    UNBIND_EMAIL, `bad_contact`, `number_not_served`, `sms_too_often`, `email_too_often`, `sending_paused`; then
    nothing was made, sent or counted.
    """
    refused = _judge_own(visit.account, channel, to) or _judge_number(visit, to)
    if refused is not None:
        return refused
    account = visit.account
    asker = Asker(account.user_id if account else "", owner=_is_theirs(account, to))
    codes.at_target_soon(visit.tx, visit.pool.id, to)
    books = limits.look(visit, to, asker)  # locks the contact's row: asks for one stand in line
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


_OF_THE_ACCOUNT = {
    Channel.UNBIND_PHONE: (Key.PHONE_NOT_BOUND, Key.OLD_PHONE_MISMATCH),
    Channel.UNBIND_EMAIL: (Key.EMAIL_NOT_BOUND, Key.OLD_EMAIL_MISMATCH),
}
"""Asked for by somebody signed in, these go to the account's own contact: what is said where there is none, or another."""


def _judge_own(account: Account | None, channel: Channel, to: str) -> Refused | None:
    if account is None or channel not in _OF_THE_ACCOUNT:
        return None
    not_bound, mismatch = _OF_THE_ACCOUNT[channel]
    own = account.phone if channel is Channel.UNBIND_PHONE else account.email
    if own is None:
        return Refused(not_bound)
    return Refused(mismatch) if own != to else None


def _is_theirs(account: Account | None, to: str) -> bool:
    return account is not None and to in {account.phone, account.email}


def _judge_number(visit: Visit[object], to: str) -> Refused | None:
    """Whether a code may go to this number at all. The caller's own number was judged when it became theirs."""
    if medium_of(to) == "email" or _is_theirs(visit.account, to):
        return None
    number = E164(to)
    if not can_be_texted(number):
        return Refused(Key.BAD_CONTACT, data={"field": "phoneNumber"})
    if country_code(number) not in visit.pool.policy.allowed_countries:
        return Refused(Key.NUMBER_NOT_SERVED)
    return None


def _choose(
    visit: Visit[object], channel: Channel, to: str, owner: str, known: list[Code]
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
        ends_at=visit.now + (LINK_LIFE if channel in BY_LINK else policy.code_life()),
        used_at=None,
        void_at=None,
    )
    return new, old


_MAY_BE_SILENT = SILENT_WITHOUT_ACCOUNT | OWNERS_FIRST


def _is_withheld(visit: Visit[object], channel: Channel, to: str, owner: str, known: list[Code]) -> bool:
    """Nothing goes to a contact without an account, nor beside the owner's own live code, on these channels."""
    if channel not in _MAY_BE_SILENT:
        return False
    holder = contacts.holder(visit.tx, visit.pool.id, to)
    if holder is None:
        return channel in SILENT_WITHOUT_ACCOUNT
    return (
        channel in OWNERS_FIRST
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
            medium=medium_of(code.target),
            recipient=code.target,
            purpose=code.channel,
            facts={
                "seed": base64.b64encode(code.seed).decode(),
                "key_id": code.key_id,
                "owner": code.owner,
                "length": code.length,
                "ends_at": code.ends_at,
                **_about(visit, code),
            },
            lang=language_for_asker(visit, account),
            state="withheld" if withheld else "queued",
            made_at=visit.now,
            due_at=visit.now,
            ends_at=code.ends_at,
        ),
    )


_NEW_BY = {Channel.UNBIND_PHONE: Channel.BIND_PHONE, Channel.UPDATE_EMAIL: Channel.UPDATE_EMAIL}
"""Codes that go to the contact an account has → the channel of the code that the new one is asked to prove."""


def _about(visit: Visit[object], code: Code) -> dict[str, str | bool]:
    """For the old contact's text: that it is the old one, and which the caller wants instead, if its code is asked for.

    A new address is named only to who has proven the old one. One that was merely typed at sign-up may be a
    bystander's, and the domain of a new one is a line that a stranger would write to them in our name. A masked
    number says nothing but digits, and whoever set the old one, its owner is warned (phone-change.md §4).
    """
    by, account = _NEW_BY.get(Channel(code.channel)), visit.account
    if by is None or account is None or not _is_theirs(account, code.target):
        return {}
    if code.target == account.email and not account.email_verified:
        return {"old": True}
    new = codes.live_target(visit.tx, code.owner, by, visit.now, besides=code.target)
    return {"old": True, **({"new_contact": mask_contact(new)} if new else {})}
