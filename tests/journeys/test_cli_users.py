"""Importing users from a file, and finding one by a name."""

import csv
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from ostiary.server.storage.names import _TAKEN
from ostiary.server.storage.sqlite_file import path_of
from tests.explain import explain
from tests.service import LOGIN, clean_environment, start
from tests.shell import Shell

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$" + "a" * 43


def sheet(path, header, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rejected(path, ending=".rejected.csv"):
    with path.with_name(f"{path.stem}{ending}").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def rows_of(shell, statement):
    with closing(sqlite3.connect(path_of(shell.database))) as connection:
        return connection.execute(statement).fetchall()


# ── what a file says ────────────────────────────────────────────────────────────────────────


def test_good_rows_are_imported_and_bad_ones_told_with_their_reasons(shell, tmp_path):
    header = ("username", "email", "phone", "phoneVerified", "passwordHash", "customData")
    people = sheet(
        tmp_path / "people.csv",
        header,
        ("ann", "ann@example.com", "138 0013 8001", "true", HASH, '{"vip": true}'),
        ("bob", "", "+86 138-0013-8002", "", "", ""),
        ("ANN", "", "", "", "", ""),
        ("cat", "", "13800138002", "", "", ""),
        ("dan", "not an address", "", "", "", ""),
        ("eve", "", "", "", "$2b$12$bcryptisnotargon", ""),
        ("fay", "", "", "perhaps", "", ""),
        ("", "", "", "", "", "{}"),
        ("gil", "", "", "", "", "[]"),
    )
    done = shell("users", "import", people, "--json", code=1).json
    assert (done["rows"], done["imported"], done["rejected"]) == (9, 2, 7)
    reasons = {row["row"]: row["reason"] for row in rejected(people)}
    assert set(reasons) == {"3", "4", "5", "6", "7", "8", "9"}
    for row, word in {
        "3": "user name is already taken",
        "4": "number",
        "5": "email:",
        "6": "passwordHash: not an argon2id string",
        "7": "phoneVerified:",
        "8": "needs one of",
        "9": "customData:",
    }.items():
        assert word in reasons[row], reasons[row]
    found = shell("users", "find", "0086 138 0013 8001", "--show", "--json").json
    assert (found[0]["username"], found[0]["phoneVerified"]) == ("ann", True)
    assert shell("users", "find", "13800138002", "--json").json[0]["phoneVerified"] is False


def test_a_mended_file_of_rejected_rows_can_be_imported_as_it_is(lite, tmp_path):
    people = sheet(
        tmp_path / "people.csv", ("username", "email"), ("ann", "ann@example.com"), ("bob", "bob at home")
    )
    lite("users", "import", people, code=1)
    mended = tmp_path / "mended.csv"
    text = (tmp_path / "people.rejected.csv").read_text().replace("bob at home", "bob@example.com")
    mended.write_text(text)
    assert "1 imported, 0 rejected" in lite("users", "import", mended).out
    assert (tmp_path / "people.rejected.csv").stat().st_mode & 0o777 == 0o600


def test_a_dry_run_finds_the_same_and_stores_nothing(shell, tmp_path):
    shell("users", "import", sheet(tmp_path / "first.csv", ("username",), ("taken",)))
    people = sheet(
        tmp_path / "people.csv", ("username", "phone"), ("taken", ""), ("ann", "1"), ("bob", ""), ("Bob", "")
    )
    tried = shell("users", "import", people, "--dry-run", "--json", code=1).json
    assert (tried["imported"], tried["importable"], tried["rejected"]) == (0, 1, 3)
    reasons = [row["reason"] for row in rejected(people, ".dry-run.rejected.csv")]
    assert "user name is already taken" in reasons[2], "an earlier row has it"
    done = shell("users", "import", people, "--json", code=1).json
    assert (done["imported"], done["rejected"]) == (1, 3)


def test_a_dry_run_leaves_the_file_of_rejected_rows_to_who_is_mending_it(lite, tmp_path):
    people = sheet(tmp_path / "people.csv", ("username", "email"), ("bob", "bob at home"))
    lite("users", "import", people, code=1)
    (tmp_path / "people.rejected.csv").write_text("being mended")
    tried = lite("users", "import", people, "--dry-run", code=1)
    assert (tmp_path / "people.rejected.csv").read_text() == "being mended"
    assert str(tmp_path / "people.dry-run.rejected.csv") in tried.out
    assert "people.dry-run.rejected.csv" in lite("users", "import", people, "--dry-run", "--json", code=1).out


WEAK = (
    ("username", "phone", "password"),
    ("ann", "13800138001", "abc"),
    ("bob", "13800138002", "password"),
    ("cathrine", "13800138003", "138-0013-8003"),
    ("dan", "13800138004", "a password of dan"),
    ("eve", "13800138005", "a bell\a rings"),
)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_plain_passwords_are_judged_as_every_new_one(lite, tmp_path, dry):
    people = sheet(tmp_path / "people.csv", *WEAK)
    done = lite("users", "import", people, *dry, "--json", code=1).json
    assert (done["importable"], done["rejected"]) == (1, 4)
    short, common, name, bell = (
        row["reason"] for row in rejected(people, ".dry-run.rejected.csv" if dry else ".rejected.csv")
    )
    assert short == "password: The password is too short: choose a longer one, of 8 characters or more"
    assert common.startswith("password: This password is too common")
    assert name == common, "a name of the account"
    assert bell == "password: The parameter password has an invalid type or value: correct it and try again"


def test_the_pools_policy_says_what_is_weak(lite, tmp_path):
    lite("settings", "set", "refuseCommonPasswords", "false")
    lite("settings", "set", "passwordMinLength", "10")
    people = sheet(tmp_path / "people.csv", *WEAK)
    lite("users", "import", people, code=1)
    assert [row["username"] for row in rejected(people)] == ["ann", "bob", "eve"]


def test_passwords_of_a_migration_may_be_weak(lite, tmp_path):
    people = sheet(tmp_path / "people.csv", *WEAK)
    done = lite("users", "import", people, "--keep-weak-passwords", "--json", code=1).json
    assert (done["imported"], done["rejected"]) == (4, 1)
    assert [row["username"] for row in rejected(people)] == ["eve"], "nobody could sign in with it"


def test_the_same_file_twice_makes_nobody_twice(lite, tmp_path):
    people = sheet(tmp_path / "people.csv", ("externalId",), ("1",), ("2",))
    lite("users", "import", people)
    again = lite("users", "import", people)
    assert "already imported" in again.err
    assert "2 imported" in again.out
    assert lite("users", "import", people, "--again", "--json", code=1).json["rejected"] == 2


def test_a_hash_without_quotes_is_told_as_what_it_is(lite, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"username,passwordHash\nann,{HASH}\n")
    lite("users", "import", file, code=1)
    assert "quotes" in rejected(file)[0]["reason"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"username,emial\nann,x\n", "did you mean email"),
        (b"username,username\n", "without duplicates"),
        (b"", "contain the column names"),
        ("username\n张三\n".encode("gb18030"), "--encoding"),
        (b'username\n"never closed\n', "line"),
    ],
)
def test_a_file_that_is_none_is_refused(lite, tmp_path, content, why):
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    assert why in lite("users", "import", file, code=2).err


