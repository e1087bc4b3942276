"""PostgreSQL restarted, its sessions ended, the network between cut, slow and silent, its disk full: under load.

Each time: 503 in an envelope meanwhile, recovery by itself within 30 s, and a history in which nobody was told an
untruth (phone-change.md §7).
"""

import os
import pwd
import time
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests import postgres_server
from tests.counts import count
from tests.faults.chaos import Chaos, chaos
from tests.faults.small_disk import fill, small_disk
from tests.histories.judged import judge, looked_at, told
from tests.histories.load import Crowd, crowd_of, running
from tests.postgres_server import PostgresServer
from tests.service import Service

RECOVERY = 30
"""Seconds after a fault is over until the service serves again, by itself."""
PATIENCE = 20
"""Seconds that nobody waits for an answer, whatever happens (a queue's 5, a lost connection's 12)."""
ROUNDS = count(1, 50)

END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'ostiary'
"""

pytestmark = pytest.mark.timeout(120 + ROUNDS * 120)


def ready(service: Service) -> bool:
    try:
        return service.http.get("/readyz").status_code == 200
    except httpx2.HTTPError:
        return False


def recovered(service: Service) -> float:
    """Seconds until it serves again."""
    began = time.monotonic()
    while not ready(service):
        assert time.monotonic() - began < RECOVERY, service.log()[-2_000:]
        time.sleep(0.1)
    return time.monotonic() - began


def goes_on(crowd: Crowd) -> None:
    """People change numbers again."""
    crowd.goes_on(RECOVERY)


def over(crowd: Crowd, url: str) -> None:
    """A clean stop, and the whole truth."""
    assert crowd.service.stop() == 0
    judge(crowd, url)
    print(told(crowd), f"{crowd.unavailable} times 503")


def in_place(server: PostgresServer, *command: str | Path) -> None:
    """pg_ctl on the same port, as an operator's server has it."""
    binary = postgres_server.bin_folder() / "pg_ctl"
    assert server._run([binary, "-D", server.data, "-w", *command]).returncode == 0


def options_of(server: PostgresServer) -> str:
    """What the server was started with."""
    return (server.data / "postmaster.opts").read_text().strip().partition(" ")[2]


def test_restarted_under_load(own_postgres_server, tmp_path):
    server = own_postgres_server
    url = server.fresh_database()
    with running(tmp_path / "data", url) as service:
        crowd = crowd_of(service)
        options = options_of(server)
        with crowd.at_work():
            for mode in ("immediate", "fast") * ROUNDS:
                goes_on(crowd)
                in_place(server, "stop", "-m", mode)
                answer = service.http.get("/readyz")
                assert answer.status_code == 503
                assert answer.json()["checks"]["database"] != "ok"
                time.sleep(0.5)
                in_place(server, "start", "-l", server.log, "-o", options)
                recovered(service)
            goes_on(crowd)
        assert crowd.unavailable
        over(crowd, url)


def test_sessions_ended_under_load(postgres_url, tmp_path):
    with running(tmp_path / "data", postgres_url) as service:
        crowd = crowd_of(service)
        with crowd.at_work(), psycopg.connect(postgres_url, autocommit=True) as admin:
            for _ in range(ROUNDS):
                for _ in range(15):
                    time.sleep(0.15)
                    admin.execute(END_SESSIONS)
                recovered(service)
                goes_on(crowd)
        over(crowd, postgres_url)


def lost_commits(proxy: Chaos) -> None:
    proxy.loses_commits = 0.2
    until = time.monotonic() + 12
    while proxy.lost < 4 and time.monotonic() < until:
        time.sleep(0.1)
    assert proxy.lost


def cut_again_and_again(proxy: Chaos) -> None:
    for _ in range(10):
        time.sleep(0.15)
        proxy.cut()


def slow(proxy: Chaos) -> None:
    proxy.delay = 0.1
    time.sleep(3)


def silent(proxy: Chaos) -> None:
    proxy.swallows.set()
    time.sleep(3)


def away(proxy: Chaos) -> None:
    proxy.refuses.set()
    proxy.cut()
    time.sleep(2)


MOODS = (lost_commits, cut_again_and_again, slow, silent, away)


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.__name__)
def test_the_network_between(postgres_url, tmp_path, mood):
    with chaos(postgres_url) as proxy, running(tmp_path / "data", proxy.url) as service:
        crowd = crowd_of(service)
        with crowd.at_work():
            for _ in range(ROUNDS):
                goes_on(crowd)
                mood(proxy)
                proxy.calm()
                print(f"{mood.__name__}: serves again after {recovered(service):.1f} s")
            goes_on(crowd)
        assert crowd.longest < PATIENCE
        over(crowd, postgres_url)


# ── a full disk ─────────────────────────────────────────────────────────────────────────────


def test_a_full_disk_under_load(own_postgres_server, tmp_path):
    server = own_postgres_server
    with small_disk(server.folder / "small", 24) as disk:
        space = disk / "space"
        space.mkdir()
        user = postgres_server.server_user()
        if user:
            os.chown(space, pwd.getpwnam(user).pw_uid, -1)
        server._admin(f"CREATE TABLESPACE small LOCATION '{space}'")
        server._admin("CREATE DATABASE full_soon TABLESPACE small")
        url = f"{server.url.rpartition('/')[0]}/full_soon"
        with running(tmp_path / "data", url) as service:
            crowd = crowd_of(service)
            with crowd.at_work():
                goes_on(crowd)
                filler = fill(disk)
                until = time.monotonic() + 60
                while crowd.unavailable < 5:
                    assert time.monotonic() < until, "the disk was never full"
                    time.sleep(0.1)
                filler.unlink()
                recovered(service)
                goes_on(crowd)
            assert "No space left" in service.log() or "could not extend" in service.log()
            looked_at(service)
            over(crowd, url)
            in_place(server, "stop", "-m", "fast")
