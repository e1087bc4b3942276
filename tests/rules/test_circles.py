"""Roles and groups: what the forms come to."""

from typing import Any

import pytest

from ostiary.contract.circles import AssignRole, ListRoles, UpdateGroup, UpdateRole
from ostiary.contract.keys import Key
from ostiary.server.core.circles import Circle
from ostiary.server.core.millis import Millis
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import circles_rules as rules

FACTS: Any = None
ROLE = Circle(
    id="1",
    pool_id="p",
    kind="role",
    code="a",
    name="A",
    description="d",
    disable_at=Millis(5),
    made_at=Millis(0),
)


@pytest.mark.parametrize(
    ("page", "limit", "wanted"),
    [(None, None, (10, 0)), (1, 50, (50, 0)), (3, None, (10, 20)), (2, 1, (1, 1))],
)
def test_pages_are_counted_from_one(page, limit, wanted):
    ask = rules.read_page(ListRoles(page=page, limit=limit), FACTS)
    assert (ask.limit, ask.skip) == wanted


@pytest.mark.parametrize(
    ("starts", "ends", "good"),
    [(None, None, True), (5, None, True), (None, 5, True), (5, 6, True), (5, 5, False), (6, 5, False)],
)
def test_a_time_that_is_over_before_it_begins_is_a_mistake(starts, ends, good):
    form = AssignRole(targets=[], code="a", enable_time=starts, end_time=ends)
    read = rules.read_assign(form, FACTS)
    assert read == (
        rules.Movement(("a",), (), starts, ends)
        if good
        else Refused(Key.BAD_REQUEST, data={"field": "endTime"})
    )


@pytest.mark.parametrize(("text", "after"), [(None, 5), ("0", None), ("7", 7)])
def test_the_moment_of_a_roles_end_stays_goes_or_changes(text, after):
    form = UpdateRole(name="A", new_code="a", code="a", disable_time=text)
    assert rules.changed_role(ROLE, form).disable_at == after


@pytest.mark.parametrize(("status", "enabled"), [(None, True), ("ENABLE", True), ("DISABLE", False)])
def test_what_a_change_does_not_name_stays(status, enabled):
    after = rules.changed_role(ROLE, UpdateRole(name="B", new_code="b", code="a", status=status))
    assert (after.id, after.code, after.name, after.description) == ("1", "b", "B", "d")
    assert after.enabled is enabled
    group = rules.changed_group(ROLE, UpdateGroup(description="e", code="a"))
    assert (group.code, group.name, group.description) == ("a", "A", "e")


def test_what_is_missing_is_named():
    assert rules.missing(Key.ROLE_NOT_FOUND, ["a", "b"], [ROLE, ROLE], "code") is None
    refused = rules.missing(Key.ROLE_NOT_FOUND, ["a", "b"], [ROLE, None], "code")
    assert refused == Refused(Key.ROLE_NOT_FOUND, data={"field": "code", "codes": ["b"]})
