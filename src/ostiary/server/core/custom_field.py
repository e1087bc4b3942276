"""A pool's custom fields: what a user's `customData` may hold, and whether a value is of its kind. Pure."""

import calendar
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

DataType = Literal["STRING", "NUMBER", "DATETIME", "BOOLEAN", "ENUM"]

LONGEST_STRING = 4_096
"""Characters of one STRING."""
LONGEST_NAME = 64
"""Characters of a field's key; and of an unknown one that is named in a refusal."""
MOST_BYTES = 64 * 1024
"""Of all of a user's custom data as JSON: what one request could bring at most."""


_MOMENT = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?(?:Z|[+-][0-2][0-9]:?[0-5][0-9])?)?"
)


class CustomField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One definition, as it is stored."""

    data_type: DataType
    label: str
    description: str | None = None
    user_editable: bool = True
    visible_in_admin_console: bool = True
    visible_in_user_center: bool = True
    options: tuple[tuple[str, str], ...] = ()
    """ENUM: each value with its label."""
    i18n: dict[str, Any] | None = None
    """Labels in languages, kept as they came."""


def fits(field: CustomField, value: Any) -> bool:
    """Whether a value is of the field's kind. None is the absence of one, and none of any kind."""
    match field.data_type:
        case "STRING":
            return isinstance(value, str) and len(value) <= LONGEST_STRING
        case "NUMBER":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "BOOLEAN":
            return isinstance(value, bool)
        case "DATETIME":
            return isinstance(value, str) and is_moment(value)
        case "ENUM":
            return isinstance(value, str) and any(value == option for option, _ in field.options)


def is_moment(text: str) -> bool:
    """A day or a moment as ISO 8601 writes it."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return False
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    return year > 0 and 1 <= day <= calendar.monthrange(year, month)[1]


def merged(before: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Custom data after a change: members that are given replace their namesakes, null ones go. None: too much."""
    after = {name: value for name, value in {**before, **(given or {})}.items() if value is not None}
    return None if given and len(msgspec.json.encode(after)) > MOST_BYTES else after
