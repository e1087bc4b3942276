"""Every message there is, in both languages: short enough, readable by rule, nothing unmasked in it."""

import itertools
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.contract.common import EmailChannel, SmsChannel
from ostiary.server.core.masking import mask_contact, mask_email, mask_number
from ostiary.server.core.passcode import BY_LINK, Channel
from ostiary.server.delivery import texts
from ostiary.server.delivery.devices import device_name
from ostiary.server.delivery.messages import (
    host_of,
    language,
    minutes_left,
    moment,
    read_code,
    render_code,
    render_notice,
)
from ostiary.server.delivery.retries import FIRST_PAUSE, after_failure, pause
from ostiary.server.storage.outbox import Stored

OLD, NEW = "+8613800138000", "+8613900139001"
EMAIL, NEW_EMAIL = "alice@example.com", "bea@example.org"
URL = "https://id.example.com:8443"
MADE_AT = 1_738_310_700_000  # 2025-01-31 08:05 UTC
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
SMS_CHANNELS = get_args(SmsChannel)
EMAIL_CHANNELS = [channel for channel in get_args(EmailChannel) if channel not in BY_LINK]
LANGS = ("zh-CN", "en-US")
TWO_PARTS = {"zh-CN": 134, "en-US": 306}  # two SMS: 67 characters of UCS-2 each, or 153 of GSM-7

NOTICES = [
    (purpose, to)
    for (purpose, audience) in texts.NOTICES
    for to in ((audience,) if audience else ("new", "email"))
]


def stored(purpose, *, recipient=OLD, lang="zh-CN", life=300_000, attempts=1, **facts):
    return Stored(
        id="0194bb4f5d60aabbccddeeff",
        pool_id="pool",
        user_id=None,
        medium="email" if "@" in recipient else "sms",
        recipient=recipient,
        purpose=purpose,
        lang=lang,
        state="sending",
        attempts=attempts,
        due_at=MADE_AT,
        made_at=MADE_AT,
        ends_at=MADE_AT + life,
        settled_at=None,
        provider_id=None,
        error=None,
        facts=facts,
    )


def code_text(channel, lang, digits="407153", now=MADE_AT, **facts):
    return render_code(stored(channel, lang=lang, **facts), digits, now, URL).text


def notice(purpose, to, lang, **facts):
    by_mail = purpose.startswith("email")
    was, is_now = (EMAIL, NEW_EMAIL) if by_mail else (OLD, NEW)
    recipient = {"old": was, "new": is_now, "email": EMAIL, "phone": OLD}[to]
    known = {
        "old": None if purpose.endswith("_bound") else mask_contact(was),
        "new": None if purpose.endswith("_unbound") else mask_contact(is_now),
        "at": MADE_AT,
        "device": FIREFOX,
        "channel": Channel.UNBIND_PHONE,
        "to": to,
    }
    if (purpose, None) in texts.NOTICES:
        del known["to"], known["old"], known["new"]
        known["factor"] = "OTP"
    return render_notice(stored(purpose, recipient=recipient, lang=lang, **(known | facts)), URL)


# ── codes ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("channel", "lang"), list(itertools.product(SMS_CHANNELS, LANGS)))
def test_a_code_s_text_is_short_and_says_the_code_once_and_binds_it_to_the_host(channel, lang):
    for new_contact in (None, mask_number(NEW)):
        text = code_text(channel, lang, new_contact=new_contact)
        sentence, blank, last = text.split("\n")
        assert len(text) <= TWO_PARTS[lang]
        assert last == "@id.example.com #407153"
        assert not blank
        assert re.findall(r"\d+", sentence).count("407153") == 1
        assert read_code(text) == "407153"
        assert lang == "zh-CN" or text.isascii()


@pytest.mark.parametrize(("channel", "lang"), list(itertools.product(EMAIL_CHANNELS, LANGS)))
def test_a_code_s_mail_says_the_code_once_on_a_line_of_its_own_and_not_in_the_subject(channel, lang):
    for facts in ({}, {"old": True}, {"old": True, "new_contact": mask_email(EMAIL)}):
        message = stored(channel, recipient=EMAIL, lang=lang, **facts)
        mail = render_code(message, "407153", MADE_AT, URL)
        assert re.findall(r"\d{4,}", mail.text) == ["407153"]
        assert read_code(mail.text) == mail.code == "407153"
        assert mail.subject
        assert "407153" not in mail.subject
        assert "id.example.com" in mail.text
        assert EMAIL not in mail.text
        assert lang == "zh-CN" or mail.text.isascii()


