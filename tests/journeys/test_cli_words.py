"""What the commands say to who mistyped: words, and the nearest name there is."""

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ostiary.cli.main import app
from tests.shell import Shell


@pytest.fixture(scope="module")
def lite(tmp_path_factory) -> Shell:
    folder = tmp_path_factory.mktemp("words")
    return Shell(folder, f"sqlite:///{folder}/ostiary.db").begun()


def every_command(group, path=""):
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from every_command(command, f"{path} {name}")


@pytest.mark.parametrize("command", list(every_command(get_command(app))))
def test_flags_are_shown_without_a_value(command):
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*command.split(), "--help"]).stdout
    assert "--help" in shown
    assert "<bool>" not in shown
    assert "BOOLEAN" not in shown


def test_a_setting_that_there_is_not_has_a_near_one(lite):
    assert "did you mean verifyCodeTtl?" in lite("settings", "get", "verifyCodeTTL", code=2).err
    assert "`ostiary settings get`" in lite("settings", "get", "qqqqq", code=2).err


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("verifyCodeTtl", "x", "verifyCodeTtl: 'x' can't be used; allowed: 60 to 600"),
        ("endOtherSessions", "perhaps", "endOtherSessions: 'perhaps' can't be used; allowed: true or false"),
        ("enabledFactors", "FAX", "enabledFactors: 'FAX' can't be used; allowed: a list: EMAIL, OTP, SMS"),
    ],
)
def test_a_setting_that_does_not_fit_is_told_in_words(lite, name, value, why):
    assert lite("settings", "set", name, value, code=2).err == f"ostiary: {why}\n"


def test_an_event_that_there_is_not_is_refused_with_what_is_near(lite):
    said = lite("audit", "export", "--event", "user_create", code=2)
    assert "there is no event 'user_create'; did you mean user_created?" in said.err
    assert not said.out
    assert "sign_in" in lite("audit", "export", "--event", "nonsense", code=2).err, "all of them"
    assert "0 rows" in lite("audit", "export", "--event", "phone_changed").err


def test_a_cell_that_does_not_fit_is_told_in_words(lite, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text(
        "username,gender,phoneVerified,customData,password\n"
        f"ann,Q,,,\nann,,perhaps,,\nann,,,[],\nann,,,,{'x' * 2_000}\n"
    )
    lite("users", "import", people, code=1)
    reasons = [line.split(",", 7)[7] for line in (tmp_path / "people.rejected.csv").read_text().splitlines()]
    assert [reason.strip('"') for reason in reasons[1:]] == [
        "gender: can't be used; allowed: F, M, U",
        "phoneVerified: can't be used; allowed: true or false",
        "customData: not a JSON object",
        "password: can't be used; allowed: text of 1024 characters at most",
    ]
