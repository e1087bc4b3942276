"""Names as somebody who looks for a user types them: whole ones without their country, and beginnings."""

import re
import unicodedata

from ostiary.server.core.credentials import read_email
from ostiary.server.core.phone import E164, read_country_code, read_number, without_separators

_PHONE = re.compile(r"\+?[0-9]+")


def read_any_number(text: str, default_code: str) -> E164 | None:
    """A number that comes without a country code of its own: `+` says which country it is of, else `default_code`."""
    plain = unicodedata.normalize("NFKC", text).strip()
    codes = (plain[1:end] for end in (2, 3, 4)) if plain.startswith("+") else ()
    code = next((code for code in codes if read_country_code(code) is not None), None)
    return read_number(plain, code, default_code)


def phone_beginning(text: str, default_code: str) -> str | None:
    """`+86138` of `138`: a number is stored with its country, and typed with or without. None: no digits."""
    plain = without_separators(unicodedata.normalize("NFKC", text))
    if not _PHONE.fullmatch(plain):
        return None
    if plain.startswith("00"):
        return "+" + plain[2:]
    return plain if plain.startswith("+") else default_code + plain.lstrip("0")


def email_beginning(text: str) -> str:
    """The beginning of an address in the spelling that is stored; of a domain that is not ASCII only the whole of it."""
    return read_email(text) or unicodedata.normalize("NFKC", text).strip().lower()
