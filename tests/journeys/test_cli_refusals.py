"""What keeps a command from its files or its database is one line that says what to do, never a traceback."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

from ostiary.server.storage.sqlite_file import path_of
from tests.conftest import missing
from tests.faults.small_disk import small_disk
from tests.service import clean_environment, run
from tests.shell import Shell

NOBODY = 65_534


def without_powers(*arguments):
    """Run it as a user whom modes of files hold for, even where that is root: what came of it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        missing("Another user", "that takes root and setpriv")
    return subprocess.run(
        [
            *("setpriv", "--bounding-set", "-dac_override,-dac_read_search"),
            *(sys.executable, "-m", "ostiary.cli", *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )


def as_another(folder, *arguments):
    """Run it as one who may not enter a folder, which is somebody else's: exit code, standard error."""
    os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o700)
    done = without_powers(*arguments)
    return done.returncode, done.stderr


@pytest.mark.parametrize("place", ["a-file", "a-file/inside", "/dev/null/inside"])
def test_a_data_folder_that_can_be_none(tmp_path, place):
    (tmp_path / "a-file").touch()
    folder = tmp_path / place
    for command in ("init", "doctor"):
        said = Shell(folder, "")(command, code=None)
        assert said.code in {1, 2}
        assert str(folder) in said.err + said.out


@pytest.mark.parametrize(
    "command",
    [("init",), ("doctor",), ("backup", "copy.db"), ("serve", "--port", "0"), ("migrate",), ("keys", "list")],
)
def test_the_wrong_user_is_told_to_be_the_services(tmp_path, command):
    folder = tmp_path / "data"
    Shell(folder, f"sqlite:///{folder}/ostiary.db").begun()
    code, err = as_another(folder, *command, "--data-dir", str(folder))
    assert code == 2
    [line] = err.splitlines()
    assert str(folder) in line
    assert "run it as the service's user" in line


@pytest.mark.parametrize(
    "command", [("serve", "--port", "0"), ("settings", "get"), ("keys", "rotate", "--wait", "0"), ("doctor",)]
)
def test_a_database_file_that_may_only_be_read(tmp_path, command):
    """SQLite opens it, and would say so at the first write."""
    folder = tmp_path / "data"
    Shell(folder, f"sqlite:///{folder}/ostiary.db").begun()
    before = (folder / "keys.json").read_bytes()
    (folder / "ostiary.db").chmod(0o400)
    done = without_powers(*command, "--data-dir", str(folder))
    assert done.returncode == (1 if command == ("doctor",) else 2)
    said = " ".join((done.stdout + done.stderr).split())
    assert f"{folder}/ostiary.db is not writable; run it as the service's user" in said
    assert (folder / "keys.json").read_bytes() == before


def test_keys_that_were_lost_are_asked_for(lite):
    keys = lite.folder / "keys.json"
    keys.unlink()
    for command in (("serve", "--port", "0"), ("keys", "list"), ("settings", "get"), ("audit", "verify")):
        assert (
            f"there are no keys at {keys}, but there is a database: put the backup"
            in lite(*command, code=2).err
        )
    assert "put the backup" in lite("doctor", code=1).out
    assert f"put the backup of its keys.json at {keys}" in lite("init", code=2).err
    assert not keys.exists()


def test_a_disk_that_is_mounted_read_only(lite, tmp_path):
    with small_disk(tmp_path / "small", 24) as disk:
        there = Shell(disk / "data", f"sqlite:///{disk}/data/ostiary.db").begun()
        people = disk / "people.csv"
        people.write_text("username\nann\n")
        remounted = subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True, check=False)
        if remounted.returncode:
            missing("A read-only file system", remounted.stderr)
        served = run(disk / "data", "serve", "--port", "0")
        assert served[:2] == (2, "")
        for why in (served[2], there("keys", "list", code=2).err):
            assert f"{disk}/data/ostiary.db" in why
            assert "read-only" in why
        assert (
            "read-only" in Shell(disk / "new", f"sqlite:///{disk}/new/ostiary.db")("init", code=2).err.lower()
        )
        why = lite("users", "import", people, code=2).err
        assert "people.rejected.csv" in why
        assert "copy the file" in why