@pytest.mark.parametrize("lang", LANGS)
def test_the_old_address_is_told_which_one_comes_where_one_does(lang):
    def say(**facts):
        message = stored(Channel.UPDATE_EMAIL, recipient=EMAIL, lang=lang, **facts)
        return render_code(message, "407153", MADE_AT, URL).text

    new, old, named = say(), say(old=True), say(old=True, new_contact="b****@example.org")
    assert len({new, old, named}) == 3
    assert "b****@example.org" in named


def test_no_two_channels_say_the_same():
    for lang in LANGS:
        assert len({code_text(channel, lang) for channel in Channel}) == len(Channel)


@pytest.mark.parametrize("lang", LANGS)
def test_the_old_number_is_told_which_number_comes_where_one_does(lang):
    named = code_text(Channel.UNBIND_PHONE, lang, new_contact=mask_number(NEW))
    unnamed = code_text(Channel.UNBIND_PHONE, lang)
    assert "+86139****9001" in named
    assert "+86" not in unnamed
    assert {"zh-CN": "更换或解绑", "en-US": "to change or remove this number"}[lang] in unnamed


@pytest.mark.parametrize(
    ("left", "minutes"),
    [
        (300_000, 5),
        (299_000, 5),
        (285_000, 5),
        (284_999, 4),
        (90_000, 1),
        (60_000, 1),
        (1, 1),
        (0, 1),
        (600_000, 10),
    ],
)
def test_a_text_gives_the_minutes_that_are_left_and_never_none(left, minutes):
    assert minutes_left(MADE_AT + left, MADE_AT) == minutes


def test_minutes_are_those_at_the_moment_of_sending():
    assert "5 minutes." in code_text(Channel.LOGIN, "en-US")
    assert "2 minutes." in code_text(Channel.LOGIN, "en-US", now=MADE_AT + 150_000)
    assert "1 minute." in code_text(Channel.LOGIN, "en-US", now=MADE_AT + 290_000)


@given(
    st.sampled_from(list(Channel)),
    st.sampled_from(LANGS),
    st.from_regex(r"[0-9]{4,10}", fullmatch=True),
    st.integers(1, 600_000),
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
)
def test_the_code_is_read_out_of_any_text_whatever_other_digits_it_holds(channel, lang, digits, left, number):
    text = code_text(
        channel, lang, digits, MADE_AT + 600_000 - left, life=600_000, new_number=mask_number(number)
    )
    assert read_code(text) == digits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "123456",
        "Your code is 123456.",
        "@host #123",
        "@host #12345678901",
        "@host #123456\nmore",
        "x @host #123456",
    ],
)
def test_a_text_without_a_bound_last_line_carries_no_code(text):
    assert read_code(text) is None


# ── notices ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("purpose", "to", "lang"), [(*one, lang) for one in NOTICES for lang in LANGS])
def test_a_notice_says_when_from_where_and_what_to_do_and_shows_no_number(purpose, to, lang):
    told = notice(purpose, to, lang)
    assert "2025-01-31 08:05 UTC" in told.text
    assert "Firefox, Windows" in told.text
    assert any(words in told.text for words in ("若非本人", "如果不是您", "Not you?", "If it was not"))
    assert not re.search(r"\d{6,}", told.text), "a number stands there unmasked"
    assert "{" not in told.text
    assert read_code(told.text) is None
    if "@" in told.to:
        assert told.subject
    else:
        assert told.subject is None
        assert len(told.text) <= TWO_PARTS[lang]
        assert lang == "zh-CN" or told.text.isascii()


def test_the_old_number_the_new_one_and_the_addresses_are_told_in_words_of_their_own():
    for lang in LANGS:
        told = {to: notice("phone_changed", to, lang).text for to in ("old", "new", "email")}
        assert len(set(told.values())) == 3
        assert all("+86138****8000" in text and "+86139****9001" in text for text in told.values())


