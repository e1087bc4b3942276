"""The PostgreSQL engine when the server fails it: sessions ended, restarts, locks, lost answers."""

import asyncio
import socket
import threading
import time
from contextlib import closing, suppress
from typing import Any, cast

import psycopg
import pytest

from ostiary.server.storage.libpq import Wire
from ostiary.server.storage.postgres_tx import checked
from ostiary.server.storage.tx import Sql, Tx, UnavailableError
from tests import postgres_server
from tests.stores import GET, MOVE, PUT, RAISE, count_once, opened, put, stored

pytestmark = pytest.mark.anyio

MY_PID = Sql("SELECT pg_backend_pid()")
SLEEP = Sql("SELECT pg_sleep(:seconds)", postgresql="SELECT CAST(pg_sleep(CAST(:seconds AS BIGINT)) AS TEXT)")


def end_session(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def end_all_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'ostiary'"
        )


async def test_a_session_ended_in_the_middle_of_a_step(postgres_url):
    with opened(postgres_url) as store:

        def step(tx: Tx) -> None:
            tx.survive(count_once("wrong", "g"))
            tx.run(PUT, name="lost", value="")
            pid = tx.one(MY_PID)
            assert pid is not None
            end_session(postgres_url, pid[0])
            tx.run(PUT, name="lost too", value="")

        with pytest.raises(UnavailableError):
            await store.write(step)
        assert stored(postgres_url) == {"guess-g": "", "wrong": "1"}
        await store.write(put("alive"))


async def test_sessions_that_died_while_idle_are_replaced_unnoticed(postgres_url):
    with opened(postgres_url) as store:
        await asyncio.gather(*(store.write(put(f"a-{number}")) for number in range(32)))
        end_all_sessions(postgres_url)
        await asyncio.gather(*(store.write(put(f"b-{number}")) for number in range(32)))
        end_all_sessions(postgres_url)
        assert len(await store.read(lambda tx: tx.all(Sql("SELECT name FROM meta")))) == 64
        assert store.counts.unavailable == 0


async def test_a_server_that_comes_back_is_used_again(own_postgres_server):
    url = own_postgres_server.fresh_database()
    with opened(url) as store:
        await asyncio.gather(*(store.write(put(f"a-{number}")) for number in range(16)))
        restart = [postgres_server.bin_folder() / "pg_ctl", "-D", own_postgres_server.data, "-w"]
        own_postgres_server._run([*restart, "stop", "-m", "immediate"])
        with pytest.raises(UnavailableError):
            await store.write(put("while it was away"))
        with pytest.raises(UnavailableError):
            await store.check()
        # The same port, as an operator's server has it: pg_ctl kept the options.
        options = (own_postgres_server.data / "postmaster.opts").read_text().strip().partition(" ")[2]
        started = own_postgres_server._run([*restart, "start", "-l", own_postgres_server.log, "-o", options])
        assert started.returncode == 0
        await asyncio.gather(*(store.write(put(f"b-{number}")) for number in range(16)))
        assert len(stored(url)) == 32
        assert await store.check() > 0


