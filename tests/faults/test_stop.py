"""Stopped under load: no accepted request is lost, and the process ends by itself within ten seconds (F29, F30)."""

import os
import signal
import time

import pytest

from tests.counts import count
from tests.faults.test_postgres_faults import goes_on, in_place, options_of, recovered
from tests.histories.judged import judge, looked_at, told
from tests.histories.load import crowd_of, running

STOP_SECONDS = 10
ROUNDS = count(2, 200)
FROZEN = count(3, 30)

pytestmark = pytest.mark.timeout(120 + ROUNDS * 20)


def stopped(service) -> float:
    """Seconds from SIGTERM to exit 0."""
    began = time.monotonic()
    assert service._terminate() == 0, service.log()[-2_000:]
    return time.monotonic() - began


def test_sigterm_under_load_loses_nothing(database, tmp_path):
    with running(tmp_path / "data", database if database.startswith("postgresql") else None) as service:
        crowd = crowd_of(service, threads=4)
        with crowd.at_work():
            for stop in range(ROUNDS):
                time.sleep(0.5 + 0.1 * (stop % 7))
                crowd.up.clear()
                assert stopped(service) < STOP_SECONDS
                looked_at(service)
                service.start(port=service.port)
                crowd.up.set()
            time.sleep(0.5)
        assert stopped(service) < STOP_SECONDS
        judge(crowd, all_heard=True)
        assert crowd.unavailable == 0
        print(told(crowd))


def test_sigterm_while_the_database_is_away(own_postgres_server, tmp_path):
    server = own_postgres_server
    url = server.fresh_database()
    with running(tmp_path / "data", url) as service:
        crowd = crowd_of(service)
        options = options_of(server)
        with crowd.at_work():
            goes_on(crowd)
            in_place(server, "stop", "-m", "immediate")
            crowd.up.clear()
            assert stopped(service) < STOP_SECONDS
            in_place(server, "start", "-l", server.log, "-o", options)
            service.start(port=service.port)
            crowd.up.set()
            goes_on(crowd)
        assert service.stop() == 0
        judge(crowd)


def test_frozen_under_load(database, tmp_path):
    with running(tmp_path / "data", database if database.startswith("postgresql") else None) as service:
        crowd = crowd_of(service)
        with crowd.at_work():
            goes_on(crowd)
            os.kill(service.process.pid, signal.SIGSTOP)
            time.sleep(FROZEN)
            os.kill(service.process.pid, signal.SIGCONT)
            recovered(service)
            goes_on(crowd)
        assert service.stop() == 0
        judge(crowd)
