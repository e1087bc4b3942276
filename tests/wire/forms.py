"""Forms as programs send them, one for every operation, and short ways to read and to refuse them."""

import json
from typing import Any

from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind
from ostiary.contract.operations import BY_NAME
from ostiary.server.core.refused import Refused
from ostiary.server.web import wire

MISSING, BAD, LATER = Key.PARAMETERS_INCOMPLETE, Key.BAD_REQUEST, Key.NOT_IMPLEMENTED
VERIFY = {
    "phonePassCodePayload": {"newPhoneNumber": "18812345678", "newPhonePassCode": "123456"},
    "verifyMethod": "PHONE_PASSCODE",
}
PASSWORD = {"connection": "PASSWORD", "passwordPayload": {"account": "ana", "password": "correct horse"}}
PASSCODE = {"connection": "PASSCODE", "passCodePayload": {"phone": "18812345678", "passCode": "123456"}}
SIGN_UP = {"connection": "PASSWORD", "passwordPayload": {"username": "ana", "password": "correct horse"}}
LEAST: dict[str, dict[str, Any]] = {
    "sign_up": SIGN_UP,
    "sign_in_by_credentials": PASSWORD,
    "validate_password": {"username": "ana", "password": "correct horse"},
    "send_sms": {"channel": "CHANNEL_LOGIN", "phoneNumber": "18812345678"},
    "send_email": {"channel": "CHANNEL_LOGIN", "email": "ana@example.com"},
    "pre_check_code": {
        "codeType": "SMS",
        "smsCodePayload": {"phone": "18812345678", "passCode": "123456", "channel": "CHANNEL_LOGIN"},
    },
    "get_profile": {},
    "verify_update_phone_request": VERIFY,
    "update_phone": {"updatePhoneToken": "upt_x"},
    "bind_phone": {"phoneNumber": "18812345678", "passCode": "123456"},
    "unbind_phone": {"passCode": "123456"},
    "update_profile": {},
    "get_factor": {"factorId": "6a1b2c3d4e5f60718293a4b5"},
    "send_enroll_factor_request": {"factorType": "OTP", "profile": {}},
    "enroll_factor": {
        "factorType": "OTP",
        "enrollmentToken": "eft_x",
        "enrollmentData": {"passCode": "123456"},
    },
    "reset_factor": {"factorId": "6a1b2c3d4e5f60718293a4b5"},
    "mfa_otp_verify": {"totp": "123456"},
    "send_mfa_code": {"factorId": "6a1b2c3d4e5f60718293a4b5"},
    "mfa_factor_verify": {"factorId": "6a1b2c3d4e5f60718293a4b5", "passCode": "123456"},
    "mfa_recovery_code_verify": {"recoveryCode": "b471-8ec0-874a-087f-bccb-cd54"},
    "verify_mfa_token": {},
    "verify_update_email_request": {
        "emailPassCodePayload": {"newEmail": "ana@example.com", "newEmailPassCode": "123456"},
        "verifyMethod": "EMAIL_PASSCODE",
    },
    "update_email": {"updateEmailToken": "uet_x"},
    "bind_email": {"email": "ana@example.com", "passCode": "123456"},
    "unbind_email": {"passCode": "123456"},
    "update_password": {"newPassword": "correct horse"},
    "verify_reset_password_request": {
        "verifyMethod": "PHONE_PASSCODE",
        "phonePassCodePayload": {"phoneNumber": "18812345678", "passCode": "123456"},
    },
    "verify_delete_account_request": {
        "verifyMethod": "PHONE_PASSCODE",
        "phonePassCodePayload": {"phoneNumber": "18812345678", "passCode": "123456"},
    },
    "delete_account": {"deleteAccountToken": "dat_x"},
    "reset_password": {"password": "correct horse", "passwordResetToken": "rpt_x"},
    "token": {"grant_type": "refresh_token"},
    "get_login_history": {},
    "list_my_devices": {},
    "unbind_my_device": {"deviceId": "x"},
    "revoke_my_device_session": {"deviceId": "x"},
    "introspect_token": {"token": "x"},
    "revoke_token": {"token": "x"},
    "user_info": {},
    "get_management_token": {"accessKeyId": "a", "accessKeySecret": "b"},
    "update_security_settings": {},
    "create_user": {"username": "ana"},
    "get_user": {"userId": "6a1b2c3d4e5f60718293a4b5"},
    "list_users": {},
    "update_user": {"userId": "6a1b2c3d4e5f60718293a4b5"},
    "set_custom_fields": {"list": [{"targetType": "USER", "key": "x"}]},
    "get_custom_fields": {"targetType": "USER"},
    "list_audit_events": {},
    "list_messages": {},
    "delete_users_batch": {"userIds": ["6a1b2c3d4e5f60718293a4b5"]},
}


