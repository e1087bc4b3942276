"""Backups of a database that is written to, and putting one back."""

import shutil
import sqlite3
import threading
from contextlib import closing

import pytest

from ostiary import OstiaryError
from tests.journeys.hands import send
from tests.service import BIND, LOGIN, UNBIND, Service, start
from tests.shell import Shell


@pytest.fixture
def served(tmp_path):
    service = start(tmp_path / "data")
    yield service, Shell(tmp_path / "data", f"sqlite:///{tmp_path}/data/ostiary.db")
    if service.process.poll() is None:
        service.stop()


@pytest.fixture
def lite(tmp_path) -> Shell:
    return Shell(tmp_path / "data", f"sqlite:///{tmp_path}/data/ostiary.db").begun()


def count(file, table):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def refused(call, *arguments):
    with pytest.raises(OstiaryError):
        call(*arguments)


def put_back(service: Service, shell: Shell, copy):
    """Stop, move the database away, restore, start again; clients keep their connections' pool."""
    assert service._terminate() == 0
    for path in service.folder.glob("ostiary.db*"):
        path.unlink()
    said = shell("restore", copy, "--json").json
    service.start(port=service.port)
    return said


def test_a_backup_under_load_is_one_moment_whole_and_can_be_served(served, tmp_path):
    service, shell = served
    people = tmp_path / "people.csv"
    people.write_text("username,phone\n" + "".join(f"u{n},{13_700_000_000 + n}\n" for n in range(2_000)))
    shell("users", "import", people)
    stop = threading.Event()
    sent = []

    def use() -> None:
        while not stop.is_set():
            number = service.number()
            send(service.client(), LOGIN, number)
            sent.append(number)

    worker = threading.Thread(target=use)
    worker.start()
    copies = [tmp_path / f"copy{n}.db" for n in range(3)]
    for copy in copies:
        shell("backup", copy)
        assert copy.stat().st_mode & 0o777 == 0o600
    stop.set()
    worker.join()
    assert sent
    for copy in copies:
        # a code and its message are of one transaction: a copy that tore it apart would have one of them
        assert count(copy, "codes") == count(copy, "outbox")
        assert count(copy, "users") == count(copy, "phones")
        assert not list(tmp_path.glob(f"{copy.name}-*")), "one file, nothing beside it"
    assert count(copies[0], "codes") <= count(copies[2], "codes")
    before = service.number()
    put_back(service, shell, copies[-1])
    send(service.client(), LOGIN, before)
    assert service.code(before, LOGIN)
    assert shell.sealed()["whole"]


def test_nothing_that_was_used_since_the_backup_works_again(served, tmp_path):
    service, shell = served
    person = service.person()
    offline = service.client().sign_in_by_username_password(
        person.username, person.password, options={"scope": "openid offline_access"}
    )
    new = service.number()
    person.client.send_sms(BIND, new[3:])
    person.client.send_sms(UNBIND, person.national)
    payload = {
        "newPhoneNumber": new[3:],
        "newPhonePassCode": service.code(new, BIND),
        "oldPhoneNumber": person.national,
        "oldPhonePassCode": service.code(person.phone, UNBIND),
    }
    login = service.number()
    send(service.client(), LOGIN, login)
    code = service.code(login, LOGIN)
    shell("backup", tmp_path / "before.db")
    token = person.client.verify_update_phone_request(payload, "PHONE_PASSCODE").data.update_phone_token
    shell("backup", tmp_path / "between.db")
    assert person.client.update_phone(token).data.success

    for copy in ("between.db", "before.db"):
        said = put_back(service, shell, tmp_path / copy)
        assert said["usersSignedOut"] == count(service.folder / "ostiary.db", "users")
        assert said["codesVoided"]
        again = service.signed_in(person.username, person.password)
        refused(person.client.get_profile)
        refused(again.update_phone, token)
        refused(again.verify_update_phone_request, payload, "PHONE_PASSCODE")
        refused(service.client().sign_in_by_phone_passcode, login[3:], code)
        refused(service.client().get_new_access_token_by_refresh_token, offline.data.refresh_token)
        assert again.get_profile().data.phone == person.national
    events = shell("audit", "export", "--event", "database_restored").out.splitlines()
    assert len(events) == 1


