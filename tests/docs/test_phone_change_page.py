"""docs/phone-change.md, which the code cites by its sections: they are there, and its settings are the code's."""

import re

import msgspec
import pytest

from ostiary.server.core.policy import PoolPolicy
from ostiary.server.guards.limits import rules as limits
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "phone-change.md")
SETTING = re.compile(r"^\| `(\w+)` \| ([\d ]+)(?: s)? \| ([\d ]+) to ([\d ]+) \|", re.MULTILINE)


def whole(text: str) -> int:
    return int(text.replace(" ", ""))


def test_every_section_that_the_code_cites_is_there():
    sections = set(re.findall(r"^## (\d+)\. ", PAGE.text, re.MULTILINE))
    cited = {
        (path.name, number)
        for folder in ("src", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for found in re.findall(r"phone-change\.md((?:,? (?:and )?§\d+)+)", path.read_text())
        for number in re.findall(r"\d+", found)
    }
    assert len(cited) > 30
    assert not [one for one in cited if one[1] not in sections]


@pytest.mark.parametrize(("name", "default", "low", "high"), SETTING.findall(PAGE.text))
def test_a_setting_has_the_default_and_the_range_of_the_code(name, default, low, high):
    field = next(one for one in msgspec.structs.fields(PoolPolicy) if one.encode_name == name)
    info = msgspec.inspect.type_info(field.type)
    assert isinstance(info, msgspec.inspect.IntType)
    assert (whole(default), whole(low), whole(high)) == (field.default, info.ge, info.le)


def test_all_settings_with_a_range_are_there():
    assert len(SETTING.findall(PAGE.text)) == 6


def test_sending_limits_are_the_code_s():
    hour, day = (
        {limit.share: limit.most for limit in limits.NUMBER if limit.window == window}
        for window in sorted({limit.window for limit in limits.NUMBER})
    )
    text = " ".join(PAGE.text.split())
    assert f"{hour['all']} an hour, {day['all']} in 24 hours" in text
    assert f"without a token may use {hour['unsigned']} and {day['unsigned']}" in text
    assert f"all but the owner {hour['not_owner']} and {day['not_owner']}" in text
    assert f"| {limits.USER[0].most} in 24 hours |" in text
    assert f"| {limits.INSTALLATION_PER_DAY} in 24 hours |" in text
    assert f"without a token {limits.UNSIGNED_PER_CENT_OF_APP} % of them" in text
