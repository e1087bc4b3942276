"""One of several serving processes killed: the others go on, it is replaced, and a stop is still a clean one."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.counts import count
from tests.faults.test_postgres_faults import goes_on, in_place, options_of, recovered
from tests.histories.judged import judge, told
from tests.histories.load import crowd_of, running
from tests.service import Service

KILLS = count(4, 200)
PATIENCE = 30

pytestmark = pytest.mark.timeout(120 + KILLS * 10)


def children(service: Service) -> set[int]:
    """The serving processes."""
    parent = service.process.pid
    return set(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))


def wait_for_two(service: Service) -> None:
    until = time.monotonic() + PATIENCE
    while len(children(service)) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_one_killed_under_load(postgres_url, tmp_path):
    chance = random.Random(2)
    with running(tmp_path / "data", postgres_url, "--workers", "2") as service:
        crowd = crowd_of(service, people=8 * (KILLS + 1))  # no clock is moved here: it would be one process's
        with crowd.at_work():
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.1, 0.7))
                wait_for_two(service)
                os.kill(chance.choice(sorted(children(service))), signal.SIGKILL)
            goes_on(crowd)
        wait_for_two(service)
        assert service.stop() == 0
        judge(crowd)
        print(told(crowd))


def test_one_killed_while_the_database_is_away(own_postgres_server, tmp_path):
    """Its successor cannot start; once the database is back, one does, and the stop is clean for all that."""
    server = own_postgres_server
    with running(tmp_path / "data", server.fresh_database(), "--workers", "2") as service:
        options = options_of(server)
        in_place(server, "stop", "-m", "fast")
        first = children(service)
        os.kill(min(first), signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while service.log().count("process_died") < 2:
            assert time.monotonic() < until
            time.sleep(0.1)
        in_place(server, "start", "-l", server.log, "-o", options)
        until = time.monotonic() + PATIENCE
        while not (len(children(service)) == 2 and max(first) in children(service)):
            assert time.monotonic() < until
            time.sleep(0.1)
        recovered(service)
        assert service.stop() == 0
