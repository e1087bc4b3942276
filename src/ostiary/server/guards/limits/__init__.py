"""Spending the sending limits: durable, shared by all processes, counted when a message is queued.

`look` reads the exact rows under their locks; `judge` says whether one more ask fits; `spend` counts it.
A refused ask counts nothing, because only `spend` writes.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.codes import Code, Ledger, Sent
from ostiary.server.core.contact import Medium, medium_of
from ostiary.server.core.millis import DAY, SECOND
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.limits import rules
from ostiary.server.guards.limits.rules import Asker, Coarse
from ostiary.server.storage import sending, tallies
from ostiary.server.storage.tallies import Tally

__all__ = ["Books", "freed", "judge", "look", "spend"]


class Books(Struct, frozen=True):
    """The rows an ask for a message is judged by, as read under their locks."""

    asker: Asker
    medium: Medium
    contact: Ledger
    user: Ledger | None
    coarse: tuple[Coarse, ...]


def look(visit: Visit[object], contact: str, asker: Asker) -> Books:
    """Lock and read the exact rows of an ask; name the coarse ones it will count in."""
    contact_key = f"number:{visit.pool.id}:{contact}"
    user_key = f"user:{asker.user_id}" if asker.user_id else None
    policy = visit.pool.policy
    coarse = rules.coarse_limits(
        app_id=visit.app.id,
        pool_id=visit.pool.id,
        address=visit.call.address,
        number=contact,
        unsigned=not asker.user_id,
        per_minute=policy.send_per_address_per_minute,
        per_day=policy.send_per_address_per_day,
        app_per_day=policy.send_per_app_per_day,
    )
    for limit in coarse:
        if limit.most is not None:
            sending.total_soon(visit.tx, limit.key, _since(limit, visit.now))
    found = {book.key: book for book in sending.ledgers(visit.tx, filter(None, (contact_key, user_key)))}
    return Books(
        asker=asker,
        medium=medium_of(contact),
        contact=found[contact_key],
        user=found[user_key] if user_key else None,
        coarse=coarse,
    )


def freed(books: Books, codes: Iterable[Code]) -> Books:
    """The same books, with the asks marked whose codes were used since: they leave the shares."""
    used = {_mark(code) for code in codes if code.used_at is not None}
    if not used:
        return books
    asks = tuple(
        Sent(ask.at, ask.channel, ask.asker, ask.owner, ask.code, used=ask.used or ask.code in used)
        for ask in books.contact.asks
    )
    return replace(books, contact=replace(books.contact, asks=asks))


def judge(visit: Visit[object], books: Books, channel: str) -> Refused | None:
    """Whether one more ask fits into every limit. `…_too_often` says when; `sending_paused` names the setting (for the log)."""
    known, name = books.contact.asks, "number" if books.medium == "sms" else "address"
    waits = {
        f"{name} and channel": rules.judge_pair(known, books.asker, channel, visit.now),
        name: rules.judge_exact(known, books.asker, rules.CONTACT[books.medium], visit.now),
        "user": rules.judge_exact(books.user.asks, books.asker, rules.USER, visit.now)
        if books.user
        else None,
    }
    for name, wait in waits.items():
        if wait is not None:
            tallies.count(visit.tx, Tally.LIMIT_HIT, name)
    longest = max((wait for wait in waits.values() if wait is not None), default=None)
    if longest is not None:
        return rules.too_often(longest, visit.now, books.medium)
    for limit in books.coarse:
        if (
            limit.most is not None
            and sending.total(visit.tx, limit.key, _since(limit, visit.now)) >= limit.most
        ):
            tallies.count(visit.tx, Tally.LIMIT_HIT, limit.setting)
            return Refused(Key.SENDING_PAUSED, data={"setting": limit.setting})
    return None


def spend(visit: Visit[object], books: Books, channel: str, code: Code) -> None:
    """Count one ask in every book."""
    ask = Sent(visit.now, channel, books.asker.user_id, books.asker.owner, _mark(code))
    kept = [
        replace(book, asks=(*rules.remembered(book.asks, visit.now), ask))
        for book in (books.contact, books.user)
        if book is not None
    ]
    sending.store(visit.tx, kept, ends_at=visit.now + DAY)
    sending.add(visit.tx, [(limit.key, _grain(limit, visit.now)) for limit in books.coarse])


def _mark(code: Code) -> str:
    """How an ask remembers which code it sent: enough of the seed to tell codes apart, useless without the key."""
    return code.seed[:6].hex()


def _grain(limit: Coarse, moment: int) -> int:
    """The start of the grain a moment falls in, in seconds: a row's `minute`."""
    return moment // limit.grain * limit.grain // SECOND


def _since(limit: Coarse, now: int) -> int:
    """The grain after which asks count."""
    return _grain(limit, now - limit.window)
