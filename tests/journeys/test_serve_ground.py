"""What a start stands on: keys and a database of one installation. Where one of them is another's or gone, none begins."""

import json
import shutil
import sys
import threading

import psycopg
import pytest

from ostiary import OstiaryError
from ostiary.server import founding, keyfile
from ostiary.server.app import compose, compose_backstage
from ostiary.server.core.ports import Clock
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.storage.tx import UnavailableError
from tests.service import end, first_line, launch, run, start
from tests.shell import Shell


def starts(shell) -> None:
    """It comes up, and is ended."""
    process = launch(shell.folder, "serve", "--port", "0", "--database", shell.database)
    assert json.loads(first_line(process))["event"] == "ready"
    assert end(process)[0] == 0


def refused(shell, command="serve") -> str:
    """Why it does not; one line."""
    port = ("--port", "0") if command == "serve" else ()
    code, out, err = run(shell.folder, command, *port, "--database", shell.database)
    assert (code, out) == (2, ""), err
    [line] = err.splitlines()
    return line


def test_keys_of_another_installation_are_refused_before_anything_is_served(shell, tmp_path):
    other = Shell(tmp_path / "other", f"sqlite:///{tmp_path}/other.db").begun()
    own = (shell.folder / "keys.json").read_bytes()
    shutil.copy(other.folder / "keys.json", shell.folder / "keys.json")
    for command in ("serve", "worker"):
        assert "the root key that sealed this is not in the key file" in refused(shell, command)
    findings = shell("doctor", "--json", code=1).json["findings"]
    [told] = [one for one in findings if one["about"] == "keys_file"]
    assert told["level"] == "problem"
    assert "does not belong to" in told["what"]
    assert told["do"] == "correct keys.json as described"
    assert "keys.json" in shell("keys", "rotate", "--wait", "0", code=2).err, (
        "nothing is rotated by strangers' keys"
    )
    (shell.folder / "keys.json").write_bytes(own)
    starts(shell)


def test_what_an_older_key_of_the_ring_sealed_is_the_installations_own(lite):
    path = lite.folder / "keys.json"
    rings = json.loads(path.read_text())
    now = Clock().now()
    key = keyfile.make_key(now)
    rings["seal"][0]["retiredAt"] = now
    newest = {**rings["seal"][0], "id": key.id, "secret": rings["codes"][0]["secret"][::-1].lstrip("=")}
    del newest["retiredAt"]
    newest["secret"] = newest["secret"].ljust(44, "A")
    rings["seal"].insert(0, newest)
    path.write_text(json.dumps(rings))
    starts(lite)


def test_a_database_that_is_gone_is_not_replaced_by_an_empty_one(lite, tmp_path):
    lite("backup", tmp_path / "copy.db")
    for path in lite.folder.parent.glob("ostiary.db*"):
        path.unlink()
    database = lite.folder.parent / "ostiary.db"
    for command in ("serve", "worker", "migrate"):
        why = refused(lite, command)
        assert "missing or empty" in why
        assert "volume" in why
        assert "ostiary restore" in why
        assert not database.exists()
    assert "volume" in lite("users", "find", "13800138000", code=2).err
    assert "ostiary restore" in lite("doctor", code=1).out
    again = lite("init", code=2).err
    assert "already initialized" in again
    assert "ostiary restore" in again
    database.touch()
    assert "missing or empty" in refused(lite)
    database.unlink()
    lite("restore", tmp_path / "copy.db")
    starts(lite)


def test_an_empty_postgresql_database_is_left_empty(tmp_path, postgres_url, postgres_server_shared):
    lost = postgres_server_shared.fresh_database()
    shell = Shell(tmp_path / "data", postgres_url).begun()
    why = refused(Shell(shell.folder, lost))
    assert "missing or empty" in why
    assert "pg_restore" in why
    with psycopg.connect(lost) as connection:
        assert (
            connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == []
        )
    postgres_server_shared.drop_database(lost)


