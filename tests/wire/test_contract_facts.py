"""The contract against the incumbent's published API: same paths, same fields, same types, same enums.

Differences are listed with their reason; one that is gone is red, too.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from ostiary.contract import (
    captcha,
    circles,
    common,
    custom_fields,
    email_change,
    management,
    messages,
    own_logins,
    own_page,
    profile,
    second_factor,
    security,
    signin,
    system,
    tokens,
)
from ostiary.contract import mine as own
from ostiary.contract.operations import BY_NAME, OPERATIONS
from ostiary.server.core.policy import PoolPolicy

HERE = "tests/wire/test_contract_facts.py"
FACTS = json.loads((Path(__file__).parent.parent / "facts" / "incumbent.json").read_text())
MODULES = (
    captcha,
    own,
    circles,
    common,
    email_change,
    profile,
    custom_fields,
    own_logins,
    own_page,
    signin,
    messages,
    tokens,
    management,
    security,
    system,
    second_factor,
)
STRUCTS = {
    name: struct
    for module in MODULES
    for name, struct in vars(module).items()
    if isinstance(struct, type) and issubclass(struct, msgspec.Struct)
}

OURS_ALONE = {
    # the incumbent's answers hold pages, brands and other protocols (contract/applications.py)
    *("create_application", "get_application", "list_applications", "delete_application"),
    *("get_application_secret", "refresh_application_secret"),
    "update_application",  # the incumbent's console only
    "get_management_token",  # published in prose and in SDKs' code only
    "list_audit_events",  # the incumbent's rows promise what we do not store (contract/record_operations.py)
    "send_mfa_code",  # the incumbent's V3 API proves a second factor by authenticator app only
    "mfa_factor_verify",  # the same
    "mfa_recovery_code_verify",  # the same
    "list_messages",  # the incumbent has none
}
OTHER_NAME = {
    "ResGroupDto": "Group",  # the same fields
    "DeleteAccounDto": "DeleteAccount",  # a slip of theirs
    "SystemInfoResp": "SystemInfo",  # the four names as a reader would spell them
    "SystmeInfoRSAConfig": "SystemRsa",
    "SystmeInfoSM2Config": "SystemSm2",
    "SystmeInfoVersion": "SystemVersion",
    "LoginPassowrdFailCheckConfigDto": "LoginFailCheckConfig",  # the same fields
}
ANSWERED_BY_ENVELOPE = re.compile(
    r"(RespDto|^CommonResponseDto|^PasswordResetVerifyResp)$"
)  # the envelope is tested on its own

# DTO.field: why ours is optional
OPTIONAL_HERE = {
    "SignUpOptionsDto.context": "all published samples leave it out",
    "TokenEndPointParams.redirect_uri": "RFC 6749 §6: a refresh has none",
    "LoginFailCheckConfigDto": "a part of a setting leaves the rest at its default",
    "LoginPassowrdFailCheckConfigDto": "as above",
    "LoginAnomalyDetectionConfigDto": "as above",
    "LoginIpWhitelistCheckConfigDto": "as above",
    "RegisterAnomalyDetectionConfigDto": "as above",
    "SelfUnlockAccountConfigDto": "as above",
    "QrcodeLoginStrategyDto": "as above",
    "CookieSettingsDto": "as above",
    "SecuritySettingsDto": "settings that are not served have their default",
    "LangObject": "two languages will do",
    "MfaTokenIntrospectEndpointParams.token": "the incumbent's Python SDK leaves the form out",
    "OidcDiscoveryMetadata": "only what is served is told",
}
# DTO.field: why our type or enum is another one
OTHER_TYPE = {
    "UpdateRoleDto.status": "its two values, which the incumbent names in prose only",
    "PolicyCondition.param": "open: there are none",
    "PolicyCondition.operator": "open: there are none",
    "TokenEndPointParams.grant_type": "open: an unknown one is answered unsupported_grant_type",
    "CreateIdentityDto.provider": "open: a list that grows",
    "IdentityDto.provider": "open: a list that grows",
    "UpdateSecuritySettingsDto.allowedOrigins": "a list as documented, and one a line as it is read",
    "OidcDiscoveryMetadata.response_types_supported": "open",
}
PLAIN = {
    "string": inspect.StrType,
    "number": inspect.IntType,
    "boolean": inspect.BoolType,
}


def struct_of(dto):
    name = OTHER_NAME.get(dto) or re.sub(r"(Req)?Dto$", "", dto)
    assert name in STRUCTS, (
        f"no Struct for the incumbent's {dto}: one called {name}, in a module of MODULES, or another in OTHER_NAME "
        f"({HERE})"
    )
    return STRUCTS[name]


def fact_of(name):
    """What the incumbent publishes of this operation."""
    assert name in FACTS["operations"], (
        f"{name} is no operation of the incumbent's (tests/facts/incumbent.json): if that is meant, add it to "
        f"OURS_ALONE in {HERE}, with the reason; otherwise give the row its name"
    )
    return FACTS["operations"][name]


def dtos():
    return [dto for dto in FACTS["dtos"] if not ANSWERED_BY_ENVELOPE.search(dto)]


def kinds(type_):
    info: Any = inspect.type_info(type_)
    parts: Any = info.types if isinstance(info, inspect.UnionType) else (info,)
    parts = [part.type if isinstance(part, inspect.Metadata) else part for part in parts]
    return [part for part in parts if not isinstance(part, inspect.NoneType)]


@cache
def fields(struct):
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize("name", [op.name for op in OPERATIONS if op.name not in OURS_ALONE])
def test_operations_have_the_incumbents_method_and_path(name):
    fact, op = fact_of(name), BY_NAME[name]
    assert op.path == fact["path"]
    assert fact["method"] in op.methods


def test_nothing_of_the_facts_is_left_out():
    ours = {op.name for op in OPERATIONS}
    missing = sorted(set(FACTS["operations"]) - ours)
    assert not missing, (
        f"operations of tests/facts/incumbent.json without a row in contract/*_operations.py: {missing}"
    )
    gone = sorted(OURS_ALONE - ours)
    assert not gone, f"take out of OURS_ALONE in {HERE}, there is no such operation: {gone}"
    theirs = sorted(OURS_ALONE & set(FACTS["operations"]))
    assert not theirs, f"take out of OURS_ALONE in {HERE}, the incumbent has them: {theirs}"


@pytest.mark.parametrize("name", [op.name for op in OPERATIONS if op.name not in OURS_ALONE])
def test_requests_have_every_documented_field(name):
    op = BY_NAME[name]
    for field in fact_of(name)["request"]:
        assert field["name"] in fields(op.request), field["name"]
        if (
            field["required"]
            and f"{FACTS['operations'][name]['requestSchema']}.{field['name']}" not in OPTIONAL_HERE
        ):
            assert fields(op.request)[field["name"]].required, field["name"]


@pytest.mark.parametrize("dto", dtos())
def test_dtos_have_every_documented_field(dto):
    ours = fields(struct_of(dto))
    for fact in FACTS["dtos"][dto]:
        where = f"{dto}.{fact['name']}"
        assert fact["name"] in ours, where
        if where not in OPTIONAL_HERE and dto not in OPTIONAL_HERE:
            assert ours[fact["name"]].required == fact["required"], where


@pytest.mark.parametrize("dto", dtos())
def test_dtos_have_the_documented_types(dto):
    ours = fields(struct_of(dto))
    for fact in FACTS["dtos"][dto]:
        where = f"{dto}.{fact['name']}"
        mine = kinds(ours[fact["name"]].type)
        if where in OTHER_TYPE:
            assert not fits(fact, mine), f"{where} needs no exception"
        else:
            assert fits(fact, mine), f"{where}: {mine}"


def fits(fact, mine):
    if len(mine) != 1:
        return False
    [mine] = mine
    if "enum" in fact and not fact["type"].startswith("Array"):
        return isinstance(mine, inspect.LiteralType) and set(mine.values) == set(fact["enum"])
    if fact["type"] in PLAIN:
        return type(mine) is PLAIN[fact["type"]]
    if fact["type"] == "any":
        return isinstance(mine, inspect.AnyType | inspect.DictType)
    inner = re.fullmatch(r"Array<(.*)>", fact["type"])
    if inner:
        if not isinstance(mine, inspect.ListType):
            return False
        item = mine.item_type.type if isinstance(mine.item_type, inspect.Metadata) else mine.item_type
        return fits({"type": inner[1]}, [item])
    return isinstance(mine, inspect.StructType) and mine.cls is struct_of(fact["type"])


def test_exceptions_are_about_something():
    known = set(FACTS["dtos"]) | {f"{dto}.{f['name']}" for dto, fs in FACTS["dtos"].items() for f in fs}
    assert not (set(OPTIONAL_HERE) | set(OTHER_TYPE) | set(OTHER_NAME)) - known


def test_the_life_of_a_token_stands_in_both_spellings():
    assert {"expire_in", "expires_in"} <= set(fields(signin.LoginTokenResponseData))


def test_update_phone_answers_success():
    assert BY_NAME["update_phone"].data is common.IsSuccess


# --- security settings and the policy that they write -----------------------------------------


LISTS_AND_OBJECTS = {
    "allowedOrigins",
    "allowedCountries",
    "changePhoneStrategy",
    "changeEmailStrategy",
    "enabledFactors",
}


def test_settings_have_the_policys_names_and_ranges():
    policy, update, shown = (
        fields(s) for s in (PoolPolicy, security.UpdateSecuritySettings, security.SecuritySettings)
    )
    for name, mine in policy.items():
        assert name in shown
        if name not in LISTS_AND_OBJECTS:
            [theirs] = kinds(update[name].type)
            [ours] = kinds(mine.type)
            assert type(theirs) is type(ours), name
            if isinstance(ours, inspect.IntType):
                assert theirs.ge == ours.ge, name
                assert ours.le is None or theirs.le == ours.le, name


def test_every_setting_can_be_read_and_written():
    assert set(fields(security.UpdateSecuritySettings)) == set(fields(security.SecuritySettings))


def test_settings_that_are_not_served_are_exactly_those_the_policy_lacks():
    unserved = {later.path.split(".")[0] for later in BY_NAME["update_security_settings"].later}
    partly = {"loginAnomalyDetection", "selfUnlockAccount"}  # parts of them are not
    assert unserved - partly == set(fields(security.SecuritySettings)) - set(fields(PoolPolicy))


# --- the table itself -------------------------------------------------------------------------


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.later or op.needs], ids=lambda op: op.name)
def test_options_name_fields_that_exist(op):
    paths = [later.path for later in op.later]
    paths += [path for need in op.needs for path in need.any_of]
    paths += [need.when[0] for need in op.needs if need.when]
    for path in paths:
        struct = op.request
        *way, last = path.split(".")
        for name in way:
            kind: Any = kinds(fields(struct)[name].type)[0]
            kind = kind.item_type if isinstance(kind, inspect.ListType) else kind
            struct = kind.cls
        assert last in fields(struct), path


def test_representations_show_no_values():
    form = signin.SigninByCredentials(
        connection="PASSWORD",
        password_payload=signin.SignInByPasswordPayload(password="geheim", account="ana"),
    )
    assert "geheim" not in repr(form)
    assert repr(form) == "<SigninByCredentials connection, password_payload>"


def test_absent_fields_are_left_out():
    form = profile.BindPhone(phone_number="13800138000", pass_code="123456")
    assert msgspec.json.decode(msgspec.json.encode(form)) == {
        "phoneNumber": "13800138000",
        "passCode": "123456",
    }


def test_all_structs_are_frozen_and_by_name():
    for name, struct in STRUCTS.items():
        assert struct.__struct_config__.frozen, name
        assert struct.__struct_config__.omit_defaults or issubclass(struct, security.Settings), name
