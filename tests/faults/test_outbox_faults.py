"""Several workers on one outbox, killed between sending and marking, frozen beyond their lease (F22, F23, F30).

Every message is sent; twice at most, and then with the same text; and what a worker says that lost its lease
does not count.
"""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from ostiary.server import keyfile
from ostiary.server.storage.outbox import LEASE
from tests.counts import count
from tests.histories.judged import judge, told
from tests.histories.load import crowd_of, running
from tests.service import LOGIN, end, first_line, launch
from tests.workbench import Workbench

pytestmark = pytest.mark.timeout(300)

MESSAGES = 12
PATIENCE = 20

WORKER = """
import asyncio, os, signal, sys, time
from pathlib import Path
from ostiary.server import keyfile
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.delivery.rendering import Renderer
from ostiary.server.delivery.routes import Routes
from ostiary.server.delivery.worker import Worker
from ostiary.server.storage.db import Store

url, keys, log, ahead, fault = sys.argv[1:]
sent = 0

class Sender:
    async def send(self, message):
        global sent
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {message.id} {message.code}\\n")
        sent += 1
        if fault == "die" and sent == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "hang":
            await asyncio.sleep(0.5)
        return f"by-{os.getpid()}"

async def main():
    ports = Ports(keyfile.read(Path(keys)), Clock(int(ahead)))
    store = Store.open(url, ports, migrate=False, connections=2)
    sender = Sender()
    worker = Worker(store, ports, Routes({"sms": sender, "email": sender}), Renderer(ports, "http://x"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.loop.stop)
    print("ready", flush=True)
    await worker.run()
    await store.close()

asyncio.run(main())
"""


class Outbox:
    """A database with messages to be sent, and the workers on it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.keys, self.log = folder / "keys.json", folder / "sent.log"
        keyfile.write(self.keys, keyfile.make())
        self.bench = Workbench(url, keys=keyfile.read(self.keys))
        self.log.touch()
        self.numbers = itertools.count()
        self.workers: list[subprocess.Popen[str]] = []

    def fill(self) -> None:
        async def ask() -> None:
            for _ in range(MESSAGES):
                number = f"+86139{next(self.numbers):08d}"
                assert await self.bench.send(self.bench.stranger(), LOGIN, number) is None

        asyncio.run(ask())

    def worker(self, fault: str = "", ahead: int = 0) -> "subprocess.Popen[str]":
        """One that begins at once, its clock so many ms ahead."""
        files = str(self.keys), str(self.log)
        command = [sys.executable, "-c", WORKER, self.bench.url, *files, str(ahead), fault]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.workers.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def sends(self) -> list[tuple[str, str, str]]:
        """(worker, message, code), in order."""
        lines = self.log.read_text().splitlines()
        return [(worker, name, code) for worker, name, code in (line.split(" ") for line in lines)]

    def states(self) -> Counter[tuple[str, int]]:
        return Counter((row[0], row[1]) for row in self.bench.all("SELECT state, attempts FROM outbox"))

    def wait_until_sent(self) -> None:
        until = time.monotonic() + PATIENCE
        while {state for state, _ in self.states()} != {"sent"}:
            assert time.monotonic() < until, self.states()
            time.sleep(0.05)

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self.bench.store.close_now()
        self.bench.service.passwords.close()


@pytest.fixture
def outbox(database, tmp_path):
    outbox = Outbox(database, tmp_path)
    yield outbox
    outbox.close()


def test_killed_between_sending_and_marking(outbox):
    outbox.fill()
    died = outbox.worker("die")
    assert died.wait(PATIENCE) == -signal.SIGKILL
    assert len(outbox.sends()) == 3
    waiting = outbox.worker()  # nobody takes what another one may still be sending
    time.sleep(1.5)
    assert len(outbox.sends()) == 3
    waiting.kill()
    outbox.worker(ahead=LEASE + 1_000)
    outbox.wait_until_sent()
    sends = outbox.sends()
    twice = {name for name, times in Counter(name for _, name, _ in sends).items() if times > 1}
    assert twice == {name for worker, name, _ in sends if worker == str(died.pid)}
    assert len(sends) == MESSAGES + 3
    assert len({(name, code) for _, name, code in sends}) == MESSAGES, "the same code both times"
    assert outbox.states() == {("sent", 2): MESSAGES}


def test_frozen_beyond_its_lease(outbox):
    outbox.fill()
    frozen = outbox.worker("hang")
    until = time.monotonic() + PATIENCE
    while len(outbox.sends()) < MESSAGES:
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(frozen.pid, signal.SIGSTOP)
    other = outbox.worker(ahead=LEASE + 1_000)
    outbox.wait_until_sent()
    os.kill(frozen.pid, signal.SIGCONT)
    time.sleep(1.5)  # it wakes, ends its attempts and says so
    frozen.terminate()
    assert frozen.wait(PATIENCE) == 0
    assert outbox.states() == {("sent", 2): MESSAGES}
    said = {row[0] for row in outbox.bench.all("SELECT provider_id FROM outbox")}
    assert said == {f"by-{other.pid}"}, "the one that lost its lease is not heeded"


def test_two_processes_send_each_message_once(outbox):
    both = [outbox.worker(), outbox.worker()]
    for _ in range(count(3, 60)):
        outbox.fill()
        outbox.wait_until_sent()
    names = Counter(name for _, name, _ in outbox.sends())
    assert set(names.values()) == {1}
    for process in both:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_workers_beside_the_service_killed_at_random(database, tmp_path):
    url = database if database.startswith("postgresql") else None
    chance = random.Random(30)
    with running(tmp_path / "data", url) as service, ExitStack() as ending:
        crowd = crowd_of(service)
        options = ("--database", url) if url else ()

        def worker() -> "subprocess.Popen[str]":
            process = launch(service.folder, "worker", "--dev", *options)
            ending.callback(_ended, process)
            assert first_line(process)
            return process

        with crowd.at_work():
            for _ in range(count(2, 100)):
                process = worker()
                time.sleep(chance.uniform(0.2, 1))
                process.kill()
            last = worker()
            time.sleep(0.5)
        service.advance(LEASE // 1_000 + 1)  # what the killed ones held is due again
        until = time.monotonic() + PATIENCE
        while any(entry["state"] != "sent" for entry in service.inbox()):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert end(last)[0] == 0
        assert service.stop() == 0
        judge(crowd)
        print(told(crowd))
    assert crowd.changes > 2


def _ended(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
