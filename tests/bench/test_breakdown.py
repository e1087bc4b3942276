"""What `docs/performance.md` tells people to run still runs: stopwatches name functions, which move."""

import subprocess
import sys

import pytest

from tests.conftest import missing
from tests.postgres_server import PostgresUnavailableError, bin_folder

ROOMS = {"steps: rules and guards", "edge", "wire: read", "token", "caller", "worker: outbox", "log line"}


@pytest.mark.parametrize(("database", "sql"), [("sqlite", "SQL"), ("postgresql", "SQL: trips")])
def test_every_room_of_a_change_is_told(database, sql):
    if database == "postgresql":
        try:
            bin_folder()
        except PostgresUnavailableError as error:
            missing("PostgreSQL", error)
    command = [sys.executable, "-m", "bench.breakdown", "--changes", "20", "--database", database]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{database}, 16 at once, 20 changes" in done.stdout
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()[2:]]
    cost = {row[2]: int(row[0]) for row in rows if len(row) == 3 and row[0].isdigit()}
    assert {room for room in ROOMS | {sql} if cost.get(room, 0) == 0} == set()
