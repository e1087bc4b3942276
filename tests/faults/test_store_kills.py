"""Killed at any moment: what was answered is there (phone-change.md I4), and the rest is whole or absent."""

import subprocess
import sys
import time

import pytest

from tests.counts import KILLS
from tests.stores import opened, stored

WRITING = """
import asyncio, sys
from tests.stores import PUT, opened
async def main():
    with opened(sys.argv[1]) as store:
        async def write(writer):
            for turn in range(1_000_000):
                name = f"{sys.argv[2]}-{writer}-{turn}"
                def step(tx):
                    tx.must(PUT, name=f"{name}-left", value="")
                    tx.must(PUT, name=f"{name}-right", value="")
                await store.write(step)
                print(name, flush=True)
        print("ready", flush=True)
        await asyncio.gather(*(write(number) for number in range(16)))
asyncio.run(main())
"""


@pytest.mark.timeout(KILLS * 10)
def test_what_was_answered_survives_a_kill(database):
    with opened(database):
        pass
    answered: set[str] = set()
    for kill in range(KILLS // 2):  # the other half is the other database's
        answered |= _killed_while_writing(database, str(kill), after=0.002 * (kill % 20))
    rows = set(stored(database))
    assert len(answered) > KILLS
    assert {f"{name}-{side}" for name in answered for side in ("left", "right")} <= rows
    halves = {name.rpartition("-")[0] for name in rows}
    assert len(rows) == 2 * len(halves), "a transaction was stored by half"


def _killed_while_writing(database: str, name: str, after: float) -> set[str]:
    """The names that were answered before the process died."""
    command = [sys.executable, "-c", WRITING, database, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        answered = {process.stdout.readline().strip()}  # it is writing now
        time.sleep(after)
        process.kill()
        lines = process.stdout.read().split("\n")
    answered |= set(lines[:-1])  # the last one may have been cut
    return answered
