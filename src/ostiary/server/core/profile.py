"""What an account says about its owner: the fields, and what each must look like, whoever writes it. Pure.

What pages will show as a link is a link to the web: no `javascript:`, no `data:`. A line has no control characters,
a day is a day. Sign-up, the owner's own page, management and imports all ask here: what is stored, others rely on.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ostiary.server.core.characters import has_control
from ostiary.server.core.custom_field import is_moment
from ostiary.server.core.links import is_web_link

FIELDS = (
    "name",
    "nickname",
    "given_name",
    "middle_name",
    "family_name",
    "preferred_username",
    "photo",
    "gender",
    "birthdate",
    "profile",
    "website",
    "company",
    "identity_number",
    "address",
    "formatted",
    "street_address",
    "locality",
    "city",
    "region",
    "province",
    "postal_code",
    "country",
    "zoneinfo",
    "locale",
    "browser",
    "device",
)
"""Names of `User`'s fields, and the keys of the stored profile."""

_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")  # the IANA data base's names
_TAG = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")  # BCP 47; some programs write zh_CN
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LINE_ENDS = str.maketrans("", "", "\r\n")


def profile_of(form: object) -> dict[str, Any]:
    """The profile's fields that a form has and fills in."""
    values = {name: getattr(form, name, None) for name in FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def unfit(form: msgspec.Struct | None) -> str | None:
    """The first field of a form that does not look like what it should be, by its name on the wire; None: all do."""
    wrong = next(
        (name for name, value in profile_of(form).items() if not _LOOKS.get(name, _is_line)(value)), None
    )
    if form is None or wrong is None:
        return None
    return next(info.encode_name for info in msgspec.structs.fields(form) if info.name == wrong)


def _is_line(text: str) -> bool:
    return not has_control(text)


def _is_text(text: str) -> bool:
    return not has_control(text.translate(_LINE_ENDS))


_LOOKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("photo", "profile", "website"), is_web_link),
    **dict.fromkeys(("address", "street_address", "formatted"), _is_text),
    "birthdate": lambda text: _DAY.match(text) is not None and is_moment(text),
    "zoneinfo": lambda text: _ZONE.fullmatch(text) is not None,
    "locale": lambda text: _TAG.fullmatch(text) is not None,
}
"""Fields that are more than any one line."""
