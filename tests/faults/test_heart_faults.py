"""A step made to fail after its codes were compared, by real means (phone-change.md §4).

Whatever the fault: every wrong guess is counted exactly once, a right code stays live and unpaid, and the answer is
the same for right and wrong. The faults strike at the audit row, which a verdict writes after the comparison.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused
from ostiary.server.storage.tx import Sql, UnavailableError
from tests.conftest import missing
from tests.workbench import BIND, UNBIND, Person, Workbench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sqlite_bench(sqlite_url: str) -> AsyncIterator[Workbench]:
    bench = Workbench(sqlite_url)
    yield bench
    await bench.close()


@pytest.fixture
async def postgres_bench(postgres_url: str) -> AsyncIterator[Workbench]:
    bench = Workbench(postgres_url)
    yield bench
    await bench.close()


@dataclass
class Asked:
    """Somebody with two live codes, about to type them."""

    who: Person
    old: str
    new: str

    def typed(self, bench: Workbench, wrong: tuple[str, ...]) -> tuple[str, str]:
        """The new number's code and the old one's, wrong on these channels."""
        new = (bench.wrong if BIND in wrong else bench.code)(self.who, BIND, self.new)
        old = (bench.wrong if UNBIND in wrong else bench.code)(self.who, UNBIND, self.old)
        return new, old

    async def verify(self, bench: Workbench, wrong: tuple[str, ...]) -> Any:
        new, old = self.typed(bench, wrong)
        return await bench.verify(self.who, self.new, new, self.old, old)


WRONGS = ((), (BIND,), (UNBIND,), (BIND, UNBIND))


async def asked(bench: Workbench, number: int) -> Asked:
    old, new = f"+861380{number:07d}", f"+861390{number:07d}"
    who = bench.person(old)
    assert await bench.send(who, UNBIND, old) is None
    assert await bench.send(who, BIND, new) is None
    return Asked(who, old, new)


async def people(bench: Workbench) -> list[Asked]:
    """One for every way to be right and wrong, and ready before anything breaks."""
    return [await asked(bench, number) for number in range(len(WRONGS))]


async def strike(bench: Workbench, crowd: list[Asked]) -> set[type[BaseException]]:
    """All of them at once; the kinds of errors they were answered with."""
    answers = await asyncio.gather(
        *(one.verify(bench, wrong) for one, wrong in zip(crowd, WRONGS, strict=True)), return_exceptions=True
    )
    assert all(isinstance(answer, BaseException) for answer in answers), answers
    assert len({str(answer) if not isinstance(answer, UnavailableError) else "" for answer in answers}) == 1
    return {type(answer) for answer in answers}


def counted(bench: Workbench, one: Asked) -> dict[str, tuple[int, int]]:
    """Channel → guesses on the user's counter, and at the code."""
    found = {}
    for channel, target in ((BIND, one.new), (UNBIND, one.old)):
        rows = bench.all(
            "SELECT guesses FROM guess_counters WHERE subject = :s AND channel = :c",
            s=f"user:{one.who.user_id}",
            c=channel,
        )
        at_code = bench.one(
            "SELECT wrong FROM codes WHERE owner = :o AND channel = :c AND target = :t",
            o=one.who.user_id,
            c=channel,
            t=target,
        )
        found[channel] = (len(msgspec.json.decode(rows[0][0])) if rows else 0, at_code)
    return found


async def aftermath(bench: Workbench, crowd: list[Asked], *, nothing_counted: bool = False) -> None:
    """Counted once each, nothing granted, and what was right is still good."""
    for one, wrong in zip(crowd, WRONGS, strict=True):
        expected = {
            channel: (1, 1) if channel in wrong and not nothing_counted else (0, 0)
            for channel in (BIND, UNBIND)
        }
        assert counted(bench, one) == expected, wrong
    assert bench.all("SELECT 1 FROM one_time_tokens") == []
    assert bench.all("SELECT 1 FROM audit") == []
    assert bench.all("SELECT 1 FROM codes WHERE used_at IS NOT NULL") == []
    for one in crowd:
        granted = await one.verify(bench, ())
        assert not isinstance(granted, Refused)


