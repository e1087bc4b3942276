"""What the owner of an account may change of it, and how its protection is counted."""

import msgspec
import pytest

from ostiary.contract.keys import Key
from ostiary.contract.management import CreateUser, UpdateUser
from ostiary.contract.own_page import UpdateUserProfile
from ostiary.contract.signin import SignUp, SignUpByPassword, SignUpProfile
from ostiary.server.core.custom_field import CustomField, fits, is_moment
from ostiary.server.core.people import Account, Facts, Pool
from ostiary.server.core.phone import E164
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import users_rules
from ostiary.server.features.profile import rules
from ostiary.server.features.public_info.countries import countries
from ostiary.server.features.sign_up import rules as sign_up

FACTS = Facts(Pool("p", "P", "+86", "zh-CN", PoolPolicy()), None)
ACCOUNT = Account(
    user_id="u",
    status="Activated",
    username=None,
    has_password=False,
    locale=None,
    session_epoch=0,
    phone_version=0,
    email_version=0,
    phone=None,
    phone_verified=False,
    email=None,
    email_verified=False,
)


def read(**fields):
    return rules.read_update(UpdateUserProfile(**fields), FACTS)


def test_every_field_is_editable_or_has_another_door():
    fields = {info.name for info in msgspec.structs.fields(UpdateUserProfile)}
    assert fields == set(rules.EDITABLE) | set(rules.BY_OTHER_DOOR) | {
        "username",
        "custom_data",
        "external_id",
    }


@pytest.mark.parametrize(("name", "key"), rules.BY_OTHER_DOOR.items())
def test_what_has_another_door_is_refused_whatever_else_is_there(name, key):
    value = True if name.endswith("verified") else "x"
    refused = read(nickname="Ana", **{name: value})
    assert isinstance(refused, Refused)
    assert refused.key is key


LOOKS = [
    ("photo", "https://example.com/a.png", True),
    ("photo", "HTTP://example.com/a.png", True),
    ("photo", "javascript:alert(1)", False),
    ("photo", "data:text/html,x", False),
    ("website", "https://", False),
    ("website", "//example.com", False),
    ("website", "https://[::1", False),
    ("profile", "https://example.com/a b", False),
    ("birthdate", "1990-07-03", True),
    ("birthdate", "1990-07-03T00:00:00.000Z", True),
    ("birthdate", "1990-02-30", False),
    ("birthdate", "yesterday", False),
    ("zoneinfo", "America/Argentina/Buenos_Aires", True),
    ("zoneinfo", "../../etc", False),
    ("locale", "zh-Hans-CN", True),
    ("locale", "zh_CN", True),
    ("locale", "<b>", False),
    ("name", "阿娜", True),
    ("name", "two\nlines", False),
    ("address", "two\nlines", True),
    ("address", "a bell\a", False),
]
"""Field, value, whether it looks like one."""


@pytest.mark.parametrize(("name", "value", "good"), [*LOOKS, ("username", "\u200b", False)])
def test_what_fields_look_like(name, value, good):
    said = read(**{name: value})
    if good:
        assert said == UpdateUserProfile(**{name: value})
    else:
        assert said == Refused(Key.BAD_REQUEST, data={"field": name})


@pytest.mark.parametrize(("name", "value", "good"), [*LOOKS, ("browser", "an escape\x1b[2J", False)])
def test_fields_look_alike_whoever_writes_them(name, value, good):
    """Sign-up and management store in the same profile, which the same pages show."""
    by_password = SignUpByPassword(username="ana", password="12345678")
    profile = SignUpProfile(**{name: value})
    sign_up_said = sign_up.read_sign_up(
        SignUp(connection="PASSWORD", password_payload=by_password, profile=profile), FACTS
    )
    said = [
        users_rules.read_create(CreateUser(username="ana", **{name: value}), FACTS),
        users_rules.read_update(UpdateUser(user_id="u", **{name: value}), FACTS),
    ]
    if good:
        assert not any(isinstance(one, Refused) for one in (sign_up_said, *said))
    else:
        assert sign_up_said == Refused(Key.BAD_REQUEST, data={"field": name, "path": f"profile.{name}"})
        assert said == [Refused(Key.BAD_REQUEST, data={"field": name})] * 2


