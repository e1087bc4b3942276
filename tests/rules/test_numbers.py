"""Phone numbers (phone-change.md §3): every spelling of one number is one number, and nothing else is."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from ostiary.server.core.phone import (
    E164,
    can_be_texted,
    country_code,
    national_part,
    read_country_code,
    read_number,
)

CHINA = "+86"
ONE = "+8613800138000"

SPELLINGS = [
    "13800138000", "138 0013 8000", "138-0013-8000", "138.0013.8000", "(138) 0013/8000", " 13800138000\t",
    "013800138000", "8613800138000", "+8613800138000", "+86 138 0013 8000", "008613800138000", "0086 138-0013-8000",
    "+86013800138000", "+86 (0) 138 0013 8000", "+860013800138000", "+8600013800138000",
    "１３８００１３８０００", "＋８６１３８００１３８０００", "８６－138 0013 8000",
    "\u202a+8613800138000\u202c", "\u200e13800138000", "138\u00a00013\u20118000", "138\u22120013\u22128000",
    "17951 13800138000",
]  # fmt: skip # one line a family
"""National, trunk 0, calling code with and without sign, 00, full width, invisible signs, a carrier's prefix."""

CODES = [None, "86", "+86", "0086", "＋８６", " 86 "]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_one_number(text: str, code: str | None) -> None:
    assert read_number(text, code, CHINA) == ONE


@pytest.mark.parametrize(
    ("text", "code", "number"),
    [
        # shared calling codes: +1 (US, CA, islands), +7 (RU, KZ), +39 (IT, VA), +44 (GB, JE, GG, IM), +61 (AU, CX, CC)
        ("(650) 253-0000", "+1", "+16502530000"),
        ("1 650 253 0000", "1", "+16502530000"),
        ("011 1 650 253 0000", "+1", "+16502530000"),
        ("416 555 0123", "+1", "+14165550123"),
        ("876 210 1234", "+1", "+18762101234"),
        ("8 912 345-67-89", "+7", "+79123456789"),
        ("8 701 234 5678", "+7", "+77012345678"),
        ("7 701 234 5678", "7", "+77012345678"),
        ("312 345 6789", "+39", "+393123456789"),
        ("06 1234 5678", "+39", "+390612345678"),  # its 0 belongs to the number
        ("+39 06 1234 5678", "+39", "+390612345678"),
        ("07400 123456", "+44", "+447400123456"),
        ("+44 (0) 7400 123456", "+44", "+447400123456"),
        ("07781 123456", "+44", "+447781123456"),  # Guernsey
        ("0412 345 678", "+61", "+61412345678"),
        ("5123 4567", "+852", "+85251234567"),
        ("0912 345 678", "+886", "+886912345678"),
        ("16 123 456", "+882", "+88216123456"),  # belongs to no country
    ],
)
def test_foreign_numbers(text: str, code: str, number: str) -> None:
    found = read_number(text, code, CHINA)
    assert found == number
    assert country_code(found) == f"+{read_country_code(code)}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("+16502530000", "+86"),
        ("0016502530000", "+86"),
        ("+8613800138000", "+1"),
        ("008613800138000", "1"),
        ("+447400123456", "+39"),
        ("+8613800138000", "+852"),
        ("+16502530000", None),
    ],
)
def test_a_prefix_that_contradicts_the_country_code_is_refused(text: str, code: str | None) -> None:
    assert read_number(text, code, CHINA) is None


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1380013800a", "138#12", "13800138000;ext=1", "tel:+8613800138000", "+", "++8613800138000", "1", "5",
     "١٣٨٠٠١٣٨٠٠٠", "13800138000\x00", "9" * 65, "9" * 30, "+86+8613800138000", "-", "0", "00"],
)  # fmt: skip # a list
def test_what_is_no_number(text: str) -> None:
    assert read_number(text, None, CHINA) is None


@pytest.mark.parametrize("code", ["0", "abc", "+", "+999", "00", "+860", "86 1", "+86x", "١"])
def test_what_is_no_country_code(code: str) -> None:
    assert read_country_code(code) is None
    assert read_number("13800138000", code, CHINA) is None


@pytest.mark.parametrize(
    ("number", "fit"),
    [
        (ONE, True),
        ("+861064821234", False),  # Beijing, a fixed line
        ("+862164821234", False),  # Shanghai, a fixed line
        ("+390612345678", False),  # Rome, a fixed line
        ("+442079460958", False),  # London, a fixed line
        ("+16502530000", True),  # fixed or mobile: not known to be fixed
        ("+447400123456", True),
        ("+8612345678901", False),  # not given out
        ("+86138001380", False),  # too short
        ("+861380013800012", False),  # too long
    ],
)
def test_a_new_number_is_valid_and_no_fixed_line(number: str, *, fit: bool) -> None:
    read = read_number(number, country_code(number), CHINA)  # type: ignore[arg-type] # as stored
    assert read == number, "an old number is only parsed, whatever the number data says of it"
    assert can_be_texted(read) is fit


