"""The signed-in user's own profile: what they may change, what it must look like, and what protects the account. Pure.

Rule 1: what may be changed is a list (`EDITABLE`); whatever else a form brings is refused by name or unknown.
Rule 2: number and address are changed where they are proven, never here (2226, 2225).
Rule 3: what a field must look like is the same whoever writes it (`core/profile.py`).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.own_page import GetSecurityInfo, UpdateUserProfile
from ostiary.server.core import profile
from ostiary.server.core.credentials import read_username
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.refused import Refused

EDITABLE = tuple(name for name in profile.FIELDS if name not in {"browser", "device"})
"""Fields of the stored profile that their owner may change; beside them user name and custom data."""

BY_OTHER_DOOR: Mapping[str, Key] = {
    "phone": Key.PHONE_BY_OTHER_DOOR,
    "phone_country_code": Key.PHONE_BY_OTHER_DOOR,
    "email": Key.EMAIL_BY_OTHER_DOOR,
    "phone_verified": Key.FIELD_NOT_EDITABLE,
    "email_verified": Key.FIELD_NOT_EDITABLE,
    "password": Key.FIELD_NOT_EDITABLE,
    "status": Key.FIELD_NOT_EDITABLE,
}
"""Fields that can't be changed here, in the order they are judged."""

_WIRE = {info.name: info.encode_name for info in msgspec.structs.fields(UpdateUserProfile)}


def read_update(form: UpdateUserProfile, _facts: Facts) -> UpdateUserProfile | Refused:
    """The form, where all of it may be changed here and looks like what it should be."""
    for name, key in BY_OTHER_DOOR.items():
        if getattr(form, name) is not None:
            return Refused(key, data={"field": _WIRE[name]})
    unfit = profile.unfit(form)
    if unfit is not None:
        return Refused(Key.BAD_REQUEST, data={"field": unfit})
    if form.username is not None and read_username(form.username) is None:
        return Refused(Key.BAD_REQUEST, data={"field": "username"})
    return form


def judge_external_id(form: UpdateUserProfile, before: str | None) -> Refused | None:
    """An external id says whom other systems take the account for, so its owner does not choose it."""
    same = form.external_id is None or form.external_id == before
    return None if same else Refused(Key.FIELD_NOT_EDITABLE, data={"field": "externalId"})


def changed(form: UpdateUserProfile) -> dict[str, Any]:
    """The profile's fields that are given."""
    return {name: getattr(form, name) for name in EDITABLE if getattr(form, name) is not None}


def asked(form: UpdateUserProfile) -> list[str]:
    """The wire names of what is given, for the audit log: names, never values."""
    return [_WIRE[name] for name in _WIRE if getattr(form, name) is not None]


def security_info(account: Account, *, hash_is_todays: bool) -> GetSecurityInfo:
    """What protects an account. docs/own-page.md has the table of points."""
    level = 0 if not account.has_password else 2 if hash_is_todays else 1
    phone = account.phone is not None and account.phone_verified
    email = account.email is not None and account.email_verified
    mfa = bool(account.factors)
    return GetSecurityInfo(
        password_security_level=level,
        mfa_enrolled=mfa,
        password_set=account.has_password,
        email_binded=email,
        phone_binded=phone,
        security_score=10 * level + 25 * phone + 25 * email + 30 * mfa,
    )