def test_other_encodings_and_separators(lite, tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes("username\tname\nzhang\t张三\n".encode("gb18030"))
    lite("users", "import", file, "--encoding", "gb18030", "--delimiter", "\\t")
    assert "张三" in rows_of(lite, "SELECT profile FROM users")[0][0]


def test_every_import_is_in_the_audit_trail(lite, tmp_path):
    lite("users", "import", sheet(tmp_path / "people.csv", ("phone",), ("13800138001",), ("13800138002",)))
    events = rows_of(lite, "SELECT event, actor, facts FROM audit ORDER BY id")
    assert [event for event, _, _ in events].count("user_created") == 2
    assert [event for event, _, _ in events].count("users_imported") == 1
    assert {actor for _, actor, _ in events} == {"cli"}
    assert not any("1380013800" in facts for _, _, facts in events)


def test_a_chunk_asks_indexes_only_which_names_are_taken(shell):
    names = dict.fromkeys(("usernames", "emails", "phones", "external_ids"), '["a"]')
    plan = explain(shell.database, _TAKEN, pool_id="p", **names)
    assert plan.indexes == {"users_by_username", "users_by_external_id", "emails_pkey", "phones_pkey"}, (
        plan.text
    )
    assert plan.whole <= {"json_each"}, plan.text


# ── finding ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "spelling", ["13800138001", "+86 138 0013 8001", "(0086)138-0013-8001", "１３８００１３８００１"]
)
def test_a_number_is_found_in_any_spelling_and_masked(lite, tmp_path, spelling):
    lite(
        "users",
        "import",
        sheet(tmp_path / "people.csv", ("phone", "email"), ("13800138001", "ann@example.com")),
    )
    found = lite("users", "find", spelling)
    assert "+86138****8001" in found.out
    assert "13800138001" not in found.out
    assert "ann@" not in found.out
    assert "+8613800138001" in lite("users", "find", spelling, "--show").out


