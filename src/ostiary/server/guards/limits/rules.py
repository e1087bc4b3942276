"""How often messages may go out: the table of phone-change.md §8, and the judge who reads it. Pure.

Rule 1: an ask is counted when it is queued; a refused ask is not counted.
Rule 2: all of a request's limits are taken, or none.
Rule 3: shares keep room for the owner; an ask whose code was used leaves the shares, not the totals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import msgspec

from ostiary.contract.keys import Key
from ostiary.server.core.codes import Sent
from ostiary.server.core.contact import Medium
from ostiary.server.core.millis import DAY, HOUR, MINUTE, seconds_until
from ostiary.server.core.refused import Refused

Share = Literal["all", "unsigned", "not_owner"]


@dataclass(frozen=True, slots=True)
class Exact:
    """At most `most` asks of a share within `window` ms. Rolling, from the instants themselves."""

    most: int
    window: int
    share: Share = "all"


PAIR = Exact(1, MINUTE)
"""One number or address on one channel, per asker (a user, or the unsigned): not after a code that was used."""

NUMBER = (
    Exact(5, HOUR),
    Exact(10, DAY),
    Exact(3, HOUR, "unsigned"),
    Exact(6, DAY, "unsigned"),
    Exact(4, HOUR, "not_owner"),
    Exact(8, DAY, "not_owner"),
)
"""One number over all channels and spellings; what strangers may not use is kept for the signed-in owner."""

USER = (Exact(20, DAY),)
"""One signed-in user over all numbers and addresses."""

EMAIL = (Exact(10, DAY),)
"""One e-mail address over all channels."""

CONTACT: Mapping[Medium, tuple[Exact, ...]] = MappingProxyType({"sms": NUMBER, "email": EMAIL})
TOO_OFTEN: Mapping[Medium, Key] = MappingProxyType({"sms": Key.SMS_TOO_OFTEN, "email": Key.EMAIL_TOO_OFTEN})

INSTALLATION_PER_DAY = 30
"""One number or address over all pools of this installation."""

UNSIGNED_PER_CENT_OF_APP = 70
"""What unsigned asks may use of an application's day."""


class Coarse(msgspec.Struct, frozen=True):
    """A sum over a rolling window, kept per `grain` ms. `most` None = off: counted, never refused."""

    key: str
    most: int | None
    window: int
    grain: int
    setting: str
    """What an operator changes to lift it; named in the log."""


class Asker(msgspec.Struct, frozen=True):
    """Who asks for a message: a user's id ('' = unsigned), and whether the number or address is theirs."""

    user_id: str
    owner: bool


def _in_share(ask: Sent, share: Share) -> bool:
    if share == "all":
        return True
    if ask.used or ask.owner:
        return False
    return share == "not_owner" or ask.asker == ""


def _concerns(asker: Asker, share: Share) -> bool:
    if share == "unsigned":
        return asker.user_id == ""
    return share == "all" or not asker.owner


def judge_exact(asks: Iterable[Sent], asker: Asker, limits: Iterable[Exact], now: int) -> int | None:
    """None: one more ask is within every limit. Else the moment (ms) from which it will be."""
    known = [(min(ask.at, now), ask) for ask in asks]
    if not known:
        return None  # every limit lets one ask through
    until: int | None = None
    for limit in limits:
        if not _concerns(asker, limit.share):
            continue
        counted = sorted(at for at, ask in known if at > now - limit.window and _in_share(ask, limit.share))
        if len(counted) >= limit.most:
            until = max(until or 0, counted[len(counted) - limit.most] + limit.window)
    return until


def judge_pair(asks: Iterable[Sent], asker: Asker, channel: str, now: int) -> int | None:
    """One ask a minute per asker, number and channel, unless the code that was asked for has been used."""
    mine = [ask for ask in asks if ask.channel == channel and ask.asker == asker.user_id and not ask.used]
    return judge_exact(mine, asker, (PAIR,), now)


def too_often(until: int, now: int, medium: Medium = "sms") -> Refused:
    """The answer of the exact limits, with the seconds to wait."""
    return Refused(TOO_OFTEN[medium], retry_after=seconds_until(until, now))


def remembered(asks: Iterable[Sent], now: int) -> tuple[Sent, ...]:
    """The asks that still say something: those of the last 24 hours."""
    return tuple(ask for ask in asks if ask.at > now - DAY)


def coarse_limits(
    *,
    app_id: str,
    pool_id: str,
    address: str,
    number: str,
    unsigned: bool,
    per_minute: int,
    per_day: int,
    app_per_day: int,
) -> tuple[Coarse, ...]:
    """The coarse limits that concern an ask. `address` '' = a configured backend's own ask: not limited by address.

    A setting of 0 switches its limit off.
    """
    rows = [
        Coarse(f"app:{app_id}", app_per_day or None, DAY, 15 * MINUTE, "sendPerAppPerDay"),
        Coarse(
            f"number:{number}", INSTALLATION_PER_DAY, DAY, 15 * MINUTE, "(fixed: 30 a day per installation)"
        ),
    ]
    if unsigned:
        # Whole numbers: 0.7 is none in binary, and a share of nothing (of 1 a day) is no limit switched off.
        share = app_per_day * UNSIGNED_PER_CENT_OF_APP // 100 if app_per_day else None
        rows.append(Coarse(f"app-unsigned:{app_id}", share, DAY, 15 * MINUTE, "sendPerAppPerDay"))
        if address:
            where = f"address:{pool_id}:{address}"
            rows.append(
                Coarse(f"{where}:minute", per_minute or None, MINUTE, 10_000, "sendPerAddressPerMinute")
            )
            rows.append(Coarse(f"{where}:day", per_day or None, DAY, 15 * MINUTE, "sendPerAddressPerDay"))
    return tuple(sorted(rows, key=lambda row: row.key))
