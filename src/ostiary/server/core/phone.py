"""Phone numbers: every spelling of one number becomes one E.164 string, once, before anything looks at it.

E.164 (ITU-T) by way of Google's number data (`phonenumbers`). That data changes under us, so a *stored* number
is never judged again: only a number that is about to receive its first code must be valid (phone-change.md §3).
"""

import re
import unicodedata
from functools import cache, lru_cache
from typing import NewType

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberDesc, PhoneNumberFormat

from ostiary.server.core.characters import BETWEEN

E164 = NewType("E164", str)
"""`+8613800138000`: a plus sign, the calling code, the national number, digits only."""

_SEPARATORS = re.compile(rf"[{BETWEEN}()./·]")
"""What people and address books put between digits."""
_DIGITS = re.compile(r"\+?[0-9]{2,20}")
_STORED = re.compile(r"\+[0-9]{2,15}")
_CALLING_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_NO_REGION = phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
_NOTHING = "(?!)"
"""A pattern that nothing fits."""
_LEAST_DIGITS = 2
"""Of a national number, as the library sees it."""
_MOST_DIGITS = 15
"""Of a number with its country code (ITU-T E.164 §6.1); the library lets seventeen after the code pass."""
_MOST_ZEROS = 8
"""Rounds until a number stands still: "+86 00 138…" loses one 0 a round, and a stored number has one form only."""
_LONGEST = 64
"""Characters looked at; a longer text is no phone number and is not worth normalising."""


def read_number(text: str, country_code: str | None, default_code: str) -> E164 | None:
    """The number somebody typed, or None where it is none. Parsed, not judged: `can_be_texted` does that.

    `country_code` ("+86", "86", "0086") is what came with it; `default_code` stands in where none came.
    National form, a leading 0 or 00, the calling code repeated inside, spaces, dashes and full-width digits
    all mean the same number. A prefix that contradicts the country code makes it none.
    """
    code = read_country_code(country_code or default_code)
    if code is None or len(text) > _LONGEST:
        return None
    return _parse(text, code)


@lru_cache(maxsize=1_024)
def read_country_code(text: str) -> str | None:
    """A calling code as bare digits ("86"), or None where no country has it."""
    plain = _plain(text[:_LONGEST])
    digits = plain.removeprefix("+") if plain.startswith("+") else plain.removeprefix("00")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", digits):
        return None
    return digits if digits in _CALLING_CODES else None


@lru_cache(maxsize=512)
def _parse(text: str, code: str) -> E164 | None:
    plain = _plain(text)
    if not _DIGITS.fullmatch(plain):
        return None
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    national = plain.removeprefix(f"+{code}")
    if len(national) >= _LEAST_DIGITS and not _taken_off(code).match(national):
        plain = f"+{code}{national}"
        return E164(plain) if len(plain) <= 1 + _MOST_DIGITS else None
    return _parse_at_length(plain, code)


@cache
def _taken_off(code: str) -> re.Pattern[str]:
    """All that parsing may take off the front of a country's national numbers; what begins with none of it is one.

    A test holds this against the library, for every country.
    """
    metadata = PhoneMetadata.metadata_for_region(_region(code), None)
    if metadata is None:  # of no country: leave it to the library
        return re.compile("")
    prefixes = (metadata.national_prefix_for_parsing, metadata.international_prefix, code, "0", r"\+")
    return re.compile("|".join(prefix for prefix in prefixes if prefix))


def _parse_at_length(plain: str, code: str) -> E164 | None:
    region = _region(code)
    if region == _NO_REGION and not plain.startswith("+"):
        plain = f"+{code}{plain}"
    for _ in range(_MOST_ZEROS):
        try:
            parsed = phonenumbers.parse(plain, region)
        except NumberParseException:
            return None
        if str(parsed.country_code) != code:
            return None
        before, plain = plain, phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
        if plain == before or not _taken_off(code).match(plain.removeprefix(f"+{code}")):
            return E164(plain) if len(plain) <= 1 + _MOST_DIGITS else None
    return None


def _region(code: str) -> str:
    """The main region of a calling code: CN of 86, US of 1."""
    return phonenumbers.region_code_for_country_code(int(code))


@lru_cache(maxsize=512)
def can_be_texted(number: E164) -> bool:
    """Whether a number that is new to us may get a code: valid, and not known to be a fixed line."""
    code = int(country_code(number))
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    region = regions[0] if len(regions) == 1 else phonenumbers.region_code_for_number(_taken_apart(number))
    return region is not None and _texted(code, region).match(national_part(number)) is not None


@cache
def _texted(code: int, region: str) -> re.Pattern[str]:
    """The national numbers of a region that may get a code, of whatever kind they are.

    The library's `number_type` tries the patterns of ten kinds one after the other; which of them it is, is all one here.
    """
    numbers = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if numbers is None:
        return re.compile(_NOTHING)
    mobile = numbers.fixed_line if numbers.same_mobile_and_fixed_line_pattern else numbers.mobile
    others = (
        *(numbers.premium_rate, numbers.toll_free, numbers.shared_cost, numbers.voip),
        *(numbers.personal_number, numbers.pager, numbers.uan, numbers.voicemail),
    )
    kinds = "|".join(map(_pattern, (mobile, *others)))
    return re.compile(f"(?={_pattern(numbers.general_desc)}$)(?:{kinds})$")


def _pattern(kind: PhoneNumberDesc | None) -> str:
    if kind is None or not kind.national_number_pattern:
        return _NOTHING
    lengths = "|".join(f"[0-9]{{{length}}}$" for length in kind.possible_length)
    return f"(?={lengths})(?:{kind.national_number_pattern})"


def country_code(number: E164) -> str:
    """`+86` of `+8613800138000`."""
    code = calling_code(number[1:4])
    if not code:
        raise ValueError("not an E.164 number")
    return f"+{code}"


def calling_code(digits: str) -> str:
    """The calling code that `digits` begin with, "" where no country has it.

    None begins with another one (ITU-T E.164 §6.2.1), so the first that fits is the one.
    """
    for length in (1, 2, 3):
        if digits[:length] in _CALLING_CODES:
            return digits[:length]
    return ""


def _taken_apart(number: E164) -> phonenumbers.PhoneNumber:
    """What parsing would find, without parsing: an E.164 number says it all."""
    national = national_part(number)
    zeros = len(national) - len(national.lstrip("0"))
    return phonenumbers.PhoneNumber(
        country_code=int(country_code(number)),
        national_number=int(national),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def national_part(number: E164) -> str:
    """`13800138000` of `+8613800138000`: what the wire calls `phone`, beside `phoneCountryCode`."""
    return number[len(country_code(number)) :]


def is_e164(text: str) -> bool:
    """Whether it has the form of a stored number: a plus sign, a country's code, digits."""
    return _STORED.fullmatch(text) is not None and calling_code(text[1:4]) != ""


def without_separators(text: str) -> str:
    """A text without what people put between digits."""
    return _SEPARATORS.sub("", text)


def _plain(text: str) -> str:
    if _DIGITS.fullmatch(text):
        return text
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
