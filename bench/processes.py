"""Starting servers and asking the kernel what their processes used: /proc, for a process and all its children."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 15
_READY_SECONDS = 180
"""Under valgrind a start takes half a minute, on a busy machine more."""


class NotReadyError(Exception):
    """A server did not answer; the message is the end of its log."""


@dataclass(frozen=True)
class Usage:
    """Of a process tree, since it began. Processes that ended are in it only where their parent waited for them."""

    cpu: float
    """Seconds, user and system."""
    written: int
    """Bytes that storage was asked to write."""

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu - other.cpu, self.written - other.written)


def usage(root: int) -> Usage:
    cpu = 0.0
    written = 0
    for process in tree(root):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            cpu += (
                sum(int(fields[place]) for place in (11, 12, 13, 14)) / _TICKS
            )  # u, s, and waited-for children
            io = Path(f"/proc/{process}/io").read_text()
            written += int(io.partition("\nwrite_bytes: ")[2].partition("\n")[0])
    return Usage(cpu, written)


def rss(root: int) -> int:
    """Resident bytes of the tree; pages that its processes share count in each."""
    total = 0
    for process in tree(root):
        with suppress(OSError):
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


def tree(root: int) -> list[int]:
    """The process and everything it started."""
    found = [root]
    for process in found:
        with suppress(OSError):
            for task in Path(f"/proc/{process}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A running server, ready to be asked."""

    pid: int
    port: int
    start_seconds: float
    """From its start to its first good answer."""
    process: "subprocess.Popen[bytes]"


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    health: str,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """Start a server, wait until `health` answers 200, stop it at the end."""
    start = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
    try:
        while not _answers(port, health):
            if process.poll() is not None or time.perf_counter() - start > _READY_SECONDS:
                raise NotReadyError(f"{' '.join(command)}\n{log.read_text(errors='replace')[-3_000:]}")
            time.sleep(0.01)
        yield Server(process.pid, port, time.perf_counter() - start, process)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop it as a service manager would; a tracer around the server ends with the server."""
    if process.poll() is None:
        tracer = Path(f"/proc/{process.pid}/comm").read_text().strip() == "strace"
        for server in tree(process.pid)[1:2] if tracer else [process.pid]:
            os.kill(server, signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