def test_an_init_that_was_killed_halfway_is_gone_on_with(tmp_path, database, monkeypatch):
    shell = Shell(tmp_path / "data", database)

    def ends(_self, _tx):
        raise UnavailableError("the machine stops")

    with monkeypatch.context() as once:
        once.setattr(founding.Founded, "store", ends)
        shell("init", code=1)
    keys = (shell.folder / "keys.json").read_bytes()
    assert "run that again" in refused(shell)
    shell("init")
    assert (shell.folder / "keys.json").read_bytes() == keys
    assert "already initialized" in shell("init", code=2).err
    starts(shell)


def test_on_a_new_machine_the_keys_come_from_their_backup(lite, tmp_path):
    lite("backup", tmp_path / "copy.db")
    new = Shell(tmp_path / "new", f"sqlite:///{tmp_path}/new.db")
    for arguments in (("restore", tmp_path / "copy.db"), ("restore", "--finish")):
        why = new(*arguments, code=2).err
        assert "put the backup of keys.json there" in why
        assert "init" not in why
    new.folder.mkdir()
    shutil.copy(lite.folder / "keys.json", new.folder / "keys.json")
    new("restore", tmp_path / "copy.db")
    starts(new)


def test_what_to_run_next_names_the_installation(tmp_path):
    folder = tmp_path / "of several words"
    said = run(folder, "init")
    assert said[1].splitlines()[-1] == f"Next: ostiary serve --data-dir '{folder}'"
    copy = tmp_path / "copy.db"
    assert run(folder, "backup", str(copy))[0] == 0
    for path in folder.glob("ostiary.db*"):
        path.unlink()
    said = run(folder, "restore", str(copy))
    assert f"ostiary serve --data-dir '{folder}'" in said[1]


def test_the_password_of_a_database_is_not_said_again(tmp_path, postgres_url):
    said = Shell(tmp_path / "data", postgres_url)("init").out
    assert "--database" in said
    assert postgres_url.partition("//")[2].partition(":")[2].partition("@")[0] not in said


def test_an_installation_needs_a_name_a_country_and_a_language(tmp_path):
    folder = tmp_path / "data"
    for option, value, why in (
        ("--name", " ", "--name must not be empty"),
        ("--country", "+0", "'+0' is not a calling code"),
        ("--locale", "de-DE", "--locale must be zh-CN or en-US, not 'de-DE'"),
    ):
        code, _, err = run(folder, "init", option, value)
        assert code == 2
        assert why in err
        assert not folder.exists()


def test_without_its_libraries_postgresql_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    shell = Shell(tmp_path / "data", "postgresql://nobody@127.0.0.1:1/none")
    assert "pip install 'ostiary[server,postgres]'" in shell("init", code=2).err


@pytest.mark.parametrize("serves", [True, False])
async def test_what_cannot_be_composed_leaves_no_database_open(lite, monkeypatch, serves):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    settings = Settings(
        data_dir=str(lite.folder), database=lite.database, otlp_endpoint="http://127.0.0.1:1/v1/traces"
    )
    before = set(threading.enumerate())
    with pytest.raises(StartRefusedError, match="OpenTelemetry"):
        await (compose(settings, "http://127.0.0.1:1") if serves else compose_backstage(settings))
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if not thread.name.startswith("asyncio_")]


def test_a_second_service_on_one_sqlite_file_serves_the_same_people(tmp_path):
    first = start(tmp_path / "data")
    try:
        ann = first.person()
        second = start(tmp_path / "data")
        try:
            there = second.signed_in(ann.username, ann.password)
            there.update_profile(nickname="seen")
            assert ann.client.get_profile().data.nickname == "seen"
            client = second.client(access_token=there._access_token)
            assert client.get_profile().data.nickname == "seen"
            elsewhere = first.client(access_token=there._access_token)
            with pytest.raises(OstiaryError):
                elsewhere.get_profile()  # without a public_url each is an issuer of its own
        finally:
            assert second.stop() == 0
    finally:
        assert first.stop() == 0
