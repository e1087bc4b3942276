"""Messages: an outbox row and a moment in, the text a person reads out. Pure.

1. A text says what its code is for, and for how many minutes it is still good at the moment of sending.
2. The code stands once in the sentence, and once more in the last line, which binds it to our host so that a
   phone fills it in there and nowhere else (W3C WICG 'Origin-bound one-time codes delivered via SMS').
   In an e-mail it stands once, on a line of its own between two empty ones.
3. `read_code` finds the code by that line alone, whatever other digits the text holds.
4. No text holds an unmasked number or a word that a caller wrote (User-Agents only choose a name). The domain of a
   masked address is the one exception: it is in ASCII, and stands before nobody but an account's proven owner.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ostiary.server.core.call import Lang
from ostiary.server.core.contact import Medium
from ostiary.server.core.masking import mask_contact
from ostiary.server.core.millis import MINUTE, SECOND
from ostiary.server.core.passcode import BY_LINK, Channel
from ostiary.server.delivery import texts
from ostiary.server.delivery.devices import device_name
from ostiary.server.delivery.letters import to_html
from ostiary.server.delivery.texts import CodeFor
from ostiary.server.storage.outbox import Stored

_LAST_LINE = re.compile(r"(?:^|\n)@[^\s@#]+ #([0-9]{4,10})\Z")
_OWN_LINE = re.compile(r"\n\n([0-9]{4,10})\n\n")
_GRACE = 15 * SECOND
"""A message that is this late still gives the full minutes."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender sends. `code` and `minutes` are for providers whose templates take values, not text."""

    id: str
    """The outbox id: the same over retries, so that a provider can drop what it has already sent."""
    pool_id: str
    medium: Medium
    to: str
    purpose: str
    lang: Lang
    text: str
    subject: str | None = None
    """E-mail only."""
    html: str | None = None
    """E-mail only: the same words, without anything from elsewhere."""
    code: str | None = None
    link: str | None = None
    """Where a message carries a link and no code."""
    minutes: int | None = None

    def __repr__(self) -> str:
        return f"Rendered(id={self.id!r}, to={mask_contact(self.to)!r}, purpose={self.purpose!r})"


def render(message: Stored, secret: str, now: int, public_url: str) -> Rendered:
    """A message as it reads when it is sent at `now`. `secret`: a code's digits, a link's token; a notice has none."""
    if not is_code(message.purpose):
        return render_notice(message, public_url)
    by_link = message.purpose in BY_LINK
    return (render_link if by_link else render_code)(message, secret, now, public_url)


def render_code(message: Stored, digits: str, now: int, public_url: str) -> Rendered:
    """The text of a code that `digits` is, as it reads when it is sent at `now`."""
    lang = language(message.lang)
    host = host_of(public_url)
    minutes = minutes_left(message.ends_at, now)
    by_mail = message.medium == "email"
    about = _about(message)
    sentence = (
        (texts.CODE_MAIL if by_mail else texts.CODE_SMS)
        .say(lang)
        .format(
            code=digits,
            purpose=_purpose(message, about, lang),
            minutes=minutes,
            unit="minute" if minutes == 1 else "minutes",
            care=(texts.CARE_GRAVE if about.grave else texts.CARE).say(lang),
            host=host,
        )
    )
    subject = texts.CODE_SUBJECT.say(lang).format(host=host, topic=about.topic.say(lang))
    return Rendered(
        id=message.id,
        pool_id=message.pool_id,
        medium=message.medium,
        to=message.recipient,
        purpose=message.purpose,
        lang=lang,
        text=sentence if by_mail else f"{sentence}\n\n@{host} #{digits}",
        subject=subject if by_mail else None,
        html=to_html(sentence, subject, lang, code=digits) if by_mail else None,
        code=digits,
        minutes=minutes,
    )


def _about(message: Stored) -> CodeFor:
    """What a code is for, as it is said to this recipient."""
    channel = Channel(message.purpose)
    known = texts.AT_THE_OLD if message.facts.get("old") else texts.CODES
    return known.get(channel, texts.CODES[channel])


def _purpose(message: Stored, about: CodeFor, lang: Lang) -> str:
    new_contact = message.facts.get("new_contact")
    if new_contact and message.purpose in texts.TO_CHANGE:
        return texts.TO_CHANGE[Channel(message.purpose)].say(lang).format(new_contact=new_contact)
    return about.purpose.say(lang)


