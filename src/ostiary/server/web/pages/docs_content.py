"""What stands on `/docs`: the operations table, its Structs and its refusals, made ready for the template."""

import json
import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import markupsafe
import msgspec

from ostiary.contract.error_row import Row
from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.operations import OPERATIONS, common_errors
from ostiary.contract.shape import Field, fields
from ostiary.server.web.pages.templates import environment

Struct = type[msgspec.Struct]

_WHO = {
    Who.ANYONE: "open",
    Who.CLIENT: "application",
    Who.USER: "signed-in user",
    Who.MANAGEMENT: "management token",
}
_EXAMPLES: dict[str, Any] = {
    "connection": "PASSWORD",
    "channel": "CHANNEL_BIND_PHONE",
    "phoneNumber": "13800138000",
    "phone": "13800138000",
    "newPhoneNumber": "13912345678",
    "passCode": "123456",
    "newPhonePassCode": "123456",
    "updatePhoneToken": "upt_…",
    "email": "alice@example.com",
    "updateEmailToken": "uet_…",
    "username": "alice",
    "account": "alice",
    "grant_type": "refresh_token",
    "codeType": "SMS",
    "userId": "USER_ID",
    "userIds": ["USER_ID"],
    "factorId": "FACTOR_ID",
    "factorType": "OTP",
    "totp": "123456",
    "code": "editor",
    "newCode": "editor",
    "codeList": ["editor"],
    "targets": [{"targetType": "USER", "targetIdentifier": "USER_ID"}],
    "roles": [{"code": "editor"}],
    "appId": "APPLICATION_ID",
    "recoveryCode": "b471-8ec0-874a-087f-bccb-cd54",
}
"""What stands in a sample; other fields have their first value, or three dots."""
_BY_CHOICE: dict[str, dict[str, Any]] = {
    "validate_password": {"username": "ana", "password": "correct horse"},
    "update_password": {"oldPassword": "…"},
    "verify_delete_account_request": {
        "verifyMethod": "PHONE_PASSCODE",
        "phonePassCodePayload": {"phoneNumber": "13800138000", "passCode": "123456"},
    },
    "verify_reset_password_request": {
        "verifyMethod": "PHONE_PASSCODE",
        "phonePassCodePayload": {"phoneNumber": "13800138000", "passCode": "123456"},
    },
    "set_custom_fields": {"list": [{"targetType": "USER", "key": "badge", "dataType": "NUMBER"}]},
    "get_custom_fields": {"targetType": "USER"},
    "sign_up": {"passwordPayload": {"username": "alice", "password": "…"}},
    "sign_in_by_credentials": {
        "passwordPayload": {"account": "alice", "password": "…"},
        "client_id": "$APP_ID",
        "client_secret": "$APP_SECRET",
    },
    "pre_check_code": {
        "smsCodePayload": {"phone": "13800138000", "passCode": "123456", "channel": "CHANNEL_BIND_PHONE"}
    },
    "enroll_factor": {"enrollmentData": {"passCode": "123456"}},
    "verify_mfa_token": {"token": "…"},
    "verify_update_phone_request": {
        "phonePassCodePayload": {
            "newPhoneNumber": "13912345678",
            "newPhonePassCode": "123456",
            "oldPhoneNumber": "13800138000",
            "oldPhonePassCode": "654321",
        }
    },
    "send_email": {"channel": "CHANNEL_UPDATE_EMAIL"},
    "verify_update_email_request": {
        "emailPassCodePayload": {
            "newEmail": "alice@example.org",
            "newEmailPassCode": "123456",
            "oldEmail": "alice@example.com",
            "oldEmailPassCode": "654321",
        }
    },
    "create_user": {"username": "alice", "phone": "13800138000", "phoneVerified": True},
    "update_user": {"nickname": "Al"},
    "list_users": {"keywords": "138"},
    "update_security_settings": {"changePhoneStrategy": {"verifyOldPhone": True}},
    "get_management_token": {"accessKeyId": "$ACCESS_KEY_ID", "accessKeySecret": "$ACCESS_KEY_SECRET"},
    "token": {"refresh_token": "…", "client_id": "$APP_ID", "client_secret": "$APP_SECRET"},
    "introspect_token": {"token": "…", "client_id": "$APP_ID", "client_secret": "$APP_SECRET"},
    "revoke_token": {"token": "…", "client_id": "$APP_ID", "client_secret": "$APP_SECRET"},
}
"""Fields of a sample that are not required by themselves, and without which it would make no sense."""
_CREDENTIAL = {Who.USER: "$TOKEN", Who.MANAGEMENT: "$MANAGEMENT_TOKEN"}


