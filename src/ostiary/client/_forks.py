"""Which process of a family this is: what was opened before a fork belongs to the parent.

A forked child has copies of its parent's sockets, TLS states and locks. Written to from two processes, a
connection mixes their requests up, and one user is shown another's answer; a lock that some thread of the
parent held is never let go of. So whoever keeps such things remembers the `generation` that they are of.
"""

import os
import threading


class _Here:
    """What there is once in a process."""

    def __init__(self) -> None:
        self.generation = 0
        self.process = os.getpid()
        self.lock = threading.Lock()

    def begin_anew(self) -> None:
        """Be the child: runs before anything else of ours does, in its only thread."""
        self.generation += 1
        self.process = os.getpid()
        self.lock = threading.Lock()


_here = _Here()


def generation() -> int:
    """How many forks lie between the program's start and this process.

    Counted by Python's own hook, because process ids come again, in a container soon; and by the process id,
    because a program that forks in C (uWSGI, unless it is told `py-call-osafterfork`) calls no hook of Python's.
    """
    if _here.process != os.getpid():
        _here.begin_anew()
    return _here.generation


def lock() -> threading.Lock:
    """The lock of this process under which what was a parent's is replaced; free after each fork."""
    return _here.lock


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_here.begin_anew)
