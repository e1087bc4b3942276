"""Phone numbers: every spelling of one number becomes one E.164 string, once, before anything looks at it.

E.164 (ITU-T) by way of Google's number data (`phonenumbers`). That data changes under us, so a *stored* number
is never judged again: only a number that is about to receive its first code must be valid (phone-change.md §3).
"""

import re
import unicodedata
from functools import lru_cache
from typing import NewType

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, PhoneNumberType

E164 = NewType("E164", str)
"""`+8613800138000`: a plus sign, the calling code, the national number, digits only."""

_SEPARATORS = re.compile(r"[\s\-‐‑‒–—―−()./·\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""What people and address books put between digits; the last ones are invisible and come with a pasted number."""
_DIGITS = re.compile(r"\+?[0-9]{2,20}")
_NO_REGION = phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
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
    return digits if int(digits) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE else None


@lru_cache(maxsize=8_192)
def _parse(text: str, code: str) -> E164 | None:
    plain = _plain(text)
    if not _DIGITS.fullmatch(plain):
        return None
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    region = phonenumbers.region_code_for_country_code(int(code))
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
        if plain == before or not _has_prefix(plain.removeprefix(f"+{code}"), region):
            return E164(plain) if len(plain) <= 1 + _MOST_DIGITS else None
    return None


def _has_prefix(national: str, region: str) -> bool:
    """Whether parsing would take a trunk or carrier prefix off once more; most numbers need no second look."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(0, region)
    prefix = metadata.national_prefix_for_parsing if metadata is not None else None
    return prefix is not None and re.match(prefix, national) is not None


@lru_cache(maxsize=8_192)
def can_be_texted(number: E164) -> bool:
    """Whether a number that is new to us may get a code: valid, and not known to be a fixed line."""
    parsed = _taken_apart(number)
    kind = phonenumbers.number_type(parsed)  # UNKNOWN: not a valid number of any kind
    return kind not in {PhoneNumberType.UNKNOWN, PhoneNumberType.FIXED_LINE}


def country_code(number: E164) -> str:
    """`+86` of `+8613800138000`."""
    return f"+{_calling_code(number)}"


@lru_cache(maxsize=8_192)
def _calling_code(number: E164) -> int:
    """No calling code begins with another one (ITU-T E.164 §6.2.1), so the first that fits is the one."""
    for end in (2, 3, 4):
        code = int(number[1:end])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return code
    raise ValueError("not an E.164 number")


def _taken_apart(number: E164) -> phonenumbers.PhoneNumber:
    """What parsing would find, without parsing: an E.164 number says it all."""
    national = national_part(number)
    zeros = len(national) - len(national.lstrip("0"))
    return phonenumbers.PhoneNumber(
        country_code=_calling_code(number),
        national_number=int(national),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def national_part(number: E164) -> str:
    """`13800138000` of `+8613800138000`: what the wire calls `phone`, beside `phoneCountryCode`."""
    return number[len(country_code(number)) :]


def _plain(text: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