def test_a_refused_field_is_named_as_on_the_wire():
    """Whatever fields a form has, the names are the form's own."""
    refused = users_rules.read_create(CreateUser(username="ana", given_name="a\nb"), FACTS)
    assert refused == Refused(Key.BAD_REQUEST, data={"field": "givenName"})


def test_an_external_id_is_not_its_owners_to_choose():
    form = UpdateUserProfile(external_id="x")
    assert rules.judge_external_id(form, "x") is None
    assert rules.judge_external_id(UpdateUserProfile(), "x") is None
    for before in (None, "y"):
        refused = rules.judge_external_id(form, before)
        assert refused == Refused(Key.FIELD_NOT_EDITABLE, data={"field": "externalId"})


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("STRING", ["", "x", "x" * 4_096], [1, True, None, [], {}, "x" * 4_097]),
        ("NUMBER", [0, -1, 1.5, 10**30], ["1", True, None, float("inf"), float("nan")]),
        ("BOOLEAN", [True, False], [0, 1, "true", None]),
        (
            "DATETIME",
            ["2026-07-03", "2026-07-03T03:22:30Z", "2026-07-03 03:22"],
            ["03.07.2026", 1, "", "x" * 99],
        ),
        ("ENUM", ["s", "m"], ["l", "S", 1, None]),
    ],
)
def test_values_of_custom_fields(kind, good, bad):
    field = CustomField(data_type=kind, label="L", options=(("s", "Small"), ("m", "Medium")))
    assert [fits(field, value) for value in good] == [True] * len(good)
    assert [fits(field, value) for value in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    "text",
    [
        "0000-01-01",
        "2025-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-01T24:00",
        "2026-01-01T00:60",
        "٢٠٢٦-٠١-٠١",
    ],
)
def test_what_is_no_moment(text):
    assert not is_moment(text)


def test_a_leap_day_is_a_day():
    assert is_moment("2024-02-29")


@pytest.mark.parametrize("phone", [None, False, True])
@pytest.mark.parametrize("email", [None, False, True])
@pytest.mark.parametrize("password", [None, False, True])
def test_the_score_is_a_sum_of_what_is_there(phone, email, password):
    account = msgspec.structs.replace(
        ACCOUNT,
        phone=E164("+8613800138000") if phone is not None else None,
        phone_verified=phone is True,
        email="a@example.com" if email is not None else None,
        email_verified=email is True,
        has_password=password is not None,
    )
    info = rules.security_info(account, hash_is_todays=password is True)
    assert info.password_security_level == {None: 0, False: 1, True: 2}[password]
    assert (info.phone_binded, info.email_binded) == (phone is True, email is True)
    assert (
        info.security_score
        == 10 * info.password_security_level + 25 * info.phone_binded + 25 * info.email_binded
    )


def spoken(country):
    names = (country.name.zh_cn, country.name.en_us, country.name.zh_tw, country.name.ja_jp)
    return [name.value if name is not None and name.enabled else None for name in names]


def test_countries_have_letters_names_and_flags_of_their_own():
    listed = countries()
    assert len(listed) > 200
    for pick in ("alpha2", "alpha3", "flag"):
        assert len({getattr(country, pick) for country in listed}) == len(listed)
    by_letters = {country.alpha2: country for country in listed}
    china = by_letters["CN"]
    assert (china.alpha3, china.phone_country_code, china.flag) == ("CHN", "+86", "🇨🇳")
    assert spoken(china) == ["中国", "China", "中國", "中国"]
    assert by_letters["DE"].alpha3 == "DEU"
    assert by_letters["FR"].alpha3 == "FRA"
    assert all(all(spoken(country)) for country in listed)
