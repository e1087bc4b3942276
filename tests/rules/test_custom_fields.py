"""What a pool's definitions of custom fields may be, and become."""

import pytest

from ostiary.contract.custom_fields import CustomFieldSelectOption, SetCustomField, SetCustomFields
from ostiary.contract.keys import Key
from ostiary.server.core.custom_field import CustomField
from ostiary.server.core.people import Facts, Pool
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import custom_fields_rules as rules

FACTS = Facts(Pool("p", "P", "+86", "zh-CN", PoolPolicy()), None)
SIZES = [CustomFieldSelectOption(value=value, label=value.upper()) for value in ("s", "m")]


def one(key="badge", **fields):
    return SetCustomField(target_type="USER", key=key, **fields)


def refused(name, place=0, key=Key.BAD_REQUEST):
    return Refused(key, data={"field": name, "path": f"list.{place}.{name}"})


@pytest.mark.parametrize("key", ["1st", "a b", "-a", "a.b", "ключ", "a\n"])
def test_keys_are_plain_words(key):
    assert rules.read_set(SetCustomFields(list=[one("_ok"), one(key)]), FACTS) == refused("key", 1)


def test_each_key_once():
    twice = SetCustomFields(list=[one(data_type="STRING"), one(data_type="NUMBER")])
    assert rules.read_set(twice, FACTS) == Refused(Key.BAD_REQUEST, data={"field": "list"})


def test_a_new_field_has_its_kind_and_defaults():
    assert rules.judge({}, (one(data_type="NUMBER"),), 0) == {
        "badge": CustomField(data_type="NUMBER", label="badge")
    }
    assert rules.judge({}, (one(),), 0) == refused("dataType", key=Key.PARAMETERS_INCOMPLETE)


def test_a_known_field_changes_in_what_is_given_and_never_in_its_kind():
    before = {"badge": CustomField(data_type="NUMBER", label="Badge", description="D", user_editable=False)}
    after = rules.judge(before, (one(label="Number"),), 1)
    assert after == {
        "badge": CustomField(data_type="NUMBER", label="Number", description="D", user_editable=False)
    }
    assert rules.judge(before, (one(data_type="NUMBER"),), 1) == before
    assert rules.judge(before, (one(data_type="STRING"),), 1) == refused("dataType")


def test_values_belong_to_an_enum_and_to_nothing_else():
    made = rules.judge({}, (one(data_type="ENUM", options=SIZES),), 0)
    assert isinstance(made, dict)
    assert made["badge"].options == (("s", "S"), ("m", "M"))
    for wrong in (
        one(data_type="ENUM"),
        one(data_type="ENUM", options=[SIZES[0], SIZES[0]]),
        one(data_type="STRING", options=SIZES),
    ):
        assert rules.judge({}, (wrong,), 0) == refused("options")


def test_a_pool_has_no_more_than_it_can_read():
    full = {f"f{n}": CustomField(data_type="STRING", label="L") for n in range(rules.MOST_FIELDS)}
    assert isinstance(rules.judge(full, (one("f0", label="M"),), len(full)), dict)
    beyond = rules.judge(full, (one(data_type="STRING"),), len(full))
    assert beyond == Refused(Key.BAD_REQUEST, data={"field": "list"})