def render_link(message: Stored, token: str, now: int, public_url: str) -> Rendered:
    """The text of a link that opens the page where an address is verified (`web/pages/verify_email.py`)."""
    lang = language(message.lang)
    minutes = minutes_left(message.ends_at, now)
    link = f"{public_url}/verify-email?token={token}&lang={lang}"
    host = host_of(public_url)
    text = texts.LINK_MAIL.say(lang).format(host=host, link=link, minutes=minutes)
    subject = texts.LINK_SUBJECT.say(lang).format(host=host)
    return Rendered(
        id=message.id,
        pool_id=message.pool_id,
        medium=message.medium,
        to=message.recipient,
        purpose=message.purpose,
        lang=lang,
        text=text,
        subject=subject,
        html=to_html(text, subject, lang, link=link, button=texts.LINK_BUTTON.say(lang)),
        link=link,
        minutes=minutes,
    )


def render_notice(message: Stored, public_url: str) -> Rendered:
    """The text of a notice: when, from what to what, from which device, what to do if it was not you."""
    lang = language(message.lang)
    words = texts.NOTICES[message.purpose, message.facts.get("to")]
    text = words.say(lang).format_map(_notice_values(message.facts, lang, public_url))
    subject = texts.SUBJECTS[message.purpose].say(lang)
    by_mail = message.medium == "email"
    return Rendered(
        id=message.id,
        pool_id=message.pool_id,
        medium=message.medium,
        to=message.recipient,
        purpose=message.purpose,
        lang=lang,
        text=text,
        subject=subject if by_mail else None,
        html=to_html(text, subject, lang) if by_mail else None,
    )


def is_code(purpose: str) -> bool:
    """Whether a message carries a code (its purpose is a channel), or is a notice."""
    return purpose in texts.CODES


def read_code(text: str) -> str | None:
    """The code a text carries, None where it carries none: in the origin-bound last line, or (e-mail) in its own."""
    found = _LAST_LINE.search(text) or _OWN_LINE.search(text)
    return found[1] if found else None


def minutes_left(ends_at: int, now: int) -> int:
    """Whole minutes a code is still good, rounded down, but for a few seconds on the way; never 0."""
    return max(1, (ends_at - now + _GRACE) // MINUTE)


@cache
def host_of(public_url: str) -> str:
    """The host of the service's public URL, as the origin-bound line wants it: without a port."""
    return urlsplit(public_url).hostname or "localhost"


def language(lang: str) -> Lang:
    """The language of our two that suits a locale: Chinese for any Chinese one, else English."""
    return "zh-CN" if lang.lower().startswith("zh") else "en-US"


def moment(at: int) -> str:
    """`2025-01-31 08:05 UTC`: the same clock for every reader, and named."""
    return _minute(at // MINUTE)


@lru_cache(maxsize=64)
def _minute(number: int) -> str:
    """The minute's name; the notices of a change tell the same one."""
    return datetime.fromtimestamp(number * (MINUTE // SECOND), UTC).strftime("%Y-%m-%d %H:%M UTC")


def _notice_values(facts: Mapping[str, Any], lang: Lang, public_url: str) -> Mapping[str, str]:
    channel = facts.get("channel")
    return {
        "at": moment(facts["at"]),
        "old": facts.get("old") or texts.NO_NUMBER.say(lang),
        "new": facts.get("new") or texts.NO_NUMBER.say(lang),
        "source": _source(facts, lang),
        "factor": texts.FACTORS[facts["factor"]].say(lang) if "factor" in facts else "",
        "topic": texts.CODES[Channel(channel)].topic.say(lang) if channel else "",
        "host": host_of(public_url),
    }


def _source(facts: Mapping[str, Any], lang: Lang) -> str:
    match facts.get("by", "user"):
        case "administrator":
            return texts.BY_ADMINISTRATOR.say(lang)
        case "deletion":
            return texts.BY_DELETION.say(lang)
        case _:
            device = device_name(facts.get("device") or "") or texts.UNKNOWN_DEVICE.say(lang)
            return texts.FROM_DEVICE.say(lang).format(device=device)