def test_a_user_is_found_by_every_name(shell, tmp_path):
    header = ("username", "phone", "phoneCountryCode", "email")
    row = ("Carol", "51234567", "+852", "carol@example.com")
    shell("users", "import", sheet(tmp_path / "people.csv", header, row))
    [found] = shell("users", "find", "carol@example.com", "--json").json
    for name in (found["userId"], "carol", "+852 5123 4567", "Carol@EXAMPLE.com"):
        assert shell("users", "find", name, "--json").json == [found], name
    assert shell("users", "find", "carol").out.split()[:2] == ["userId", found["userId"]]


@pytest.mark.parametrize("name", ["13800138001", "hello", "nobody@example.com", "+", ""])
def test_nobody(lite, name):
    assert lite("users", "find", name, code=1).err == "there is no such user\n"


# ── beside a service, and killed ────────────────────────────────────────────────────────────


@pytest.fixture
def served(tmp_path, database):
    service = start(tmp_path / "data", database)
    yield service, Shell(tmp_path / "data", database)
    service.stop()


def test_who_was_imported_signs_in_and_a_login_code_verifies_their_number(served, tmp_path):
    service, shell = served
    people = sheet(
        tmp_path / "people.csv",
        ("username", "password", "phone"),
        ("ann", "a password of ann", "13800138077"),
    )
    shell("users", "import", people)
    service.signed_in("ann", "a password of ann")
    assert shell("users", "find", "13800138077", "--json").json[0]["phoneVerified"] is False
    service.client().send_sms(LOGIN, "13800138077")
    service.client().sign_in_by_phone_passcode("13800138077", service.code("+8613800138077", LOGIN))
    assert shell("users", "find", "13800138077", "--json").json[0]["phoneVerified"] is True


def test_a_service_answers_while_thousands_are_imported(served, tmp_path):
    service, shell = served
    people = sheet(
        tmp_path / "people.csv",
        ("username", "phone", "passwordHash"),
        *((f"import{n}", f"{13_700_000_000 + n}", HASH) for n in range(1_500)),
    )
    code: list[int] = []
    work = threading.Thread(target=lambda: code.append(shell("users", "import", people).code))
    slowest = answered = 0.0
    work.start()
    while work.is_alive():
        begun = time.monotonic()
        service.client().send_sms(LOGIN, service.number()[3:])  # writes: waits for its turn
        slowest = max(slowest, time.monotonic() - begun)
        answered += 1
    work.join()
    assert code == [0]
    assert answered >= 5
    assert slowest < 2.0, f"{slowest:.2f} s, of {answered:.0f}"


def known(service):
    """How many users there are."""
    listed = service.management.list_users(options={"pagination": {"page": 1, "limit": 1}}).data
    return listed.total_count


def test_a_killed_import_goes_on_where_it_was(served, tmp_path):
    service, shell = served
    count = 3_000
    people = sheet(
        tmp_path / "people.csv",
        ("username", "email"),
        *((f"import{n}", f"import{n}@example.com" if n % 10 else "nothing") for n in range(count)),
    )
    before = known(service)
    for kill in range(1, 4):
        process = subprocess.Popen(
            [sys.executable, "-m", "ostiary.cli", "users", "import", str(people), *shell.place],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        while process.poll() is None and known(service) < before + kill * count // 6:
            pass
        process.kill()
        process.wait()
    assert known(service) < before + count - count // 10, "killed in the middle"
    done = shell("users", "import", people, "--json", code=1).json
    assert (done["rows"], done["imported"], done["rejected"]) == (count, count - count // 10, count // 10)
    numbers = [int(row["row"]) for row in rejected(people)]
    assert numbers == list(range(1, count + 1, 10)), "every rejected row once, in order"
    assert known(service) == before + count - count // 10
