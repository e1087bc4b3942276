"""One of several serving processes killed: the others go on, it is replaced, and a stop is still a clean one."""

import os
import random
import signal
import subprocess
import sys
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
        crowd = crowd_of(
            service, people=12 * (KILLS + 1), breath=0.1
        )  # a clock that is moved is one process's
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


STOPPED_IN_BETWEEN = """
import os, signal, sys, time
from ostiary.server.web import processes

processes._PAUSE = 0
fork, forks = os.fork, []

def fork_and_be_told_to_stop():
    forks.append(fork())
    if len(forks) == 3 and forks[-1]:  # the successor: whoever stops us has seen it, and we have not
        os.kill(os.getpid(), signal.SIGTERM)
    elif len(forks) == 3 and sys.argv[1] == "child":
        os.kill(os.getpid(), signal.SIGTERM)
    return forks[-1]

def serve(told_ready):
    told_ready()
    time.sleep(0.2 if len(forks) == 1 else 600)  # the first one dies
    return 0

os.fork = fork_and_be_told_to_stop
sys.exit(processes.run(2, serve, lambda: None))
"""


@pytest.mark.parametrize("told", ["parent", "child"])
def test_a_stop_does_not_miss_who_is_just_being_born(told):
    """It hung: a signal between the fork and the note of it reached the others, and the last one was waited for."""
    assert (
        subprocess.run([sys.executable, "-c", STOPPED_IN_BETWEEN, told], timeout=20, check=False).returncode
        == 0
    )


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
