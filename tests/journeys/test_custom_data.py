"""Custom data as the pool defines it: the administrator says what there is, people fill it in."""

from typing import Any

import pytest

from ostiary.client.errors import NotServed, ParameterError
from tests.journeys.hands import refusal
from tests.service import Service

SIZES = [{"value": "s", "label": "Small"}, {"value": "m", "label": "Medium"}]


@pytest.fixture
def defined(service: Service) -> Service:
    """A pool with a field of each kind, and one that only the administrator writes."""
    kinds = {"team": "STRING", "height": "NUMBER", "joined": "DATETIME", "remote": "BOOLEAN"}
    fields: list[Any] = [{"targetType": "USER", "key": key, "dataType": kind} for key, kind in kinds.items()]
    fields += [
        {"targetType": "USER", "key": "shirt", "dataType": "ENUM", "options": SIZES, "label": "Shirt"},
        {"targetType": "USER", "key": "grade", "dataType": "NUMBER", "userEditable": False},
    ]
    service.management.set_custom_fields(fields)
    return service


def test_definitions_are_read_as_they_were_set(defined: Service):
    listed = {field.key: field for field in defined.management.get_custom_fields("USER").data}
    assert {"team", "height", "joined", "remote", "shirt", "grade"} <= set(listed)
    shirt = listed["shirt"]
    assert (shirt.data_type, shirt.label, shirt.user_editable) == ("ENUM", "Shirt", True)
    assert [(option.value, option.label) for option in shirt.options or ()] == [
        ("s", "Small"),
        ("m", "Medium"),
    ]
    label = {"zh-CN": {"enabled": True, "value": "衬衫"}, "en-US": {"enabled": True, "value": "Shirt"}}
    change = {"targetType": "USER", "key": "shirt", "i18n": {"label": label}}
    [changed] = defined.management.set_custom_fields([change]).data
    assert changed.i18n is not None
    assert changed.i18n.label.zh_cn is not None
    assert (changed.i18n.label.zh_cn.value, changed.created_at) == ("衬衫", shirt.created_at)


def test_people_fill_in_what_is_defined(defined: Service):
    person = defined.person()
    data = {"team": "north", "height": 1.7, "joined": "2026-07-03", "remote": True, "shirt": "m"}
    assert person.client.update_profile(custom_data=data).data.custom_data == data
    less = person.client.update_profile(custom_data={"shirt": None, "team": "south"}).data.custom_data
    assert less == {**{name: data[name] for name in data if name != "shirt"}, "team": "south"}
    assert person.client.get_profile(with_custom_data=True).data.custom_data == less
    assert person.client.get_profile().data.custom_data is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("team", 1), ("height", "1.7"), ("joined", "soon"), ("remote", 1), ("shirt", "xl"), ("unknown", "x")],
)
def test_what_is_unknown_or_of_another_kind_is_refused_by_its_name(
    defined: Service, name: str, value: object
):
    person = defined.person()
    error = refusal(person.client.update_profile, nickname="never", custom_data={name: value})
    assert isinstance(error, ParameterError)
    assert error.data == {"field": name, "path": f"customData.{name}"}
    seen = person.client.get_profile(with_custom_data=True).data
    assert (seen.custom_data, seen.nickname) == ({}, None)


def test_some_fields_are_the_administrators(defined: Service):
    person = defined.person()
    error = refusal(person.client.update_profile, custom_data={"grade": 9})
    assert (error.key, error.data["field"]) == ("field_not_editable", "grade")
    kept = defined.management.update_user(person.user_id, custom_data={"grade": 9, "note": "no field"}).data
    assert kept.custom_data == {"grade": 9, "note": "no field"}
    unfit = refusal(defined.management.update_user, person.user_id, custom_data={"grade": "nine"})
    assert unfit.data == {"field": "grade", "path": "customData.grade"}
    unfit = refusal(defined.management.create_user, username="never-made", custom_data={"grade": "nine"})
    assert unfit.data == {"field": "grade", "path": "customData.grade"}


def test_what_definitions_cannot_do_yet_is_said(defined: Service):
    for more in ({"isUnique": True}, {"encrypted": True}, {"targetType": "ROLE"}):
        field = {"targetType": "USER", "key": "more", "dataType": "STRING", **more}
        with pytest.raises(NotServed):
            defined.management.set_custom_fields([field])
