"""What management's forms mean, and which settings may stand together: the pure parts."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.contract.keys import Key
from ostiary.contract.management import (
    DeleteUsersBatch,
    DeleteUsersBatchOptions,
    ListUsersRequest,
    UpdateUser,
    UpdateUserOptions,
)
from ostiary.contract.profile import User
from ostiary.contract.security import SecuritySettings, UpdateSecuritySettings
from ostiary.server.core import custom_field
from ostiary.server.core.people import Facts, Pool
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.core.search import read_any_number
from ostiary.server.features.management import listing_rules, settings_rules, users_rules

FACTS = Facts(Pool("p", "Pool", "+86", "zh-CN", PoolPolicy()), None)

# --- security settings ----------------------------------------------------------------------------------


def test_every_setting_of_a_pool_can_be_read_and_asked_to_change():
    names = set(PoolPolicy.__struct_fields__)
    assert names <= set(SecuritySettings.__struct_fields__)
    assert names <= set(UpdateSecuritySettings.__struct_fields__)


def test_what_is_shown_is_what_is_stored():
    policy = PoolPolicy(verify_code_length=8, allowed_countries=("+86", "+1"), register_disabled=True)
    shown = msgspec.to_builtins(settings_rules.shown(policy))
    for name, value in msgspec.to_builtins(policy).items():
        if isinstance(value, dict):  # what of it is not served is shown, too
            assert value.items() <= shown[name].items(), name
        else:
            assert shown[name] == value or tuple(shown[name]) == value, name


def test_what_is_asked_for_changes_and_nothing_else():
    before = PoolPolicy()
    for name, value in (("verify_code_ttl", 60), ("end_other_sessions", False), ("send_per_app_per_day", 0)):
        changes = settings_rules.read_update(
            msgspec.structs.replace(UpdateSecuritySettings(), **{name: value}), FACTS
        )
        assert changes == {name: value}
        after = settings_rules.judge(before, changes)
        assert after == msgspec.structs.replace(before, **{name: value})
        assert isinstance(after, PoolPolicy)
        [wire_name] = settings_rules.changed(before, after)
        assert getattr(before, name) != getattr(after, name), wire_name


@given(st.integers(4, 10), st.integers(3, 20), st.integers(4, 10), st.integers(3, 20))
def test_short_codes_never_stand_beside_many_guesses(length, guesses, new_length, new_guesses):
    before = PoolPolicy(verify_code_length=length, wrong_codes_per_day=guesses)
    after = settings_rules.judge(
        before, {"verify_code_length": new_length, "wrong_codes_per_day": new_guesses}
    )
    if new_length < 6 and new_guesses > 5:
        assert after == Refused(Key.BAD_REQUEST, data={"field": "verifyCodeLength"})
    else:
        assert isinstance(after, PoolPolicy)
        assert settings_rules.codes_are_short(after) is (new_length < 6)


@pytest.mark.parametrize(
    ("given_origins", "stored"),
    [
        ("https://a.example\nhttps://b.example", "https://a.example\nhttps://b.example"),
        (["HTTPS://A.example/", "https://a.example"], "https://a.example"),
        (["https://a.example:443", "http://a.example:8080"], "https://a.example\nhttp://a.example:8080"),
        ([], ""),
        (["https://a.example/x"], None),
        (["https://a.example?x"], None),
        (["https://user@a.example"], None),
        (["https://a.example:no"], None),
        (["ftp://a.example"], None),
        (["a.example"], None),
        (["null"], None),
        (["*"], None),
    ],
)
def test_origins_are_what_browsers_send(given_origins, stored):
    changes = settings_rules.read_update(UpdateSecuritySettings(allowed_origins=given_origins), FACTS)
    if stored is None:
        assert changes == Refused(Key.BAD_REQUEST, data={"field": "allowedOrigins"})
    else:
        assert changes == {"allowed_origins": stored}


# --- users ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13800138000", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("+1 202 555 0123", "+12025550123"),
        ("＋85251234567", "+85251234567"),
        ("+999 1234", None),
        ("+", None),
        ("alice", None),
    ],
)
def test_a_number_without_a_country_code_of_its_own_says_its_country_itself(text, number):
    assert read_any_number(text, "+86") == number


def test_one_user_named_twice_goes_once():
    form = DeleteUsersBatch(
        user_ids=["13800138000", "+86 138 0013 8000"], options=DeleteUsersBatchOptions(user_id_type="phone")
    )
    [one] = users_rules.read_delete(form, FACTS)
    assert one.name == "+8613800138000"
    assert one.typed == "13800138000"


def test_a_field_is_given_or_cleared_not_both():
    options = UpdateUserOptions(clear_fields=["nickname", "phone"])
    change = users_rules.read_update(UpdateUser(user_id="u", city="Wuhan", options=options), FACTS)
    assert isinstance(change, users_rules.Change)
    assert change.becomes("nickname", "Al") is None
    assert change.becomes("phone", "+8613800138000") is None
    assert change.becomes("city", "Xi'an") == "Wuhan"
    assert change.becomes("email", "a@example.com") == "a@example.com"
    both = users_rules.read_update(UpdateUser(user_id="u", nickname="B", options=options), FACTS)
    assert isinstance(both, Refused)
    assert both.key is Key.BAD_REQUEST


def test_a_country_code_without_a_number_is_a_mistake():
    lone = users_rules.read_update(UpdateUser(user_id="u", phone_country_code="+1"), FACTS)
    assert lone == Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "phone"})


def test_every_field_of_a_change_but_its_frame_can_be_cleared_or_is_no_name():
    clearable = {name for name in UpdateUser.__struct_fields__ if name in User.__struct_fields__}
    fixed = {"user_id", "status", "email_verified", "phone_verified", "phone_country_code"}
    options = next(info for info in msgspec.structs.fields(UpdateUserOptions) if info.name == "clear_fields")
    for name in clearable - fixed:
        wire = next(info.encode_name for info in msgspec.structs.fields(UpdateUser) if info.name == name)
        assert msgspec.convert([wire], options.type) == [wire]


def test_the_number_an_account_has_is_never_judged_again():
    fixed_line = E164("+861065529988")
    assert users_rules.judge_new_number(fixed_line, fixed_line) is None
    assert users_rules.judge_new_number(fixed_line, None) == Refused(Key.BAD_CONTACT, data={"field": "phone"})
    assert users_rules.judge_new_number(None, fixed_line) is None


def test_custom_data_is_merged_member_by_member():
    merged = users_rules.merged
    assert merged({"a": 1, "b": 2}, {"b": {"x": 1}, "a": None}, clear=False) == {"b": {"x": 1}}
    assert merged({"a": 1}, None, clear=False) == {"a": 1}
    assert merged({"a": 1}, None, clear=True) == {}
    too_much = merged({}, {"a": "x" * custom_field.MOST_BYTES}, clear=False)
    assert too_much == Refused(Key.BAD_REQUEST, data={"field": "customData"})


# --- listing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "phone"),
    [
        ("138", "+86138"),
        ("+86 138", "+86138"),
        ("0086138", "+86138"),
        ("0138", "+86138"),
        ("+1202", "+1202"),
        ("１３８", "+86138"),
        ("\u202d138 0013\u202c", "+861380013"),
        ("ann", None),
        ("138x", None),
    ],
)
def test_the_beginning_of_a_number_is_typed_with_or_without_its_country(keywords, phone):
    wanted = listing_rules.read_list(ListUsersRequest(keywords=keywords), FACTS)
    assert isinstance(wanted, listing_rules.Wanted)
    assert wanted.begins is not None
    assert wanted.begins.phone == phone


def test_pages_follow_one_another():
    for page, limit in itertools.product((None, 1, 2, 7), (None, 1, 50)):
        pagination = {"page": page, "limit": limit}
        form = msgspec.convert({"options": {"pagination": pagination}}, ListUsersRequest)
        wanted = listing_rules.read_list(form, FACTS)
        assert isinstance(wanted, listing_rules.Wanted)
        assert wanted.limit == (limit or 10)
        assert wanted.skip == ((page or 1) - 1) * wanted.limit