@settings(max_examples=60)  # rules are quick, all together
@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.data())
def test_what_is_read_is_read_the_same_again(code: int, data: st.DataObject) -> None:
    """A number has one form only: whatever was read reads as itself, bare and beside its country code."""
    zeros = data.draw(
        st.sampled_from(["", "0", "00", f"{code}", f"+{code}", f"00{code}", f"+{code}0", f"+{code}00"])
    )
    text = zeros + data.draw(st.text("0123456789", min_size=3, max_size=13))
    number = read_number(text, str(code), CHINA)
    if number is None:
        return
    assert number.startswith(f"+{code}")
    assert read_number(number, str(code), CHINA) == number
    assert read_number(f"00{number[1:]}", f"+{code}", CHINA) == number
    assert country_code(number) + national_part(number) == number
    if can_be_texted(number) and not national_part(number).startswith("00"):  # 00 goes abroad
        assert read_number(national_part(number), str(code), CHINA) == number


@pytest.mark.parametrize("code", ["+800", "+49"])
def test_a_number_has_fifteen_digits_at_most(code: str) -> None:
    """Found by the property above: sixteen were read, and beside `00` were none."""
    room = 15 - len(code[1:])
    assert read_number("1" * room, code, CHINA) == code + "1" * room
    assert read_number("1" * (room + 1), code, CHINA) is None


_MOBILES = ["+8613800138000", "+8619912345678", "+16502530000", "+447400123456", "+393123456789", "+77012345678",
            "+61412345678", "+85251234567", "+886912345678"]  # fmt: skip # a list
_BETWEEN = st.text(" -\u00a0\u2010\u2013.()\u200b", max_size=2)


@settings(max_examples=40)  # as above
@given(st.sampled_from(_MOBILES), st.data())
def test_separators_and_widths_change_nothing(number: str, data: st.DataObject) -> None:
    code = country_code(number)  # type: ignore[arg-type] # E.164 by construction
    national = national_part(number)  # type: ignore[arg-type] # as above
    prefix = data.draw(st.sampled_from(["", code, code[1:], f"00{code[1:]}"]))
    wide = data.draw(st.booleans())
    typed = "".join(sign + data.draw(_BETWEEN) for sign in prefix + national)
    if wide:
        typed = "".join(
            chr(ord(sign) + 0xFEE0) if "0" <= sign <= "9" or sign == "+" else sign for sign in typed
        )
    if len(typed) <= 64:
        assert read_number(typed, code, CHINA) == number


def _as_the_library_reads(text: str, code: str) -> str | None:
    """Parsed until it stands still, 00 being + everywhere; to the library it is that in most countries."""
    text = f"+{text[2:]}" if text.startswith("00") else text
    region = phonenumbers.region_code_for_country_code(int(code))
    before, number = "", text if region != "001" or text.startswith("+") else f"+{code}{text}"
    while number != before:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            return None
        before, number = number, phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return number if number.startswith(f"+{code}") and len(number) <= 16 else None


def _as_the_library_judges(number: str) -> bool:
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return kind not in {PhoneNumberType.UNKNOWN, PhoneNumberType.FIXED_LINE}


@settings(max_examples=400)  # as above
@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.data())
def test_most_numbers_need_no_library_and_are_read_and_judged_as_it_would(
    code: int, data: st.DataObject
) -> None:
    region = data.draw(st.sampled_from(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]))
    kind = data.draw(st.sampled_from(PhoneNumberType.values()))
    example = phonenumbers.example_number_for_type(region, kind) if region != "001" else None
    given_out = "" if example is None else phonenumbers.national_significant_number(example)
    kept = data.draw(st.integers(0, len(given_out)))
    more = data.draw(st.text("0123456789", max_size=14 - kept))
    prefix = data.draw(st.sampled_from(["", "+", f"+{code}", f"{code}", "0", "1", "8"]))
    text = prefix + given_out[:kept] + more
    if not 2 <= len(text.removeprefix("+")) <= 17:
        return
    number = read_number(text, str(code), CHINA)
    assert number == _as_the_library_reads(text, str(code))
    if number is not None:
        assert can_be_texted(number) is _as_the_library_judges(number)


def test_every_kind_of_number_of_every_region_is_read_and_judged_as_the_library_would() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = E164(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
            code = f"{example.country_code}"
            assert can_be_texted(number) is _as_the_library_judges(number), number
            assert country_code(number) == f"+{code}", number
            for text in (number, national_part(number)):
                assert read_number(text, code, CHINA) == _as_the_library_reads(text, code), text
