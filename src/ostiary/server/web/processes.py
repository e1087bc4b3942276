"""Several serving processes behind one listening socket: forked before any thread or event loop exists.

The parent serves nothing: it says when all are ready, hands on the signal that stops, and replaces the dead.
"""

import os
import select
import signal
import time
from collections.abc import Callable

import structlog

Child = Callable[[Callable[[], None]], int]
"""Serves until SIGTERM; calls its argument when it listens; gives the exit code."""

_PAUSE = 1.0
"""Seconds between the death of a process and its successor: one that can't live must not eat a core."""

log = structlog.get_logger(__name__)


def run(count: int, child: Child, told_ready: Callable[[], None]) -> int:
    """Run `count` processes until SIGTERM or SIGINT; 0, or 1 where one did not come up."""
    parent = _Parent(child)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, parent.stop)
    signal.signal(signal.SIGHUP, parent.hand_on)
    if not all(parent.start() for _ in range(count)):  # the first that dies at once ends it
        parent.stop()
    elif not parent.stopping:
        told_ready()
    return parent.watch()


class _Parent:
    def __init__(self, child: Child) -> None:
        self._child = child
        self._living: set[int] = set()
        self._failed = False
        self.stopping = False

    def start(self) -> bool:
        """Fork one process and wait until it listens; False where it died before."""
        hears, tells = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(hears)
            self._be_child(tells)
        os.close(tells)
        self._living.add(process)
        select.select([hears], [], [])
        ready = os.read(hears, 1) == b"r"
        os.close(hears)
        self._failed = self._failed or not ready
        return ready

    def stop(self, *_signal: object) -> None:
        """Have every process stop gracefully."""
        self.stopping = True
        for process in self._living:
            os.kill(process, signal.SIGTERM)

    def hand_on(self, number: int, _frame: object) -> None:
        """Give every process the signal that we were given."""
        for process in self._living:
            os.kill(process, number)

    def watch(self) -> int:
        """Until the last process is gone."""
        while self._living:
            process, status = os.wait()
            self._living.discard(process)
            if self.stopping:
                continue
            log.error("process_died", process=process, exit_code=os.waitstatus_to_exitcode(status))
            time.sleep(_PAUSE)
            if not self.stopping:
                self.start()
        return 1 if self._failed else 0

    def _be_child(self, tells: int) -> None:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until its own handler stands
            code = self._child(lambda: (os.write(tells, b"r"), None)[1])
        finally:
            os._exit(code)