def test_another_programs_file_is_left_alone(tmp_path):
    file = tmp_path / "theirs.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    content = file.read_bytes()
    for command in ("init", "migrate"):
        assert "another program" in Shell(tmp_path / "data", f"sqlite:///{file}")(command, code=2).err
    assert file.read_bytes() == content, "its journal mode stands in its header"
    assert [path.name for path in tmp_path.glob("theirs*")] == ["theirs.db"]
    why = Shell(tmp_path / "data", f"sqlite:///{file}")("init", code=2).err
    assert "another program" in why
    assert str(file) in why
    assert len(why.splitlines()) == 1
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('3f2a91c0b7de')")
        connection.commit()
    assert "another program" in Shell(tmp_path / "data", f"sqlite:///{file}")("init", code=2).err
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    file.write_text("no database at all, but long enough to be looked at" * 100)
    assert str(file) in Shell(tmp_path / "data", f"sqlite:///{file}")("init", code=2).err


def test_a_database_whose_writer_was_killed_outside_of_wal_mode_is_ours_all_the_same(lite, tmp_path):
    """As a backup is that was copied to its place and killed at its first change: SQLite rolls that back."""
    file, killed = path_of(lite.database), tmp_path / "killed.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(
            "PRAGMA cache_size = 1"
        )  # so that the change reaches the file before it is committed
        connection.execute("BEGIN")
        connection.execute("UPDATE alembic_version SET version_num = 'half'")
        connection.execute("CREATE TABLE large AS SELECT zeroblob(100000) AS content")
        shutil.copy(file, killed)
        shutil.copy(f"{file}-journal", f"{killed}-journal")
    assert Shell(lite.folder, f"sqlite:///{killed}")("keys", "list", code=0).out


def test_an_older_and_a_newer_database_are_told_apart(lite, monkeypatch):
    def at(revision):
        with closing(sqlite3.connect(lite.database.removeprefix("sqlite:///"))) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            connection.commit()

    at("0002")
    why = lite("keys", "list", code=2).err
    assert "newer" in why
    assert "ostiary migrate" not in why
    monkeypatch.setattr("ostiary.server.storage.migrate.HEAD", "0003")
    monkeypatch.setattr("ostiary.server.storage.migrate.KNOWN", ("0001", "0002", "0003"))
    assert "ostiary migrate" in lite("keys", "list", code=2).err


@pytest.fixture
def cluster(postgres_server_shared):
    """Databases as operators make them: by name, their URLs."""
    with psycopg.connect(postgres_server_shared.url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS of_nothing")
        admin.execute("CREATE ROLE of_nothing LOGIN PASSWORD 'x'")
        for encoding in ("LATIN1", "SQL_ASCII"):
            admin.execute(f"DROP DATABASE IF EXISTS in_{encoding}")
            admin.execute(
                f"CREATE DATABASE in_{encoding} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
            )
    yield postgres_server_shared.url.rpartition("/")[0]
    with psycopg.connect(postgres_server_shared.url, autocommit=True) as admin:
        for name in ("in_latin1", "in_sql_ascii"):
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute("DROP ROLE of_nothing")


@pytest.mark.parametrize("encoding", ["latin1", "sql_ascii"])
def test_a_database_that_cannot_hold_every_name(tmp_path, cluster, encoding):
    why = Shell(tmp_path / "data", f"{cluster}/in_{encoding}")("init", "--name", "名字", code=2).err
    assert encoding.upper() in why
    assert "ENCODING 'UTF8'" in why


def test_a_role_that_does_not_own_its_database(tmp_path, cluster, postgres_url):
    as_role = f"postgresql://of_nothing:x@{postgres_url.rpartition('@')[2]}"
    why = Shell(tmp_path / "data", as_role)("init", code=2).err
    assert "OWNER" in why
    assert "CREATE TABLE" not in why
    assert len(why.splitlines()) == 1


def test_a_postgresql_database_with_tables_of_our_names(tmp_path, postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE users (name text)")
    why = Shell(tmp_path / "data", postgres_url)("init", code=2).err
    assert "another program" in why
    assert len(why.splitlines()) == 1