def test_restoring_refuses_over_whatever_is_there(lite, tmp_path):
    copy = tmp_path / "copy.db"
    lite("backup", copy)
    assert "move it away" in lite("restore", copy, code=2).err
    database = lite.folder / "ostiary.db"
    for path in lite.folder.glob("ostiary.db*"):
        path.unlink()
    stale = lite.folder / "ostiary.db-wal"
    stale.write_bytes(b"of another database")
    assert "-wal" in lite("restore", copy, code=2).err
    stale.unlink()
    lite("restore", copy)
    assert database.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in lite.folder.iterdir()) == ["keys.json", "ostiary.db"]


def test_a_backup_is_never_written_over_and_a_damaged_one_never_restored(lite, tmp_path):
    copy = tmp_path / "copy.db"
    lite("backup", copy)
    assert "never overwrites a file" in lite("backup", copy, code=2).err
    assert (
        "no database"
        in Shell(tmp_path / "no", f"sqlite:///{tmp_path}/no.db")("backup", tmp_path / "x", code=2).err
    )
    (lite.folder / "ostiary.db").unlink()
    broken = bytearray(copy.read_bytes())
    broken[8_192:12_288] = bytes(4_096)
    (tmp_path / "broken.db").write_bytes(broken)
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at twice" * 100)
    for name in ("broken.db", "text.db", "missing.db"):
        lite("restore", tmp_path / name, code=2)
    assert not (lite.folder / "ostiary.db").exists()


def test_a_backup_needs_its_own_keys(lite, tmp_path):
    copy = tmp_path / "copy.db"
    lite("backup", copy)
    other = Shell(tmp_path / "other", f"sqlite:///{tmp_path}/other/ostiary.db").begun()
    (other.folder / "ostiary.db").unlink()
    assert "keys" in other("restore", copy, code=2).err
    assert not (other.folder / "ostiary.db").exists()
    shutil.copy(lite.folder / "keys.json", other.folder / "keys.json")
    other("restore", copy)
    lite("keys", "rotate", "--wait", "0")
    (lite.folder / "ostiary.db").unlink()
    lite("restore", copy)  # rotated since, and its old keys are still there


def test_postgresql_is_backed_up_by_its_own_tools_and_finished_here(
    tmp_path, postgres_url, postgres_server_shared
):
    service = start(tmp_path / "data", postgres_url)
    shell = Shell(tmp_path / "data", postgres_url)
    try:
        said = shell("backup", tmp_path / "copy.db", code=2)
        assert "pg_dump" in said.err
        assert "keys.json" in said.err
        assert "pg_restore" in shell("restore", tmp_path / "copy.db", code=2).err
        person = service.person()
        person.client.get_profile()
        number = service.number()
        send(service.client(), LOGIN, number)
        code = service.code(number, LOGIN)
        assert shell("restore", "--finish", "--json").json["codesVoided"] >= 1
        with pytest.raises(OstiaryError):
            person.client.get_profile()
        with pytest.raises(OstiaryError):
            service.client().sign_in_by_phone_passcode(number[3:], code, options={"autoRegister": True})
        person.signed_in().get_profile()
    finally:
        service.stop()


def test_a_backup_that_fails_leaves_nothing(lite, tmp_path):
    target = tmp_path / "no such folder" / "copy.db"
    assert "no backup was made" in lite("backup", target, code=1).err
    with closing(sqlite3.connect(lite.folder / "ostiary.db")) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert "no backup was made" in lite("backup", tmp_path / "copy.db", code=1).err
    assert not [path.name for path in tmp_path.iterdir() if "copy" in path.name]
