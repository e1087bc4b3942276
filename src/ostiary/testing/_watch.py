"""Ends a service whose test run is gone: a script of its own, started beside each service.

A run that is killed (`kill -9`, the end of a CI job) comes to none of its clean-up. What it leaves is the end of a
pipe, standard input here, and an orphan: this process, whose parent is another one from then on. Children that the run
forked (a multiprocessing pool) may live on and hold the pipe open, so both are looked at. It is a process beside the
service, and nothing inside it, so that `ostiary serve` knows no way to be ended but signals; a thread there would be in
the way of `--workers`, which forks.

Arguments: the run's process id, the service's, the scratch folder. A run that ends in order ends this process first.
"""

import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress

STOP_SECONDS = 12
_PAUSE_SECONDS = 0.1
_LOOK_SECONDS = 0.5


def main(run: int, process: int, folder: str) -> None:
    """Wait until the run is gone; then end the service and remove what it wrote."""
    while os.getppid() == run:
        if select.select([sys.stdin], [], [], _LOOK_SECONDS)[0] and not os.read(sys.stdin.fileno(), 1):
            break
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
            os.kill(process, 0)  # raises once it is gone
        os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
