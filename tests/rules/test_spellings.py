"""One spelling each: domains, addresses, user names; and what nobody can see in them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.server.core.characters import all_visible
from ostiary.server.core.credentials import read_email, read_username
from ostiary.server.core.domains import read_domain
from ostiary.server.core.search import email_beginning

# Default_Ignorable_Code_Point, with the names that DerivedCoreProperties.txt gives them.
IGNORABLE = [
    0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010),
    *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0,
    *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), 0xE0000, 0xE0001, 0xE0020, 0xE0100,
    0xE01EF, 0xE0FFF,
]  # fmt: skip
BLANK = [0x2800, 0x13441, 0x13442, 0x16FE4, 0x1D159]


@pytest.mark.parametrize("code", [*IGNORABLE, *BLANK], ids=hex)
def test_what_shows_nothing_stands_in_no_user_name_and_before_no_at(code):
    sign = chr(code)
    assert not all_visible(f"dana{sign}X")
    for name in (sign, f"danaX{sign}", f"dana{sign}X", f"{sign}danaX"):
        assert read_username(name) is None
    assert read_email(f"da{sign}na@example.com") is None


def test_marks_and_selectors_that_unicode_calls_invisible_are_all_known():
    """By their names, which Python knows: a list that misses a block is found."""
    words = (
        "VARIATION SELECTOR",
        "HANGUL FILLER",
        "CHOSEONG FILLER",
        "JUNGSEONG FILLER",
        "GRAPHEME JOINER",
        "ZERO WIDTH",
    )
    known = (
        chr(code)
        for code in range(0x110000)
        if any(word in unicodedata.name(chr(code), "") for word in words)
    )
    assert [hex(ord(sign)) for sign in known if all_visible(sign)] == []


@pytest.mark.parametrize(
    "name", ["阿娜 Ana", "O’Brien", "josé", "jose\u0301", "नमस्ते", "สวัสดี", "😀", "a_b-c.d", "١٢٣"]
)
def test_what_people_are_called_is_a_user_name(name):
    assert read_username(name) == unicodedata.normalize("NFKC", name)


# ── domains ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Example.COM", "example.com"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("example。com", "example.com"),
        ("example｡com", "example.com"),
        ("ex\u00adample.com", "example.com"),
        ("ex\ufe00ample.com", "example.com"),
        ("ex\ufe0fample.com", "example.com"),
        ("ex\u034fample.com", "example.com"),
        ("ex\u180bample.com", "example.com"),
        ("straße.example", "xn--strae-oqa.example"),
        ("STRAẞE.example", "xn--strae-oqa.example"),
        ("xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("XN--STRAE-OQA.example", "xn--strae-oqa.example"),
        ("strasse.example", "strasse.example"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("mu\u0308nchen.de", "xn--mnchen-3ya.de"),
        ("☃.net", "xn--n3h.net"),
        ("i❤\ufe0f.ws", "xn--i-7iq.ws"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),
        ("例子.中国", "xn--fsqu00a.xn--fiqs8s"),
        ("نامه\u200cای.com", "xn--mgba3gch31f060k.com"),
        ("a.b-c.d1.museum", "a.b-c.d1.museum"),
    ],
)
def test_a_domain_has_one_form_in_ascii(typed, stored):
    assert read_domain(typed) == stored
    assert read_email(f"Li@{typed}") == f"li@{stored}"


@pytest.mark.parametrize(
    "text",
    [
        "", "com", ".", "a..com", ".a.com", "a.com.", "-a.com", "a-.com", "a_b.com", "192.0.2.17", "a.c",
        "evil.example/claim?id=7&step=verify-now.html", "a.example#x", "a.example=b", "a.ex\x00ample",
        "您的账户已被盗，请立即打开evil.example", "-❤.ws", "a\u200d❤.ws", "❤\u0301.ws", "a\u1806b.com", "a\u200db.com", "xn--a.com", "xn--.com",
        "xn--straße.example", "xn--fsqu00a-.cn", "xn--strasse-.example", "℀.com", "א1a.com", "\u0301a.com",
        "x" * 64 + ".com", "x." * 127 + "com", "例" * 60 + ".cn",
    ],
)  # fmt: skip
def test_what_is_no_domain(text):
    assert read_domain(text) is None
    assert read_email(f"li@{text}") is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_one_spelling_of_an_address_is_its_own(local, domain):
    read = read_email(f"{local}@{domain}.example")
    if read is not None:
        assert read_email(read) == read
        assert read.rpartition("@")[2].isascii()


@given(st.text("aß例éأ\u0301\u200c\ufe0f。-AＢ1", min_size=1, max_size=12))
def test_a_domain_s_spelling_is_its_own(text):
    read = read_domain(f"{text}.example")
    assert read is None or read_domain(read) == read


def test_an_address_is_looked_for_as_it_is_stored():
    assert email_beginning("Li@Straße.example") == "li@xn--strae-oqa.example"
    assert email_beginning(" Li@ex") == "li@ex"