class CutWire:
    """Stands between the store and the server; once cut, an answer no longer arrives, while what was sent did."""

    def __init__(self, url: str) -> None:
        self._port = int(str(psycopg.conninfo.conninfo_to_dict(url)["port"]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.cut = threading.Event()
        self.url = url.replace(f":{self._port}/", f":{self._listener.getsockname()[1]}/")
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [near, far]
                for target, ends in ((self._ask, (near, far)), (self._answer, (far, near))):
                    thread = threading.Thread(target=target, args=ends)
                    self._threads.append(thread)
                    thread.start()

    def _ask(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
            far.shutdown(socket.SHUT_RDWR)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while (data := far.recv(65536)) and not self.cut.is_set():
                near.sendall(data)
            self.cut.clear()
            near.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()


@pytest.mark.parametrize("read_first", [True, False])
async def test_a_commit_whose_answer_is_lost_is_not_called_done(postgres_url, read_first):
    with closing(CutWire(postgres_url)) as wire, opened(wire.url, connections=2) as store:
        await store.write(put("row", "1"))

        def step(tx: Tx) -> None:
            tx.survive(count_once("wrong", "g"))
            if read_first:
                tx.one(GET, name="row")
            tx.must(MOVE, name="row", old="1", new="2")
            wire.cut.set()

        with pytest.raises(UnavailableError):
            await store.write(step)
        assert not wire.cut.is_set()
        # It was committed, as it happens, and nobody was told so; the guess is paid once whatever happened.
        assert stored(postgres_url) == {"row": "2", "guess-g": "", "wrong": "1"}
        await store.write(put("alive"))


async def test_a_row_locked_elsewhere_is_waited_for_and_then_unavailable(postgres_url):
    with opened(postgres_url) as store, psycopg.connect(postgres_url) as other:
        await store.write(put("row", "1"))
        other.execute("UPDATE meta SET value = '9' WHERE name = 'row'")

        def step(tx: Tx) -> None:
            tx.survive(count_once("wrong", "g"))
            tx.run(RAISE, name="row")

        with pytest.raises(UnavailableError, match="lock"):
            await store.write(step)
        other.rollback()
        assert stored(postgres_url) == {"row": "1", "guess-g": "", "wrong": "1"}


@pytest.mark.parametrize("kind", ["write", "read"])
async def test_a_statement_has_a_deadline(postgres_url, kind):
    with opened(postgres_url) as store, pytest.raises(UnavailableError, match="timeout"):
        await getattr(store, kind)(lambda tx: tx.one(SLEEP, seconds=30))


async def test_a_deadlock_is_run_again(postgres_url):
    with opened(postgres_url) as store, opened(postgres_url) as other:
        await store.write(put("a", "0"))
        await store.write(put("b", "0"))

        def crossing(first: str, second: str):
            runs: list[int] = []

            def step(tx: Tx) -> None:
                runs.append(1)
                tx.run(RAISE, name=first)
                if len(runs) == 1:
                    tx.one(SLEEP, seconds=1)
                tx.run(RAISE, name=second)

            return step

        await asyncio.gather(store.write(crossing("a", "b")), other.write(crossing("b", "a")))
        assert stored(postgres_url) == {"a": "2", "b": "2"}
        assert store.counts.reruns + other.counts.reruns == 1


async def test_nobody_is_overtaken_by_the_crowd(postgres_url):
    with opened(postgres_url, connections=3) as store:
        order: list[int] = []

        async def ask(number: int) -> None:
            def step(tx: Tx) -> None:
                order.append(number)  # begun; batches that are under way at once end in any order
                tx.one(GET, name="x")

            await store.write(step)

        await asyncio.gather(*(ask(number) for number in range(200)))  # connecting takes its time
        order.clear()
        await asyncio.gather(*(ask(number) for number in range(1_000)))
        assert order == list(range(1_000))


async def test_commits_are_flushed_whatever_the_database_is_set_to(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
        admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    with opened(postgres_url) as store:
        assert await store.write(lambda tx: tx.one(Sql("SHOW synchronous_commit"))) == ("on",)
        assert await store.write(lambda tx: tx.one(Sql("SHOW transaction_isolation"))) == ("read committed",)
        assert await store.read(lambda tx: tx.one(Sql("SHOW transaction_isolation"))) == ("repeatable read",)


async def test_a_table_that_changed_under_a_prepared_statement(postgres_url):
    everything = Sql("SELECT * FROM meta")
    with opened(postgres_url, connections=2) as store:
        await store.write(lambda tx: tx.all(everything))
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute("ALTER TABLE meta ADD COLUMN more TEXT")
        assert await store.write(lambda tx: tx.all(everything)) == []
        assert store.counts.unavailable == 0


async def test_a_mistake_in_sql_is_the_authors(postgres_url):
    with opened(postgres_url) as store:
        with pytest.raises(psycopg.errors.UndefinedTable):
            await store.write(lambda tx: tx.one(Sql("SELECT * FROM nothing")))
        with pytest.raises(ValueError, match="NUL"):
            await store.write(lambda tx: tx.one(GET, name="a\0b"))
        with pytest.raises(ValueError, match="float"):
            await store.write(lambda tx: tx.one(GET, name=1.5))
        await store.write(put("alive"))


def test_a_server_that_is_not_there_is_told_of_at_once():
    with pytest.raises(psycopg.OperationalError), opened("postgresql://x:y@127.0.0.1:1/none"):
        pass


def test_more_than_a_socket_holds(postgres_url):
    wire = Wire(postgres_url)
    with closing(wire):
        text = "x" * 10_000_000
        answers = wire.trip(*[("SELECT length($1), $1", [text])] * 3)
        assert [answer.rows() for answer in answers] == [[(len(text), text)]] * 3
        with pytest.raises(psycopg.errors.DivisionByZero):
            wire.trip(("SELECT 1", ()), ("SELECT 1/0", ()), ("SELECT 2", ()))
        assert wire.trip(("SELECT 3", ()))[0].rows() == [(3,)]
        assert wire.trip(("SELECT 2", ()))[0].rows() == [
            (2,)
        ]  # not taken as prepared: the error stood before it


class _Interrupted:
    """A connection whose thread loses the CPU between libpq's send and its recv: it reads more at once than it asked for."""

    def __init__(self, pg: Any) -> None:
        self._pg = pg

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pg, name)

    def consume_input(self) -> None:
        for _ in range(20):
            self._pg.consume_input()
            time.sleep(0.02)


def test_what_was_answered_while_sending_is_not_waited_for(postgres_url):
    wire = Wire(postgres_url)
    with closing(wire):
        wire._pg = cast("Any", _Interrupted(wire._pg))
        answers = wire.trip(("SELECT repeat('x', 3000000)", ()), ("SELECT length($1)", ["y" * 6_000_000]))
        assert answers[1].rows() == [(6_000_000,)]


def test_only_so_many_statements_are_prepared(postgres_url, monkeypatch):
    monkeypatch.setattr("ostiary.server.storage.libpq.PREPARED", 3)
    wire = Wire(postgres_url)
    with closing(wire):
        for number in range(6):
            assert wire.trip((f"SELECT {number}", ()))[0].rows() == [(number,)]
        assert wire.trip(("SELECT count(*) FROM pg_prepared_statements", ()))[0].rows() == [(3,)]


@pytest.mark.parametrize(
    ("text", "checkable"),
    [
        ("UPDATE meta SET value = $1", True),
        ("\n  insert into meta values ($1, $2) ON CONFLICT DO NOTHING", True),
        ("DELETE FROM meta", True),
        ("DELETE FROM meta RETURNING name", False),
        ("WITH a AS (SELECT 1) UPDATE meta SET value = $1", False),
        ("SELECT 1", False),
    ],
)
def test_which_statements_check_themselves(text, checkable):
    assert (checked(text, 1) is not None) == checkable


@pytest.mark.parametrize(
    ("text", "expect", "left"),
    [
        ("INSERT INTO meta (name, value) VALUES ($1, COALESCE($2, ''))", 1, True),
        ("INSERT INTO meta (name, value) VALUES ($1, $2)", 0, False),
        ("INSERT INTO meta (name, value) VALUES ($1, $2), ($3, $4)", 1, False),
        ("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", 1, False),
        ("INSERT INTO meta (name, value) SELECT $1, $2", 1, False),
        ("UPDATE meta SET value = $1", 1, False),
    ],
)
def test_an_insert_of_one_row_needs_no_check(text, expect, left):
    assert (checked(text, expect) == text) == left