# --- SQLite -------------------------------------------------------------------------------------------------


def run(bench: Workbench, *statements: str) -> None:
    for text in statements:
        bench.store.write_now(lambda tx, text=text: tx.run(Sql(text)))  # type: ignore[misc] # a step


async def test_a_later_statement_fails(sqlite_bench: Workbench) -> None:
    crowd = await people(sqlite_bench)
    run(
        sqlite_bench,
        "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    assert len(await strike(sqlite_bench, crowd)) == 1
    run(sqlite_bench, "DROP TRIGGER broken")
    await aftermath(sqlite_bench, crowd)


async def test_a_table_is_gone(sqlite_bench: Workbench) -> None:
    crowd = await people(sqlite_bench)
    run(sqlite_bench, "ALTER TABLE audit RENAME TO elsewhere")
    assert len(await strike(sqlite_bench, crowd)) == 1
    run(sqlite_bench, "ALTER TABLE elsewhere RENAME TO audit")
    await aftermath(sqlite_bench, crowd)


async def test_the_whole_transaction_is_rolled_back_under_it(sqlite_bench: Workbench) -> None:
    """RAISE(ROLLBACK) ends the batch's transaction, as a full disk may: each step is run again in its own."""
    crowd, fine = await people(sqlite_bench), await asked(sqlite_bench, 99)
    run(
        sqlite_bench,
        "CREATE TRIGGER broken BEFORE INSERT ON audit WHEN NEW.user_id <> '" + fine.who.user_id + "'"
        " BEGIN SELECT RAISE(ROLLBACK, 'broken'); END",
    )
    kinds, answer = await asyncio.gather(strike(sqlite_bench, crowd), fine.verify(sqlite_bench, (BIND,)))
    assert len(kinds) == 1
    assert answer.key is Key.CODE_WRONG, "whoever shared the batch is answered as ever"
    assert counted(sqlite_bench, fine) == {BIND: (1, 1), UNBIND: (0, 0)}
    run(sqlite_bench, "DROP TRIGGER broken", "DELETE FROM audit")
    await aftermath(sqlite_bench, crowd)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        missing("a small tmpfs (needs root)", mounted.stderr.decode().strip())
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_the_disk_is_full_for_the_step_and_not_for_its_guess(small_disk: Path) -> None:
    """The step's own rows do not fit any more; the guess alone does."""
    bench = Workbench(f"sqlite:///{small_disk}/ostiary.db")
    crowd = await people(bench)
    run(
        bench,
        "CREATE TABLE ballast (b BLOB)",
        "CREATE TRIGGER heavy BEFORE INSERT ON audit BEGIN INSERT INTO ballast VALUES (randomblob(8000000)); END",
    )
    assert await strike(bench, crowd) == {UnavailableError}
    run(bench, "DROP TRIGGER heavy")
    await aftermath(bench, crowd)
    await bench.close()


async def test_the_disk_is_full_to_the_brim(small_disk: Path) -> None:
    """Not even the guess can be stored: right and wrong are answered alike, at every door that compares."""
    bench = Workbench(f"sqlite:///{small_disk}/ostiary.db")
    crowd = await people(bench)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 65_536
        while size >= 1:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    assert await strike(bench, crowd) == {UnavailableError}
    looks = await asyncio.gather(
        *(
            bench.look(one.who, BIND, one.new, one.typed(bench, wrong)[0])
            for one, wrong in zip(crowd, WRONGS, strict=True)
        ),
        return_exceptions=True,
    )
    assert {type(look) for look in looks} == {UnavailableError}, "a look tells nothing that it cannot count"
    filler.unlink()
    await aftermath(bench, crowd, nothing_counted=True)
    await bench.close()


async def test_another_process_holds_the_database(sqlite_bench: Workbench, sqlite_url: str) -> None:
    """Nothing was compared, so nothing is counted; and everybody is answered alike."""
    import sqlite3

    crowd = await people(sqlite_bench)
    rival = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")
    assert await strike(sqlite_bench, crowd) == {UnavailableError}
    rival.execute("ROLLBACK")
    rival.close()
    await aftermath(sqlite_bench, crowd, nothing_counted=True)


# --- PostgreSQL ---------------------------------------------------------------------------------------------


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        for text in statements:
            admin.execute(text)


def trigger(body: str, *, timing: str = "BEFORE INSERT ON audit") -> tuple[str, str]:
    """A function with this body, and a trigger that calls it."""
    kind = "CONSTRAINT TRIGGER" if "DEFERRABLE" in timing else "TRIGGER"
    return (
        f"CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$",
        f"CREATE {kind} fault {timing} FOR EACH ROW EXECUTE FUNCTION fault()",
    )


MEND = "DROP TRIGGER fault ON audit"

MACHINE = {
    "a statement runs into its timeout": trigger("PERFORM pg_sleep(20)"),
    "the connection is ended": trigger("PERFORM pg_terminate_backend(pg_backend_pid())"),
    "the commit fails": trigger(
        "RAISE EXCEPTION USING ERRCODE = '53100'",
        timing="AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED",
    ),
    "the disk is full": trigger("RAISE EXCEPTION USING ERRCODE = '53100'"),
    "rivals win every time": trigger("RAISE EXCEPTION USING ERRCODE = '40001'"),
}


@pytest.mark.parametrize("fault", MACHINE)
async def test_the_machine_fails_after_the_comparison(
    postgres_bench: Workbench, postgres_url: str, fault: str
) -> None:
    crowd = await people(postgres_bench)
    execute(postgres_url, *MACHINE[fault])
    assert await strike(postgres_bench, crowd) == {UnavailableError}
    execute(postgres_url, MEND)
    await aftermath(postgres_bench, crowd)


async def test_a_table_is_gone_on_postgresql(postgres_bench: Workbench, postgres_url: str) -> None:
    crowd = await people(postgres_bench)
    execute(postgres_url, "ALTER TABLE audit RENAME TO elsewhere")
    assert len(await strike(postgres_bench, crowd)) == 1
    execute(postgres_url, "ALTER TABLE elsewhere RENAME TO audit")
    await aftermath(postgres_bench, crowd)


async def test_a_conflict_that_passes_is_one_guess(postgres_bench: Workbench, postgres_url: str) -> None:
    """The step is run again, with the same guess: the verdict comes, and it is paid for once."""
    crowd = await people(postgres_bench)
    once = "IF nextval('runs') % 2 = 1 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF"
    execute(postgres_url, "CREATE SEQUENCE runs", *trigger(once))
    for one, wrong in list(zip(crowd, WRONGS, strict=True))[1:]:
        answer = await one.verify(postgres_bench, wrong)
        assert answer.key is Key.CODE_WRONG
        assert counted(postgres_bench, one) == {
            channel: (1, 1) if channel in wrong else (0, 0) for channel in (BIND, UNBIND)
        }


async def test_not_even_the_guess_can_be_stored(postgres_bench: Workbench, postgres_url: str) -> None:
    """As on a server that ran out of disk or became a standby: right and wrong alike, at every door."""
    crowd = await people(postgres_bench)
    execute(
        postgres_url,
        "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$",
        *(
            f"CREATE TRIGGER full_{table} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION full_up()"
            for table in ("audit", "guess_counters", "codes", "one_time_tokens")
        ),
    )
    assert await strike(postgres_bench, crowd) == {UnavailableError}
    looks = await asyncio.gather(
        *(
            postgres_bench.look(one.who, BIND, one.new, one.typed(postgres_bench, wrong)[0])
            for one, wrong in zip(crowd, WRONGS, strict=True)
        ),
        return_exceptions=True,
    )
    assert {type(look) for look in looks} == {UnavailableError}
    execute(postgres_url, "DROP FUNCTION full_up() CASCADE")
    await aftermath(postgres_bench, crowd, nothing_counted=True)
