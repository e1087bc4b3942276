"""SQLite's disk full, limited or read-only, while people change their numbers: 503, reads go on, and it recovers.

Fault matrix F04, F06, F31. Two ways to be full, because not every machine lets us mount: a file system of a few
megabytes, and the kernel's limit on the size of a file, set from outside on the running process.
"""

import resource
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.conftest import missing
from tests.faults.small_disk import fill, small_disk
from tests.histories.judged import judge, looked_at, told
from tests.histories.load import Crowd, crowd_of, running
from tests.service import Service, run

RECOVERY = 30

pytestmark = pytest.mark.timeout(240)


def refused_at_least(crowd: Crowd, times: int) -> None:
    """Wait until so many asks were answered 503."""
    until = time.monotonic() + 60
    while crowd.unavailable < times:
        assert time.monotonic() < until, "the disk was never full"
        time.sleep(0.05)


def goes_on(crowd: Crowd) -> None:
    crowd.goes_on(RECOVERY)


def reads_go_on(service: Service) -> None:
    """What needs no room is answered, readiness included."""
    assert service.http.get("/healthz").status_code == 200
    assert service.http.get("/openapi.json").status_code == 200
    assert service.http.get("/dev/inbox.json", params={"limit": "5"}).status_code == 200


def over(crowd: Crowd) -> None:
    assert crowd.service.stop() == 0
    judge(crowd)
    print(told(crowd), f"{crowd.unavailable} times 503")


@pytest.mark.parametrize("log_too", [True, False], ids=["its log on it", "its log elsewhere"])
def test_a_full_disk(tmp_path, log_too):
    """The database and its journal lie on it. Log lines that find no room are lost, and nothing with them."""
    with small_disk(tmp_path / "small", 24) as disk:
        data = disk / "data"
        if not log_too:
            data.mkdir()
            data = tmp_path / "data"
            data.symlink_to(disk / "data")
        with running(data) as service:
            crowd = crowd_of(service)
            with crowd.at_work():
                goes_on(crowd)
                filler = fill(disk)
                refused_at_least(crowd, 10)
                reads_go_on(service)
                filler.unlink()
                goes_on(crowd)
                looked_at(service)
            refused = [line for line in service.log().splitlines() if '"event":"unavailable"' in line]
            assert log_too or refused
            assert log_too or all('"why":"SQLITE_FULL"' in line for line in refused)
            over(crowd)


@contextmanager
def no_file_grows(service: Service):
    """From now on the kernel refuses the process every write beyond what its files have."""
    limit = max(path.stat().st_size for path in service.folder.iterdir())
    before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (limit, before[1]))
    yield
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)


def test_files_that_may_not_grow(tmp_path):
    with running(tmp_path / "data") as service:
        crowd = crowd_of(service)
        with crowd.at_work():
            for _ in range(2):
                goes_on(crowd)
                with no_file_grows(service):
                    refused_at_least(crowd, crowd.unavailable + 10)
                    reads_go_on(service)
            goes_on(crowd)
        over(crowd)


def test_a_read_only_disk_is_a_refusal_to_start_with_its_reason(tmp_path):
    with small_disk(tmp_path / "small", 24) as disk, running(disk / "data") as service:
        assert service.stop() == 0
        remounted = subprocess.run(
            ["mount", "-o", "remount,ro", str(disk)], capture_output=True, text=True, check=False
        )
        if remounted.returncode:
            missing("A read-only file system", remounted.stderr.strip())
        code, said, why = run(disk / "data", "serve", "--dev", "--port", "0")
        assert (code, said) == (2, "")
        assert "database" in why or "read-only" in why.lower()
        assert "Traceback" not in why
