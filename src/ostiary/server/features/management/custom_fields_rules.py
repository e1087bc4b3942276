"""Custom fields: what a definition means, and what becomes of one that is there. Pure.

Rule 1: a field's kind stays: values that users have are not read again, and must not become wrong by a definition.
Rule 2: what is absent stays as it is; in a new field it has its default.
"""

import re
from collections.abc import Mapping

import msgspec

from ostiary.contract import custom_fields as wire
from ostiary.contract.custom_fields import SetCustomField, SetCustomFields
from ostiary.contract.keys import Key
from ostiary.server.core.custom_field import CustomField
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused

MOST_FIELDS = 200
"""Per pool."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_KEPT = ("label", "description", "user_editable", "visible_in_admin_console", "visible_in_user_center")


def read_set(form: SetCustomFields, _facts: Facts) -> tuple[SetCustomField, ...] | Refused:
    """The definitions, each key once and well-formed."""
    for place, asked in enumerate(form.list):
        if _KEY.fullmatch(asked.key) is None:
            return _bad("key", place)
    if len({asked.key for asked in form.list}) < len(form.list):
        return Refused(Key.BAD_REQUEST, data={"field": "list"})
    return tuple(form.list)


def judge(
    before: Mapping[str, CustomField], asked: tuple[SetCustomField, ...], known: int
) -> dict[str, CustomField] | Refused:
    """Each field as it becomes. `known`: how many the pool has by now."""
    after = {}
    for place, one in enumerate(asked):
        field = _becomes(before.get(one.key), one, place)
        if isinstance(field, Refused):
            return field
        after[one.key] = field
    if known + len(after.keys() - before.keys()) > MOST_FIELDS:
        return Refused(Key.BAD_REQUEST, data={"field": "list"})
    return after


def _becomes(before: CustomField | None, asked: SetCustomField, place: int) -> CustomField | Refused:
    if before is None and asked.data_type is None:
        return Refused(
            Key.PARAMETERS_INCOMPLETE, data={"field": "dataType", "path": f"list.{place}.dataType"}
        )
    if before is not None and asked.data_type not in {None, before.data_type}:
        return _bad("dataType", place)
    start = before or CustomField(data_type=asked.data_type or "STRING", label=asked.key)
    given = {name: value for name in _KEPT if (value := getattr(asked, name)) is not None}
    if asked.options is not None:
        given["options"] = tuple((option.value, option.label) for option in asked.options)
    if asked.i18n is not None:
        given["i18n"] = msgspec.to_builtins(asked.i18n)
    field = msgspec.structs.replace(start, **given)
    values = [value for value, _ in field.options]
    if (field.data_type == "ENUM") != bool(values) or len(set(values)) < len(values):
        return _bad("options", place)
    return field


def shown(key: str, field: CustomField, created_at: str) -> wire.CustomField:
    """A definition as it is read. What is not served has its one value."""
    return wire.CustomField(
        target_type="USER",
        created_at=created_at,
        data_type=field.data_type,
        key=key,
        label=field.label,
        description=field.description,
        encrypted=False,
        is_unique=False,
        user_editable=field.user_editable,
        visible_in_admin_console=field.visible_in_admin_console,
        visible_in_user_center=field.visible_in_user_center,
        i18n=msgspec.convert(field.i18n, wire.CustomFieldI18n) if field.i18n is not None else None,
        options=[wire.CustomFieldSelectOption(value=value, label=label) for value, label in field.options]
        or None,
    )


def _bad(name: str, place: int) -> Refused:
    return Refused(Key.BAD_REQUEST, data={"field": name, "path": f"list.{place}.{name}"})
