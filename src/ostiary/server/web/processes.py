"""Several serving processes behind one listening socket: forked before any thread or event loop exists.

The parent serves nothing: it says when all are ready, hands on the signal that stops, and replaces the dead.
"""

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from ostiary.server.core.log import log

Child = Callable[[Callable[[], None]], int]
"""Serves until SIGTERM; calls its argument when it listens; gives the exit code."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PAUSE = 1.0
"""Seconds between the death of a process and its successor: one that can't live must not eat a core."""


def run(count: int, child: Child, told_ready: Callable[[], None]) -> int:
    """Run `count` processes until SIGTERM or SIGINT; 0, or 1 where one did not come up."""
    parent = _Parent(child)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, parent.stop)
    signal.signal(signal.SIGHUP, parent.hand_on)
    came_up = all(parent.start() for _ in range(count))  # the first that dies at once ends it
    if not came_up:
        parent.stop()
    elif not parent.stopping:
        told_ready()
    parent.watch()
    return (
        0 if came_up else 1
    )  # a successor that could not start, while the database was away, is no failed stop


class _Parent:
    def __init__(self, child: Child) -> None:
        self._child = child
        self._living: set[int] = set()
        self.stopping = False

    def start(self) -> bool:
        """Fork one process and wait until it listens; False where it died before, or we are to stop."""
        hears, tells = os.pipe()
        # A signal that came just now would miss the new process: we do not know it yet, nor it what to do.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        if not self.stopping:
            process = os.fork()
            if process == 0:
                os.close(hears)
                self._be_child(tells)
            self._living.add(process)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(tells)
        select.select([hears], [], [])
        ready = os.read(hears, 1) == b"r"
        os.close(hears)
        return ready

    def stop(self, *_signal: object) -> None:
        """Have every process stop gracefully."""
        self.stopping = True
        self._tell(signal.SIGTERM)

    def hand_on(self, number: int, _frame: object) -> None:
        """Give every process the signal that we were given."""
        self._tell(number)

    def _tell(self, number: int) -> None:
        for process in self._living:
            with suppress(ProcessLookupError):  # it has just died, and `watch` is about to note it
                os.kill(process, number)

    def watch(self) -> None:
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

    def _be_child(self, tells: int) -> None:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until its own handler stands
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = self._child(lambda: (os.write(tells, b"r"), None)[1])
        finally:
            os._exit(code)