@dataclass(frozen=True, slots=True)
class Line:
    """A field, and how deep it stands."""

    field: Field
    depth: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One operation as the template needs it."""

    operation: Operation
    who: str
    where: str
    """Of the request: query, form or body."""
    request: tuple[Line, ...]
    answer: tuple[Line, ...]
    refusals: tuple[tuple[Key, Row], ...]
    common: tuple[tuple[Key, Row], ...]
    curl: str


def render() -> str:
    """The page."""
    templates = environment()
    templates.filters["code"] = _code
    groups = [
        (group, [_shown(operation) for operation in operations])
        for group, operations in groupby(OPERATIONS, key=lambda operation: operation.group)
    ]
    return templates.get_template("docs.html").render(groups=groups, Kind=Kind)


def _shown(operation: Operation) -> Shown:
    where = "query" if operation.method == "GET" else "form" if operation.kind is Kind.OAUTH else "body"
    return Shown(
        operation=operation,
        who=_WHO[operation.who],
        where=where,
        request=tuple(_lines(operation.request)),
        answer=tuple(_lines(operation.struct)),
        refusals=_rows(operation.own_errors),
        common=_rows(common_errors(operation)),
        curl=_curl(operation, where),
    )


def _rows(keys: tuple[Key, ...]) -> tuple[tuple[Key, Row], ...]:
    return tuple((key, CATALOGUE[key]) for key in keys)


def _lines(struct: type | None, depth: int = 0, above: tuple[type, ...] = ()) -> list[Line]:
    """Fields, each followed by those inside it; what holds itself is shown once."""
    if struct is None:
        return []
    found: list[Line] = []
    for field in fields(struct):
        found.append(Line(field, depth))
        for inner in field.inner:
            if inner not in above:
                found += _lines(inner, depth + 1, (*above, struct))
    return found


def _sample(struct: Struct | None) -> dict[str, Any]:
    """The required fields with values that look right."""
    if struct is None:
        return {}
    return {field.name: _value(field) for field in fields(struct) if field.required}


def _value(field: Field) -> Any:
    if field.name in _EXAMPLES:
        return _EXAMPLES[field.name]
    if field.inner:
        return _sample(field.inner[0])
    first = re.match(r"`([^`]+)`", field.kind)
    return first[1] if first else "…"


def _curl(operation: Operation, where: str) -> str:
    """A command for a shell in which URL, APP_ID and the like are set."""
    sample = _sample(operation.request) | _BY_CHOICE.get(operation.name, {})
    query = ""
    lines = []
    if operation.kind is Kind.API and operation.who is not Who.MANAGEMENT:
        lines.append('-H "x-genauth-app-id: $APP_ID"')
    token = "$TOKEN" if operation.group == "Messages" else _CREDENTIAL.get(operation.who)
    if token and operation.name != "get_management_token":
        lines.append(f'-H "authorization: {token}"')
    if where == "query":
        query = "?" + "&".join(f"{name}={value}" for name, value in sample.items()) if sample else ""
    elif where == "form":
        lines += [f'-d "{name}={value}"' for name, value in sample.items()]
    elif operation.request is not None:
        lines.append('-H "content-type: application/json"')
        lines.append(f"-d {_quoted(json.dumps(sample, ensure_ascii=False, indent=2))}")
    else:
        lines.append("-X POST")
    return " \\\n  ".join([f'curl "$URL{operation.path}{query}"', *lines])


def _quoted(text: str) -> str:
    """For a shell: in single quotes, out of which variables are let."""
    return "'" + re.sub(r"\$([A-Z_]+)", r"""'"$\1"'""", text) + "'"


def _code(text: str) -> markupsafe.Markup:
    """Text in which backticks stand around code."""
    parts = re.split(r"`([^`]+)`", text)
    return markupsafe.Markup("").join(
        markupsafe.Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(parts)
    )