def test_every_notice_has_a_subject_and_a_text_for_addresses():
    assert set(texts.SUBJECTS) == {purpose for purpose, _ in texts.NOTICES}
    for purpose in texts.SUBJECTS:
        assert ("phone" not in purpose) or (purpose, "email") in texts.NOTICES


def test_what_a_caller_wrote_as_its_device_is_never_repeated():
    told = notice("phone_changed", "old", "en-US", device="Call +8613712345678 now! https://evil.example")
    assert "evil" not in told.text
    assert "137" not in told.text
    assert "an unknown device" in told.text


@pytest.mark.parametrize(
    ("by", "words"), [("administrator", "an administrator"), ("deletion", "deletion of the account")]
)
def test_a_notice_says_when_it_was_not_the_user_s_own_doing(by, words):
    assert words in notice("phone_unbound", "old", "en-US", by=by).text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox, Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
            "Safari, Mac",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge, Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.49",
            "WeChat, iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        ("python-httpx/0.27.0", "Python"),
        ("", None),
        ("Nokia", None),
    ],
)
def test_devices_have_the_names_people_use(user_agent, name):
    assert device_name(user_agent) == name


@pytest.mark.parametrize(
    ("locale", "lang"),
    [("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("zh-TW", "zh-CN"), ("en-US", "en-US"), ("de", "en-US")],
)
def test_a_locale_gets_the_nearer_of_two_languages(locale, lang):
    assert language(locale) == lang


def test_the_host_stands_without_a_port_and_moments_are_utc():
    assert host_of("http://127.0.0.1:8000") == "127.0.0.1"
    assert moment(0) == "1970-01-01 00:00 UTC"


# ── masks ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        (OLD, "+86138****8000"),
        ("+85291234567", "+85291****67"),
        ("+12025550123", "+1202****123"),
        ("+4930901820", "+4930****20"),
        ("+2904567", "+290****"),
        ("12345678901", "123****8901"),
        ("abc", "****"),
        ("", "****"),
    ],
)
def test_a_masked_number_hides_four_digits_at_least(number, masked):
    assert mask_number(number) == masked


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_no_mask_shows_more_than_seven_digits_of_a_national_number(number):
    masked = mask_number(number)
    assert masked.count("****") == 1
    assert sum(sign.isdigit() for sign in masked) <= min(len(number) - 1 - 4, 3 + 3 + 4)


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        (EMAIL, "a****@example.com"),
        ("a@example.com", "****@example.com"),
        ("nobody", "****"),
        ("@x", "****@x"),
    ],
)
def test_a_masked_address_shows_a_letter_and_the_domain(address, masked):
    assert mask_email(address) == masked


def test_a_contact_is_masked_as_what_it_is():
    assert mask_contact(OLD) == mask_number(OLD)
    assert mask_contact(EMAIL) == mask_email(EMAIL)


# ── retries ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("purpose", "longest"), [(Channel.LOGIN, 30_000), ("phone_changed", 900_000)])
def test_pauses_double_up_to_the_longest_and_half_of_each_is_chance(purpose, longest):
    whole = [pause(stored(purpose, attempts=attempt), 1.0) for attempt in range(1, 40)]
    assert whole[:4] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert whole[-1] == longest
    assert pause(stored(purpose, attempts=39), 0.0) == longest // 2


def test_a_code_is_tried_again_until_its_end_and_a_notice_becomes_a_dead_letter():
    again = after_failure(stored(Channel.LOGIN), MADE_AT, 0.0, "busy")
    assert (again.state, again.due_at, again.settled_at) == ("queued", MADE_AT + 1_000, None)
    late = MADE_AT + 299_500
    assert after_failure(stored(Channel.LOGIN), late, 0.0, "busy").state == "expired"
    assert after_failure(stored("phone_changed"), late, 0.0, "busy").state == "dead"


def test_a_provider_that_asks_for_time_gets_it():
    assert (
        after_failure(stored("phone_bound"), MADE_AT, 0.0, "429", retry_after=60_000).due_at
        == MADE_AT + 60_000
    )