TARGETS = [{"targetType": "USER", "targetIdentifier": "6a1b2c3d4e5f60718293a4b5"}]
LEAST |= {
    "create_role": {"code": "editor"},
    "get_role": {"code": "editor"},
    "list_roles": {},
    "update_role": {"code": "editor", "newCode": "editor", "name": "Editor"},
    "delete_roles_batch": {"codeList": ["editor"]},
    "assign_role": {"targets": TARGETS, "code": "editor"},
    "assign_role_batch": {"targets": TARGETS, "roles": [{"code": "editor"}]},
    "revoke_role": {"targets": TARGETS, "code": "editor"},
    "revoke_role_batch": {"targets": TARGETS, "roles": [{"code": "editor"}]},
    "list_role_members": {"code": "editor"},
    "get_user_roles": {"userId": "6a1b2c3d4e5f60718293a4b5"},
    "create_group": {"code": "berlin", "name": "Berlin", "description": "Who works there", "type": "place"},
    "get_group": {"code": "berlin"},
    "list_groups": {},
    "update_group": {"code": "berlin", "description": "Who works there"},
    "delete_groups_batch": {"codeList": ["berlin"]},
    "add_group_members": {"code": "berlin", "userIds": ["6a1b2c3d4e5f60718293a4b5"]},
    "remove_group_members": {"code": "berlin", "userIds": ["6a1b2c3d4e5f60718293a4b5"]},
    "list_group_members": {"code": "berlin"},
    "get_user_groups": {"userId": "6a1b2c3d4e5f60718293a4b5"},
    "get_role_list": {},
    "create_application": {"appName": "Shop"},
    "get_application": {"appId": "6a1b2c3d4e5f60718293a4b5"},
    "list_applications": {},
    "update_application": {"appId": "6a1b2c3d4e5f60718293a4b5"},
    "delete_application": {"appId": "6a1b2c3d4e5f60718293a4b5"},
    "get_application_secret": {"appId": "6a1b2c3d4e5f60718293a4b5"},
    "refresh_application_secret": {"appId": "6a1b2c3d4e5f60718293a4b5"},
    "get_department_list": {},
    "get_authorized_resources": {},
}


def read(name, form, **more):
    op = BY_NAME[name]
    if is_text(name):
        text = "&".join(f"{key}={value}" for key, value in form.items()).encode()
        return wire.read(op, text, text, **more)
    return wire.read(op, json.dumps(form).encode(), b"", **more)


def merged(form, *changes):
    """`form` with dotted paths set, or removed where the value is `...`."""
    form = json.loads(json.dumps(form))
    for path, value in changes:
        *way, last = path.split(".")
        node = form
        for name in way:
            node = node.setdefault(name, {})
        if value is ...:
            node.pop(last, None)
        else:
            node[last] = value
    return form


def refused(key, path=None):
    if path is None:
        return Refused(key)
    field = [part for part in path.split(".") if not part.isdigit()][-1]
    return Refused(key, data={"field": field} | ({"path": path} if "." in path else {}))


def is_text(name):
    return BY_NAME[name].method == "GET" or BY_NAME[name].kind is Kind.OAUTH
