"""Looking after an installation: the audit trail, messages, settings, the doctor."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ostiary import OstiaryError
from ostiary.cli.main import app
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.upkeep.tuning import Proposal
from tests.service import BIND, LOGIN, clean_environment, start
from tests.shell import Shell


@pytest.fixture
def served(tmp_path, database):
    service = start(tmp_path / "data", database)
    yield service, Shell(tmp_path / "data", database)
    service.stop()


def change(shell, *statements):
    with closing(sqlite3.connect(path_of(shell.database))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


# ── init ────────────────────────────────────────────────────────────────────────────────────


def test_init_prints_its_secrets_once_and_refuses_twice(tmp_path, database):
    shell = Shell(tmp_path / "data", database)
    said = shell("init", "--json").json
    assert shell("init", code=2).out == ""
    stored = (tmp_path / "data" / "keys.json").read_text()
    for secret in (said["appSecret"], said["accessKeySecret"]):
        assert len(secret) >= 43
        assert secret not in stored
    (tmp_path / "data" / "keys.json").unlink()
    assert "put the backup of its keys.json at" in shell("init", code=2).err


# ── audit ───────────────────────────────────────────────────────────────────────────────────


def sealed(shell, service):
    """Rows, all sealed."""
    for _ in range(3):
        service.person()
    shell.sealed()


def test_a_whole_trail_verifies_and_its_head_is_remembered(served):
    service, shell = served
    sealed(shell, service)
    found = shell("audit", "verify", "--json").json
    assert found["whole"]
    assert found["sealed"] >= 3
    service.person()
    shell("audit", "verify", "--head", found["head"])
    other = f"{found['head'].partition(':')[0]}:{'00' * 32}"
    assert shell("audit", "verify", "--head", other, "--json", code=1).json["faults"][0]["fault"] == "cut"
    assert "PLACE:CHAIN" in shell("audit", "verify", "--head", "nonsense", code=2).err


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("UPDATE audit SET facts = '{}' WHERE place = 2", "row"),
        ("DELETE FROM audit WHERE place = 2", "gap"),
        ("UPDATE audit SET chain = zeroblob(32) WHERE place = 2", "chain"),
        ("UPDATE audit SET key_id = 'nobodys' WHERE place = 2", "key"),
    ],
)
def test_each_kind_of_damage_is_named(tmp_path, sqlite_url, damage, fault):
    service, shell = start(tmp_path / "data", sqlite_url), Shell(tmp_path / "data", sqlite_url)
    sealed(shell, service)
    service.stop()
    change(shell, damage)
    found = shell("audit", "verify", "--json", code=1).json
    assert not found["whole"]
    assert fault in {one["fault"] for one in found["faults"]}
    assert fault in shell("audit", "verify", code=1).out


def test_rows_that_nobody_seals_are_told(lite):
    lite("settings", "set", "verifyCodeTtl", "120")
    change(lite, "UPDATE audit SET at = at - 60000")
    found = lite("audit", "verify", "--json", code=1).json
    assert (found["unsealed"], found["overdue"]) == (1, 1)
    assert "worker" in lite("audit", "verify", code=1).out


def test_the_trail_is_exported_line_by_line_without_numbers(served, tmp_path):
    service, shell = served
    person = service.person()
    person.client.send_sms(BIND, service.number()[3:])
    rows = [json.loads(line) for line in shell("audit", "export").out.splitlines()]
    assert {"user_created"} <= {row["event"] for row in rows}
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert person.national not in json.dumps(rows)
    mine = shell("audit", "export", "--user", person.user_id, "--event", "user_created").out.splitlines()
    assert len(mine) == 1
    assert shell("audit", "export", "--until", "2020-01-01").out == ""
    assert shell("audit", "export", "--since", "2020-01-01T00:00:00Z").out
    assert "neither a date" in shell("audit", "export", "--since", "yesterday", code=2).err
    file = tmp_path / "audit.jsonl"
    shell("audit", "export", "--output", file)
    assert file.stat().st_mode & 0o777 == 0o600
    shell("audit", "export", "--output", file, code=2)


# ── messages ────────────────────────────────────────────────────────────────────────────────


def test_messages_are_listed_masked_shown_without_codes_and_sent_again(served):
    service, shell = served
    person = service.person()
    number = service.number()
    service.client().send_sms(LOGIN, number[3:])
    code = service.code(number, LOGIN)
    [told] = shell("messages", "list", "--state", "sent", "--to", number[3:], "--json").json
    assert told["to"].endswith(f"****{number[-4:]}")
    one = shell("messages", "show", told["id"])
    assert "••••••" in one.out
    assert code not in one.out
    assert number not in one.out
    assert number in shell("messages", "show", told["id"], "--show").out
    service.client().send_email("CHANNEL_VERIFY_EMAIL_LINK", person.email)
    link = service.message(person.email, "CHANNEL_VERIFY_EMAIL_LINK")
    shown = shell("messages", "show", link["id"]).out
    assert "/verify-email?token=••••••&" in shown
    assert "code" not in shown
    assert shell("messages", "resend", told["id"], "--json", code=1).json == [
        {"id": told["id"], "queued": False}
    ]
    assert shell("messages", "list", "--json").json == []
    shell("messages", "show", "nothing", code=1)
    shell("messages", "resend", code=2)
    assert person.phone


def test_a_dead_letter_is_sent_again(tmp_path, sqlite_url):
    service, shell = start(tmp_path / "data", sqlite_url), Shell(tmp_path / "data", sqlite_url)
    try:
        person = service.person()
        service.management.update_user(person.user_id, phone=service.number(), phone_verified=True)
        assert person.phone
        service.message(person.phone, "phone_changed")
        change(
            shell,
            "UPDATE outbox SET state = 'dead', settled_at = 1, ends_at = 1 WHERE purpose = 'phone_changed'",
        )
        dead = shell("messages", "list", "--json").json
        assert {row["purpose"] for row in dead} == {"phone_changed"}
        again = shell("messages", "resend", "--all", "--json").json
        assert {row["id"] for row in again} == {row["id"] for row in dead}
        until, sent = time.monotonic() + 10, []
        while time.monotonic() < until:
            sent = shell("messages", "list", "--state", "sent", "--json").json
            if {row["id"] for row in dead} <= {row["id"] for row in sent}:
                break
            time.sleep(0.2)
        assert {row["id"] for row in dead} <= {row["id"] for row in sent}
        assert shell("audit", "export", "--event", "message_resent").out.count("message_resent") == len(dead)
    finally:
        service.stop()


# ── settings ────────────────────────────────────────────────────────────────────────────────


def test_a_setting_holds_from_the_next_request_on_and_is_in_the_trail(served):
    service, shell = served
    person = service.person()
    shell("settings", "set", "allowedCountries", "+852")
    with pytest.raises(OstiaryError):
        person.client.send_sms(BIND, service.number()[3:])
    shell("settings", "set", "allowedCountries", "+86, +852")
    person.client.send_sms(BIND, service.number()[3:])
    assert shell("settings", "get", "allowedCountries", "--json").json == {
        "allowedCountries": ["+86", "+852"]
    }
    events = shell("audit", "export", "--event", "security_settings_changed").out.splitlines()
    assert [json.loads(line)["facts"]["fields"] for line in events] == ["allowedCountries"] * 2
    assert json.loads(events[0])["actor"] == "cli"
    app_id = service.ids["appId"]
    shell("settings", "set", "--app", app_id, "selfService", "false")
    with pytest.raises(OstiaryError):
        person.client.send_sms(BIND, service.number()[3:])
    assert shell("settings", "get", "--app", app_id, "selfService").out.strip() == "false"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("verifyCodeTtl", "10", "60 to 600"),
        ("verifyCodeTtl", "soon", "60 to 600"),
        ("verifyCodeTTL", "60", "did you mean verifyCodeTtl"),
        ("verifyCodeLength", "4", "wrongCodesPerDay"),
        ("endOtherSessions", "perhaps", "true or false"),
        ("allowedCountries", "86", "calling codes like +86"),
        ("allowedCountries", "", "list"),
        ("allowedOrigins", "example.com", "text"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_and_nothing_changes(lite, name, value, why):
    before = lite("settings", "get", "--json").json
    told = lite("settings", "set", name, value, code=2).err
    assert why in told
    assert "regex" not in told
    assert lite("settings", "get", "--json").json == before


def test_where_there_are_two_pools_one_must_be_named(lite):
    change(lite, "INSERT INTO pools SELECT 'second', name, country_code, locale, policy, made_at FROM pools")
    assert "--pool" in lite("settings", "get", code=2).err
    lite("settings", "set", "--pool", "second", "verifyCodeTtl", "60")
    assert lite("settings", "get", "--pool", "second", "verifyCodeTtl").out.strip() == "60"


# ── doctor ──────────────────────────────────────────────────────────────────────────────────


def abouts(said):
    return {finding["about"] for finding in said["findings"]}


def test_the_doctor_shows_every_setting_where_it_came_from_and_no_secret(lite, tmp_path):
    config = tmp_path / "ostiary.toml"
    config.write_text(
        'public_url = "https://id.example.com"\nwebhook_secret = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"\n'
    )
    config.chmod(0o644)
    said = lite("doctor", "--config", config, "--json", code=1)
    found = {row["name"]: (row["value"], row["source"]) for row in said.json["settings"]}
    assert found["public_url"] == ("https://id.example.com", str(config))
    assert found["webhook_secret"] == ("***", str(config))
    assert found["port"] == (8000, "default")
    assert found["database"][1] == "the command line"
    assert "c2VjcmV0" not in said.out
    assert str(config) in abouts(said.json), "others may read it"
    assert said.json["database"]["promises"] == {"journal_mode": "wal", "synchronous": "full"}
    assert "public_url" in lite("doctor", "--config", config, code=1).out


def test_the_doctor_names_what_is_weak_in_pools_and_data(shell):
    for name, value in (
        ("changePhoneStrategy.verifyOldPhone", "false"),
        ("wrongCodesPerDay", "5"),
        ("verifyCodeLength", "4"),
        ("endOtherSessions", "false"),
        ("stepUpMaxAge", "86400"),
        ("sendPerAppPerDay", "0"),
    ):
        shell("settings", "set", name, value)
    told = abouts(shell("doctor", "--json", code=1).json)
    for name in (
        "changePhoneStrategy.verifyOldPhone",
        "verifyCodeLength",
        "endOtherSessions",
        "stepUpMaxAge",
        "sendPerAppPerDay",
    ):
        assert any(name in about for about in told), name
    assert "webhook_url" in told, "nothing sends messages"


def test_the_doctor_says_what_is_missing(tmp_path):
    shell = Shell(tmp_path / "data", f"sqlite:///{tmp_path}/data/ostiary.db")
    said = shell("doctor", code=1).out
    assert "ostiary init" in said
    shell.begun()
    (tmp_path / "data" / "keys.json").chmod(0o640)
    assert "chmod 600" in shell("doctor", code=1).out
    away = Shell(tmp_path / "data", "postgresql://me:hunter22@127.0.0.1:1/none")
    far = away("doctor", "--json", code=1)
    assert "hunter22" not in far.out
    assert "database" in abouts(far.json)


def test_tuning_never_goes_below_the_floor(lite):
    low = lite("doctor", "--tune", "1", "--json").json
    assert (low["argon2_memory_kib"], low["argon2_passes"], low["argon2_lanes"]) == (19_456, 2, 1)
    assert "# above the 1 ms asked for; this is the permitted minimum" in lite("doctor", "--tune", "1").out


@pytest.mark.parametrize(
    ("proposal", "said"),
    [
        (Proposal(19_456, 2, 1, 36.5), ""),
        (
            Proposal(19_456, 2, 1, 35.2, next_step=45),
            "# below the 40 ms asked for; the next step up took 45 ms\n",
        ),
        (Proposal(19_456, 2, 1, 35.2), "# below the 40 ms asked for; no larger step fits\n"),
    ],
)
def test_a_proposal_that_misses_says_why(lite, monkeypatch, proposal, said):
    monkeypatch.setattr("ostiary.server.upkeep.tuning.propose", lambda *_: proposal)
    assert lite("doctor", "--tune", "40").out.endswith(f"argon2_lanes = 1\n{said}")


@pytest.mark.parametrize(
    "command",
    [
        *("backup", "restore", "doctor", "users import", "users find", "messages list", "messages show"),
        *("messages resend", "audit verify", "audit export", "keys list", "keys rotate", "keys prune"),
        *("settings get", "settings set"),
    ],
)
def test_help_tells_the_exit_codes(command):
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Exit codes" in done.stdout


def test_completion_can_be_had():
    words = {"_OSTIARY_COMPLETE": "complete_bash", "COMP_WORDS": "ostiary k", "COMP_CWORD": "1"}
    done = subprocess.run(
        [Path(sys.executable).with_name("ostiary")],
        capture_output=True,
        text=True,
        check=False,
        env={**clean_environment(), **words},
    )
    assert done.stdout.split() == ["keys"]
